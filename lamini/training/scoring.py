"""The numbers of a finished student: validation loss, bits a byte, exact match beside its baselines."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytorch_lightning as pl

from lamini.config import TrainConfig
from lamini.data.datamodule import PairsDataModule
from lamini.evaluation import held_out
from lamini.training.module import StudentModule
from lamini.training.prepare import Prepared
from lamini.training.recording import Recorder

ANSWER_TOKENS = 128  # of a generated answer at most


def validated(
    trainer: pl.Trainer, module: StudentModule, data: PairsDataModule, recorder: Recorder
) -> float | None:
    """Loss after the last step, measured now unless that was a validation step; None without validation pairs."""
    last = [record for record in recorder.metrics.read() if "validation/loss" in record]
    if last and last[-1]["step"] == trainer.global_step:
        return float(last[-1]["validation/loss"])
    if not len(data.validation):
        return None
    (result,) = trainer.validate(module, data, verbose=False)
    return float(result["validation/loss"])


def bits_per_byte(loss: float | None, prepared: Prepared) -> float | None:
    """`loss` (nats a token) in bits a byte of response text: losses of different tokenizers do not compare.

    3 tokens at 2.0 nats for a text of 12 bytes: 2.0 * 3 / ln 2 / 12 = 0.72.
    """
    if loss is None:
        return None
    kept = prepared.validation_table.take(prepared.validation.rows_N)
    size = sum(len(text.encode()) for text in kept["response"].to_pylist())
    return loss * int(prepared.validation.response_lengths_N.sum()) / math.log(2) / size


def before_training(prepared: Prepared, config: TrainConfig) -> held_out.Scores:
    """The baselines of every axis, the untrained student among them."""
    axes, limit = prepared.corpus.held_out, config.validation.held_out
    scores = held_out.baselines(axes, limit, prepared.corpus.sources[0].table)
    for axis, share in held_out.score(axes, limit, _answerer(prepared)).items():
        scores[axis]["untrained"] = share
    return scores


def after_training(prepared: Prepared, config: TrainConfig, scores: held_out.Scores) -> held_out.Scores:
    """`scores` with the student's own share of right answers."""
    limit = config.validation.held_out
    for axis, share in held_out.score(prepared.corpus.held_out, limit, _answerer(prepared)).items():
        scores[axis]["student"] = share
    return scores


def _answerer(prepared: Prepared) -> Callable[[list[str]], list[str]]:
    """Answers of the student, as long as the longest response it was shown."""
    longest = min(int(prepared.train.response_lengths_N.max()), ANSWER_TOKENS)
    return lambda instructions: prepared.student.generate(instructions, max_new_tokens=longest)
