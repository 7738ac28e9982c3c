"""What a chapter consists of, apart from what writes it: text, tables, figures, and what is missing.

A chapter is written several times: into the book, and its tables and figures as files beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lamini.analysis.tables import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

Where = tuple[int, int]
"""Row and column of a cell, from 0."""


@dataclass(frozen=True)
class Text:
    """Paragraphs of Markdown: emphasis, code, links. No text of a user stands in it."""

    markdown: str


@dataclass(frozen=True)
class Mark:
    """Something about one cell: a sign behind its value, and what it means."""

    sign: str  # "*", "†", "scratch"
    meaning: str


@dataclass(frozen=True)
class Listing:
    """A table of the chapter; its notes stand in the table itself."""

    table: Table
    marks: Mapping[Where, Mark] = field(default_factory=dict)
    rows: Sequence[
        str
    ] = ()  # key of the member of each row, by which the page filters; () where rows are others
    sortable: bool = True


@dataclass(frozen=True)
class Drawing:
    """A figure, drawn by `draw` on a canvas of matplotlib's with width and height in inches.

    Colours come from lamini.comparison.figures.drawing alone, which makes one picture for light and dark.
    """

    name: str  # of its files
    title: str
    caption: str
    alt: str  # what it shows, for who cannot see it
    draw: Callable[[Canvas], None]
    width: float = 8.0
    height: float = 4.5


@dataclass(frozen=True)
class Answers:
    """All students' responses to one instruction; every text is a user's and gets escaped."""

    instruction: str
    responses: Sequence[tuple[str, str]]  # key of the member (or a teacher's name), response
    about: str = ""  # category, id


@dataclass(frozen=True)
class Missing:
    """What would stand here, and the command that makes it."""

    what: str
    command: str


Block = Text | Listing | Drawing | Answers | Missing


@dataclass(frozen=True)
class Chapter:
    """`key` is its anchor."""

    key: str
    title: str
    blocks: Sequence[Block]
