"""Figures as PNG, through matplotlib."""

from __future__ import annotations

import io
from typing import Any

from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import PercentFormatter

from lamini.analysis.figures import Curves, Dots, Figure, Map, colours

WIDTH = 9.0  # inches
RESOLUTION = 150  # dots an inch


def png(figure: Figure) -> bytes:
    """The figure as a PNG file."""
    draw: Any = {Curves: _curves, Dots: _dots, Map: _map}[type(figure)]
    canvas = draw(figure)
    canvas.suptitle(figure.title, x=0.01, ha="left", fontsize=13, fontweight="bold")
    canvas.supxlabel(figure.caption, x=0.01, ha="left", fontsize=8, color="#555555", wrap=True)
    content = io.BytesIO()
    canvas.savefig(content, format="png", dpi=RESOLUTION, metadata={"Software": None})
    return content.getvalue()


def _canvas(height: float, panels: int) -> tuple[Canvas, Any]:
    canvas = Canvas(figsize=(WIDTH, height), layout="constrained")
    axes = canvas.subplots(1, panels, sharey=True, squeeze=False)[0]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(color="#dddddd", linewidth=0.6)
        axis.set_axisbelow(True)
    return canvas, axes


def _curves(figure: Curves) -> Canvas:
    canvas, axes = _canvas(4.6, len(figure.panels))
    for axis, (panel, lines) in zip(axes, figure.panels.items(), strict=True):
        colour = colours(list(lines))
        for name, points in lines.items():
            axis.step(*zip(*points, strict=True), where="post", label=name, color=colour[name], linewidth=1.6)
        axis.set(title=panel, xscale="log", xlabel=figure.x)
        axis.yaxis.set_major_formatter(PercentFormatter(1))
    axes[0].set_ylabel(figure.y)
    axes[-1].legend(frameon=False, fontsize=8, loc="lower right")
    return canvas


def _dots(figure: Dots) -> Canvas:
    rows = list(next(iter(figure.panels.values())))
    canvas, axes = _canvas(1.9 + 0.32 * len(rows), len(figure.panels))
    for axis, (panel, values) in zip(axes, figure.panels.items(), strict=True):
        for number, series in enumerate(figure.series):
            shown = [
                (row[number], place) for place, row in enumerate(values.values()) if row[number] is not None
            ]
            if shown:
                hollow = series in figure.marks
                colour = "#dd6633" if number else "#3366aa"
                axis.scatter(*zip(*shown, strict=True), label=series, s=90 if hollow else 36, zorder=3,
                             edgecolors=colour, facecolors="none" if hollow else colour)  # fmt: skip
        axis.set(title=panel, xlabel=figure.x, yticks=range(len(rows)), yticklabels=rows)
        if figure.percent:
            axis.set_xlim(left=-0.03 * axis.get_xlim()[1])
            axis.xaxis.set_major_formatter(PercentFormatter(1))
    axes[0].invert_yaxis()
    if len(figure.series) > 1:
        axes[-1].legend(frameon=False, fontsize=8)
    return canvas


def _map(figure: Map) -> Canvas:
    canvas, (axis,) = _canvas(7.5, 1)
    colour = colours(list(figure.sets))
    for name, points in figure.sets.items():
        x, y, _ = zip(*points, strict=True)
        axis.scatter(x, y, s=5, alpha=0.55, linewidths=0, color=colour[name], label=name)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    axis.legend(frameon=False, fontsize=9, markerscale=3, loc="upper left", bbox_to_anchor=(1, 1))
    return canvas
