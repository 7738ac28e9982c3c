"""The step: Hugging Face's numbers, however it is cut into micro-batches."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import get_linear_schedule_with_warmup

from lamini.config import Scheduler
from lamini.data.datamodule import Step
from lamini.students.decoder_only import DecoderOnly
from lamini.students.encoder_decoder import EncoderDecoder
from lamini.students.protocol import Batch, Student
from lamini.training.module import NonFiniteLoss, StudentModule, step_seed
from lamini.training.optimizers import AdamW
from tests.students import tiny

STEPS, CLIP, LR = 8, 0.5, 1e-3
WHOLE = [range(8)]
CUT = [range(0, 1), range(1, 4), range(4, 6), range(6, 8)]


def student_of(kind: str) -> Student:
    if kind == "t5":
        tokenizer = tiny.t5_tokenizer()
        return EncoderDecoder(tokenizer, 64, "bare", tiny.t5(len(tokenizer)))
    tokenizer = tiny.gpt2_tokenizer()
    return DecoderOnly(tokenizer, 256, "alpaca", tiny.causal(kind, len(tokenizer)))


def step_of(student: Student, cut: list[range]) -> Step:
    pairs = tiny.PAIRS[:8]
    rows = [r for r in student.encode([p[0] for p in pairs], [p[1] for p in pairs]) if r is not None]
    assert len(rows) == 8
    batches = [student.collate([rows[i].prompt for i in p], [rows[i].response for i in p]) for p in cut]
    return Step(batches, sum(len(row.response) for row in rows), 1, 1, 8)


class Outputs(pl.Callback):
    """What every step returned."""

    def __init__(self) -> None:
        self.seen: list[dict[str, float]] = []

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.seen.append(dict(outputs))


def train(
    student: Student, cut: list[range], clip: float | None = CLIP, eps: float = 1e-8, accelerator: str = "cpu"
) -> list[dict[str, float]]:
    outputs = Outputs()
    options = AdamW(lr=LR, betas=[0.9, 0.999], eps=eps, weight_decay=0.01)
    module = StudentModule(student, options, Scheduler("linear", 0.25), STEPS, 0, clip)
    trainer = pl.Trainer(
        accelerator=accelerator, max_steps=STEPS, max_epochs=1, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, callbacks=[outputs],
    )  # fmt: skip
    trainer.fit(module, DataLoader([step_of(student, cut)] * STEPS, batch_size=None))  # type: ignore[arg-type]
    return outputs.seen


def plain(kind: str, student: Student, batch: Batch) -> dict[str, Tensor]:
    """The same pairs as one would hand to `model(**inputs)`: unshifted labels where the model shifts."""
    if kind == "t5":
        return {name: batch[name] for name in ("input_ids", "attention_mask", "labels")}
    rows = student.encode([p[0] for p in tiny.PAIRS[:8]], [p[1] for p in tiny.PAIRS[:8]])
    longest = max(len(row.prompt) + len(row.response) for row in rows if row is not None)
    ids, labels, mask = (torch.full((8, longest), fill) for fill in (0, -100, 0))
    for i, row in enumerate(rows):
        assert row is not None
        begin, end = len(row.prompt), len(row.prompt) + len(row.response)
        ids[i, :end] = torch.tensor(row.prompt + row.response)
        labels[i, begin:end] = torch.tensor(row.response)
        mask[i, :end] = 1
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


@pytest.mark.parametrize("kind", ["t5", "gpt2", "gpt-neo", "llama"])
@pytest.mark.parametrize("cut", [WHOLE, CUT], ids=["whole", "cut"])
def test_eight_steps_equal_a_plain_hugging_face_loop(kind: str, cut: list[range]) -> None:
    student = student_of(kind)
    model = copy.deepcopy(student.ready()).train()
    ours = train(student, cut)
    inputs = plain(kind, student, step_of(student, WHOLE).micro_batches[0])
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=0.01)
    schedule = get_linear_schedule_with_warmup(optimizer, 2, STEPS)
    clipped = 0
    for step in ours:
        loss = model(**inputs).loss
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        clipped += int(norm > CLIP)
        assert step["train/loss"] == pytest.approx(loss.item(), rel=1e-5)
        assert step["train/gradient_norm"] == pytest.approx(norm.item(), rel=1e-3)
        assert step["train/learning_rate"] == pytest.approx(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    assert len(ours) == STEPS and clipped
    assert ours[-1]["train/loss"] < ours[0]["train/loss"]


def test_four_micro_batches_leave_the_weights_of_one_batch() -> None:
    whole = student_of("t5")
    cut = copy.deepcopy(whole)
    # AdamW divides by the gradient's size, so that of a gradient of rounding errors it makes a full step: a
    # larger epsilon leaves those out.
    train(whole, WHOLE, eps=1e-3)
    train(cut, CUT, eps=1e-3)
    theirs = dict(cut.ready().named_parameters())
    for name, parameter in whole.ready().named_parameters():
        torch.testing.assert_close(theirs[name], parameter, rtol=1e-5, atol=1e-6, msg=name)


def test_without_a_threshold_nothing_is_clipped() -> None:
    free = student_of("gpt2")
    huge = copy.deepcopy(free)
    assert train(free, WHOLE, None) == train(huge, WHOLE, 1e9)


@pytest.mark.parametrize("accelerator", ["cpu", pytest.param("gpu", marks=pytest.mark.gpu)])
@pytest.mark.parametrize("factor", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_before_the_optimizer(
    monkeypatch: pytest.MonkeyPatch, factor: float, accelerator: str
) -> None:
    """A GPU is told only after the step, which it then has left out by itself."""
    student = student_of("gpt2")
    before = copy.deepcopy(student.ready().state_dict())
    original = DecoderOnly.loss

    def loss(self: DecoderOnly, batch: Batch) -> tuple[Tensor, Tensor]:
        total, count = original(self, batch)
        return total * factor, count

    monkeypatch.setattr(DecoderOnly, "loss", loss)
    with pytest.raises(NonFiniteLoss, match=r"the loss became (nan|inf) at step 1; .* lower optimizer\.lr"):
        train(student, CUT, accelerator=accelerator)
    for name, tensor in student.ready().state_dict().items():
        assert torch.equal(tensor.cpu(), before[name]), name


def test_random_states_of_steps_ranks_and_seeds_differ() -> None:
    """Seed 1 of step 2 on rank 3 is (1 * 1000003 + 2) * 1009 + 3."""
    assert step_seed(1, 2, 3) == 1_009_005_048
    seeds = {step_seed(s, t, r) for s in range(3) for t in range(50) for r in range(4)}
    assert len(seeds) == 600
