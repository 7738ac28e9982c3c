"""Which examples and topics a request shows: a pure function of seed, source, number and content.

Every draw goes by `Random.random()`, the one method whose numbers Python promises to keep: an update in
the middle of a job must not change what was paid for. Every distinct prompt is as likely to be drawn
first as any other; the rest come from its group, so that a group's share of the requests is its share of
the prompts.

Suffixes: N distinct prompts, G groups that are large enough.
"""

from __future__ import annotations

from random import Random

import numpy as np

from lamini.errors import UserError
from lamini.instructions.existing import Prompts
from lamini.instructions.topics import TopicList


def distinct(rng: Random, size: int, count: int) -> list[int]:
    """`count` different numbers below `size`, each sequence equally likely.

    >>> distinct(Random("1"), 4, 2)
    [1, 0]
    """
    drawn: dict[int, None] = {}
    while len(drawn) < count:
        drawn[int(rng.random() * size)] = None
    return list(drawn)


def generator(seed: int, source: str, number: int) -> Random:
    """The random numbers of one request."""
    return Random(f"{seed}/{source}/{number}")


class Examples:
    """The prompts of a collection, ready to be drawn `count` at a time from the same group.

    A prompt that is there several times counts once. Groups with fewer than `count` prompts take no part;
    `left_out` says how many prompts these have.
    """

    def __init__(self, prompts: Prompts, count: int, key: str) -> None:
        """Raises UserError when no group has `count` different prompts."""
        self.count = count
        hash_N = prompts.table["hash"].to_numpy()
        code_N = prompts.table["group"].combine_chunks().dictionary_encode().indices.to_numpy()
        order_N = np.lexsort((hash_N, code_N))
        repeated_N = np.zeros(len(order_N), bool)
        repeated_N[1:] = (np.diff(code_N[order_N]) == 0) & (np.diff(hash_N[order_N]) == 0)
        order_N = order_N[~repeated_N]
        size_G = np.bincount(code_N[order_N])
        large_N = size_G[code_N[order_N]] >= count
        self.left_out = int((~large_N).sum())
        self._row_N = order_N[large_N]
        self._end_G = np.cumsum(size_G[size_G >= count])
        if not len(self._row_N):
            raise UserError(
                f"{key}={count}, but no group of the collection {prompts.name} has as many different prompts:"
                f" the largest has {size_G.max()}"
            )
        self._texts = prompts.table["text"].combine_chunks()

    def draw(self, rng: Random) -> tuple[str, ...]:
        """`count` different prompts of one group; none when `count` is 0."""
        if self.count == 0:
            return ()
        first = int(rng.random() * len(self._row_N))
        group = int(np.searchsorted(self._end_G, first, side="right"))
        start = int(self._end_G[group - 1]) if group else 0
        size = int(self._end_G[group]) - start
        others = [place for place in distinct(rng, size, self.count) if place != first - start]
        places = [first - start, *others][: self.count]
        return tuple(str(self._texts[int(self._row_N[start + place])].as_py()) for place in places)


def topics(names: TopicList, count: int, rng: Random) -> tuple[str, ...]:
    """`count` different topics."""
    return tuple(names[place] for place in distinct(rng, len(names), count))
