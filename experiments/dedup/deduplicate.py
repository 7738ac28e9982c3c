"""The paper's mixture without repeats and near-duplicates of an instruction, for `data=deduplicated`.

    python experiments/dedup/deduplicate.py <folder> [data=<data> ...]

The steps `exact` and `near` of curation=default and no other: a pair goes where an earlier one of the set has
its instruction, whatever their sources. What went lies in <folder>-dropped, with the reason.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from lamini.compose import compose
from lamini.curation.curating import curate, dropped_schema
from lamini.data.records import SCHEMA
from lamini.data.shards import ShardWriter
from lamini.errors import UserError

ROWS = 10_000
SHARD = 100_000


def main() -> None:
    """Read the arguments, write the two folders."""
    if len(sys.argv) < 2:
        print("deduplicate.py: name the folder to write", file=sys.stderr)
        sys.exit(2)
    try:
        print(deduplicate(Path(sys.argv[1]), sys.argv[2:]))
    except UserError as error:
        print(f"deduplicate.py: {error}", file=sys.stderr)
        sys.exit(2)


def deduplicate(folder: Path, overrides: list[str]) -> str:
    """Write what stays and what goes; says how much of each source stays. A folder with shards is left alone.

    Raises:
        UserError: data that cannot be read, a folder that cannot be written.
    """
    if any(folder.glob("*.parquet")):
        return f"{folder} is there already"
    curation = compose("generate", ["teacher=oracle", "instructions=embedded", "curation=default"]).curation
    options = replace(curation, length=None, languages=None, refusals=False, echoes=False, lossy=None)
    config = compose("train", ["model=t5-small", *overrides])
    config.data.check()
    corpus = config.data.load(Path(config.paths.cache_dir), config.seed)
    table = pa.concat_tables([source.table for source in corpus.sources])

    def batches() -> Iterator[pa.RecordBatch]:
        yield from table.to_batches(max_chunksize=ROWS)

    aside = folder.with_name(f"{folder.name}-dropped")
    with (
        tempfile.TemporaryDirectory() as scratch,
        ShardWriter(aside, SHARD, "dropped", dropped_schema(SCHEMA)) as dropped,
        ShardWriter(folder, SHARD, "train", SCHEMA) as kept,
    ):
        report = curate(batches, options, kept, dropped, Path(scratch))
    return "\n".join(f"{name}: {count:,} stay" for name, count in sorted(report.kept.items()))


if __name__ == "__main__":
    main()
