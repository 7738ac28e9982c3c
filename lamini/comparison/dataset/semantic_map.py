"""The map of the instructions' meaning (paper Figure 2), from the points that analyze.py placed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamini.comparison.blocks import Drawing
from lamini.comparison.figures.drawing import colour_of
from lamini.comparison.herd import Tree
from lamini.comparison.names import drawn

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

MOST = 3_000  # points drawn: each is an element of the page, and more print as one blot
Points = dict[str, list[list[Any]]]
"""Set -> [x, y, ...] of its instructions, which stand in a random order."""


def semantic_map(report: Tree) -> Drawing | None:
    """None where the report has no map, or its points are gone."""
    placed = points(report)
    if not placed:
        return None
    each = max(1, MOST // len(placed))
    shown = {name: own[:each] for name, own in placed.items()}
    count, there = sum(map(len, shown.values())), sum(map(len, placed.values()))
    part = f"{count:,} of {there:,}" if count < there else f"{there:,}"
    caption = (
        f"{part} instructions; near ones are alike, distances between groups mean little."
        f" Vectors: {report['parts']['semantic']['model']}."
    )
    alt = (
        f"Points of {len(shown)} sets of instructions, placed so that instructions of like meaning are near."
    )

    size = float(np.clip(70 / np.sqrt(count), 1.8, 5.0))  # points: fewer dots are larger ones

    def draw(canvas: Canvas) -> None:
        axis = canvas.subplots()
        for name, own in shown.items():
            x, y = [one[0] for one in own], [one[1] for one in own]
            axis.plot(
                x,
                y,
                "o",
                markersize=size,
                markeredgewidth=0,
                alpha=0.7,
                label=drawn(name),
                color=colour_of(name, shown),
            )
        axis.set(xticks=[], yticks=[])
        axis.grid(visible=False)
        axis.spines[:].set_visible(False)
        canvas.legend(loc="outside upper left", ncols=min(len(shown), 4), markerscale=6 / size)

    title = "Semantic map of the instructions (paper Figure 2)"
    return Drawing("semantic_map", title, caption, alt, draw, 9.0, 6.0)


def points(report: Tree) -> Points:
    """The points, which stand beside the report and not in it: parts/semantic.json."""
    if "semantic" not in report["parts"] or "folder" not in report:
        return {}
    file = Path(str(report["folder"])) / "parts" / "semantic.json"
    try:
        part = json.loads(file.read_text(encoding="utf-8"))["result"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    found: Points = {name: own for name, own in part["points"].items() if own}
    return found if part["model"] == report["parts"]["semantic"]["model"] else {}
