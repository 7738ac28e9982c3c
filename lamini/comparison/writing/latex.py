"""A table of the book as LaTeX, to be \\input: needs the packages booktabs and, for long ones, longtable."""

from __future__ import annotations

from collections.abc import Sequence

from lamini.analysis.tables import Column, shown
from lamini.comparison.blocks import Listing
from lamini.comparison.writing.marks import legend

LONG = 40  # rows from which a table breaks over pages

SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
    "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "†": r"\dag{}", "‡": r"\ddag{}", "§": r"\S{}",
    "±": r"$\pm$", "≥": r"$\geq$", "≤": r"$\leq$", "×": r"$\times$", "−": r"$-$", "→": r"$\rightarrow$",
    "…": r"\dots{}", "Δ": r"$\Delta$", "Σ": r"$\Sigma$",
}  # fmt: skip


def latex(listing: Listing) -> str:
    """The whole float: caption, label `tab:<name>`, cells with their marks raised, notes below.

    A cell 51.3 marked `*` is `51.3\\textsuperscript{*}`.
    """
    table = listing.table
    aligned = "".join("r" if column.shown else "l" for column in table.columns)
    head = _line([escaped(column.name) for column in table.columns])
    body = [
        _line([_cell(listing, row, place, column) for place, column in enumerate(table.columns)])
        for row in range(len(table.rows))
    ]
    notes = [escaped(text.replace("`", "").replace("*", "")) for text in table.notes]
    notes += [escaped(text) for text in legend(listing)]
    caption = rf"\caption{{{escaped(table.title)}}}\label{{tab:{table.name}}}"
    return (_long if len(body) > LONG else _short)(aligned, caption, head, body, notes)


def escaped(text: str) -> str:
    """Text that LaTeX prints as it stands; line breaks become blanks.

    >>> escaped("50 % of a_b")
    '50 \\\\% of a\\\\_b'
    """
    return " ".join("".join(SPECIAL.get(sign, sign) for sign in text).split())


def _cell(listing: Listing, row: int, place: int, column: Column) -> str:
    text = escaped(shown(listing.table.rows[row][place], column))
    mark = listing.marks.get((row, place))
    return f"{text}\\textsuperscript{{{escaped(mark.sign)}}}" if mark else text


def _line(cells: Sequence[str]) -> str:
    return f"{' & '.join(cells)} \\\\"


def _short(aligned: str, caption: str, head: str, body: Sequence[str], notes: Sequence[str]) -> str:
    lines = [
        r"\begin{table}[t]", r"\centering\small", caption, rf"\begin{{tabular}}{{{aligned}}}", r"\toprule",
        head, r"\midrule", *body, r"\bottomrule", r"\end{tabular}", *_notes(notes), r"\end{table}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _long(aligned: str, caption: str, head: str, body: Sequence[str], notes: Sequence[str]) -> str:
    lines = [
        r"{\small", rf"\begin{{longtable}}{{{aligned}}}", caption + r" \\", r"\toprule", head, r"\midrule",
        r"\endfirsthead", r"\toprule", head, r"\midrule", r"\endhead", r"\bottomrule", r"\endfoot", *body,
        r"\end{longtable}", *_notes(notes), "}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _notes(notes: Sequence[str]) -> list[str]:
    return [rf"\par\footnotesize {note}" for note in notes]
