"""Stacked bars of levels, as in the paper's Figures 3 and 5, and what of them the paper has.

A row an owner, in the order of the table; where the owner is called as a model or source of the paper, the
paper's counts stand below it as a thinner bar. The length of a part is its share; the number of
texts stands in it. Colours go from the blue of analyze.py's figures, the best level, to their orange.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamini.rating.summary.cells import number

BEST, MIDDLE, WORST = "#3366aa", "#e9e9e9", "#dd6633"
WIDTH = 9.0  # inches
ROW, BESIDE = 0.34, 0.2  # inches that a bar takes
HEAD, FOOT = 0.62, 1.0  # and title with legend, and axis with caption
FAINT = "#777777"  # of what is secondary
RESOLUTION = 150  # dots an inch
NARROW = 0.0095  # share of the figure that a digit takes: a part too narrow for its number has none
SALT = "lamini"  # of the ids in the SVG: the same figure is the same file


@dataclass(frozen=True)
class Bar:
    """One row: its name and how much of each level, best first; `paper` likewise."""

    name: str
    counts: tuple[float, ...]
    paper: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Bars:
    """Panel -> bars. Panels have the same rows, or rows of their own."""

    title: str
    caption: str
    levels: tuple[str, ...]  # named in the legend, best first
    panels: dict[str, list[Bar]]


Each = Callable[[Any, Bar], None]
"""What is told every artist that is drawn, with the bar it belongs to."""


def drawn(figure: Bars) -> dict[str, bytes]:
    """Ending -> file: svg and png."""
    from matplotlib import rc_context

    with rc_context({"svg.hashsalt": SALT, "font.family": "sans-serif"}):
        canvas = _canvas(figure)
        return {
            "svg": _saved(canvas, "svg", {"Date": None, "Creator": None}),
            "png": _saved(canvas, "png", {"Software": None}),
        }


def _saved(canvas: Any, ending: str, metadata: dict[str, None]) -> bytes:
    content = io.BytesIO()
    canvas.savefig(content, format=ending, dpi=RESOLUTION, metadata=metadata)
    return content.getvalue()


def _canvas(figure: Bars) -> Any:
    from matplotlib.figure import Figure as Canvas

    rows = rows_height(figure)
    canvas = Canvas(figsize=(WIDTH, HEAD + FOOT + rows), layout="constrained")
    parts: Any = canvas.subfigures(2, 1, height_ratios=[HEAD, FOOT + rows])
    head, body = parts
    head.suptitle(figure.title, x=0.01, ha="left", fontsize=13, fontweight="bold")
    legend(head, figure)
    panels(body, figure)
    body.supxlabel(figure.caption, x=0.01, ha="left", fontsize=8, color="#555555", wrap=True)
    return canvas


def rows_height(figure: Bars) -> float:
    """Inches that the bars of the longest panel take."""
    return max(_height(bars) for bars in figure.panels.values())


def panels(body: Any, figure: Bars, each: Each | None = None, faint: str = FAINT) -> None:
    """Draw the panels side by side on a figure of matplotlib's, or on a part of one."""
    from matplotlib.ticker import PercentFormatter

    axes = body.subplots(1, len(figure.panels), sharey=_same_rows(figure), squeeze=False)[0]
    for axis, (panel, bars) in zip(axes, figure.panels.items(), strict=True):
        _panel(
            axis, bars, len(figure.levels), NARROW * len(figure.panels), each or (lambda artist, bar: None)
        )
        axis.set(title=panel, xlim=(0, 1))
        axis.xaxis.set_major_formatter(PercentFormatter(1))
        axis.spines[["top", "right", "left"]].set_visible(False)
        axis.tick_params(axis="y", length=0)
        axis.tick_params(axis="y", which="minor", labelsize=7, labelcolor=faint, length=0)


def legend(head: Any, figure: Bars, size: float = 9.0) -> None:
    """Name the levels on a figure, or on a part of one."""
    from matplotlib.patches import Patch

    handles = [
        Patch(color=colour, label=level)
        for level, colour in zip(figure.levels, shades(len(figure.levels)), strict=True)
    ]
    head.legend(
        handles=handles, loc="lower left", ncols=len(handles), frameon=False, fontsize=size,
        handlelength=1.2, columnspacing=1.4,
    )  # fmt: skip


def _same_rows(figure: Bars) -> bool:
    names = [[bar.name for bar in bars] for bars in figure.panels.values()]
    return all(one == names[0] for one in names)


def _height(bars: Sequence[Bar]) -> float:
    return sum(ROW + (BESIDE if bar.paper else 0) for bar in bars)


def _panel(axis: Any, bars: Sequence[Bar], levels: int, digit: float, each: Each) -> None:
    """Bars from top to bottom, in inches; the axis of shares runs along them."""
    top, ours, theirs = 0.0, [], []
    for bar in bars:
        ours.append(top + ROW / 2)
        drawn = _stack(axis, bar.counts, ours[-1], 0.78 * ROW, shades(levels), 8.0, digit)
        top += ROW
        if bar.paper:
            theirs.append(top + BESIDE / 2 - 0.03)
            drawn += _stack(axis, bar.paper, theirs[-1], 0.8 * BESIDE, shades(levels), 6.5, 0.82 * digit)
            top += BESIDE
        for artist in drawn:
            each(artist, bar)
    axis.set_yticks(ours, [bar.name for bar in bars])
    axis.set_yticks(theirs, ["paper"] * len(theirs), minor=True)
    axis.set_ylim(top + 0.02, -0.02)


def _stack(
    axis: Any, counts: Sequence[float], place: float, height: float, colours: Sequence[str], size: float,
    digit: float,
) -> list[Any]:  # fmt: skip
    """One bar; an owner that nobody has rated has none."""
    total, left = sum(counts), 0.0
    drawn: list[Any] = []
    for count, colour in zip(counts, colours, strict=True):
        share = count / total if total else 0.0
        drawn += axis.barh(place, share, height, left, color=colour, linewidth=0)
        if count and share >= digit * (len(number(count)) + 0.6):
            text = axis.text(
                left + share / 2, place, number(count), ha="center", va="center_baseline", fontsize=size,
                color="#ffffff" if dark(colour) else "#222222",
            )  # fmt: skip
            drawn.append(text)
        left += share
    return drawn


def shades(levels: int) -> list[str]:
    """Colours of so many levels, the best first.

    >>> shades(3)
    ['#3366aa', '#e9e9e9', '#dd6633']
    """
    ends_3C = np.array([_channels(colour) for colour in (BEST, MIDDLE, WORST)])
    at_V = np.linspace(0, 1, levels)
    mixed_VC = np.array([np.interp(at_V, [0, 0.5, 1], ends_3C[:, channel]) for channel in range(3)]).T
    return ["#" + "".join(f"{round(value):02x}" for value in colour) for colour in mixed_VC]


def dark(colour: str) -> bool:
    """Whether white is easier to read on it than black (WCAG's relative luminance)."""
    shares = [channel / 255 for channel in _channels(colour)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.2


def _channels(colour: str) -> list[int]:
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
