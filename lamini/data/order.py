"""Which pairs an optimizer step trains on: a pure function of (seed, step).

Epochs follow each other as one endless stream that is cut into batches; a batch may straddle two
epochs and nothing is dropped. Since no state is carried, a resumed run continues exactly where it
was killed, and batches may be asked for in any order. Shuffles sort the raw output of Philox, which
numpy guarantees to stay the same between versions (its `permutation` is not).

Suffixes: E pairs of one epoch, B pairs of one batch, N rows of one source.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lamini.errors import UserError


class Order:
    """The endless stream of row numbers of a mixture.

    Rows are numbered over all sources, one after another. Weight 2 passes over a source twice an
    epoch, 0.5 over half of it: a window that moves on, so that two epochs see all of it. A weight
    so small that it rounds to no row takes one.

    Sources of 3 and 4 rows with weights 1 and 0.5 and seed 7: an epoch has 3 + 2 pairs, so batches
    of 4 straddle epochs: rows 0, 1, 2, 4, 6 make the first and 0, 1, 2, 3, 5 the second.

    >>> order = Order([3, 4], [1.0, 0.5], seed=7)
    >>> order.pairs_per_epoch
    5
    >>> [order.rows(step, 4).tolist() for step in range(3)]
    [[6, 4, 2, 1], [0, 3, 0, 1], [5, 2, 1, 6]]
    """

    def __init__(self, sizes: Sequence[int], weights: Sequence[float], seed: int) -> None:
        """`sizes` and `weights` (passes per epoch) of the sources, in the same order.

        Raises:
            UserError: a weight below 0 or not finite, or no pair at all.
        """
        if any(not math.isfinite(weight) or weight < 0 for weight in weights):
            raise UserError(f"data.sources: weights must be 0 or more, not {list(weights)}")
        self._seed = seed
        self._sizes = list(sizes)
        self._whole = [int(weight) for weight in weights]
        self._part = [_fraction(size, weight) for size, weight in zip(sizes, weights, strict=True)]
        self.pairs_per_epoch = sum(
            whole * size + part for size, whole, part in zip(sizes, self._whole, self._part, strict=True)
        )
        if self.pairs_per_epoch == 0:
            raise UserError("data.sources: no source with a weight above 0 has any usable pair")
        self._latest: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))

    def rows(self, step: int, batch_size: int) -> np.ndarray:
        """Row numbers of optimizer step `step` (from 0), int64 (B,)."""
        begin, end = step * batch_size, (step + 1) * batch_size
        pieces = []
        while begin < end:
            epoch, offset = divmod(begin, self.pairs_per_epoch)
            piece = self.epoch(epoch)[offset : offset + end - begin]
            pieces.append(piece)
            begin += len(piece)
        return np.concatenate(pieces)

    def epoch(self, epoch: int) -> np.ndarray:
        """All row numbers of an epoch in their order, int64 (E,); the latest one is kept."""
        if self._latest[0] != epoch:
            pool_E = self._pool(epoch)
            self._latest = (epoch, pool_E[_shuffle(len(pool_E), self._seed, 0, epoch)])
        return self._latest[1]

    def steps(self, epochs: float, batch_size: int) -> int:
        """Optimizer steps that `epochs` take; the last batch runs into the next epoch."""
        return max(1, math.ceil(round(epochs * self.pairs_per_epoch, 6) / batch_size))

    def _pool(self, epoch: int) -> np.ndarray:
        """The rows of an epoch before they are shuffled."""
        pools, first = [], 0
        for source, size in enumerate(self._sizes):
            pools += [np.arange(first, first + size)] * self._whole[source]
            part = self._part[source]
            if part:
                window = (epoch * part + np.arange(part)) % size
                pools.append(first + _shuffle(size, self._seed, 1, source)[window])
            first += size
        return np.concatenate(pools)


def _fraction(size: int, weight: float) -> int:
    """Rows that the part of a weight behind the point stands for."""
    part = round((weight - int(weight)) * size)
    return max(part, 1) if 0 < weight < 1 and size else part


def _shuffle(size: int, *key: int) -> np.ndarray:
    """A permutation of range(size) that the key fixes for ever."""
    raw = np.random.Philox(np.random.SeedSequence(list(key))).random_raw(size)
    return np.argsort(raw, kind="stable")
