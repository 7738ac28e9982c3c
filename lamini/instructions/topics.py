"""Topics that a request names, so that instructions reach further than their examples (paper §3.1).

The paper's list: Wikipedia's categories with titles of fewer than three words, more than 10 sub-categories
and more than 50 pages, some 3,500 of 2.2 million. Here from Wikipedia's own dump or a table of categories
with counts; from a plain list without the filter; or, with no path at all, our own short list. Order and
repeats of the file change nothing: topics are distinct and sorted. They stay in Arrow: a dump has millions.

    category, subcategories, pages        words < 3, subcategories > 10, pages > 50
    Bridges, 35, 200                      kept
    Bridges, 10, 200                      not: needs more than 10
    Bridges in Upper Austria, 35, 200     not: four words
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lamini.config import TopicFilter, Topics
from lamini.data.readers import BATCH, Item, Malformed, excerpt, items
from lamini.data.records import Rejected
from lamini.errors import UserError
from lamini.instructions import wikipedia
from lamini.instructions.located import FOLDER
from lamini.instructions.topic_files import KEY, check, is_dump, is_list

OURS = FOLDER / "topics.txt"
COUNTS = ("subcategories", "pages")


@dataclass(frozen=True)
class TopicList:
    """Distinct topics in alphabetical order, out of `seen` rows with repeats and filtered ones."""

    names: pa.Array
    seen: int
    rejected: list[Rejected]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> str:
        return str(self.names[index].as_py())


def load(options: Topics) -> TopicList:
    """The topics to draw from, at least one; the filter does not apply to our own list.

    Raises:
        UserError: the file is missing, damaged or of an unknown layout, has no counts for the filter, or no
            topic passes it.
    """
    path = OURS if options.path is None else check(options.path)
    limits = None if options.path is None else options.filter
    chunks, waiting, rejected, seen = [], list[str](), list[Rejected](), 0
    for line, record in _items(path):
        if len(rejected) == seen and isinstance(record, dict):
            _check_columns(record, limits, path)
        seen += 1
        topic, reason = _topic(record, limits)
        if reason:
            rejected.append(Rejected(KEY, line, reason, excerpt(record)))
        elif topic:
            waiting.append(topic)
        if len(waiting) == BATCH:
            chunks.append(pa.array(waiting, pa.large_string()))
            waiting = []
    names = pc.unique(pa.chunked_array([*chunks, pa.array(waiting, pa.large_string())]))
    if len(names) == 0:
        raise UserError(
            f"{KEY}.path={path} gives no topic: of {seen} rows, {len(rejected)} are broken and"
            f" {seen - len(rejected)} do not pass {KEY}.filter"
        )
    return TopicList(names.take(pc.array_sort_indices(names)), seen, rejected)


def _items(path: Path) -> Iterator[Item]:
    """Rows with a category: of a dump, a plain list, or a table."""
    if is_dump(path):
        yield from wikipedia.categories(path, f"{KEY}.path")
    elif is_list(path):
        lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        yield from ((number, {"category": line}) for number, line in enumerate(lines, 1) if line.strip())
    else:
        yield from items(path, f"{KEY}.path", columns=("category", *COUNTS))


def _check_columns(record: dict[str, Any], limits: TopicFilter | None, path: Path) -> None:
    """Refuse a table by its first row: no category, or no counts while there is a filter."""
    has = ", ".join(map(str, record))
    if "category" not in record:
        raise UserError(f"{KEY}.path={path} has no column category: it has {has}")
    if limits and (missing := [name for name in COUNTS if name not in record]):
        raise UserError(
            f"{KEY}.path={path} has no column {missing[0]} for the filter (it has {has});"
            f" {KEY}.filter=null takes them as they are"
        )


def _topic(record: Any, limits: TopicFilter | None) -> tuple[str | None, str | None]:
    """The topic of a row (None where the filter leaves it out), and why it is none (None where it is one)."""
    if isinstance(record, Malformed):
        return None, record.reason
    title = record.get("category") if isinstance(record, dict) else None
    if not isinstance(title, str) or not title.strip() or not title.isprintable():
        return None, "category is not a line of text"
    title = " ".join(title.replace("_", " ").split())
    if limits is None:
        return title, None
    try:
        subcategories, pages = (int(record[name]) for name in COUNTS)
    except (KeyError, TypeError, ValueError):
        return None, "counts are not whole numbers"
    return (title if passes(title, subcategories, pages, limits) else None), None


def passes(title: str, subcategories: int, pages: int, limits: TopicFilter) -> bool:
    """Whether a category is general enough to be a topic."""
    short = len(title.split()) < limits.words_below
    return short and subcategories > limits.subcategories_above and pages > limits.pages_above
