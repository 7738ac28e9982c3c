"""What notebooks show: a chapter of the book, one of its tables or figures, or some rows of the data.

The book itself is compare.py's; here the same blocks become what Jupyter displays under a cell, without
sorting and filtering. Texts of users are escaped.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from lamini.analysis.tables import Column, Table, shown
from lamini.comparison.blocks import Answers, Block, Chapter, Drawing, Listing, Text
from lamini.comparison.book.prose import prose
from lamini.data.corpus import Corpus, limited

LONGEST = 160  # characters of a text in a table of rows

Showable = Chapter | Block | Table


@dataclass(frozen=True)
class Shown:
    """Jupyter asks it for HTML."""

    html: str = field(repr=False)

    def _repr_html_(self) -> str:
        return self.html


def show(*what: Showable) -> Shown:
    """Chapters, blocks and tables one under the other."""
    return Shown("\n".join(part for one in what for part in _parts(one)))


def load(config: Any) -> Corpus:
    """The pairs that a configuration of train.py or analyze.py names.

    Raises:
        UserError: they cannot be had.
    """
    config.data.check()
    corpus: Corpus = config.data.load(Path(config.paths.cache_dir), config.seed)
    return corpus


def rows(corpus: Corpus, number: int = 5) -> Table:
    """The first `number` pairs of each source by content hash, texts cut."""
    taken = [
        [source.name, _cut(row["instruction"]), _cut(row["response"])]
        for source in corpus.sources
        for row in limited(source.table, number).to_pylist()
    ]
    columns = [Column("source"), Column("instruction"), Column("response")]
    return Table("rows", "Some pairs", columns, taken, [f"{corpus.pairs:,} pairs in all."])


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _parts(what: Showable) -> Iterable[str]:
    """HTML of one thing."""
    if isinstance(what, Chapter):
        yield f"<h2>{escape(what.title)}</h2>"
        for block in what.blocks:
            yield from _parts(block)
    elif isinstance(what, Table):
        yield from _table(what)
    elif isinstance(what, Listing):
        yield from _parts(what.table)
        signs = {mark.sign: mark.meaning for mark in what.marks.values()}
        yield from (f"<p>{escape(sign)} {escape(meaning)}</p>" for sign, meaning in signs.items())
    elif isinstance(what, Drawing):
        from lamini.comparison.figures.drawing import svg

        yield f"<h4>{escape(what.title)}</h4>{svg(what)}<p>{escape(what.caption)}</p>"
    elif isinstance(what, Answers):
        yield f"<p><b>{escape(what.instruction)}</b></p>"
        yield from (f"<p>{escape(who)}: {escape(said)}</p>" for who, said in what.responses)
    elif isinstance(what, Text):
        yield prose(what.markdown)
    else:
        yield f"<p>Missing: {escape(what.what)}. <code>{escape(what.command)}</code> makes it.</p>"


def _table(table: Table) -> Iterable[str]:
    yield f"<h4>{escape(table.title)}</h4>"
    head = "".join(f"<th>{escape(column.name)}</th>" for column in table.columns)
    lines = [
        "".join(f"<td>{escape(shown(cell, c))}</td>" for cell, c in zip(row, table.columns, strict=True))
        for row in table.rows
    ]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    yield f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    yield from (prose(note) for note in table.notes)
