"""Tables of ratings on disk, CSV or Parquet: written whole, and never over a file of something else."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lamini.data.files import format_of
from lamini.errors import UserError
from lamini.rating.columns import FLAGS, NUMBERS, Row
from lamini.runs import ensure_writable, write_atomically

KEY = "file"
FORMATS = ("csv", "parquet")


def write_table(file: Path, found: Sequence[Row], columns: Sequence[str]) -> None:
    """Write rows, all at once; a file of other columns is not replaced.

    Raises:
        UserError: neither .csv nor .parquet, a file of something else is there, or the disk refuses.
    """
    format = format_of(file, KEY)
    if format not in FORMATS or file.suffix == ".gz":
        raise UserError(f"{KEY}={file} is written as .csv or .parquet; name it so")
    if file.exists() and _header(file, format) != list(columns):
        raise UserError(
            f"{KEY}={file} is there already and holds something else; choose another {KEY}=<file>"
        )
    ensure_writable(file.parent, KEY, "<file>")
    write_atomically(file, _csv(found, columns) if format == "csv" else _parquet(found, columns))


def _header(file: Path, format: str) -> list[str]:
    """The names of the columns of a file, whatever it is."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if format == "parquet":
            return list(pq.read_schema(file).names)
        with file.open(encoding="utf-8", newline="") as stream:
            return next(csv.reader(stream), [])
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError, csv.Error):
        return []


def _csv(found: Sequence[Row], columns: Sequence[str]) -> bytes:
    """Text is quoted whatever it is, numbers are not; null is an empty cell, flags are true and false."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(columns)
    for row in found:
        cells = (row[name] for name in columns)
        writer.writerow([str(cell).lower() if isinstance(cell, bool) else _blank(cell) for cell in cells])
    return stream.getvalue().encode()


def _blank(cell: Any) -> Any:
    return "" if cell is None else cell


def _parquet(found: Sequence[Row], columns: Sequence[str]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {**dict.fromkeys(FLAGS, pa.bool_()), **dict.fromkeys(NUMBERS, pa.float64())}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in columns])
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(found), schema=schema), buffer, compression="zstd")
    return buffer.getvalue()
