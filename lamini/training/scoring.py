"""The numbers of a student beside its loss: bits a byte, exact match next to its baselines."""

from __future__ import annotations

import math

from lamini.config import TrainConfig
from lamini.evaluation import held_out
from lamini.training.prepare import Prepared

ANSWER_TOKENS = 128  # of a generated answer at most


def answer_tokens(prepared: Prepared) -> int:
    """Tokens an answer may have: as many as the longest response that the student is shown."""
    return min(int(prepared.train.response_lengths_N.max()), ANSWER_TOKENS)


def losses(prepared: Prepared, loss: float | None) -> dict[str, float | None]:
    """The validation loss as run.json tells it."""
    return {"validation_loss": loss, "validation_bits_per_byte": bits_per_byte(loss, prepared)}


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
    return _with(prepared, config, scores, "untrained")


def after_training(prepared: Prepared, config: TrainConfig, scores: held_out.Scores) -> held_out.Scores:
    """`scores` with the student's own share of right answers."""
    return _with(prepared, config, scores, "student")


def _with(prepared: Prepared, config: TrainConfig, scores: held_out.Scores, who: str) -> held_out.Scores:
    """`scores` and beside them, under the name `who`, what the student answers right now."""

    def answer(instructions: list[str]) -> list[str]:
        return prepared.student.generate(instructions, max_new_tokens=answer_tokens(prepared))

    shares = held_out.score(prepared.corpus.held_out, config.validation.held_out, answer)
    return {axis: {**scores[axis], who: share} for axis, share in shares.items()}
