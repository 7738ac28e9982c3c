"""Optimizers as options: each a dataclass that says its keys and builds itself. No torch until `build`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from torch.nn import Parameter
    from torch.optim import Optimizer


@dataclass
class AdamW:
    """Adam with decoupled weight decay; the hub cards' betas and epsilon."""

    STATE: ClassVar[float] = 2.0  # numbers kept for each weight

    lr: float  # peak learning rate
    betas: list[float]  # decay of the first and second moment
    eps: float  # added to the denominator
    weight_decay: float  # decoupled

    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        """The optimizer over `parameters`."""
        import torch

        first, second = self.betas
        return torch.optim.AdamW(
            parameters,
            lr=self.lr,
            betas=(first, second),
            eps=self.eps,
            weight_decay=self.weight_decay,
            fused=True,  # one kernel for all weights, on CPUs too
        )


@dataclass
class Adafactor:
    """T5's optimizer with a fixed learning rate: factored second moments, so little state."""

    STATE: ClassVar[float] = 0.05  # numbers kept for each weight: a row and a column of a matrix

    lr: float  # peak learning rate, not scaled by the parameters' size
    clip_threshold: float  # root mean square of the update
    decay_rate: float  # of the second moment, as an exponent of the step
    weight_decay: float  # decoupled

    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        """The optimizer over `parameters`."""
        from transformers.optimization import Adafactor as Implementation

        return Implementation(
            parameters,
            lr=self.lr,
            clip_threshold=self.clip_threshold,
            decay_rate=self.decay_rate,
            weight_decay=self.weight_decay,
            scale_parameter=False,
            relative_step=False,
            warmup_init=False,
        )
