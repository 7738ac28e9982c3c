"""The embedded teacher: it answers a closed set of instruction kinds exactly.

It stands in for a large model wherever none can be reached, so that the pipeline from prompts to
scores runs offline in minutes and gives numbers that mean something: each answer is computed, so
right and wrong are facts. It is never evidence about real tasks. The kinds live in the modules of
this package, one topic each; standard library only.
"""

import random
from collections.abc import Collection

from lamini.errors import UserError
from lamini.teacher.oracle.categories import CATEGORY_KINDS
from lamini.teacher.oracle.checking import normalise, same_text
from lamini.teacher.oracle.dates import DATE_KINDS
from lamini.teacher.oracle.faults import make_faulty
from lamini.teacher.oracle.generation import check_request, is_held_out, make_axes
from lamini.teacher.oracle.grammar import GRAMMAR_KINDS
from lamini.teacher.oracle.inference import INFERENCE_KINDS
from lamini.teacher.oracle.kinds import Kind
from lamini.teacher.oracle.matching import Match, Matcher
from lamini.teacher.oracle.number_words import NUMBER_WORD_KINDS
from lamini.teacher.oracle.numbers import NUMBER_KINDS
from lamini.teacher.oracle.python_facts import PYTHON_KINDS
from lamini.teacher.oracle.reading import READING_KINDS
from lamini.teacher.oracle.reference import REFERENCE_KINDS
from lamini.teacher.oracle.rows import Row
from lamini.teacher.oracle.words import WORD_KINDS
from lamini.teacher.oracle.writing import WRITING_KINDS

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        *WORD_KINDS,
        *CATEGORY_KINDS,
        *NUMBER_KINDS,
        *NUMBER_WORD_KINDS,
        *DATE_KINDS,
        *GRAMMAR_KINDS,
        *INFERENCE_KINDS,
        *REFERENCE_KINDS,
        *READING_KINDS,
        *WRITING_KINDS,
        *PYTHON_KINDS,
    )
}
_DRY_AFTER = 500  # draws in a row without a new instruction
_MATCHER = Matcher(KINDS.values())
_MATCHERS = {name: Matcher([kind]) for name, kind in KINDS.items()}


class Oracle:
    """The teacher that knows its kinds and nothing else."""

    def answer(self, instruction: str) -> str:
        """The exact answer.

        Raises:
            UserError: no kind understands the instruction.
        """
        return _understood(_MATCHER, instruction).answer

    def kind_of(self, instruction: str) -> str | None:
        """The name of the kind that understands the instruction, or None."""
        match = _MATCHER.match(instruction)
        return match.kind.name if match else None

    def more_like(self, examples: list[str], n: int, seed: int, topics: Collection[str] = ()) -> list[str]:
        """`n` distinct new instructions of the kinds of the examples, in trained phrasings.

        Held-out instances are left out, so that what is trained on them can be scored on those. Examples that
        no kind understands are passed over: a human seed task is a legitimate example. Where none is
        understood, all trained kinds take part. With topics every instruction is about one of them, in the
        only sense the oracle has: its words stand among those that are to be worked on, so only kinds that
        work on a line of words take part. Example: "Write the last word of: lemon hat" with the topic
        "Owls" becomes "Write the last word of: lemon hat Owls".

        Raises:
            UserError: the kinds cannot give `n` new instructions.
        """
        fresh = self.some_like(examples, n, seed, topics)
        if len(fresh) < n:
            raise UserError(f"The oracle has only {len(fresh)} more like these, not {n}.")
        return fresh

    def some_like(self, examples: list[str], n: int, seed: int, topics: Collection[str] = ()) -> list[str]:
        """As `more_like`, but fewer where there are fewer."""
        names = {name for text in examples if (name := self.kind_of(text)) is not None}
        kinds = [kind for kind in KINDS.values() if kind.name in names and _has_room(kind, topics)]
        kinds = kinds or [kind for kind in KINDS.values() if not kind.unseen and _has_room(kind, topics)]
        rng = random.Random(f"{seed}/{'|'.join(examples)}")
        fresh: dict[str, None] = {}
        misses = 0
        while len(fresh) < n and misses < _DRY_AFTER:
            kind = rng.choice(kinds)
            fields = kind.sample(rng)
            if topics:
                fields["text"] = " ".join([fields["text"], rng.choice(list(topics))])
            text = rng.choice(kind.phrasings).format_map(fields)
            new = text not in fresh and text not in examples and not is_held_out(kind.name, fields)
            misses = 0 if new and self.kind_of(text) else misses + 1
            if misses == 0:
                fresh[text] = None
        return list(fresh)


def _has_room(kind: Kind, topics: Collection[str]) -> bool:
    """Whether instructions of the kind can name a topic, if there is one."""
    return not topics or all("{text}" in phrasing for phrasing in kind.phrasings)


def _understood(matcher: Matcher, instruction: str) -> Match:
    match = matcher.match(instruction)
    if match is None:
        raise UserError(
            f"The oracle does not understand the instruction {instruction!r}: it answers only its "
            f"own {len(KINDS)} kinds, such as {WORD_KINDS[0].phrasings[0].format(text='a b c')!r}."
        )
    return match


def is_right(kind: str, instruction: str, answer: str) -> bool:
    """Whether a free text is a right answer to an instruction of that kind.

    Raises:
        UserError: there is no such kind, or the instruction is not one of it.
    """
    if kind not in _MATCHERS:
        raise UserError(f"The oracle has no kind {kind!r}; it has {', '.join(KINDS)}.")
    match = _understood(_MATCHERS[kind], instruction)
    if normalise(instruction) in normalise(answer):
        return False  # an echo has all the words that an open-ended check looks for
    if match.kind.accepts is not None:
        return match.kind.accepts(match.fields, answer)
    return same_text(match.answer, answer)


def generate(
    pairs: int,
    held_out: int,
    seed: int,
    fault_rate: float = 0.0,
    sources: Collection[str] | None = None,
) -> dict[str, list[Row]]:
    """Training pairs and held-out axes; the same arguments give the same rows.

    Returns:
        "train" (`pairs` rows, instructions distinct, `round(fault_rate * pairs)` of them faulty)
        and "new_instances", "new_phrasings", "unseen_kinds" (`held_out` rows each, never faulty).

    Raises:
        UserError: a fault rate outside 0..1, unknown sources, or more rows than the kinds can give.
    """
    check_request(pairs, held_out, fault_rate, sources)
    axes = make_axes(KINDS.values(), pairs, held_out, seed, sources)
    rng = random.Random(f"{seed}/faults")
    axes["train"] = make_faulty(axes["train"], fault_rate, rng, is_right)
    return axes


__all__ = ["KINDS", "Oracle", "Row", "generate", "is_right"]
