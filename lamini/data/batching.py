"""The choices of `batching=`: how a step's pairs become micro-batches. One dataclass each.

`plan` gets the lengths of a step's pairs on each side (sides_NK), the positions that a micro-batch may
have, the devices and a key = (seed, step), and returns micro-batches of rows of positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lamini.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from lamini.data.batches import MicroBatch

LITTLE = 0.03  # share of padding below which `auto` lets every pair have a row of its own
LONG = 4096  # positions of a row on each side, where attention costs what its pairs need
NEXT_TO_NOTHING = 0.002  # share of padding of such rows


class Batching(Protocol):
    """What every choice can do."""

    def plan(self, sides_NK: np.ndarray, budget: int, devices: int, key: tuple[int, int]) -> list[MicroBatch]:
        """Micro-batches of a step (lamini/data/batches.py)."""
        ...

    def check(self, longest_K: np.ndarray, pair: int, budget: int) -> None:
        """Raise UserError where a pair of the data cannot be placed.

        `longest_K` is the longest of all pairs on each side, `pair` the longest pair of all sides together.
        """
        ...


@dataclass
class Packed:
    """Several pairs in a row, kept apart by masks: next to no padding."""

    budgets: list[int] | None  # positions of a row on each side: [source, target] or [row]; null: as they fit
    padding: float  # share of padding up to which rows are kept short: attention costs a row's square

    def plan(self, sides_NK: np.ndarray, budget: int, devices: int, key: tuple[int, int]) -> list[MicroBatch]:
        """As `Batching`."""
        from lamini.data.packing import packed

        widths = None if self.budgets is None else tuple(self.budgets)
        return packed(sides_NK, budget, devices, key, self.padding, widths)

    def lengthened(self, longest_K: np.ndarray) -> Packed:
        """The same for attention that costs no more in a long row, which leaves less of itself empty.

        Budgets that were asked for stay.
        """
        if self.budgets is not None:
            return self
        return Packed(
            [max(LONG, longest) for longest in longest_K.tolist()], min(self.padding, NEXT_TO_NOTHING)
        )

    def check(self, longest_K: np.ndarray, pair: int, budget: int) -> None:
        """As `Batching`: rows must hold the longest pair, micro-batches too."""
        if pair > budget:
            raise UserError(
                f"size.micro_tokens={budget} is less than the longest pair of {pair} positions, so it cannot"
                f" be packed: use size.micro_tokens={pair} or more, a smaller context, or batching=bucketed"
            )
        if self.budgets is None:
            return
        longest = longest_K.tolist()
        if len(self.budgets) != len(longest):
            sides = "[source,target]" if len(longest) == 2 else "[row]"
            raise UserError(f"batching.budgets={self.budgets} must be {sides} for this student")
        if any(width < needed for width, needed in zip(self.budgets, longest, strict=True)):
            raise UserError(
                f"batching.budgets={self.budgets} is less than the longest pair; use"
                f" batching.budgets={longest} or more, a smaller context, or batching=bucketed"
            )


@dataclass
class Bucketed:
    """A row a pair, pairs of similar length together."""

    def plan(self, sides_NK: np.ndarray, budget: int, devices: int, key: tuple[int, int]) -> list[MicroBatch]:
        """As `Batching`."""
        from lamini.data.batches import bucketed

        return bucketed(sides_NK, budget, devices, key)

    def check(self, longest_K: np.ndarray, pair: int, budget: int) -> None:
        """As `Batching`: a pair above the budget stands alone."""


@dataclass
class Plain:
    """A row a pair, in the sampler's own order."""

    def plan(self, sides_NK: np.ndarray, budget: int, devices: int, key: tuple[int, int]) -> list[MicroBatch]:
        """As `Batching`."""
        from lamini.data.batches import plain

        return plain(sides_NK, budget, devices, key)

    def check(self, longest_K: np.ndarray, pair: int, budget: int) -> None:
        """As `Batching`: a pair above the budget stands alone."""


@dataclass
class Auto:
    """Packed, unless the student cannot pack exactly or bucketing pads next to nothing either."""

    padding: float  # of packed rows, see Packed

    def choose(self, obstacle: str | None, bucketed_share: float, fits: bool) -> tuple[Batching, str]:
        """The choice and the sentence that says why.

        `obstacle` is why the student cannot pack (None: it can), `bucketed_share` the padding that buckets
        would have, `fits` whether the longest pair fits a micro-batch.
        """
        share = f"{100 * bucketed_share:.1f} % padding"
        if obstacle is not None:
            return Bucketed(), f"batching: bucketed ({share}), since {obstacle}"
        if not fits:
            return Bucketed(), f"batching: bucketed ({share}), since the longest pair fills a micro-batch"
        if bucketed_share <= LITTLE:
            return Bucketed(), f"batching: bucketed, which has {share} only"
        return Packed(None, self.padding), f"batching: packed (bucketed would have {share})"
