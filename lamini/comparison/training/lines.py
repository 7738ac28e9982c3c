"""Curves of a herd in one figure: a colour a family, a dash pattern a student of it.

Up to SINGLE students share one panel, which compares them; more get a panel a family.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamini.comparison.blocks import Drawing
from lamini.comparison.figures.axes import short
from lamini.comparison.figures.drawing import colour_of, gid
from lamini.comparison.herd import Member
from lamini.comparison.names import drawn

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

SINGLE = 10  # students
ACROSS = 3  # panels
NAMED = 8  # students of a panel that its legend names
DASHES = ("-", "--", ":", "-.")
LOWEST, HIGHEST = (
    0.5,
    99.5,
)  # percentiles of all values between which a figure shows: a first loss is far above


@dataclass(frozen=True)
class Line:
    """A student's values at steps, float64 (P,) each."""

    member: Member
    step_P: np.ndarray
    value_P: np.ndarray


def lines(
    name: str, title: str, caption: str, unit: str, found: Sequence[Line], families: Sequence[str]
) -> Drawing | None:
    """None without a line; `families` are those of the whole herd, for the colours."""
    if not found:
        return None
    panels = {"": list(found)} if len(found) <= SINGLE else by_family(found)
    rows = -(-len(panels) // ACROSS)

    def draw(canvas: Canvas) -> None:
        across = min(ACROSS, len(panels))
        axes = canvas.subplots(rows, across, squeeze=False, sharey=True).ravel()
        for axis, (panel, own) in zip(axes, panels.items(), strict=False):
            _panel(axis, own, families)
            axis.set(title=drawn(panel), xlabel="steps")
            axis.xaxis.set_major_formatter(lambda step, _: short(step))
            if panel and len(own) <= NAMED:
                axis.legend(fontsize=7)
        for axis in axes[len(panels) :]:
            axis.set_visible(False)
        for axis in axes[::across]:
            axis.set_ylabel(unit)
        axes[0].set_ylim(*limits(found))
        if len(panels) == 1:
            canvas.legend(loc="outside upper left", ncols=min(len(found), 5))

    best = min(found, key=lambda line: float(line.value_P[-1]) if np.isfinite(line.value_P[-1]) else np.inf)
    count = len({line.member.family for line in found})
    alt = (
        f"Lines of {len(found)} students of {count} families over their steps. The lowest ends at"
        f" {best.value_P[-1]:.3f} {unit}: {best.member.key}."
    )
    height = 4.2 if len(panels) == 1 else 0.3 + 2.5 * rows
    return Drawing(name, title, caption, alt, draw, 9.0, height)


def by_family(found: Sequence[Line]) -> dict[str, list[Line]]:
    """Family -> its lines, smallest student first."""
    panels: dict[str, list[Line]] = {}
    for line in sorted(found, key=lambda one: (one.member.family, one.member.parameters or 0)):
        panels.setdefault(line.member.family, []).append(line)
    return panels


def limits(found: Sequence[Line]) -> tuple[float, float]:
    """From where to where the figure shows values: all but the outermost of 200, with some room."""
    value_P = np.concatenate([line.value_P for line in found])
    value_P = value_P[np.isfinite(value_P)]
    if not len(value_P):
        return 0.0, 1.0
    low, high = np.percentile(value_P, [LOWEST, HIGHEST])
    room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return float(low - room), float(high + room)


def _panel(axis: Any, own: Sequence[Line], families: Sequence[str]) -> None:
    count: dict[str, int] = {}
    for line in own:
        family = line.member.family
        place = count[family] = count.get(family, -1) + 1
        (path,) = axis.plot(
            line.step_P, line.value_P, DASHES[place % len(DASHES)], color=colour_of(family, families),
            label=drawn(line.member.key), linewidth=1.4,
        )  # fmt: skip
        gid(path, line.member.key)
