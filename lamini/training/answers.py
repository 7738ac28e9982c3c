"""A few validation instructions answered at every validation: numbers hide what one look at the text shows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.loggers import WandbLogger

from lamini.students.protocol import Student


class Answers(pl.Callback):
    """Greedy answers of the student, appended to answers.jsonl and sent to W&B as a table."""

    def __init__(self, student: Student, rows: Sequence[tuple[str, str]], file: Path, tokens: int) -> None:
        self.student, self.rows, self.file, self.tokens = student, rows, file, tokens

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Answer and write down."""
        if not self.rows or not trainer.is_global_zero:
            return
        instructions = [instruction for instruction, _ in self.rows]
        answers = self.student.generate(instructions, max_new_tokens=self.tokens)
        table = [
            [trainer.global_step, instruction, response, answer]
            for (instruction, response), answer in zip(self.rows, answers, strict=True)
        ]
        names = ["step", "instruction", "response", "answer"]
        with self.file.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in table)
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                logger.log_text("validation/answers", columns=names, data=table)
