"""Sequences that begin alike, as one row in which every shared beginning stands once.

A benchmark asks about the same context with each of its answers. Such sequences form a tree of tokens; a row
holds its nodes, a node stands behind the one before it, and attention goes from a node to itself and to those
that lead to it. So the context is computed once, and each answer sees exactly what it would see alone.

Suffixes: B rows, T nodes of a row, S sequences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from lamini.students.tensors import Ids

HIDDEN = -1  # in distances: a node that is not on the way


@dataclass
class Branches:
    """The tree of some sequences. [5, 6, 7, 8], then [5, 6, 9]:

        ids        [5, 6, 7, 8, 9]
        depths     [0, 1, 2, 3, 2]
        paths      [[0, 1, 2, 3], [0, 1, 4]]
        distances  [[ 0, -1, -1, -1, -1],
                    [ 1,  0, -1, -1, -1],
                    [ 2,  1,  0, -1, -1],
                    [ 3,  2,  1,  0, -1],
                    [ 2,  1, -1, -1,  0]]

    A sequence shares nodes with the one added before it, so sorted ones share all they can.
    """

    ids: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    paths: list[np.ndarray] = field(default_factory=list)  # of each sequence: the node of each of its tokens
    _last: Ids = ()

    @classmethod
    def of(cls, sequences: Sequence[Ids]) -> Branches:
        """The tree of these sequences."""
        tree = cls()
        for sequence in sequences:
            tree.add(sequence)
        return tree

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, sequence: Ids) -> None:
        """One more sequence; its path is the last of `paths`."""
        same = shared(self._last, sequence)
        new = np.arange(len(self.ids), len(self.ids) + len(sequence) - same)
        before = self.paths[-1][:same] if self.paths else np.empty(0, dtype=np.int64)
        self.paths.append(np.concatenate([before, new]))
        self.ids.extend(sequence[same:])
        self.depths.extend(range(same, len(sequence)))
        self._last = sequence

    def distances(self) -> np.ndarray:
        """Nodes from a query back to a key on its way, HIDDEN elsewhere: int16 (T, T), query first."""
        out_TT = np.full((len(self), len(self)), HIDDEN, dtype=np.int16)
        for path in self.paths:
            steps = np.arange(len(path), dtype=np.int16)
            away = steps[:, None] - steps[None, :]
            out_TT[np.ix_(path, path)] = np.where(away >= 0, away, HIDDEN)
        return out_TT


def shared(one: Ids, other: Ids) -> int:
    """How many tokens two sequences begin with alike. [5, 6, 7] and [5, 6, 9, 9] give 2."""
    limit = min(len(one), len(other))
    differs = np.asarray(one[:limit]) != np.asarray(other[:limit])
    return int(differs.argmax()) if differs.any() else limit


def stacked(trees: Sequence[Branches]) -> Tensor:
    """The distances of several rows, padded: int16 (B, 1, T, T).

    Padding looks at everything, since a softmax over nothing is NaN; nothing looks at padding.
    """
    longest = max(map(len, trees))
    out_B1TT = np.full((len(trees), 1, longest, longest), HIDDEN, dtype=np.int16)
    for row, tree in enumerate(trees):
        out_B1TT[row, 0, : len(tree), : len(tree)] = tree.distances()
        out_B1TT[row, 0, len(tree) :] = 0
    return torch.from_numpy(out_B1TT)


def is_distances(mask: object) -> bool:
    """Whether a mask is one of `stacked`."""
    return isinstance(mask, Tensor) and mask.dtype == torch.int16


def seen(distances_B1TT: Tensor, window: int | None = None) -> Tensor:
    """True where a query may look: bool (B, 1, T, T); with `window` at itself and the `window` - 1 before."""
    may_B1TT = distances_B1TT > HIDDEN
    return may_B1TT if window is None else may_B1TT & (distances_B1TT < window)
