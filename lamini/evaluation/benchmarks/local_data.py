"""Rows of tasks from files of one's own instead of the hub: `<data_dir>/<task>.jsonl.gz` and its like.

A file holds the split that is scored, in the columns of the data set that lm-eval's YAML names. Where a task
shows examples before its questions (num_fewshot), they come from `<data_dir>/<task>.<split>.jsonl.gz`.
Everything is read into memory: nothing is copied into a cache, and nothing opens a socket.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamini.data.files import format_of
from lamini.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

ENDINGS = (".parquet", ".jsonl.gz", ".jsonl", ".json.gz", ".json", ".csv.gz", ".csv")
COLUMN = re.compile(r"[a-z_][a-z0-9_]*", re.IGNORECASE)
WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")


def file_of(folder: Path, stem: str) -> Path | None:
    """The file of that name in whichever format.

    Raises:
        UserError: there are two of them.
    """
    found = [path for ending in ENDINGS if (path := folder / f"{stem}{ending}").is_file()]
    if len(found) > 1:
        raise UserError(f"data_dir={folder} holds {found[0].name} and {found[1].name}; remove one of them")
    return found[0] if found else None


def needed(folder: Path, stem: str) -> Path:
    """As `file_of`.

    Raises:
        UserError: there is none, with those of a similar name.
    """
    path = file_of(folder, stem)
    if path is None:
        near = difflib.get_close_matches(stem, {entry.name.split(".")[0] for entry in folder.iterdir()}, n=2)
        hint = f" (it has {' and '.join(near)})" if near else ""
        raise UserError(f"data_dir={folder} holds no {stem}.jsonl.gz, .jsonl, .parquet or .csv{hint}")
    return path


def check(folder: Path, stems: Iterable[str]) -> None:
    """Raise UserError unless the folder is there and holds the rows of at least one of these tasks."""
    if not folder.is_dir():
        near = [p.name for p in folder.parent.iterdir()] if folder.parent.is_dir() else []
        close = difflib.get_close_matches(folder.name, near, n=1)
        hint = f"; did you mean {folder.parent / close[0]}?" if close else ""
        raise UserError(f"data_dir={folder} is no folder{hint}")
    stems = list(stems)
    if not any(file_of(folder, stem) for stem in stems):
        named = ", ".join(f"{stem}.jsonl.gz" for stem in stems[:3])
        raise UserError(
            f"data_dir={folder} has the rows of none of the tasks ({named}{', ...' * (len(stems) > 3)});"
            " mode=prefetch fetches them on a connected machine"
        )


def read(path: Path, as_text: bool = False) -> Dataset:
    """All rows of a file, with the types that they have in it; numbers of a CSV are numbers unless `as_text`.

    Raises:
        UserError: it cannot be read, has no rows, or a row lacks a column that the first one has.
    """
    import datasets
    import pyarrow as pa

    kind = format_of(path, "data_dir")
    if kind == "parquet":
        table = _parquet(path)
    else:
        rows = _rows(path)
        try:
            table = pa.Table.from_pylist(_numbered(rows) if kind == "csv" and rows and not as_text else rows)
        except pa.ArrowException as error:
            raise UserError(f"data_dir: {path} has values of different kinds in a column: {error}") from error
    if not table.num_rows:
        raise UserError(f"data_dir: {path} has no rows")
    return datasets.Dataset(datasets.table.InMemoryTable(table))


def _rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a .jsonl, .json or .csv; each must be whole, since a part of a task is no score."""
    from lamini.data.readers import Malformed, items

    rows: list[dict[str, Any]] = []
    for line, row in items(path, "data_dir"):
        reason = row.reason if isinstance(row, Malformed) else "" if isinstance(row, dict) else "no object"
        if reason:
            raise UserError(f"data_dir: {path}, line {line}: {reason}")
        if rows and row.keys() != rows[0].keys():
            lacking = ", ".join(sorted(rows[0].keys() - row.keys()))
            more = ", ".join(sorted(row.keys() - rows[0].keys()))
            trouble = f"lacks {lacking}" if lacking else f"has {more}"
            raise UserError(f"data_dir: {path}, line {line} {trouble}, unlike the rows before it")
        rows.append(row)
    return rows


def _parquet(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"data_dir: {path} is no intact parquet file: {error}") from error


def _numbered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The columns of a CSV that hold whole numbers only, as such."""
    whole = [name for name in rows[0] if all(WHOLE.fullmatch(row[name]) for row in rows)]
    return [row | {name: int(row[name]) for name in whole} for row in rows]


def columns_of(template: Any) -> set[str]:
    """The columns that lm-eval's doc_to_text, doc_to_target or doc_to_choice reads; functions keep theirs.

    >>> sorted(columns_of("{{support.lstrip()}}, {{question}}")), columns_of("label"), columns_of(["no"])
    (['question', 'support'], {'label'}, set())
    """
    if not isinstance(template, str):
        return set()
    if COLUMN.fullmatch(template):
        return {template}
    from jinja2 import TemplateError, meta
    from lm_eval.utils import env

    try:
        return meta.find_undeclared_variables(env.parse(template))
    except TemplateError:
        return set()  # lm-eval will say so


def lacking(rows: Dataset, fields: Mapping[str, Any], path: Path) -> str | None:
    """What is wrong with the columns of a file for templates named by their keys, or None."""
    for key, template in fields.items():
        for column in sorted(columns_of(template)):
            if column not in rows.column_names:
                return (
                    f"{path} has no column {column}, which lm-eval's {key} reads;"
                    f" it has {', '.join(rows.column_names)}"
                )
            values = _values(rows, column)
            if values.null_count:
                row = next(i for i, value in enumerate(values) if not value.is_valid)
                return f"{path}, row {row + 1} has no value in column {column}"
    return None


def hidden(rows: Dataset, target: Any) -> bool:
    """Whether all answers are negative numbers: so the hub marks labels that are kept secret."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not isinstance(target, str) or target not in rows.column_names:
        return False
    values = _values(rows, target)
    return bool(pa.types.is_integer(values.type) and pc.all(pc.less(values, 0)).as_py())


def _values(rows: Dataset, column: str) -> pa.ChunkedArray:
    return rows.select_columns([column]).with_format("arrow")[:].column(column)
