"""Stacked bars of levels (paper Figures 3 and 5) in the book's looks: those of rate.py, without its frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lamini.comparison.blocks import Drawing
from lamini.comparison.figures.drawing import FAINT, gid
from lamini.comparison.names import drawn
from lamini.rating.summary.figure import Bar, Bars, legend, panels, rows_height

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

WIDTH = 9.0  # inches
LEGEND, AXIS = 0.36, 0.5  # inches


def bars_of(figure: Bars, name: str, alt: str, members: Mapping[str, str]) -> Drawing:
    """The bars as a figure of the book; those of a member are hidden with its rows.

    `members` is owner -> key of the member that it is.
    """
    shown = replace(figure, panels={panel: list(map(_drawn, rows)) for panel, rows in figure.panels.items()})
    keys = {drawn(owner): key for owner, key in members.items() if key}
    rows = rows_height(figure) + (0.25 if len(figure.panels) > 1 else 0)

    def draw(canvas: Canvas) -> None:
        def tell(artist: Any, bar: Bar) -> None:
            if bar.name in keys:
                gid(artist, keys[bar.name])

        head, body = canvas.subfigures(2, 1, height_ratios=[LEGEND, AXIS + rows])  # type: ignore[misc]
        legend(head, shown, 8.0)
        panels(body, shown, tell, FAINT)
        for axis in body.axes:
            axis.grid(visible=False, axis="y")

    return Drawing(name, figure.title, figure.caption, alt, draw, WIDTH, LEGEND + AXIS + rows)


def _drawn(bar: Bar) -> Bar:
    return replace(bar, name=drawn(bar.name))
