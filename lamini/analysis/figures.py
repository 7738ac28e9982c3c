"""What the figures show, apart from what draws them: each is one of three plain forms.

    Curves   lines over a logarithmic axis        how long texts are
    Dots     values by set, with reference marks  diversity, overlap with test items
    Map      points by set                        the semantic map

`draw_png` (matplotlib) and `draw_html` (plotly) draw the same form, in the same colours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lamini.analysis.rows import ALL, COLUMNS
from lamini.analysis.sections import beside

COLOURS = (
    "#3366aa",
    "#dd6633",
    "#339966",
    "#aa3377",
    "#bb9900",
    "#55aacc",
    "#777777",
    "#884411",
    "#7755cc",
    "#66aa22",
)
"""Of the sets, in their order; distinguishable by most colour-blind eyes, and repeated after the tenth."""
SHARES = np.append(np.linspace(0, 1, 60), [0.99, 0.995, 0.999])
"""Where a curve has its points, at most."""


@dataclass(frozen=True)
class Curves:
    """Panel -> line -> (x, y)."""

    name: str
    title: str
    caption: str
    x: str
    y: str
    panels: dict[str, dict[str, list[tuple[float, float]]]]


@dataclass(frozen=True)
class Dots:
    """Panel -> row -> its values; `marks` are drawn hollow. A value is named by its key in `series`."""

    name: str
    title: str
    caption: str
    x: str
    series: list[str]
    panels: dict[str, dict[str, list[float | None]]]
    marks: set[str] = field(default_factory=set)
    percent: bool = False


@dataclass(frozen=True)
class Map:
    """Set -> (x, y, text)."""

    name: str
    title: str
    caption: str
    sets: dict[str, list[Any]]


Figure = Curves | Dots | Map


def figures(parts: dict[str, Any], ruler: str) -> list[Figure]:
    """The figures of what was measured."""
    result: list[Figure] = [_lengths(parts["lengths"], ruler), _diversity(parts["diversity"])]
    if "contamination" in parts:
        result.append(_contamination(parts["contamination"]))
    if "semantic" in parts:
        if len(parts["semantic"]["sets"]) > 1:
            result.append(_spread(parts["semantic"]))
        if parts["semantic"]["points"]:
            result.append(_map(parts["semantic"]))
    return result


def colours(sets: list[str]) -> dict[str, str]:
    """Set -> its colour; `all` is black."""
    own = [name for name in sets if name != ALL]
    return {name: COLOURS[n % len(COLOURS)] for n, name in enumerate(own)} | {ALL: "#000000"}


def _lengths(part: dict[str, Any], ruler: str) -> Curves:
    names = [name for name in part if name != ALL]
    panels = {
        f"{side}s": {name: _share_below(part[name][side]["histogram"]) for name in names} for side in COLUMNS
    }
    caption = f"Share of a set's texts that have at most so many tokens. Tokens are {ruler}."
    return Curves("lengths", "How long the texts are", caption, "tokens", "share of texts", panels)


def _share_below(histogram: list[list[int]]) -> list[tuple[float, float]]:
    """(length, share of texts of at most that length), at SHARES."""
    length_L, often_L = np.array(histogram).T
    share_L = np.cumsum(often_L) / often_L.sum()
    shown = np.unique(np.searchsorted(share_L, SHARES - 1e-12).clip(0, len(share_L) - 1))
    return [(float(max(length_L[n], 1)), float(share_L[n])) for n in shown]


def _diversity(part: dict[str, Any]) -> Dots:
    paper = beside("table2", list(part))
    series = ["here", "paper"] if paper else ["here"]
    panels: dict[str, dict[str, list[float | None]]] = {}
    for side in COLUMNS:
        rows = panels.setdefault(f"{side}s", {})
        for name, both in part.items():
            own = both[side]["mattr"]
            rows[name] = [None if own is None else 100 * own]
            rows[name] += [paper.get(name, {}).get(side)] if paper else []
    caption = "MATTR x100: different units in a sliding window. More to the right is more diverse."
    return Dots("diversity", "Lexical diversity", caption, "MATTR x100", series, panels, {"paper"})


def _contamination(part: dict[str, Any]) -> Dots:
    rows: dict[str, list[float | None]] = {}
    for task, own in part["tasks"].items():
        looked = own["items"] - own["too_short"]
        if looked:
            rows[task] = [own["overlaps"][ALL] / looked, own["covered"][ALL] / looked]
    caption = (
        "Share of a task's items that overlap with some row, and of those that are there nearly as a whole."
    )
    series = ["overlap", "covered"]
    title = "Test items found in the pairs"
    return Dots("contamination", title, caption, "share of items", series, {"": rows}, {"overlap"}, True)


def _spread(part: dict[str, Any]) -> Dots:
    rows = {name: [own["distance"]] for name, own in part["sets"].items()}
    caption = f"Mean cosine distance of two instructions of a set. Vectors: {part['model']}."
    return Dots("spread", "Spread of meaning", caption, "mean cosine distance", ["here"], {"": rows})


def _map(part: dict[str, Any]) -> Map:
    shown = sum(map(len, part["points"].values()))
    caption = (
        f"{shown:,} instructions; near ones are alike, distances between groups mean little."
        f" Vectors: {part['model']}."
    )
    return Map("semantic_map", "Semantic map of the instructions", caption, part["points"])
