"""Remarks on cells where a table is written as text: the sign stands behind the value, its meaning below."""

from __future__ import annotations

import csv
import io

from lamini.analysis.tables import Cell, Table, markdown, shown
from lamini.comparison.blocks import Listing


def marked(listing: Listing) -> str:
    """The table in Markdown, with signs and their meanings.

    A cell 51.3 marked `*` stands as `51.3 *`.
    """
    table = listing.table
    rows: list[list[Cell]] = [list(row) for row in table.rows]
    for (row, place), mark in listing.marks.items():
        value = shown(rows[row][place], table.columns[place])
        rows[row][place] = f"{value} {mark.sign}".strip()
    return markdown(Table(table.name, table.title, table.columns, rows, [*table.notes, *legend(listing)]))


def legend(listing: Listing) -> list[str]:
    """What signs mean, a line each; where a sign means several things, each with its place."""
    table, meanings = listing.table, dict[str, dict[str, list[str]]]()
    for (row, place), mark in sorted(listing.marks.items()):
        where = f"{table.rows[row][0]}, {table.columns[place].name}"
        meanings.setdefault(mark.sign, {}).setdefault(mark.meaning, []).append(where)
    lines = []
    for sign, told in meanings.items():
        for meaning, places in told.items():
            lines.append(f"{sign} {meaning}" if len(told) == 1 else f"{sign} ({'; '.join(places)}) {meaning}")
    return lines


def marks_separated(listing: Listing) -> str:
    """Row, column, sign and meaning of every mark, for programs: the table's own CSV holds numbers alone."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row", "of", "column", "sign", "meaning"])
    for (row, place), mark in sorted(listing.marks.items()):
        table = listing.table
        writer.writerow([row + 1, table.rows[row][0], table.columns[place].name, mark.sign, mark.meaning])
    return text.getvalue()
