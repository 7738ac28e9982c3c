"""The oracle as a teacher: it writes instructions and answers them, without a network and exactly.

A request for more instructions, in the words of `lamini/instructions/prompts`, gets as many as were asked
for, between the same tags; every other request is answered as an instruction of one of the oracle's kinds. A
share of the answers can be spoiled in the ways in which real teachers spoil theirs, so that parsing and
curation have something to do. Which ones is decided by the request alone: asked twice, a job gives the same.

A token is a word here; the oracle has no tokenizer.
"""

from __future__ import annotations

import asyncio
import random

from lamini.instructions.templates import Asked, asked
from lamini.teacher.oracle import KINDS, Oracle, is_right
from lamini.teacher.oracle.faults import PREFIXES, SUFFIXES, spoiled
from lamini.teacher.oracle.rows import Row
from lamini.teacher.protocol import LENGTH, STOP, Answer, Request, Unanswerable, log_name

OPEN, CLOSE = "<example>", "</example>"
POOL = 20  # answers of the same kind that a wrong answer is chosen from


class Embedded:
    """The oracle behind the protocol of teachers."""

    kind = "oracle"

    def __init__(self, model: str, fault_rate: float) -> None:
        """`fault_rate` of the answers are spoiled; it is part of the name under which answers are logged."""
        self.model = log_name(model, {"fault_rate": fault_rate} if fault_rate else {})
        self._name, self._fault_rate = model, fault_rate
        self._oracle = Oracle()

    async def answer(self, request: Request) -> Answer:
        """The answer to the last message.

        Raises:
            Unanswerable: no kind understands it.
        """
        await asyncio.sleep(0)  # as all teachers, let the others work
        key = request.key(self.kind, self.model)
        rng = random.Random(key)
        wish = asked(request.messages[-1].content)
        faulty = random.Random(f"{key}/faulty").random() < self._fault_rate
        if wish is None:
            text = self._answer(request.messages[-1].content, rng if faulty else None)
        else:
            text = self._more(wish, key, rng if faulty else None)
        return self._bounded(text, request)

    async def close(self) -> None:
        """Nothing to give back."""

    def _answer(self, instruction: str, rng: random.Random | None) -> str:
        """The exact answer, or with `rng` a spoiled one."""
        name = self._oracle.kind_of(instruction)
        if name is None:
            raise Unanswerable("not_understood", f"{instruction[:80]!r} is none of the oracle's kinds")
        answer = self._oracle.answer(instruction)
        if rng is None:
            return answer
        kind = KINDS[name]
        pool = [_row(name, "", kind.answer(kind.sample(rng))) for _ in range(POOL)]
        return spoiled(_row(name, instruction, answer), pool, pool, rng, is_right).response

    def _more(self, wish: Asked, key: str, rng: random.Random | None) -> str:
        """New instructions between tags; fewer than asked for where the kinds have no more."""
        texts = self._oracle.some_like(list(wish.examples), wish.count, int(key, 16), wish.topics)
        return in_tags(texts) if rng is None else messy(texts, rng)

    def _bounded(self, text: str, request: Request) -> Answer:
        """The text, cut to `max_tokens` words."""
        words, most = text.split(), request.sampling.max_tokens
        finish = STOP
        if most is not None and len(words) > most:
            text, finish = " ".join(words[:most]), LENGTH
        prompt = sum(len(message.content.split()) for message in request.messages)
        return Answer(text, finish, prompt, len(text.split()), self._name, raw=text)


def in_tags(texts: list[str]) -> str:
    """One tagged line each.

    >>> in_tags(["Sing", "Dance"])
    '<example>Sing</example>\\n<example>Dance</example>'
    """
    return "\n".join(f"{OPEN}{text}{CLOSE}" for text in texts)


def messy(texts: list[str], rng: random.Random) -> str:
    """The instructions as teachers write them on a bad day, in one of five ways."""
    way = rng.choice(("chatter", "numbered", "unclosed", "untagged", "cut"))
    if way == "chatter":
        return f"{rng.choice(PREFIXES)}\n\n{in_tags(texts)}\n\n{rng.choice(SUFFIXES)}"
    if way == "numbered":
        return "\n".join(f"{n}. {OPEN}{text}{CLOSE}" for n, text in enumerate(texts, 1))
    if way == "unclosed":
        return "\n".join(f"{OPEN}{text}" for text in texts)
    if way == "untagged":
        return "\n".join(f"{n}. {text}" for n, text in enumerate(texts, 1))
    last = texts[-1:] and f"\n{OPEN}{texts[-1][: len(texts[-1]) // 2]}"
    return in_tags(texts[:-1]) + (last or "")


def _row(kind: str, instruction: str, response: str) -> Row:
    return Row(instruction, response, "", kind, "", "", "")
