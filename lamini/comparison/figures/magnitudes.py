"""A logarithmic axis of sizes, costs or amounts with room for its labels: 100M, 300M, 1B."""

from __future__ import annotations

from typing import Any

from lamini.comparison.figures.axes import short


def logarithmic(axes: Any, label: str) -> None:
    """Make the horizontal axis one, with ticks at 1 and 3 of every power of ten, and at 2 and 5 on short
    ones."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_xscale("log")
    axes.set_xlabel(label)
    low, high = axes.get_xlim()
    steps = (1, 3) if high / low > 15 else (1, 2, 5)
    axes.xaxis.set_major_locator(LogLocator(10, steps))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda number, _: short(number)))
    axes.xaxis.set_minor_locator(NullLocator())
