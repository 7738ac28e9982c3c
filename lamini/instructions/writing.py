"""A source's instructions written by a teacher: calls in waves, until there are enough (paper §3.1).

A call is a pure function of seed, source and number; how many calls are needed is not known before the
answers are there, because an answer holds more or fewer instructions than were asked for. So calls go out
in waves: a small first one, then as many as the yield so far says are missing, and so on. The size of a
wave depends on the answers before it and on nothing else, not on the order in which they came: the same
job asks the same calls again, and finds them in the log. The price is a short wait at the end of each of
the few waves.

Only counts are kept. When a source is done, its calls are gone through once more in order of their
number, with the answers from the log, and parsed again: memory stays flat, and a changed parser
asks only for what is then missing.

With generate=1000 and ask=20, the first wave is 50 calls; if they give 950, the second is ceil(50 / 950 x
50) = 3.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from lamini.config import InstructionSource
from lamini.data.records import instruction_hash
from lamini.errors import UserError
from lamini.instructions.drawing import Examples, generator, topics
from lamini.instructions.parsing import Parsed, parse
from lamini.instructions.records import Instruction
from lamini.instructions.templates import Template, more
from lamini.instructions.topics import TopicList
from lamini.teacher.protocol import FILTERED, LENGTH, Answer, Message, Request, Sampling

PILOT = 64
"""Calls of the first wave at most: what a wrong prompt may cost."""

PATIENCE = 10
"""Calls per call that would do if every answer were full; beyond them the source stays short."""

BATCH = 256
"""Calls whose answers are held at a time when the instructions are gathered."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request for instructions and what it shows."""

    source: str
    number: int
    examples: tuple[str, ...]
    topics: tuple[str, ...]
    request: Request


Answers = Callable[[Sequence[Call]], Iterable[tuple[str, Answer | None]]]
"""Calls -> for each its key in the request log and the answer, None where there is none."""


class Writing:
    """The calls of one source and what came of them."""

    def __init__(
        self,
        name: str,
        source: InstructionSource,
        seed: int,
        examples: Examples,
        topic_list: TopicList | None,
        template: Template,
        sampling: Sampling,
    ) -> None:
        self.name, self.seed, self.wanted, self.ask = name, seed, source.generate or 0, source.ask
        self.examples, self.template, self.sampling = examples, template, sampling
        self.topic_list, self.topics = topic_list, source.topics
        self.yields = array("i")  # instructions in the answer, by call number
        self.failed = 0
        self.discarded: Counter[str] = Counter()
        self.repeats = 0

    @property
    def written(self) -> int:
        """Instructions in the answers so far; `instructions` gives at most `wanted` of them."""
        return sum(self.yields)

    def call(self, number: int) -> Call:
        """Call `number`, from 0; the number is its sample index, so that no two calls share an answer."""
        rng = generator(self.seed, self.name, number)
        examples = self.examples.draw(rng)
        named = topics(self.topic_list, self.topics, rng) if self.topic_list is not None else ()
        text = more(self.template, examples, self.ask, named)
        request = Request((Message("user", text),), self.sampling, sample=number)
        return Call(self.name, number, examples, named, request)

    def wave(self) -> Iterator[tuple[Call, Request]]:
        """The calls to make next, lazily; none when there are enough, or `PATIENCE` is at its end.

        Every one of them is to be reported by `take` before the next wave is asked for; one that is not
        counts as having given nothing.

        Raises:
            UserError: the first wave gave not one instruction.
        """
        start, size = len(self.yields), self._size()
        self.yields.extend([0] * size)
        calls = map(self.call, range(start, start + size))
        return ((call, call.request) for call in calls)

    def _size(self) -> int:
        full = math.ceil(self.wanted / self.ask)
        done, written = len(self.yields), self.written
        if not done:
            return min(PILOT, full)
        if not written:
            reasons = (
                ", ".join(f"{count} {reason}" for reason, count in self.discarded.most_common()) or "nothing"
            )
            raise UserError(
                f"instructions.sources.{self.name}: the first {done} requests gave no instruction"
                f" ({self.failed} failed; set aside in the answers: {reasons}); the answers are in the log:"
                f" see whether the teacher understands instructions.sources.{self.name}.prompt"
            )
        missing = max(0, self.wanted - written)
        return min(math.ceil(missing * done / written), max(0, PATIENCE * full - done))

    def take(self, call: Call, answer: Answer | None) -> int:
        """Count what an answer holds (None: the call failed), in any order; returns its instructions."""
        if answer is None:
            self.failed += 1
            return 0
        parsed = _parsed(call, answer)
        self.yields[call.number] = len(parsed.items)
        self.discarded.update(parsed.discarded)
        return len(parsed.items)

    def instructions(self, answers: Answers) -> Iterator[Instruction]:
        """The instructions in order of their calls, `wanted` at most; exact repeats stay and are counted.

        The paper kept its 70,000 repeats; curation drops them where that is wanted.
        """
        seen: set[int] = set()
        self.repeats = 0
        for instruction in islice(self._all(answers), self.wanted):
            hashed = instruction_hash(instruction.text)
            self.repeats += hashed in seen
            seen.add(hashed)
            yield instruction

    def _all(self, answers: Answers) -> Iterator[Instruction]:
        numbers = iter(range(len(self.yields)))
        while batch := [self.call(number) for number in islice(numbers, BATCH)]:
            for call, (key, answer) in zip(batch, answers(batch), strict=True):
                for text in _parsed(call, answer).items if answer else ():
                    yield Instruction(text, self.name, call.examples, call.topics, key)


def _parsed(call: Call, answer: Answer) -> Parsed:
    return parse(answer.text, call.examples, cut=answer.finish in (LENGTH, FILTERED))
