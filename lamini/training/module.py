"""The Lightning module: loss, log, optimizer, and nothing else.

One Lightning batch is one optimizer step: a list of micro-batches whose token losses are summed and divided
once by the response tokens of the whole step, over all micro-batches and all ranks. So the gradient does not
depend on how the step was cut (transformers issue 34191 is what happens otherwise), and because the sampler
and the random state are functions of the step, a run that was killed continues bit for bit.

Shapes: P = number of parameters' entries; scalars otherwise.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from transformers import get_scheduler

from lamini.config import Scheduler
from lamini.data.datamodule import Step
from lamini.errors import UserError
from lamini.students.protocol import Student


class NonFiniteLoss(UserError):
    """The loss became NaN or infinite: the run ends as failed, its last good checkpoint stays."""


class StudentModule(pl.LightningModule):
    """One student under training."""

    def __init__(
        self,
        student: Student,
        optimizer: Any,
        scheduler: Scheduler,
        steps: int,
        seed: int,
        clip: float | None,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.student = student
        self.model = student.model
        self.optimizer_option = optimizer
        self.scheduler_option = scheduler
        self.steps, self.seed, self.clip = steps, seed, clip

    def training_step(self, step: Step, batch_idx: int) -> Tensor:
        """Accumulate the step's micro-batches, clip, update. Returns the mean token loss of this rank's share.

        Raises:
            NonFiniteLoss: before the optimizer is touched.
        """
        torch.manual_seed(step_seed(self.seed, self.global_step, self.global_rank))
        optimizer = self.optimizers()
        total = torch.zeros((), device=self.device)
        for number, batch in enumerate(step.micro_batches, 1):
            with self._communicating(number == len(step.micro_batches)):
                loss, _ = self.student.loss(batch)
                self.manual_backward(loss * (self.trainer.world_size / step.response_tokens))
            total += loss.detach()
        mean = self._over_ranks(total) / step.response_tokens
        if not torch.isfinite(mean):
            raise NonFiniteLoss(
                f"the loss became {mean.item()} at step {self.global_step + 1}; the last good checkpoint is kept."
                " A lower optimizer.lr, or trainer.precision=32-true, usually helps"
            )
        norm = torch.nn.utils.clip_grad_norm_(self.parameters(), self.clip or float("inf"))
        optimizer.step()  # type: ignore[union-attr]
        optimizer.zero_grad()  # type: ignore[union-attr]
        self.lr_schedulers().step()  # type: ignore[union-attr]
        self.log_dict({"train/loss": mean, "train/gradient_norm": norm}, prog_bar=False)
        self.log("train/learning_rate", optimizer.param_groups[0]["lr"])  # type: ignore[union-attr]
        return mean

    def validation_step(self, step: Step, batch_idx: int) -> None:
        """Token-weighted validation loss: sums over micro-batches, one division at the end."""
        for batch in step.micro_batches:
            loss, tokens = self.student.loss(batch)
            self._loss_sum += loss.detach().double()
            self._token_sum += tokens

    def on_validation_epoch_start(self) -> None:
        """Zero the two sums."""
        self._loss_sum = torch.zeros((), dtype=torch.float64)
        self._token_sum = torch.zeros((), dtype=torch.int64)

    def on_validation_epoch_end(self) -> None:
        """Log the mean token loss over all ranks."""
        loss, tokens = (
            self._over_ranks(self._loss_sum.to(self.device)),
            self._over_ranks(self._token_sum.to(self.device)),
        )
        self.log("validation/loss", (loss / tokens).float())

    def configure_optimizers(self) -> Any:
        """The optimizer and a schedule over exactly `steps` steps."""
        optimizer = self.optimizer_option.build(self.parameters())
        warmup = round(self.scheduler_option.warmup_ratio * self.steps)
        schedule = get_scheduler(self.scheduler_option.name, optimizer, warmup, self.steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _communicating(self, last: bool) -> AbstractContextManager[None]:
        """Gradients cross the ranks once a step, with the last micro-batch."""
        strategy = self.trainer.strategy
        block = getattr(strategy, "block_backward_sync", None)
        return nullcontext() if last or self.trainer.world_size == 1 or block is None else block()

    def _over_ranks(self, value: Tensor) -> Tensor:
        return self.trainer.strategy.reduce(value, reduce_op="sum")  # type: ignore[return-value]


def step_seed(seed: int, step: int, rank: int) -> int:
    """Random state of one optimizer step on one rank, a pure function of the three."""
    return (seed * 1_000_003 + step) * 1_009 + rank
