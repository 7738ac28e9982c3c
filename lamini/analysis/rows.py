"""The pairs as sets of rows that several processes read at once without a copy of them in each.

A set is what has one `instruction_source`, as in the paper's tables. Its rows are written once,
uncompressed, to an Arrow file that every process maps into memory: 2.58M pairs are then held by the
system's page cache, a second time on disk, and not in each process. Rows can be read in the order of the
data or in a random one that depends on what the rows hold and on the seed, never on their order.

Suffixes: N rows of a set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lamini.data.corpus import Source
from lamini.data.records import row_hashes
from lamini.errors import UserError
from lamini.runs import reason

COLUMNS = ("instruction", "response")
BATCH = 10_000
"""Rows that stand as Python objects at a time."""
ALL = "all"
"""Name of the mixture of all sets."""
MOST = 100
"""Sets of one report."""


@dataclass(frozen=True)
class Rows:
    """One set on disk; small enough to be sent to another process."""

    name: str
    path: Path  # Arrow file with COLUMNS
    count: int

    def table(self) -> pa.Table:
        """All rows, mapped into memory."""
        return pa.ipc.open_file(pa.memory_map(str(self.path))).read_all()

    def texts(self, column: str, order_N: np.ndarray | None = None) -> Iterator[list[str]]:
        """The texts of a column in batches, in the order of the data or in that of the row numbers given."""
        chunks = self.table()[column]
        for start in range(0, self.count if order_N is None else len(order_N), BATCH):
            if order_N is None:
                yield chunks.slice(start, BATCH).to_pylist()
            else:
                yield chunks.take(pa.array(order_N[start : start + BATCH])).to_pylist()

    def shuffled(self, seed: int) -> np.ndarray:
        """Row numbers in a random order, int64 (N,): by what the rows are, wherever in the file."""
        hash_N = np.load(self.path.with_suffix(".npy"))
        return np.argsort(hash_N, kind="stable")[np.random.default_rng(seed).permutation(self.count)]


def spill(sources: list[Source], folder: Path) -> list[Rows]:
    """Write the sets of a mixture into `folder` for `Rows` to read, one by one, so that memory stays low.

    A set is an `instruction_source`; where two sources of the mixture share one, so that two versions of
    the same data can be compared, it is `<source>/<instruction_source>`.

    Raises:
        UserError: the disk is full, or there are more than MOST sets.
    """
    parts = [
        (source, value)
        for source in sources
        for value in pc.unique(source.table["instruction_source"]).to_pylist()
    ]
    if len(parts) > MOST:
        raise UserError(
            f"the data has {len(parts):,} different values of instruction_source, more than the {MOST} that a"
            " table can hold; leave the column out or name fewer"
        )
    values = [value for _, value in parts]
    result = []
    for number, (source, value) in enumerate(parts):
        alone = values.count(value) == 1 and value not in (ALL, *COLUMNS)
        name = value if alone else f"{source.name}/{value}"
        try:
            result.append(_written(name, _part(source.table, value), folder / f"{number}.arrow"))
        except OSError as error:
            told = f"{folder} cannot be written ({reason(error)}); set paths.cache_dir=<folder>"
            raise UserError(told) from error
    return result


def _part(table: pa.Table, value: str) -> pa.Table:
    mask = pc.equal(table["instruction_source"], value)
    plain = table.select(COLUMNS)
    return plain if pc.all(mask).as_py() else plain.filter(mask)


def _written(name: str, table: pa.Table, path: Path) -> Rows:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=BATCH)
    np.save(path.with_suffix(".npy"), row_hashes(table))
    return Rows(name, path, table.num_rows)


def order_digest(sets: list[Rows]) -> str:
    """16 hex digits that name the sets' rows in their order, for results that depend on it."""
    digest = blake2b(digest_size=8)
    for rows in sets:
        digest.update(f"{rows.name}:{rows.count}:".encode())
        digest.update(np.load(rows.path.with_suffix(".npy")).astype(">u8").tobytes())
    return digest.hexdigest()


def interleaved(
    sets: list[Rows], column: str, seed: int, orders: list[np.ndarray] | None = None
) -> Iterator[list[str]]:
    """The texts of all sets in batches, mixed at random, each set in its own order (or in the one given).

    With sets (a, b) and (c), the draw 1, 0, 0 gives c, a, b. Over shuffled sets this is a shuffle of the
    whole.
    """
    set_N = np.repeat(np.arange(len(sets), dtype=np.int16), [rows.count for rows in sets])
    np.random.default_rng(seed).shuffle(set_N)
    feeds = [_one_by_one(rows.texts(column, orders[n] if orders else None)) for n, rows in enumerate(sets)]
    for start in range(0, len(set_N), BATCH):
        yield [next(feeds[n]) for n in set_N[start : start + BATCH].tolist()]


def _one_by_one(batches: Iterator[list[str]]) -> Iterator[str]:
    for batch in batches:
        yield from batch
