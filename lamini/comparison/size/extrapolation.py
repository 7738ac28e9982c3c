"""The figure of a scaling fit: a panel a series with its points, curve, band and forecast."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lamini.comparison import cells
from lamini.comparison.figures.drawing import FAINT, INK, colour_of, gid, marker_of
from lamini.comparison.figures.magnitudes import logarithmic
from lamini.comparison.herd import Member
from lamini.comparison.replicates import Row
from lamini.comparison.size.scaling import Fit
from lamini.comparison.size.series import Series
from lamini.rating.summary.bootstrap import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

POINTS = 40  # of a curve


class Fitted(Protocol):
    """As fits.Fitted."""

    @property
    def series(self) -> Series: ...
    @property
    def curve(self) -> Fit: ...
    @property
    def next_name(self) -> str: ...
    @property
    def next_place(self) -> tuple[float, ...]: ...


class Measure(Protocol):
    """As fits.Measure."""

    @property
    def families(self) -> Sequence[str]: ...
    @property
    def number(self) -> Callable[[Member], float | None]: ...
    def shown(self, error: float) -> float: ...
    def bounds(self, one: Estimate) -> tuple[float, float, float]: ...


def draw_series(
    canvas: Canvas,
    measure: Measure,
    fitted: Sequence[Fitted],
    place: Callable[[Row], int],
    labels: tuple[str, str],
) -> None:
    """Two panels a line, of one height, so that curves compare."""
    columns = min(2, len(fitted))
    panels = canvas.subplots(math.ceil(len(fitted) / columns), columns, sharey=True, squeeze=False).flat
    for axes, one in zip(panels, fitted, strict=False):
        _panel(axes, measure, one, place)
        logarithmic(axes, labels[0])
        axes.set_ylabel(labels[1])
    for axes in list(panels)[len(fitted) :]:
        axes.set_axis_off()
    _limits(canvas, measure, fitted)


def _panel(axes: Axes, measure: Measure, one: Fitted, place: Callable[[Row], int]) -> None:
    families = measure.families
    colour = colour_of(one.series.family, families)
    whole = "\n".join(cells.owner(row) for row in one.series.rows)
    end = one.next_place[0]
    x_P = np.geomspace(one.curve.place_NK[:, 0].min(), end, POINTS)
    curve = [measure.bounds(one.curve.at(float(x))) for x in x_P]
    seen = x_P <= one.curve.place_NK[:, 0].max() * 1.001
    axes.set_title(one.series.label)
    gid(
        axes.fill_between(
            x_P,
            [low for _, low, _ in curve],
            [high for _, _, high in curve],
            color=colour,
            alpha=0.15,
            linewidth=0,
        ),
        whole,
    )
    values = np.array([value for value, _, _ in curve])
    gid(axes.plot(x_P[seen], values[seen], color=colour)[0], whole)
    gid(axes.plot(x_P[~seen], values[~seen], color=FAINT, linestyle=":")[0], whole)
    for row in one.series.rows:
        found = [value for member in row.members if (value := measure.number(member)) is not None]
        dots = axes.plot(
            [place(row)] * len(found), [measure.shown(value) for value in found], linestyle="none",
            marker=marker_of(one.series.family, families), color=colour,
            markerfacecolor=colour if one.series.tuned else "none",
        )  # fmt: skip
        gid(dots[0], cells.owner(row))
    value, low, high = measure.bounds(one.curve.forecast(*one.next_place))
    bars = axes.errorbar(
        [end], [value], yerr=[[max(value - low, 0)], [max(high - value, 0)]], color=FAINT, marker="D",
        markerfacecolor="none", linestyle="none", elinewidth=1, capsize=3,
    )  # fmt: skip
    gid(bars, whole)
    axes.annotate(
        f"forecast: {one.next_name}", (end, value), xytext=(-8, 8), textcoords="offset points", ha="right",
        fontsize=8, color=INK,
    )  # fmt: skip


def _limits(canvas: Canvas, measure: Measure, fitted: Sequence[Fitted]) -> None:
    """What was measured and is forecast stays in sight; bands may leave the panel."""
    values = [measure.shown(float(error)) for one in fitted for error in one.curve.error_N]
    values += [measure.bounds(one.curve.forecast(*one.next_place))[0] for one in fitted]
    room = max(0.25 * (max(values) - min(values)), 1e-3)
    canvas.axes[0].set_ylim(max(min(values) - room, 0), max(values) + room)
