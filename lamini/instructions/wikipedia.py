"""Wikipedia's categories with their counts, streamed from its own dump `category.sql.gz`.

The dump is one table of MediaWiki (cat_id, cat_title, cat_pages, cat_subcats, cat_files) as INSERT
statements of thousands of rows. It is read in pieces of a megabyte and row by row, so that two million
categories cost no more memory than one.

    INSERT INTO `category` VALUES (7,'O\\'Neill_family',260,35,25),(8,...
    -> O'Neill family: 35 sub-categories, 200 pages

MediaWiki counts sub-categories and files among cat_pages. Here `pages` are what a reader of the category
sees listed as its pages: cat_pages less the other two.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from lamini.data.files import open_bytes
from lamini.data.readers import Item, Malformed
from lamini.errors import UserError

PIECE = 1 << 20
ROW_BYTES = 1 << 12
"""More than a row can have: a title is at most 255 bytes, of which each may be escaped."""

INSERT = re.compile(rb"INSERT (?:IGNORE )?INTO `category`\s*(?:\([^)]*\)\s*)?VALUES", re.IGNORECASE)
ROW = re.compile(
    rb"\s*\(\s*\d+\s*,\s*(?:_binary\s*)?'([^'\\]*(?:(?:\\.|'')[^'\\]*)*)'"  # id and title
    rb"\s*,\s*(-?\d+)\s*,\s*(-?\d+)\s*,\s*(-?\d+)"  # pages, sub-categories, files
    rb"\s*(?:,\s*-?\d+\s*)?\)\s*([,;])",  # until MediaWiki 1.19 a column more
    re.DOTALL,
)
ESCAPE = re.compile(rb"\\(.)|''", re.DOTALL)
MEANING = {b"0": b"\0", b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a"}


def categories(path: Path, key: str) -> Iterator[Item]:
    """The rows of the dump: `(number, {category, subcategories, pages})`; Malformed for a title not in UTF-8.

    Raises:
        UserError: damaged, no dump of the category table, or of a layout that is not MediaWiki's.
    """
    try:
        with open_bytes(path) as stream:
            found = rows(iter(partial(stream.read, PIECE), b""), f"{key}={path}")
            yield from enumerate(found, start=1)
    except (EOFError, OSError, zlib.error) as error:
        raise UserError(f"{key}={path} is damaged, fetch it again ({error})") from error


def rows(pieces: Iterable[bytes], what: str) -> Iterator[dict[str, str | int] | Malformed]:
    """The categories in the bytes of a dump, wherever these are cut."""
    text, inside, count = b"", False, 0
    for piece in pieces:
        text += piece
        position = 0
        while True:
            if not inside:
                if (start := INSERT.search(text, position)) is None:
                    position = max(position, len(text) - ROW_BYTES)
                    break
                inside, position = True, start.end()
            if (row := ROW.match(text, position)) is None:
                break
            yield _category(row)
            count += 1
            inside, position = row[5] == b",", row.end()
        text = text[position:]
        if inside and len(text) > ROW_BYTES:
            break
    if inside:
        rest = text[:60].strip().decode("utf-8", "backslashreplace")
        raise UserError(f"{what} is cut off, or no table of MediaWiki's, after {count} categories: {rest!r}")
    if not count:
        raise UserError(
            f"{what} has no rows of the table category; Wikipedia's dump of it is category.sql.gz"
        )


def _category(row: re.Match[bytes]) -> dict[str, str | int] | Malformed:
    """One row of the dump as one of a table of categories."""
    raw, pages, subcategories, files = row[1], int(row[2]), int(row[3]), int(row[4])
    if b"\\" in raw or b"'" in raw:
        raw = ESCAPE.sub(_unescaped, raw)
    try:
        title = raw.decode().replace("_", " ")
    except UnicodeDecodeError:
        return Malformed("not UTF-8", raw.decode("utf-8", "backslashreplace"))
    return {"category": title, "subcategories": subcategories, "pages": pages - subcategories - files}


def _unescaped(found: re.Match[bytes]) -> bytes:
    """What a backslash and a character, or a doubled quote, stand for in MySQL."""
    return b"'" if found[1] is None else MEANING.get(found[1], found[1])
