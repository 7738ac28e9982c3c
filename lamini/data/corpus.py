"""All pairs of a run: named sources with weights, their fingerprint, their split, their rejects.

Everything here goes by hashes of content, so that the order of rows and files changes nothing: the
same pair lands on the same side of the split whatever else is in the mixture. The price is that a
share of 0.01 is met only about, and that validation rows above the limit are used by nobody.

Suffixes: N rows of a table.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa

from lamini.data.records import SCHEMA, Rejected, instruction_hashes, row_hashes
from lamini.errors import UserError
from lamini.runs import draft

QUARANTINE = "quarantine.jsonl"


@dataclass(frozen=True)
class Source:
    """Pairs of one origin; `weight` is how often an epoch passes over them."""

    name: str
    table: pa.Table
    weight: float = 1.0


@dataclass(frozen=True)
class Corpus:
    """What a dataset's `load` returns.

    `held_out` maps an axis of the oracle to its rows, never trained on; empty for other data.
    """

    sources: list[Source]
    held_out: dict[str, pa.Table] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def pairs(self) -> int:
        """Usable rows of all sources, each counted once."""
        return sum(source.table.num_rows for source in self.sources)

    def by_source(self) -> dict[str, float]:
        """instruction_source -> pairs of an epoch, most first; validation is not taken off.

        100 rows of `alpaca` with weight 2 count 200.
        """
        pairs: dict[str, float] = {}
        for source in self.sources:
            for found in source.table["instruction_source"].value_counts().to_pylist():
                name = found["values"]
                pairs[name] = pairs.get(name, 0.0) + found["counts"] * source.weight
        return dict(sorted(pairs.items(), key=lambda item: -item[1]))


def limited(table: pa.Table, limit: int | None) -> pa.Table:
    """The `limit` rows with the lowest content hash, in their old order; all of them without one.

    With the hashes 50, 10, 40, 20 and limit 2, rows 1 and 3 stay.
    """
    if limit is None or limit >= table.num_rows:
        return table
    chosen_N = np.argsort(row_hashes(table), kind="stable")[:limit]
    return table.take(pa.array(np.sort(chosen_N)))


def split(corpus: Corpus, share: float, limit: int) -> tuple[list[Source], pa.Table]:
    """Training sources and the validation table.

    An instruction belongs to validation when hash / 2^64 < share: with all its rows, in every
    source, whatever else there is. The `limit` rows of lowest (instruction hash, row hash) are
    returned, in that order; further ones of that share are left out of both. Data too small for the
    share gives its one instruction with the lowest hash, the only case that looks at other rows.
    With share 0 or limit 0 the validation table is empty.

    With share 0.25 and hashes 0.1, 0.3, 0.2, 0.9 (as fractions), limit 1: row 0 validates, row 2 is
    unused, rows 1 and 3 train.

    Raises:
        UserError: a share outside [0, 1), or too few different instructions for two sides.
    """
    if not 0 <= share < 1 or limit < 0:
        raise UserError(f"validation.share={share} must be in [0, 1) and validation.limit={limit} at least 0")
    hashes = [instruction_hashes(source.table) for source in corpus.sources]
    if share == 0 or limit == 0:
        return corpus.sources, SCHEMA.empty_table()
    threshold = _threshold(np.concatenate(hashes), share)
    train, kept_out = [], []
    for source, hash_N in zip(corpus.sources, hashes, strict=True):
        aside_N = hash_N <= threshold
        train.append(replace(source, table=source.table.filter(pa.array(~aside_N))))
        kept_out.append(source.table.filter(pa.array(aside_N)))
    if not any(source.table.num_rows for source in train):
        raise UserError(f"validation.share={share} leaves no pair to train on; lower it")
    return train, _lowest(pa.concat_tables(kept_out), limit)


def _threshold(hash_N: np.ndarray, share: float) -> np.uint64:
    """The highest hash that validates."""
    distinct = np.unique(hash_N)
    if len(distinct) < 2:
        raise UserError(
            "the data has fewer than two different instructions, so nothing is left to validate on;"
            " add pairs or set validation.share=0"
        )
    threshold = max(int(share * 2**64) - 1, 0)
    return np.uint64(max(threshold, int(distinct[0])))


def _lowest(table: pa.Table, limit: int) -> pa.Table:
    """The first `limit` rows by (instruction hash, row hash)."""
    order_N = np.lexsort((row_hashes(table), instruction_hashes(table)))[:limit]
    return table.take(pa.array(order_N))


def fingerprint(sources: list[Source]) -> str:
    """16 hex digits that name these rows with these weights.

    Content-defined: neither the order of the rows in a source nor that of the sources counts, the
    number of repeats does. Sources of weight 0 do not count.
    """
    return fingerprint_of(
        [(source.name, source.weight, row_hashes(source.table)) for source in sources if source.weight > 0]
    )


def fingerprint_of(sources: list[tuple[str, float, np.ndarray]]) -> str:
    """`fingerprint` of sources given as name, weight and `row_hash` of every row, uint64 (N,)."""
    digest = blake2b(digest_size=8)
    for name, weight, hash_N in sorted(sources, key=lambda source: source[0]):
        digest.update(f"{name} {float(weight)!r} {len(hash_N)}".encode())
        digest.update(np.sort(hash_N).astype(">u8").tobytes())
    return digest.hexdigest()


def quarantine(rejected: list[Rejected], folder: Path) -> Path:
    """Write the rejected rows (source, line, reason, excerpt) as JSON Lines; returns the file.

    Atomic: a reader sees the old file or the whole new one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / QUARANTINE
    beside = draft(path)
    with beside.open("w", encoding="utf-8") as stream:
        for row in rejected:
            stream.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")
    beside.replace(path)
    return path


def enforce(rejected: list[Rejected], total: int, share: float, path: Path | None = None) -> None:
    """Refuse data of which more than `share` is rejected.

    `total` counts all rows, the rejected ones too; `path` is the quarantine file.

    Raises:
        UserError: with the counts by reason and where the rows can be looked at.
    """
    if total == 0 or len(rejected) <= share * total:
        return
    counts = Counter(row.reason for row in rejected).most_common()
    reasons = ", ".join(f"{count} {reason}" for reason, count in counts)
    where = f"; look at {path}" if path else ""
    raise UserError(
        f"{len(rejected)} of {total} rows are rejected ({reasons}), more than"
        f" max_rejected={share} allows{where}, mend them or raise max_rejected"
    )
