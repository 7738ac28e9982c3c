"""Folders of Parquet shards: `<prefix>-00000.parquet`, ... with whole rows, written all or not at all.

Shards are written beside their names, flushed to disk, and take their names together when the writer is left
without an error. A job that is killed leaves hidden drafts, which the next writer removes, and whatever stood
there before stays whole. A stage that starts again therefore writes its shards anew: its answers come from
the request log, so that costs no call. The price is the disk space of both versions for as long as the
writing takes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from lamini.errors import UserError
from lamini.runs import reason

PAIRS = pa.schema(
    [
        ("instruction", pa.large_string()),
        ("response", pa.large_string()),
        ("instruction_source", pa.large_string()),  # one of records.SOURCES, or the name of another source
        ("teacher", pa.large_string()),  # kind of teacher: openai, transformers, oracle, replay
        ("model", pa.large_string()),  # as the teacher names itself
        ("prompt_hash", pa.large_string()),  # of the system message and its directives
        ("examples", pa.list_(pa.large_string())),  # shown when the instruction was written
        ("topics", pa.list_(pa.large_string())),  # named when the instruction was written
        ("instruction_request", pa.large_string()),  # key of the request that wrote it; "" for collected ones
        ("request", pa.large_string()),  # key of the request that answered it: the row's name
        ("sample", pa.int32()),  # number of the answer to this instruction, from 0
        ("finish_reason", pa.large_string()),
        ("prompt_tokens", pa.int32()),  # of the request, as the teacher counts; null: not said
        ("response_tokens", pa.int32()),
        ("price_usd", pa.float64()),  # of the response; null: not known
    ]
)
"""Columns of a generated pair. Readers of pairs use the first three and pass over the rest."""

MANIFEST = "manifest.json"
"""Written last and removed before shards change: a folder without it is not finished."""

GROUP = 10_000
"""Rows of a Parquet row group: what is in memory at a time."""


class ShardWriter:
    """A context that writes batches into shards of `rows` rows each.

    Every method raises UserError when the disk is full or the folder cannot be written; the shards that stood
    there are untouched then, and nothing half-written remains.
    """

    def __init__(self, folder: Path, rows: int, prefix: str = "train", schema: pa.Schema = PAIRS) -> None:
        self.folder, self.rows, self.prefix, self.schema = folder, rows, prefix, schema
        self.written = 0  # rows so far
        self._waiting: list[pa.RecordBatch] = []
        self._rows_waiting = 0
        self._drafts: list[Path] = []
        self._file: BinaryIO | None = None
        self._parquet: pq.ParquetWriter | None = None

    def __enter__(self) -> ShardWriter:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._remove_drafts()
        except OSError as error:
            raise self._refused(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._flush()
                self._commit()
        except OSError as obstacle:
            raise self._refused(obstacle) from obstacle
        finally:
            self._abandon()

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows; the batch has the columns of the schema, in any order."""
        self._waiting.append(batch.select(self.schema.names).cast(self.schema))
        self._rows_waiting += batch.num_rows
        if self._rows_waiting < GROUP:
            return
        try:
            self._flush()
        except OSError as error:
            raise self._refused(error) from error

    def _flush(self) -> None:
        """Move what waits to the disk; rows are counted here, so a shard ends exactly at its last row."""
        table = pa.Table.from_batches(self._waiting, self.schema)
        self._waiting, self._rows_waiting = [], 0
        while table.num_rows:
            room = self.rows - self.written % self.rows
            part = table.slice(0, room)
            self._open().write_table(part, row_group_size=GROUP)
            self.written += part.num_rows
            if part.num_rows == room:
                self._finish_shard()
            table = table.slice(part.num_rows)

    def _open(self) -> pq.ParquetWriter:
        """The writer of the present shard, begun where there is none."""
        if self._parquet is None:
            draft = self.folder / f".{self._name(len(self._drafts))}.writing"
            self._drafts.append(draft)
            self._file = draft.open("wb")
            self._parquet = pq.ParquetWriter(self._file, self.schema, compression="zstd")
        return self._parquet

    def _finish_shard(self) -> None:
        """Close the present shard, if there is one, with its bytes on the disk."""
        if self._parquet is not None and self._file is not None:
            self._parquet.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        self._parquet = self._file = None

    def _commit(self) -> None:
        """Give all shards their names, and remove those of an earlier, longer version."""
        if not self._drafts:
            self._open()  # no rows: one empty shard, so that the folder can be read
        self._finish_shard()
        names = [self._name(number) for number in range(len(self._drafts))]
        (self.folder / MANIFEST).unlink(missing_ok=True)  # of what is replaced now
        for draft, name in zip(self._drafts, names, strict=True):
            draft.replace(self.folder / name)
        for old in self.folder.glob(f"{self.prefix}-*.parquet"):
            if old.name not in names:
                old.unlink()
        self._drafts = []

    def _abandon(self) -> None:
        """Let go of what is open, and remove what got no name."""
        if self._parquet is not None:
            with suppress(OSError):  # it wants to write its footer, on a disk that may be full
                self._parquet.close()
        if self._file is not None:
            self._file.close()
        self._parquet = self._file = None
        self._remove_drafts()

    def _remove_drafts(self) -> None:
        for draft in self.folder.glob(f".{self.prefix}-*.parquet.writing"):
            draft.unlink(missing_ok=True)

    def _name(self, number: int) -> str:
        return f"{self.prefix}-{number:05}.parquet"

    def _refused(self, error: OSError) -> UserError:
        return UserError(f"{self.folder} cannot take the shards: {reason(error)}")


def shard_files(folder: Path, prefix: str = "train") -> list[Path]:
    """The shards of a folder in their order."""
    return sorted(folder.glob(f"{prefix}-*.parquet"))


def read_batches(
    folder: Path, columns: list[str] | None = None, prefix: str = "train", rows: int = GROUP
) -> Iterator[pa.RecordBatch]:
    """The rows of a folder's shards in their order, at most `rows` at a time.

    Raises:
        UserError: no shard there, or a damaged one.
    """
    files = shard_files(folder, prefix)
    if not files:
        raise UserError(f"{folder} has no {prefix}-*.parquet; the stage before has not finished")
    for path in files:
        try:
            with pq.ParquetFile(path) as file:
                yield from file.iter_batches(rows, columns=columns)
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(
                f"{path} is no intact parquet file ({error}); remove the folder to redo it"
            ) from error
