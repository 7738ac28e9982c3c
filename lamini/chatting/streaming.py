"""One answer as it grows, and a stop that is heard after every token."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

from lamini.chatting.asking import Question
from lamini.students.compiling import uncompiled
from lamini.students.protocol import Student, answering

PAUSE = 0.04  # seconds between two messages of one answer: a screen shows no more
UNFINISHED = "\ufffd"  # at the end of a text: bytes of a character whose others are still to come


@dataclass(frozen=True, slots=True)
class Answer:
    """One student's answer."""

    text: str
    tokens: int  # the end token not counted
    seconds: float
    end: str  # whole, length (of max_new_tokens or of the context) or stopped
    cut: bool  # the prompt was longer than the context


class Growing(StoppingCriteria):
    """Looks at the ids after every token: tells the text so far, and whether to stop."""

    def __init__(
        self, student: Student, given: int, tell: Callable[[str], None], stopped: Callable[[], bool]
    ) -> None:
        """`given` ids stand before the answer."""
        self.student, self.given, self.tell, self.stopped = student, given, tell, stopped
        self._told = 0.0

    def __call__(self, input_ids: Tensor, scores: Any, **more: Any) -> Tensor:  # type: ignore[override]
        """Whether the one row is finished."""
        now = time.monotonic()
        if now - self._told >= PAUSE:
            self._told = now
            text = self.student.decode(input_ids[0, self.given :].tolist())
            self.tell(text.rstrip(UNFINISHED))
        return torch.full((len(input_ids),), self.stopped(), device=input_ids.device, dtype=torch.bool)


def answer(
    student: Student, question: Question, tell: Callable[[str], None], stopped: Callable[[], bool]
) -> Answer:
    """Answer, telling the text so far again and again; greedily this is what `Student.generate` gives.

    Raises:
        UserError: the student has no model.
    """
    model, began = student.ready(), time.monotonic()
    (whole,) = student.encode_prompts([question.prompt])
    prompt = student.cut(whole, student.prompt_limit(question.max_new_tokens))
    room = student.room(len(prompt), question.max_new_tokens)
    ids_BT = torch.tensor([prompt], device=model.device)
    given = 1 if model.config.is_encoder_decoder else len(prompt)
    watch = Growing(student, given, tell, stopped)
    with answering(model, decoding(student, room, question.temperature)), uncompiled(model):
        out_BT = cast(Any, model).generate(
            input_ids=ids_BT, attention_mask=torch.ones_like(ids_BT),
            stopping_criteria=StoppingCriteriaList([watch]),
        )  # fmt: skip
    ids = out_BT[0, given:].tolist()
    ended = student.end in ids
    tokens = ids.index(student.end) if ended else len(ids)
    end = "whole" if ended else "length" if len(ids) >= room else "stopped"
    return Answer(student.decode(ids), tokens, time.monotonic() - began, end, len(prompt) < len(whole))


def decoding(student: Student, room: int, temperature: float) -> GenerationConfig:
    """Greedy, or drawn at a temperature."""
    config = student.greedy(room)
    if temperature > 0:
        config.do_sample, config.temperature = True, temperature
    return config
