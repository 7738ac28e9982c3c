"""Answers as Parquet: a file for each student, and one that joins all who answered the same instructions.

    <student>/evaluation/<suite>.parquet                        one student
    <paths.output_dir>/<name>/answers/<suite>.parquet           all of them: what the rating page reads

Both have the columns of SCHEMA, one row an instruction and student, in the order of the set. Names are the
real ones; who shows rows to raters hides `student` and `model`. The joined file grows: a later line adds its
students, and takes the place of those it has again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from lamini.errors import UserError
from lamini.runs import ensure_writable, write_atomically

SCHEMA = pa.schema(
    [
        ("student", pa.string()),  # who answered: run, model, teacher, or the name given to a file
        ("source", pa.string()),  # student, teacher or file
        ("instruction_id", pa.string()),
        ("app", pa.string()),  # for whose users the instruction was written; "" where not known
        ("instruction", pa.string()),  # as it was asked, without wrapper
        ("response", pa.string()),  # "" where there is none: see `error`
        ("decoding", pa.string()),  # JSON; {} where a file does not say
        ("model", pa.string()),  # what answered: folder, hub id, the teacher's own name, or the file
        ("tokens", pa.int32()),  # of the response; null: not known
        ("truncated", pa.bool_()),  # the instruction was longer than the context; null: not known
        ("finished", pa.bool_()),  # it ended by itself and not at the limit; null: not known
        ("error", pa.string()),  # why there is no response; null where there is one, be it empty
    ]
)
SET = b"lamini.instructions"  # key of the file's metadata: digest of the set
SOURCES = ("student", "teacher", "file")

Row = dict[str, Any]


def write(path: Path, rows: Sequence[Row], digest: str) -> None:
    """Replace the file at `path` in one step.

    Raises:
        UserError: the disk refuses.
    """
    buffer = BytesIO()
    schema = SCHEMA.with_metadata({SET: digest})
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), buffer, compression="zstd")
    ensure_writable(path.parent, "paths.output_dir")
    write_atomically(path, buffer.getvalue())


def read(path: Path) -> tuple[list[Row], str]:
    """The rows of a file and the digest of its set.

    Raises:
        UserError: no intact Parquet file, or none of ours.
    """
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path} is no intact parquet file ({error}); remove it to begin anew") from error
    digest = (table.schema.metadata or {}).get(SET)
    if digest is None or table.schema.names != SCHEMA.names:
        raise UserError(f"{path} is no file of answers; remove it, or choose another suite.name=<name>")
    return table.to_pylist(), digest.decode()


def decoding_of(settings: dict[str, Any]) -> str:
    """How a column says it."""
    return json.dumps(settings, sort_keys=True)


class Joined:
    """The joined file of one set."""

    def __init__(self, path: Path, digest: str, anew: bool = False) -> None:
        """`digest` is that of the set; with `anew` a file of another set is replaced.

        Raises:
            UserError: the file holds answers to other instructions, or cannot be read.
        """
        self.path, self.digest, self.anew = path, digest, anew
        self.rows()

    def rows(self) -> list[Row]:
        """What stands in it now."""
        if not self.path.exists():
            return []
        rows, digest = read(self.path)
        if digest == self.digest:
            return rows
        if self.anew:
            return []
        raise UserError(
            f"{self.path} holds answers to other instructions; choose another suite.name=<name>,"
            " or force=true to begin it anew"
        )

    def name_for(self, name: str, source: str, model: str, longer: str) -> str:
        """`name`, or `longer` where somebody else has it: two models must not pass for one.

        A teacher is known by its name; its `model` may be a new snapshot.

        Raises:
            UserError: others have both.
        """
        own = (source, "" if source == "teacher" else model)
        taken = {
            row["student"]: (row["source"], "" if row["source"] == "teacher" else row["model"])
            for row in self.rows()
        }
        for candidate in (name, longer):
            if taken.get(candidate, own) == own:
                return candidate
        raise UserError(
            f"{self.path} has {name} and {longer} from elsewhere ({' '.join(taken[name])}); choose another"
            " suite.name=<name>"
        )

    def put(self, rows: Sequence[Row]) -> None:
        """Add rows, in the place of those that the same students have there."""
        who = {row["student"] for row in rows}
        ensure_writable(self.path.parent, "paths.output_dir")
        with FileLock(self.path.with_name(f".{self.path.name}.lock")):
            others = [row for row in self.rows() if row["student"] not in who]
            write(self.path, [*others, *rows], self.digest)

    def students(self) -> list[str]:
        """Who is in it."""
        return list(dict.fromkeys(row["student"] for row in self.rows()))
