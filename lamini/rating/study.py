"""A study: what is rated, on which scale and by how many; nothing of who rated how (that is the store).

    study                    one sheet of one answers file
      item                   what one rater sees on one page: an instruction and
        target               everything that gets a rating of its own: a response, a pair of responses, ...

Items and targets are known to browsers by their keys. A key is a hash under the study's digest, which covers
all texts and owners: who has not the whole answers file cannot work out whose response a key stands for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

UNIT = "\x1f"  # between the fields of what is hashed; their lengths stand beside them


@dataclass(frozen=True, slots=True)
class Level:
    """One point of a scale."""

    letter: str  # what is stored and typed: A, B, C, D; R, H; 1, 2, T
    name: str  # in a few words
    criteria: str  # one or two sentences, always in view


@dataclass(frozen=True, slots=True)
class Scale:
    """What raters choose from."""

    name: str  # quality, rejection or preference
    question: str  # what a rater is asked, one sentence
    levels: tuple[Level, ...]  # best first
    ordinal: bool  # whether the levels have an order

    @property
    def letters(self) -> tuple[str, ...]:
        """The levels' letters, best first."""
        return tuple(level.letter for level in self.levels)


@dataclass(frozen=True, slots=True)
class Target:
    """What gets one rating."""

    key: str  # opaque; "" until the study is sealed
    part: str  # response, instruction (pairs rates both apart) or pair (preference)
    texts: tuple[str, ...]  # one text, or the two that are compared, in the order they are shown
    owners: tuple[str, ...]  # who wrote them: student, teacher or source of the data; never sent to a browser


@dataclass(frozen=True, slots=True)
class Item:
    """What one rater sees on one page."""

    key: str  # opaque; "" until the study is sealed
    id: str  # of the instruction in the answers file; it may name a source, so it is not sent either
    group: str  # category, source or app; "" where there is none; not sent
    instruction: str
    targets: tuple[Target, ...]  # in the file's order; what a rater sees is shuffled, see assignment


@dataclass(frozen=True, slots=True)
class Study:
    """Everything that is rated, and by how many."""

    sheet: str  # responses, pairs, hallucination or preference
    scale: Scale
    seed: int  # of what is shared, shuffled and dealt
    overlap: float  # share of the items that `raters_per_item` rate; the others one
    raters_per_item: int
    items_per_rater: int | None  # None: as many as there are
    raters: int | None  # how many are expected; None: not known
    items: tuple[Item, ...]
    digest: str  # what the study is: sheet, scale, seed, all texts and owners


def sealed(
    sheet: str,
    scale: Scale,
    items: Sequence[Item],
    *,
    seed: int = 42,
    overlap: float = 0.0,
    raters_per_item: int = 2,
    items_per_rater: int | None = None,
    raters: int | None = None,
) -> Study:
    """The study of these items, each of which gets its keys, in the order given.

    The digest does not depend on the order of items and targets, nor on how many rate how much: an answers
    file whose students joined in another order is the same study, and so is one that more people rate.
    """
    digest = digest_of(sheet, scale, seed, items)
    return Study(
        sheet, scale, seed, overlap, raters_per_item, items_per_rater, raters,
        tuple(_keyed(item, digest) for item in items), digest,
    )  # fmt: skip


def digest_of(sheet: str, scale: Scale, seed: int, items: Iterable[Item]) -> str:
    """32 hex digits that say what a study is."""
    texts = sorted(
        _joined([item.id, item.instruction, target.part, *target.owners, *target.texts])
        for item in items
        for target in item.targets
    )
    return hashed(sheet, scale.name, *scale.letters, str(seed), *texts, size=16)


def _keyed(item: Item, digest: str) -> Item:
    targets = tuple(
        replace(target, key="t" + hashed(digest, item.id, target.part, *target.owners))
        for target in item.targets
    )
    return replace(item, key="i" + hashed(digest, item.id), targets=targets)


def hashed(*texts: str, size: int = 8) -> str:
    """2 x `size` hex digits of BLAKE2b over texts, as they are told apart: ("a", "bc") is not ("ab", "c")."""
    return blake2b(_joined(texts).encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()


def _joined(texts: Iterable[str]) -> str:
    return "".join(f"{len(text)}{UNIT}{text}" for text in texts)
