"""Token ids of many rows, read from memory-mapped arrays; several caches joined look like one.

Each source of a mixture has a cache of its own, so that dropping or weighing a source tokenises
nothing anew; `Tokens.join` numbers their rows one after another. Lengths are held in memory (16
bytes a row), ids stay on disk.

Suffixes: N rows, T ids of one row.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lamini.data.records import EXCERPT, Rejected

ARRAYS: dict[str, np.dtype[Any]] = {
    "ids": np.dtype(np.uint32),
    "offsets": np.dtype(np.int64),
    "prompts": np.dtype(np.int32),
    "rows": np.dtype(np.int64),
}
"""Arrays of a cache folder; ids are uint16 where the vocabulary allows."""

TOO_LONG = "response longer than the context"


@dataclass(frozen=True)
class Part:
    """One cache folder."""

    ids: np.ndarray
    offsets: np.ndarray


@dataclass(frozen=True)
class Tokens:
    """Rows of token ids.

    `rows_N` numbers the rows of the table they were made from (of all tables in a row, after
    `join`); `truncated` counts prompts that were cut; `rejected` are the table's other rows.
    """

    parts: Sequence[Part]
    prompt_lengths_N: np.ndarray
    response_lengths_N: np.ndarray
    rows_N: np.ndarray
    truncated: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    starts: np.ndarray = field(init=False, repr=False)  # first row of each part, and the end

    def __post_init__(self) -> None:
        starts = np.cumsum([0, *self.sizes], dtype=np.int64)
        object.__setattr__(self, "starts", starts)  # the one write to a frozen object

    def __len__(self) -> int:
        return len(self.rows_N)

    @property
    def sizes(self) -> list[int]:
        """Rows of each part, as `Order` wants them."""
        return [len(part.offsets) - 1 for part in self.parts]

    def prompt(self, row: int) -> np.ndarray:
        """Prompt ids of a row, int64 (T,)."""
        ids_T = self._ids(row)
        return ids_T[: self.prompt_lengths_N[row]]

    def response(self, row: int) -> np.ndarray:
        """Response ids of a row with the end token, int64 (T,)."""
        ids_T = self._ids(row)
        return ids_T[self.prompt_lengths_N[row] :]

    def _ids(self, row: int) -> np.ndarray:
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        which = int(np.searchsorted(self.starts, row, side="right")) - 1
        part, first = self.parts[which], row - self.starts[which]
        begin, end = part.offsets[first : first + 2]
        return np.asarray(part.ids[begin:end], dtype=np.int64)

    @classmethod
    def join(cls, several: Sequence[Tokens], table_rows: Sequence[int]) -> Tokens:
        """One after another; `table_rows` are the sizes of their tables, to go on counting rows.

        Two tables of 3 and 2 rows, the second row of the first rejected: rows_N [0, 2] and [0, 1]
        become [0, 2, 3, 4].
        """
        firsts = np.concatenate([[0], np.cumsum(table_rows)])[:-1]
        return cls(
            parts=[part for tokens in several for part in tokens.parts],
            prompt_lengths_N=np.concatenate([t.prompt_lengths_N for t in several]),
            response_lengths_N=np.concatenate([t.response_lengths_N for t in several]),
            rows_N=np.concatenate([t.rows_N + f for t, f in zip(several, firsts, strict=True)]),
            truncated=sum(tokens.truncated for tokens in several),
            rejected=[row for tokens in several for row in tokens.rejected],
        )


def open_folder(folder: Path, table: pa.Table) -> Tokens | None:
    """The tokens in a cache folder; None where they are missing or damaged."""
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        arrays = {name: _open(folder / f"{name}.npy", *meta["arrays"][name]) for name in ARRAYS}
        truncated = int(meta["truncated"])
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None
    ids, offsets, prompts, rows = (arrays[name] for name in ARRAYS)
    if len(offsets) != len(rows) + 1 or len(prompts) != len(rows) or offsets[-1] != len(ids):
        return None
    return Tokens(
        parts=[Part(ids, offsets)],
        prompt_lengths_N=np.array(prompts),
        response_lengths_N=(np.diff(offsets) - prompts).astype(np.int32),
        rows_N=np.array(rows),
        truncated=truncated,
        rejected=_rejected(table, rows),
    )


def _open(path: Path, size: int, dtype: str) -> np.ndarray:
    """The array, mapped; ValueError unless it is what meta.json says."""
    array: np.ndarray = np.load(path, mmap_mode="r" if size else None)
    if array.shape != (size,) or array.dtype != np.dtype(dtype):
        raise ValueError(f"{path} is damaged")
    return array


def _rejected(table: pa.Table, rows_N: np.ndarray) -> list[Rejected]:
    """The rows of the table that were not encoded."""
    missing = np.setdiff1d(np.arange(table.num_rows), rows_N, assume_unique=True)
    found = table.select(["instruction", "response", "instruction_source"]).take(pa.array(missing))
    return [
        Rejected(
            row["instruction_source"],
            int(number) + 1,
            TOO_LONG,
            f"{row['instruction'][: EXCERPT // 2]} => {row['response'][: EXCERPT // 2]}",
        )
        for number, row in zip(missing, found.to_pylist(), strict=True)
    ]
