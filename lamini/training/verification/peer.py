"""The same steps by a plain loop of Hugging Face's own model and loss, beside ours."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import get_scheduler

from lamini.config import TrainConfig
from lamini.students.loading import build_model
from lamini.training.prepare import Prepared
from lamini.training.verification.batches import PAIRS, Check
from lamini.training.verification.runs import STEPS, short_run, without_dropout

ALLOWED = 1e-4  # relative difference of a loss after a few steps in fp32


@dataclass(frozen=True)
class Curve:
    """Loss of every step, ours and the plain loop's."""

    run: str
    ours: list[float]
    plain: list[float]

    @property
    def check(self) -> Check:
        """The largest relative difference of a step."""
        differences = [abs(a - b) / abs(b) for a, b in zip(self.ours, self.plain, strict=True)]
        return Check(self.run, "loss curve = plain Hugging Face loop", max(differences), ALLOWED)


def curve(name: str, config: TrainConfig, prepared: Prepared, device: torch.device) -> Curve:
    """A few steps of both, without dropout, on the same pairs from the same weights."""
    _, ours = short_run(config, prepared, device, dropout=False)
    return Curve(name, ours, plain_loop(config, prepared, device))


def plain_loop(config: TrainConfig, prepared: Prepared, device: torch.device) -> list[float]:
    """The losses of `model(**inputs).loss.backward()` on whole padded batches."""
    student = prepared.student
    model = build_model(config, len(student.tokenizer)).to(device)  # type: ignore[arg-type]
    without_dropout(model)
    optimizer = config.optimizer.build(model.parameters())
    warmup = round(config.scheduler.warmup_ratio * STEPS)
    schedule = get_scheduler(config.scheduler.name, optimizer, warmup, STEPS)
    losses = []
    for step in range(STEPS):
        rows = prepared.order.rows(step, min(PAIRS, prepared.pairs)).tolist()
        inputs = student.reference(
            [prepared.train.prompt(row) for row in rows], [prepared.train.response(row) for row in rows]
        )
        loss = model(**{key: tensor.to(device) for key, tensor in inputs.items()}).loss
        loss.backward()
        if config.trainer.gradient_clip is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), config.trainer.gradient_clip)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    return losses
