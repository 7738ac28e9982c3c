"""Data sets of the oracle: training pairs and three held-out axes.

Whether an instance is held out is a function of its content (a hash of kind and fields), never of
its position, so that no seed, size or source filter can leak one into training. Kinds are drawn by
weight; a kind that runs dry leaves its share to the others. The three axes:

    new_instances   trained kinds, trained phrasings, held-out instances
    new_phrasings   trained kinds, held-out phrasings, held-out instances
    unseen_kinds    kinds of which nothing is trained
"""

import random
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from hashlib import blake2b

from lamini.errors import UserError
from lamini.teacher.oracle.kinds import SOURCES, Fields, Kind, instance_of
from lamini.teacher.oracle.rows import Row

MOST_PER_KIND = 20_000  # more of one kind repeats its words without teaching anything new
PHRASINGS_PER_INSTANCE = 2  # the same question in other words, but not in all of them
_HELD_OUT_IN = 8  # one instance in eight is held out
_DRY_AFTER = 200  # draws in a row without anything new


def is_held_out(kind: str, fields: Fields) -> bool:
    """Whether this instance is kept out of every training set."""
    digest = blake2b(f"{kind}|{instance_of(fields)}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % _HELD_OUT_IN == 0


class _Drawer:
    """Draws new rows of one kind until it runs dry."""

    def __init__(
        self,
        kind: Kind,
        phrasings: Sequence[str],
        allowed: Callable[[str, Fields], bool],
        sources: Sequence[str],
        seed: str,
    ) -> None:
        self.kind, self._phrasings, self._allowed, self._sources = kind, phrasings, allowed, sources
        self._rng = random.Random(f"{seed}/{kind.name}")
        self._uses: Counter[str] = Counter()
        self._instructions: set[str] = set()
        self.dry = False

    def take(self, count: int) -> list[Row]:
        """Up to `count` new rows; fewer when the kind runs dry."""
        rows: list[Row] = []
        misses = 0
        while len(rows) < count and not self.dry:
            row = self._draw()
            if row is not None:
                rows.append(row)
            misses = 0 if row is not None else misses + 1
            self.dry = misses >= _DRY_AFTER or len(self._instructions) >= MOST_PER_KIND
        return rows

    def _draw(self) -> Row | None:
        fields = self.kind.sample(self._rng)
        phrasing = self._rng.choice(self._phrasings)
        source = self._rng.choice(self._sources)
        instance = instance_of(fields)
        instruction = phrasing.format_map(fields)
        if (
            self._uses[instance] >= PHRASINGS_PER_INSTANCE
            or instruction in self._instructions
            or not self._allowed(self.kind.name, fields)
        ):
            return None
        self._uses[instance] += 1
        self._instructions.add(instruction)
        response = self.kind.answer(fields)
        return Row(instruction, response, source, self.kind.name, phrasing, instance, "")


def _shares(drawers: Sequence[_Drawer], count: int) -> list[int]:
    """`count` split by weight into whole numbers that sum to it: (2, 1, 1) and 5 -> [3, 1, 1]."""
    total = sum(drawer.kind.weight for drawer in drawers)
    exact = [count * drawer.kind.weight / total for drawer in drawers]
    shares = [int(share) for share in exact]
    by_remainder = sorted(range(len(drawers)), key=lambda i: shares[i] - exact[i])
    for index in by_remainder[: count - sum(shares)]:
        shares[index] += 1
    return shares


def _draw_all(drawers: Sequence[_Drawer], count: int, seed: str, axis: str) -> list[Row]:
    rows: list[Row] = []
    active = list(drawers)
    while active and len(rows) < count:
        shares = _shares(active, count - len(rows))
        for drawer, share in zip(active, shares, strict=True):
            rows.extend(drawer.take(share))
        active = [drawer for drawer in active if not drawer.dry]
    if len(rows) < count:
        raise UserError(
            f"{count} distinct pairs were asked of the oracle for {axis}, but its kinds give only "
            f"{len(rows)}: ask for fewer, or allow more sources."
        )
    random.Random(f"{seed}/order").shuffle(rows)
    return rows


def check_request(pairs: int, held_out: int, fault_rate: float, sources: Collection[str] | None) -> None:
    """Raise UserError for sizes, rates and sources that make no sense."""
    if pairs < 0 or held_out < 0:
        raise UserError(f"pairs={pairs} and held_out={held_out} must not be negative.")
    if not 0 <= fault_rate <= 1:
        raise UserError(f"fault_rate={fault_rate} is a share: give a number from 0 to 1.")
    unknown = sorted(set(sources or ()) - set(SOURCES))
    if unknown or (sources is not None and not sources):
        named = ", ".join(unknown) or "nothing"
        raise UserError(f"sources names {named}; the seven are {', '.join(SOURCES)}.")


def make_axes(
    kinds: Collection[Kind],
    pairs: int,
    held_out: int,
    seed: int,
    sources: Collection[str] | None,
) -> dict[str, list[Row]]:
    """Fault-free rows of training and of the three held-out axes."""
    wanted = [source for source in SOURCES if sources is None or source in sources]
    eligible = [kind for kind in kinds if set(kind.sources) & set(wanted)]
    most = MOST_PER_KIND * sum(not kind.unseen for kind in eligible)
    if pairs > most:
        raise UserError(f"pairs={pairs} is more than the oracle's kinds can give: at most {most}.")

    def axis(
        name: str, count: int, unseen: bool, held_phrasings: bool, allowed: Callable[..., bool]
    ) -> list[Row]:
        drawers = [
            _Drawer(
                kind,
                kind.held_out_phrasings if held_phrasings else kind.phrasings,
                allowed,
                [source for source in kind.sources if source in wanted],
                f"{seed}/{name}",
            )
            for kind in eligible
            if kind.unseen == unseen
        ]
        return _draw_all(drawers, count, f"{seed}/{name}", name)

    return {
        "train": axis("train", pairs, False, False, lambda k, f: not is_held_out(k, f)),
        "new_instances": axis("new_instances", held_out, False, False, is_held_out),
        "new_phrasings": axis("new_phrasings", held_out, False, True, is_held_out),
        "unseen_kinds": axis("unseen_kinds", held_out, True, False, lambda k, f: True),
    }
