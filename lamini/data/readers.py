"""Files of pairs become tables; what is malformed is set aside with a reason, not lost.

One generator per format yields `(line, record or reason)`; one function turns a record into a pair.
Rows go through Python one by one, which costs some microseconds each and lets every format reject
a row for the same reasons in the same words.

Columns: `instruction` and `response` (or Alpaca's `output`), optionally `input` and
`instruction_source`. A non-empty input is joined as `instruction: input`, as the paper flattens the
seed tasks (section 1.2 of its account: instruction, colon, input).
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lamini.data.files import check, check_pairs, format_of, open_bytes
from lamini.data.records import EXCERPT, Pair, Rejected, table
from lamini.errors import UserError

Item = tuple[int, Any]
"""A 1-based line and what stood there: a record (dict), or a Malformed."""

BATCH = 10_000
"""Rows that wait as Python objects before they become a chunk of the table."""

PAIR = ("instruction", "response", "output", "input", "instruction_source", "kind")
"""Columns that `pair_of` looks at."""

BOM = b"\xef\xbb\xbf"


class Malformed:
    """A row that could not even be parsed."""

    def __init__(self, reason: str, text: str) -> None:
        self.reason = reason
        self.text = text


def read(
    path: str | Path, source: str, key: str = "data.path", override: str | None = None
) -> tuple[pa.Table, list[Rejected]]:
    """All pairs of a file, in its order, and the rows that are none.

    `source` becomes the `instruction_source` of rows that name none. `override` is a format for
    files whose suffix does not tell.

    Returns:
        A table with records.SCHEMA and at least one row; the rejected rows.

    Raises:
        UserError: the file cannot be opened, unpacked or parsed, or has no usable row.
    """
    return _collect(items(path, key, override, PAIR), source, f"{key}={path}")


def items(
    path: str | Path, key: str, override: str | None = None, columns: Collection[str] = ()
) -> Iterator[Item]:
    """What stands in the rows of a file, streamed: `(line, record or Malformed)`.

    Of a parquet file only `columns` are read, where it has the first of them; all of them without.

    Raises:
        UserError: the file cannot be opened, unpacked or parsed.
    """
    file = check(path, key, override)
    format = format_of(file, key, override)
    try:
        yield from _parquet(file, columns) if format == "parquet" else PARSERS[format](file)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{key}={path} is damaged, fetch it again (gzip: {error})") from error
    except pa.ArrowInvalid as error:
        raise UserError(f"{key}={path} is no intact parquet file: {error}") from error
    except OSError as error:
        raise UserError(f"{key}={path} cannot be read: {error}") from error


def read_all(
    path: str | Path, source: str, key: str = "data.path", override: str | None = None
) -> tuple[pa.Table, list[Rejected]]:
    """As `read`, also from a folder of .parquet shards, one after another; lines count in each file anew.

    Raises:
        UserError: as `read`, or no shard has a usable row.
    """
    files = check_pairs(path, key, override)
    rows = chain.from_iterable(items(file, key, override, PAIR) for file in files)
    return _collect(rows, source, f"{key}={path}")


def usable(records: Iterable[dict[str, Any]], source: str, what: str) -> tuple[pa.Table, list[Rejected]]:
    """As `read`, from records that are in memory already; `what` names their origin in errors."""
    return _collect(enumerate(records, start=1), source, what)


def pair_of(record: Any, source: str) -> Pair | str:
    """The pair in a record, or the reason why there is none.

    >>> pair_of({"instruction": "Sort", "input": "b a", "output": "a b"}, "mine")
    Pair(instruction='Sort: b a', response='a b', instruction_source='mine', kind='')
    >>> pair_of({"instruction": "Sort", "output": ""}, "mine")
    'empty response'
    """
    if not isinstance(record, dict):
        return "not an object"
    instruction = record.get("instruction")
    response = record.get("response", record.get("output"))
    named = record.get("instruction_source")
    extra, kind = record.get("input"), record.get("kind")
    for name, text in (("instruction", instruction), ("response", response)):
        if text is None:
            return f"missing {name}"
        if not isinstance(text, str):
            return f"{name} is not text"
        if not text.strip():
            return f"empty {name}"
    for name, text in (("input", extra), ("instruction_source", named), ("kind", kind)):
        if not isinstance(text, str | None):
            return f"{name} is not text"
    if extra and extra.strip():
        instruction = f"{instruction}: {extra}"
    pair = Pair(str(instruction), str(response), named or source, kind or "")
    return pair if _encodable(pair) else "not UTF-8"


def _encodable(pair: Pair) -> bool:
    """False for text with lone surrogates: bytes that were no UTF-8, or a broken JSON escape."""
    try:
        for text in (pair.instruction, pair.response, pair.instruction_source):
            if not text.isascii():
                text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _collect(items: Iterator[Item], source: str, what: str) -> tuple[pa.Table, list[Rejected]]:
    """Rows of a file as one table, converted in batches; `what` names the file in errors."""
    chunks: list[pa.Table] = []
    pairs: list[Pair] = []
    rejected: list[Rejected] = []
    columns: set[str] = set()
    for line, record in items:
        pair = record.reason if isinstance(record, Malformed) else pair_of(record, source)
        if isinstance(pair, Pair):
            pairs.append(pair)
        else:
            rejected.append(Rejected(source, line, pair, excerpt(record)))
            columns.update(record if isinstance(record, dict) else ())
        if len(pairs) == BATCH:
            chunks.append(table(pairs))
            pairs = []
    chunks.append(table(pairs))
    pairs_table = pa.concat_tables(chunks)
    if pairs_table.num_rows == 0:
        raise UserError(f"{what} {_why_empty(rejected, columns)}")
    return pairs_table, rejected


def excerpt(record: Any) -> str:
    """The start of a rejected row as text that can be written anywhere."""
    if isinstance(record, Malformed):
        text = record.text[:EXCERPT]
    else:
        start = record
        if isinstance(record, dict):
            start = {str(k): v[:EXCERPT] if isinstance(v, str) else v for k, v in record.items()}
        text = json.dumps(start, ensure_ascii=False, default=str)[:EXCERPT]
    return text.encode("utf-8", "backslashreplace").decode()


def _why_empty(rejected: list[Rejected], columns: set[str]) -> str:
    """The end of the sentence about a file without a usable row."""
    accepted = "instruction and response (or output), optionally input and instruction_source"
    if not rejected:
        return "has no rows"
    for names in (("instruction",), ("response", "output")):
        if columns and not columns.intersection(names):
            found = ", ".join(sorted(str(column) for column in columns))
            return f"has no column {names[0]}: it has {found}; accepted are {accepted}"
    reasons = sorted({row.reason for row in rejected})
    return f"has no usable row: all {len(rejected)} are rejected ({', '.join(reasons[:5])})"


def _jsonl(path: Path) -> Iterator[Item]:
    """One JSON value a line, streamed; blank lines are no rows."""
    with open_bytes(path) as stream:
        for number, raw in enumerate(stream, start=1):
            line = raw.removeprefix(BOM) if number == 1 else raw
            if line.strip():
                yield number, _value(line)


def _value(line: bytes) -> Any:
    """The JSON value of a line, or Malformed."""
    text = line[: 4 * EXCERPT].decode("utf-8", "backslashreplace").strip()
    try:
        return json.loads(line.decode())
    except UnicodeDecodeError:
        return Malformed("not UTF-8", text)
    except RecursionError:
        return Malformed("JSON nested too deeply", text)
    except ValueError:
        return Malformed("broken JSON", text)


def _json(path: Path) -> Iterator[Item]:
    """A JSON array of rows (the line is the row's number); else read as JSON Lines.

    Many tools write JSON Lines under `.json`, so the first character decides.
    """
    with open_bytes(path) as stream:
        if not stream.read(1024).removeprefix(BOM).lstrip().startswith(b"["):
            yield from _jsonl(path)
            return
        stream.seek(0)
        text = stream.read().removeprefix(BOM).decode("utf-8", "surrogateescape")
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is no intact JSON array: {error}") from error
    yield from enumerate(rows, start=1)


def _csv(path: Path) -> Iterator[Item]:
    """Rows of a comma-separated file whose first row names the columns.

    `strict` makes an unclosed quote an error instead of one row that swallows the rest unseen.
    """
    csv.field_size_limit(sys.maxsize)  # the default refuses cells above 128 KiB
    with open_bytes(path) as stream:
        text = io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="")
        rows = csv.reader(text, strict=True)
        header: list[str] | None = None
        while True:
            try:
                cells = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield rows.line_num, Malformed(f"broken CSV: {error}", "")
                continue
            if header is None:
                header = [name.strip() for name in cells]
            elif cells and len(cells) != len(header):
                yield rows.line_num, Malformed("cells do not match the header", ",".join(cells))
            elif cells:
                yield rows.line_num, dict(zip(header, cells, strict=True))


def _parquet(path: Path, wanted: Collection[str]) -> Iterator[Item]:
    """Rows of a parquet file; the line is the row's number."""
    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        known = [name for name in names if name in wanted]
        batches = file.iter_batches(BATCH, columns=known if next(iter(wanted), None) in names else names)
        records = (record for batch in batches for record in batch.to_pylist())
        yield from enumerate(records, start=1)


PARSERS: dict[str, Callable[[Path], Iterator[Item]]] = {
    "jsonl": _jsonl,
    "json": _json,
    "csv": _csv,
}
"""Parquet apart, which knows its columns before it is read."""
