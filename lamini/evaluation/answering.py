"""Greedy answers of one student to many instructions, each asked once: what is cached is not asked again.

Shared by answers for raters, by the probes, and by nobody who scores log-probabilities. Answers are stored
after every batch (lamini/evaluation/answer_store.py), so an interrupted job goes on where it was.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation.answer_store import Answer, AnswerStore, name_of
from lamini.evaluation.filled import again, filled
from lamini.evaluation.loading import digest, layout_of, student_of
from lamini.evaluation.subjects import Subject
from lamini.report import duration
from lamini.students.layout import CHARACTERS_PER_TOKEN
from lamini.students.protocol import Student

VERSION = 1  # raised when the same setting would give other answers: they are kept by it
BUDGETS = {
    "cpu": 16_384,
    "cuda": 131_072,
    "mps": 32_768,
}  # positions of a batch, prompts and answers together
SECONDS = 10.0  # between lines of progress


@dataclass(frozen=True)
class Answered:
    """Answers in the order of the instructions, and what they cost now."""

    answers: list[Answer]
    generated: int  # the others came from the store
    tokens: int  # of those that were generated
    seconds: float  # that this took, loading not counted
    setting: dict[str, Any]  # everything that decides the answers
    wrapper: str  # by name; its text is in the setting

    @property
    def tokens_per_second(self) -> float | None:
        """None where nothing was generated."""
        return self.tokens / self.seconds if self.seconds else None


def answers(
    config: EvaluateConfig, subject: Subject, instructions: Sequence[str], max_new_tokens: int
) -> list[str]:
    """One answer an instruction, in order, special tokens and outer blanks removed.

    Raises:
        UserError: the student cannot be loaded, or an instruction leaves nothing to continue.
    """
    return [answer.text for answer in answered(config, subject, instructions, max_new_tokens).answers]


def answered(
    config: EvaluateConfig, subject: Subject, instructions: Sequence[str], max_new_tokens: int,
    own: Path | None = None, others: Sequence[Path] = (),
) -> Answered:  # fmt: skip
    """The same with lengths, what was cut, and the speed. `config.force` asks again what is stored.

    A worker keeps new answers in a file of its `own`, which is merged into the store, and takes those of
    `others`, the files of workers that died over the same.

    Raises:
        UserError: as `answers`.
    """
    layout = layout_of(config, subject)
    setting = setting_of(config, subject, layout, max_new_tokens)
    wanted = list(dict.fromkeys(instructions))
    generated, seconds = 0, 0.0
    with ExitStack() as stack:
        common = Path(config.paths.cache_dir).expanduser() / "answers.sqlite"
        store = stack.enter_context(AnswerStore(own or common))
        found = dict[str, Answer]()
        if not again(config.force, name_of(setting)):
            found = stack.enter_context(AnswerStore(common)).get(setting, wanted)
        for file in others:
            found |= stack.enter_context(AnswerStore(file)).get(setting, wanted)
        missing = [text for text in wanted if text not in found]
        if missing:
            student = student_of(config, subject)
            progress = Progress(subject.name, len(missing))
            for batch in generate(student, missing, max_new_tokens, config.batch_tokens):
                store.put(setting, batch)
                found |= batch
                progress.add(batch.values())
            generated, seconds = len(missing), progress.seconds
    tokens = sum(found[text].tokens for text in missing)
    cost = filled.get().get(name_of(setting))
    if cost is not None:  # by a worker, for this line
        generated, tokens, seconds = generated + cost.answers, tokens + cost.tokens, seconds + cost.seconds
    return Answered(
        [found[text] for text in instructions], generated, tokens, seconds, setting, layout.wrapper
    )


def setting_of(
    config: EvaluateConfig, subject: Subject, student: Student, max_new_tokens: int
) -> dict[str, Any]:
    """What an answer depends on beside its instruction, as JSON."""
    return {
        "version": VERSION,
        "weights": digest(config, subject),
        "precision": config.precision,
        "layout": {**student.layout(), "pad": student.pad},
        "decoding": decoding(max_new_tokens),
    }


def decoding(max_new_tokens: int) -> dict[str, Any]:
    """How students answer: greedily, since the paper does not say how its raters' answers were decoded."""
    return {"do_sample": False, "num_beams": 1, "max_new_tokens": max_new_tokens}


def generate(
    student: Student, instructions: Sequence[str], max_new_tokens: int, budget: int | None = None
) -> Iterator[dict[str, Answer]]:
    """Instruction -> answer, batch by batch, longest prompts first: short memory shows at once.

    `budget` is in positions of a batch, prompts and answers together; None leaves it to the device. Prompts
    are cut as in training, and only rows with the same room for an answer share a batch, as in
    `Student.generate`: an answer does not depend on its neighbours.

    Raises:
        UserError: an instruction leaves nothing to continue, memory is short for one row, or logits are NaN.
    """
    model = student.ready()
    limit, most = student.prompt_limit(max_new_tokens), CHARACTERS_PER_TOKEN * student.context
    prompts, cut = [], []
    for text, ids in zip(instructions, student.encode_prompts(list(instructions)), strict=True):
        if not ids:
            raise UserError(f"the instruction {text!r} leaves a bare prompt nothing to continue")
        prompts.append(student.cut(ids, limit))
        cut.append(len(ids) > limit or len(text) > most)
    rooms = [student.room(len(ids), max_new_tokens) for ids in prompts]
    budget = budget or BUDGETS.get(model.device.type, BUDGETS["cpu"])
    for rows in batches([len(ids) for ids in prompts], rooms, budget):
        with finite(model, [instructions[row] for row in rows]):
            new = continued(student, model, [prompts[row] for row in rows], rooms[rows[0]])
        yield {instructions[row]: _read(student, ids, cut[row]) for row, ids in zip(rows, new, strict=True)}


def batches(lengths: Sequence[int], rooms: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Rows of one room each, longest first, at most `budget` positions together unless it is one row.

    Prompts of 9, 3 and 4 with room for 5 and a budget of 20 are [0], [2, 1]: 14 and 2 * 9 positions.
    """
    order = sorted(range(len(lengths)), key=lambda row: (-rooms[row], -lengths[row]))
    for room, group in groupby(order, key=lambda row: rooms[row]):
        batch: list[int] = []
        for row in group:
            if batch and (len(batch) + 1) * (lengths[batch[0]] + room) > budget:
                yield batch
                batch = []
            batch.append(row)
        yield batch


def continued(
    student: Student, model: PreTrainedModel, prompts: list[list[int]], room: int
) -> list[list[int]]:
    """New ids of each row; a batch that does not fit into memory is halved.

    Raises:
        UserError: one row alone does not fit.
    """
    try:
        return student.continued(model, prompts, room)
    except torch.OutOfMemoryError:
        if len(prompts) == 1:
            raise UserError(
                f"an answer of {room} tokens to a prompt of {len(prompts[0])} does not fit into the memory of"
                f" {model.device}; lower max_new_tokens, or use precision=bf16 or device=cpu"
            ) from None
    torch.cuda.empty_cache()
    half = len(prompts) // 2
    return continued(student, model, prompts[:half], room) + continued(student, model, prompts[half:], room)


@contextmanager
def finite(model: PreTrainedModel, instructions: list[str]) -> Iterator[None]:
    """Raise UserError where a logit was NaN: greedy decoding would take token 0 and say nothing."""
    seen: list[Tensor] = []
    hook = model.get_output_embeddings().register_forward_hook(
        lambda *given: seen.append(given[-1][:, -1].isnan().any())  # earlier ones may be padding
    )
    try:
        yield
    finally:
        hook.remove()
    if seen and bool(torch.stack(seen).any()):
        raise UserError(
            f"logits are NaN in answers to {instructions[0][:60]!r} or one beside it: the weights are"
            " damaged, or their precision overflows; try precision=fp32"
        )


def _read(student: Student, ids: list[int], cut: bool) -> Answer:
    finished = student.end in ids
    return Answer(student.decode(ids), ids.index(student.end) if finished else len(ids), cut, finished)


class Progress:
    """Lines about answers, their rate and the time left."""

    def __init__(self, name: str, total: int) -> None:
        self.name, self.total, self.done, self.tokens = name, total, 0, 0
        self.began = self.said = time.monotonic()
        self.seconds = 0.0

    def add(self, answers: Any) -> None:
        """Count a batch, and say so every ten seconds and at the end."""
        now = time.monotonic()
        self.done += len(answers)
        self.tokens += sum(answer.tokens for answer in answers)
        self.seconds = max(now - self.began, 1e-9)
        if now - self.said >= SECONDS or self.done == self.total:
            self.said = now
            print(self.line(), flush=True)

    def line(self) -> str:
        """`flan-t5-small: 120/252 answers, 3.1/s, 240 tokens/s, 43 s left`."""
        rate = self.done / self.seconds
        left = f", {duration((self.total - self.done) / rate)} left" if self.done < self.total else ""
        speed = f"{rate:,.1f}/s, {self.tokens / self.seconds:,.0f} tokens/s"
        return f"{self.name}: {self.done:,}/{self.total:,} answers, {speed}{left}"
