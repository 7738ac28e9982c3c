"""The Lightning module: loss, its numbers, optimizer, and nothing else.

One Lightning batch is one optimizer step: a list of micro-batches whose token losses are summed and divided
once by the response tokens of the whole step, over all micro-batches and all ranks. So the gradient does not
depend on how the step was cut (transformers issue 34191 is what happens otherwise), and because the sampler
and the random state are functions of the step, a run that was killed continues bit for bit. Lightning's
automatic optimization offers neither, so the step is written out here.
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
from lamini.students.protocol import Batch, Student
from lamini.training.objectives.objective import Objective
from lamini.training.sharding import inside, shard, sharded, total_norm
from lamini.training.told import Number, Told


class NonFiniteLoss(UserError):
    """The loss or its gradient became NaN or infinite: the run ends as failed, its last checkpoint stays."""


class StudentModule(pl.LightningModule):
    """One student under training: `steps` optimizer steps, gradients clipped to a norm of `clip`."""

    def __init__(
        self,
        student: Student,
        optimizer: Any,
        scheduler: Scheduler,
        steps: int,
        seed: int,
        clip: float | None,
        objective: Objective | None = None,
    ) -> None:
        """`objective` is the sequence loss where none is given."""
        super().__init__()
        self.automatic_optimization = False
        self.student = student
        self.model = student.ready()
        self.objective = objective or Objective()  # its own weights are trained and saved with the student's
        self.optimizer_option = optimizer
        self.scheduler_option = scheduler
        self.steps, self.seed, self.clip = steps, seed, clip
        self._validated: list[tuple[Tensor, Tensor]] = []
        self._unchecked: Told | None = None
        self.strict_loading = not self._frozen()

    def configure_model(self) -> None:
        """Shard the model where Lightning's strategy has a device mesh; it calls this once its ranks know."""
        if self._device_mesh is not None and not sharded(self.model):
            shard(self.model, self._device_mesh["data_parallel"])

    def training_step(self, step: Step, batch_idx: int) -> dict[str, Number | float]:
        """Accumulate the step's micro-batches, clip, update.

        Returns the objective's mean a token over all ranks, the norm of the gradient before clipping and the
        learning rate, under the names of metrics.jsonl. The first two are read when somebody wants them
        (`Told`): a step that waited for the device would leave it without work until the next has begun.

        Raises:
            NonFiniteLoss: of the step before, or of this one where it has to wait; no weight was touched.
        """
        torch.manual_seed(step_seed(self.seed, self.global_step, self.global_rank))
        optimizer: Any = self.optimizers()
        total = torch.zeros((), device=self.device, dtype=torch.float32)  # in bf16-true too
        for number, batch in enumerate(step.micro_batches, 1):
            with self._communicating(number == len(step.micro_batches)):
                loss = inside(self.model, self.objective, self.student, batch)
                self.manual_backward(loss * (self.trainer.world_size / step.response_tokens))
            total += loss.detach()
        self.settle()
        norm = self._clipped()
        told = Told(torch.stack([self._over_ranks(total) / step.response_tokens, norm]), self.global_step + 1)
        self._unchecked = told
        if self.trainer.world_size > 1 or self._scaler is not None or not told.guard(optimizer.optimizer):
            self.settle()
        rate = optimizer.param_groups[0]["lr"]
        optimizer.step()
        optimizer.zero_grad()
        self.lr_schedulers().step()  # type: ignore[union-attr,call-arg]
        return {
            "train/loss": told.number(0), "train/gradient_norm": told.number(1), "train/learning_rate": rate
        }  # fmt: skip

    def settle(self) -> None:
        """Look at the last step's numbers before anything rests on it: a record, a checkpoint, a step.

        Raises:
            NonFiniteLoss: they are of no use.
        """
        told, self._unchecked = self._unchecked, None
        if told is None:
            return
        # With a scaler an infinite gradient is normal: the scaler skips the step and lowers the scale.
        numbers = {"loss": told.number(0)} | ({} if self._scaler else {"gradient": told.number(1)})
        for name, value in numbers.items():
            if not abs(float(value)) < float("inf"):
                raise NonFiniteLoss(
                    f"the {name} became {float(value)} at step {told.step}; the last good checkpoint is"
                    " kept. A lower optimizer.lr, or trainer.precision=32-true, usually helps"
                )

    def on_validation_start(self) -> None:
        """Nothing is validated after a step without numbers."""
        self.settle()

    def validation_step(self, step: Step, batch_idx: int) -> None:
        """Summed losses and token counts; nothing is read from the device here."""
        self._validated += [self._loss(batch) for batch in step.micro_batches]

    def on_validation_epoch_end(self) -> None:
        """Log the mean token loss over all micro-batches and ranks."""
        losses, counts = zip(*self._validated, strict=True)
        self._validated = []
        sums = [torch.stack(values).cpu().double().sum() for values in (losses, counts)]
        loss, tokens = self._over_ranks(torch.stack(sums)).tolist()
        self.log("validation/loss", loss / tokens, logger=False)  # the Recorder tells the loggers

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leave out what is not trained: a resumed run finds it where this one did."""
        self.settle()
        for name in self._frozen():
            checkpoint["state_dict"].pop(name, None)  # ranks that hold a shard save none

    def configure_optimizers(self) -> Any:
        """The optimizer and a schedule over exactly `steps` steps."""
        optimizer = self.optimizer_option.build(self.parameters())
        warmup = round(self.scheduler_option.warmup_ratio * self.steps)
        schedule = get_scheduler(self.scheduler_option.name, optimizer, warmup, self.steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def saved_state(self) -> dict[str, Any]:
        """The weights that a checkpoint of this module holds: the trained ones."""
        frozen = set(self._frozen())
        return {name: value for name, value in self.state_dict().items() if name not in frozen}

    def _frozen(self) -> list[str]:
        """Names of the weights beside which an adapter is trained."""
        named = self.named_parameters(remove_duplicate=False)
        return [name for name, parameter in named if not parameter.requires_grad]

    def _loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        return inside(self.model, self.student.loss, batch)

    @property
    def _scaler(self) -> Any:
        """The gradient scaler of 16-mixed, else None."""
        return getattr(self.trainer.precision_plugin, "scaler", None)

    def _clipped(self) -> Tensor:
        """Clip in place and return the norm before; fp16's gradients, and so the threshold, carry a scale."""
        parameters = list(self.parameters())
        one = torch.ones((), device=self.device)
        scale = one if self._scaler is None else self._scaler.scale(one)
        norm = total_norm(parameters)
        threshold: Any = scale * (self.clip or float("inf"))
        torch.nn.utils.clip_grads_with_norm_(parameters, threshold, norm)
        return norm / scale

    def _communicating(self, last: bool) -> AbstractContextManager[Any]:
        """Gradients cross the ranks once a step, with the last micro-batch."""
        if last or self.trainer.world_size == 1:
            return nullcontext()
        return self.trainer.strategy.block_backward_sync()  # type: ignore[attr-defined,no-any-return]

    def _over_ranks(self, value: Tensor) -> Tensor:
        """The sum over all ranks."""
        if self.trainer.world_size == 1:
            return value
        reduced = self.trainer.strategy.reduce(value.to(self.device), reduce_op="sum")
        assert isinstance(reduced, Tensor)
        return reduced


def step_seed(seed: int, step: int, rank: int) -> int:
    """Random state of one optimizer step on one rank, a pure function of the three."""
    return (seed * 1_000_003 + step) * 1_009 + rank
