"""Numbers of a step that are still on their way from the device, and a step that guards itself meanwhile."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class Told:
    """Loss and norm of the gradient of one step, copied while the device goes on.

    On a CPU they are there at once.
    """

    def __init__(self, numbers_2: Tensor, step: int) -> None:
        self.numbers_2, self.step = numbers_2, step
        self.event: torch.cuda.Event | None = None
        self.host_2 = numbers_2
        if numbers_2.is_cuda:
            self.host_2 = torch.empty(2, dtype=numbers_2.dtype, pin_memory=True)
            self.host_2.copy_(numbers_2, non_blocking=True)
            self.event = torch.cuda.Event()
            self.event.record()

    def guard(self, optimizer: Any) -> bool:
        """Whether this optimizer leaves out a step by itself whose numbers are infinite or none.

        torch's fused AdamW does, by the flag that gradient scalers set.
        """
        if self.event is None or type(optimizer) is not torch.optim.AdamW or not optimizer.defaults["fused"]:
            return False
        flagged: Any = optimizer
        flagged.found_inf = (~self.numbers_2.isfinite().all()).float()
        return True

    def number(self, place: int) -> Number | float:
        """The loss (0) or the norm (1)."""
        return Number(self, place) if self.event is not None else float(self.host_2[place])


class Number:
    """A number that is waited for when somebody reads it."""

    def __init__(self, told: Told, place: int) -> None:
        self.told, self.place = told, place

    def __float__(self) -> float:
        if self.told.event is not None:
            self.told.event.synchronize()
        return float(self.told.host_2[self.place])
