"""Numbers along a logarithmic axis as people write them: 61M, 1.3B.

Names of users may hold dollars, so figures read no formulae in any text, and matplotlib's own labels of such
axes are formulae.
"""

from __future__ import annotations

import math
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, LogFormatterMathtext


def short(number: float) -> str:
    """A number in few signs.

    >>> short(61e6), short(1.3e9), short(1500), short(0.25)
    ('61M', '1.3B', '1.5K', '0.25')
    """
    for size, sign in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if abs(number) >= size:
            return f"{number / size:.3g}{sign}"
    return f"{number:.3g}"


class _Short(LogFormatterMathtext):
    """matplotlib decides which ticks get a label, but knows nothing of how long one is.

    Below a decade it labels many; up to two decades there is room for 3 between 1 and 10, not for more.
    """

    def __call__(self, x: float, pos: Any = None) -> str:
        low, high = sorted(self.axis.get_view_interval()) if self.axis else (0, 0)
        decades = math.log10(high / low) if low > 0 else math.inf
        between = f"{x:e}"[0] != "1"
        if between and (decades > 2 or (decades > 1 and f"{x:e}"[0] != "3")):
            return ""
        return short(x) if super().__call__(x, pos) else ""


def shorten(canvas: Figure) -> None:
    """Replace the formulae at all logarithmic axes."""
    for axes in canvas.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if isinstance(axis.get_major_formatter(), LogFormatter):
                axis.set_major_formatter(_Short())
            if isinstance(axis.get_minor_formatter(), LogFormatter):
                axis.set_minor_formatter(_Short(minor_thresholds=(2.1, 0.4)))
