"""A few validation instructions answered at every validation: one look at text shows what numbers hide."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytorch_lightning as pl

from lamini.students.protocol import Student
from lamini.training.loggers import rewind
from lamini.training.sharding import inside, sharded
from lamini.training.tracked import Tracked

NAMES = ["step", "instruction", "response", "answer"]


class Answers(pl.Callback):
    """Greedy answers of the student, appended to answers.jsonl and sent to the tracker as a table."""

    def __init__(self, student: Student, rows: Sequence[tuple[str, str]], file: Path, tokens: int) -> None:
        self.student, self.rows, self.file, self.tokens = student, rows, file, tokens

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Forget answers behind the checkpoint."""
        if trainer.is_global_zero:
            rewind(self.file, trainer.global_step)

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Answer and write down."""
        if not self.rows or not (trainer.is_global_zero or sharded(self.student.ready())):
            return
        instructions = [instruction for instruction, _ in self.rows]
        answers = inside(self.student.ready(), self.student.generate, instructions, self.tokens)
        if not trainer.is_global_zero:
            return
        table: list[list[object]] = [
            [trainer.global_step, *row, answer] for row, answer in zip(self.rows, answers, strict=True)
        ]
        with self.file.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(dict(zip(NAMES, row, strict=True))) + "\n" for row in table)
        for logger in trainer.loggers:
            if isinstance(logger, Tracked):
                logger.table("validation/answers", NAMES, table)
