"""Tokenise once for the whole herd: a content-addressed folder of flat arrays, memory-mapped.

The key is a hash of everything that changes the ids: the student's layout (its tokenizer, wrapper
and context), the rows in their order and this code's version. Students that share them share the
folder, and nothing is ever invalidated by hand. Building streams to disk, under a lock, in a folder
that gets its name only when complete; so a killed build leaves nothing that could be mistaken for
tokens.

Layout of <cache_dir>/tokens/<key>/ for N encoded rows and L ids:
    ids.npy      uint16 or uint32 (L,)   prompt and response of row 0, prompt and response of row 1…
    offsets.npy  int64 (N + 1,)          where each row starts in ids
    prompts.npy  int32 (N,)              how many of a row's ids are prompt
    rows.npy     int64 (N,)              the row of the table it came from
    meta.json    sizes, dtype, truncated prompts; written last

Suffixes: N encoded rows, T ids of one row.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from contextlib import ExitStack, closing
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from filelock import FileLock

from lamini.data.records import row_hashes
from lamini.data.tokens import ARRAYS, Tokens, open_folder
from lamini.data.writing import ArrayWriter, build_folder
from lamini.errors import UserError

if TYPE_CHECKING:
    from lamini.students.protocol import Student

VERSION = 1
"""Raised whenever this module writes different ids or another layout for the same input."""

BATCH = 2_000
"""Rows tokenised at a time; memory stays flat whatever the table's size."""

Progress = Callable[[int, int], None]
"""Called with (rows done, rows in all) after every batch."""


def encode_table(
    student: Student, table: pa.Table, cache_dir: Path, progress: Progress | None = None
) -> Tokens:
    """The table's tokens for this student, from the cache or built into it.

    Rows that `student.encode` refuses (response longer than the context) are missing from the
    tokens and listed in `Tokens.rejected`. A damaged folder is built again.

    Raises:
        UserError: no row of a non-empty table fits the context, or the folder cannot be written.
    """
    folder = cache_dir / "tokens" / key_of(student, table)
    # Without the lock first: a cache that is complete may lie where nobody may write.
    tokens = open_folder(folder, table)
    if tokens is None:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_suffix(".lock")):
                tokens = open_folder(folder, table) or _build(student, table, folder, progress)
        except OSError as error:
            raise UserError(_obstacle(error, folder.parent)) from error
    if table.num_rows and not len(tokens):
        raise UserError(
            f"not one of {table.num_rows} pairs fits: every response is longer than the context;"
            " raise context or choose other data"
        )
    return tokens


def key_of(student: Student, table: pa.Table) -> str:
    """32 hex digits that name the tokens of this table for this student."""
    digest = blake2b(digest_size=16)
    layout = json.dumps(student.layout(), sort_keys=True)
    digest.update(blake2b(f"{VERSION} {layout}".encode()).digest())
    digest.update(row_hashes(table).astype(">u8").tobytes())
    return digest.hexdigest()


def _build(student: Student, table: pa.Table, folder: Path, progress: Progress | None) -> Tokens:
    """Tokenise into a temporary folder and give it its name; called under the lock."""
    build_folder(folder, lambda draft: _write(student, table, draft, progress))
    tokens = open_folder(folder, table)
    assert tokens is not None, f"{folder} was written but does not open"
    return tokens


def _write(student: Student, table: pa.Table, draft: Path, progress: Progress | None) -> dict[str, Any]:
    """Encode batch by batch into the arrays of `draft`; returns what meta.json says."""
    small = len(student.tokenizer) < 2**16
    dtypes = {**ARRAYS, "ids": np.dtype(np.uint16 if small else np.uint32)}
    done = truncated = 0
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(closing(ArrayWriter(draft / f"{name}.npy", dtype)))
            for name, dtype in dtypes.items()
        }
        writers["offsets"].append([0])
        for batch in table.select(["instruction", "response"]).to_batches(max_chunksize=BATCH):
            truncated += _write_batch(student, batch, done, writers)
            done += batch.num_rows
            if progress is not None:
                progress(done, table.num_rows)
    return {
        "version": VERSION,
        "layout": student.layout(),
        "truncated": truncated,
        "rejected": table.num_rows - writers["rows"].size,
        "arrays": {name: [writer.size, writer.dtype.name] for name, writer in writers.items()},
    }


def _write_batch(
    student: Student, batch: pa.RecordBatch, first_row: int, writers: dict[str, ArrayWriter]
) -> int:
    """Append one batch's rows; returns how many prompts were truncated."""
    features = student.encode(batch["instruction"].to_pylist(), batch["response"].to_pylist())
    kept = [(row, found) for row, found in enumerate(features, first_row) if found is not None]
    sizes = [len(found.prompt) + len(found.response) for _, found in kept]
    start = writers["ids"].size
    writers["ids"].append([i for _, f in kept for part in (f.prompt, f.response) for i in part])
    writers["offsets"].append(start + np.cumsum(sizes, dtype=np.int64))
    writers["prompts"].append([len(found.prompt) for _, found in kept])
    writers["rows"].append([row for row, _ in kept])
    return sum(found.truncated for _, found in kept)


def _obstacle(error: OSError, folder: Path) -> str:
    """The sentence for a folder that cannot take the tokens."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk or quota of {folder} is full; free space or set paths.cache_dir elsewhere"
    return f"{folder} cannot be written ({error}); set paths.cache_dir to a folder that can"
