"""`rate.py mode=summary`: from the ratings of a study to figure, tables and agreement."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lamini.rating.summary import report
from lamini.rating.summary.bootstrap import Bootstrap
from lamini.rating.summary.collected import collect
from lamini.rating.summary.summary import Summary, summed_up

if TYPE_CHECKING:
    from lamini.rating.store import Store


def summarise(store: Store, out: Path, *, seed: int, resamples: int) -> Summary:
    """Sum up what stands now, write it into the folder `out` and print it.

    Raises:
        UserError: nobody has rated anything, or the folder cannot be written.
    """
    summary = summed_up(collect(store), Bootstrap(seed, resamples))
    report.show(summary, report.write(summary, out))
    return summary
