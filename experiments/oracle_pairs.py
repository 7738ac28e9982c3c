"""The oracle's pairs in the layout of the hub's set: the same number from each of the paper's seven sources.

    python experiments/oracle_pairs.py <folder> [--pairs 4000]

`data=lamini data.hub=<folder>` reads them, and so does every data option that leaves sources out. A source
has its own kinds of instructions, and shares some with others. Nothing that `suite=oracle` asks is here.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lamini.data.records import SOURCES
from lamini.errors import UserError
from lamini.runs import ensure_writable
from lamini.teacher.oracle import generate

FILE = "train.parquet"


def main() -> None:
    """Read the arguments, write the file where there is none."""
    parser = argparse.ArgumentParser(description="Write the oracle's pairs of the seven sources.")
    parser.add_argument("folder", type=Path, help="what data.hub is to name")
    parser.add_argument("--pairs", type=int, default=4000, help="pairs of each source")
    arguments = parser.parse_args()
    try:
        print(write(arguments.folder, arguments.pairs))
    except UserError as error:
        print(f"oracle_pairs.py: {error}", file=sys.stderr)
        sys.exit(2)


def write(folder: Path, pairs: int) -> str:
    """The pairs of every source, `pairs` each; says what stands in the folder.

    Raises:
        UserError: a folder that cannot be written, or that holds another number of pairs.
    """
    file = folder / FILE
    if file.exists():
        rows = pq.read_metadata(file).num_rows
        if rows != pairs * len(SOURCES):
            raise UserError(f"{file} holds {rows:,} pairs, not {pairs * len(SOURCES):,}; remove it")
        return f"{file}: {rows:,} pairs, as before"
    ensure_writable(folder, "folder")
    table = pa.concat_tables([of_source(name, pairs, seed) for seed, name in enumerate(SOURCES)])
    draft = folder / f".{FILE}"
    pq.write_table(table, draft)
    draft.replace(file)
    return f"{file}: {table.num_rows:,} pairs"


def of_source(name: str, pairs: int, seed: int) -> pa.Table:
    """Pairs of the kinds that a source has."""
    rows = generate(pairs, 0, seed, sources=[name])["train"]
    columns = ("instruction", "response", "instruction_source")
    return pa.table({column: [getattr(row, column) for row in rows] for column in columns})


if __name__ == "__main__":
    main()
