"""Colours of the book and its figures, each for a light ground and for a dark one.

A figure is drawn in the light colours. CSS finds them by their value and exchanges them, so one picture
serves both, and what knows no CSS (LaTeX, Inkscape) shows the light one.
"""

from __future__ import annotations

from collections.abc import Iterable

INK = "#22262b"
FAINT = "#5a616a"
GRID = "#dedbd4"
GROUND = "#fffefc"

FAMILIES = {
    "#3e11e2": "#495bed",  # blue
    "#cb322b": "#ff7c0f",  # red, orange
    "#007c62": "#19aa93",  # green
    "#a5009b": "#e98ae7",  # purple
    "#b98807": "#efdf07",  # ochre, yellow
    "#0796e5": "#90e9fe",  # sky
    "#723224": "#a5604f",  # brown
    "#70757c": "#a9aeb6",  # grey
    "#5c8a12": "#a6d451",  # lime
    "#d4618c": "#f7a8c4",  # rose
}
"""Light -> dark. The first seven, as many families as the paper has, were searched for such that the least
difference of two, in the eyes of the colour-blind too, is as large as their contrast to the ground allows."""

DARK = {INK: "#e3e1dc", FAINT: "#a5aab1", GRID: "#34383e", GROUND: "#1c1f23", **FAMILIES}
"""Light -> dark, of all."""

MARKERS = "osD^vPXd<>"
"""matplotlib's, as many as there are colours."""


def colour_of(name: str, among: Iterable[str]) -> str:
    """The colour of one of several families, by its place in their sorted list; repeated after the tenth.

    >>> colour_of("gpt2", ["t5", "gpt2", "flan-t5"])
    '#cb322b'
    """
    return list(FAMILIES)[_place(name, among) % len(FAMILIES)]


def marker_of(name: str, among: Iterable[str]) -> str:
    """Likewise its marker, so that no colour alone tells families apart."""
    return MARKERS[_place(name, among) % len(MARKERS)]


def _place(name: str, among: Iterable[str]) -> int:
    return sorted({name, *among}).index(name)


def rules() -> str:
    """CSS that exchanges the colours inside an SVG where the colour scheme is dark.

    Only values are asked for: a marker stands in a tree of its own, where nothing above it can be named.
    """
    return "\n".join(
        f'[{side}="{light}"]{{{side}:light-dark({light},{dark})}}'
        for light, dark in DARK.items()
        for side in ("fill", "stroke")
    )
