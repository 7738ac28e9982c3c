"""Figures of the chapters as SVG and PNG: one drawing, for the page, for files, in light and dark.

The same drawing gives the same bytes. Text stays text. What the SVG says, it says in attributes, without
`style`, so that a page whose policy forbids inline styles shows it.
"""

from __future__ import annotations

import io
import re
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote
from xml.etree import ElementTree

from lamini.comparison.blocks import Drawing
from lamini.comparison.figures.palette import FAINT, FAMILIES, GRID, GROUND, INK, colour_of, marker_of, rules

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure as Canvas

__all__ = ["FAINT", "GRID", "GROUND", "INK", "colour_of", "gid", "inline", "marker_of", "png", "svg"]

SVG, LINKS = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
MEMBER = "member:"  # begins the id of what belongs to a member, until it becomes data-member
RESOLUTION = 150  # dots an inch
FONTS = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif"
LOOK: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.parse_math": False,  # names of users may have dollars
    "text.color": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.8,
    "hatch.color": FAINT,
    "figure.facecolor": GROUND,
    "savefig.facecolor": "auto",
    "svg.fonttype": "none",
}
"""matplotlib's settings while a chapter draws: it need not set any of these."""


def gid(artist: Artist | Any, *keys: str) -> None:
    """Say that something drawn belongs to a member, or several: the page hides it when it hides all of them.

    A container (bars, error bars) hands it to what it holds.
    """
    for one in getattr(artist, "get_children", list)() if isinstance(artist, tuple) else [artist]:
        one.set_gid(MEMBER + ids("\n".join(keys)))


def ids(keys: str) -> str:
    """Keys of members, a line each, as one attribute of the page: words without any sign of HTML.

    >>> ids("herd/t5-nano,seed=1\\n<b>")
    'herd/t5-nano%2Cseed%3D1 %3Cb%3E'
    """
    return " ".join(quote(key, errors="surrogatepass") for key in keys.split("\n") if key)


@cache
def svg(drawing: Drawing) -> str:
    """The figure as a file of its own."""
    return _written(_bare(drawing), f":root{{color-scheme:light dark}}\n{rules()}")


@cache
def inline(drawing: Drawing) -> str:
    """The figure as an element of the page, which has the palette's rules in its own style sheet."""
    return _written(_bare(drawing), None)


def png(drawing: Drawing) -> bytes:
    """The figure as a picture in the light colours."""
    return _drawn(drawing)[1]


@cache
def _drawn(drawing: Drawing) -> tuple[bytes, bytes]:
    """SVG and PNG as matplotlib writes them, drawn and laid out once."""
    from cycler import cycler
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from lamini.comparison.figures.axes import shorten

    salt = f"lamini {drawing.name}"  # ids differ between the figures of a page
    look = {**LOOK, "axes.prop_cycle": cycler(color=list(FAMILIES)), "svg.hashsalt": salt}
    with warnings.catch_warnings(), rc_context(look):
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the page has the reader's fonts
        canvas: Canvas = Figure(figsize=(drawing.width, drawing.height), layout="constrained")
        drawing.draw(canvas)
        shorten(canvas)
        vectors = _saved(canvas, "svg", {"Date": None, "Creator": None})
        canvas.set_layout_engine("none")  # keeps where everything stands
        return vectors, _saved(canvas, "png", {"Software": None})


def _saved(canvas: Canvas, ending: str, metadata: dict[str, None]) -> bytes:
    content = io.BytesIO()
    canvas.savefig(content, format=ending, dpi=RESOLUTION, metadata=metadata)
    return content.getvalue()


@cache
def _bare(drawing: Drawing) -> bytes:
    """What matplotlib wrote, cleaned, as XML."""
    written = _drawn(drawing)[0]
    root = ElementTree.fromstring(re.sub(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]", b"", written))  # XML has none
    for child in list(root):
        if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}defs"):  # licence, and a style for all of a page
            root.remove(child)
    used = set(re.findall(r"#([\w-]+)", ElementTree.tostring(root, "unicode")))
    for element in root.iter():
        _clean(element, used)
    root.attrib |= {"role": "img", "aria-label": drawing.alt, "font-family": FONTS}
    root.attrib |= {"stroke-linejoin": "round", "stroke-linecap": "butt"}
    return ElementTree.tostring(root)


def _clean(element: ElementTree.Element, used: set[str]) -> None:
    """Style into attributes, ids that nobody refers to away, numbers to hundredths of a point."""
    for part in element.attrib.pop("style", "").split(";"):
        name, _, value = part.partition(":")
        if value and name.strip() != "font-family":
            element.set(name.strip(), value.strip())
    name = element.attrib.pop("id", "")
    if name.startswith(MEMBER):
        element.set("data-member", name.removeprefix(MEMBER))
        title = ElementTree.Element(f"{{{SVG}}}title")  # what browsers show under the pointer
        title.text = ", ".join(map(unquote, name.removeprefix(MEMBER).split(" ")))
        element.insert(0, title)
    elif name in used:
        element.set("id", name)
    for key in ("d", "x", "y", "transform"):
        if key in element.attrib:
            element.set(key, _shorter(element.attrib[key]))
    if not (element.text or "").strip():
        element.text = None
    element.tail = None  # indentation


def _shorter(numbers: str) -> str:
    """Numbers to hundredths.

    >>> _shorter("M 25.903365 216 \\nL 0.125 -3.0001")
    'M 25.9 216 L 0.12 -3'
    """
    rounded = re.sub(r"-?\d+\.\d+", lambda found: f"{round(float(found[0]), 2):g}", numbers)
    return " ".join(rounded.split())


def _written(bare: bytes, style: str | None) -> str:
    root = ElementTree.fromstring(bare)
    if style is not None:
        sheet = ElementTree.Element(f"{{{SVG}}}style")
        sheet.text = style
        root.insert(0, sheet)
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", LINKS)
    return ElementTree.tostring(root, "unicode") + "\n"
