"""Small jobs for the tests of generate.py: the oracle, a few instructions, folders of the test's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from lamini.compose import compose
from lamini.config import GenerateConfig
from lamini.data.shards import read_batches
from lamini.generation import stages
from lamini.teacher.stopping import Interruption

LITTLE = (
    "instructions.sources.self_instruct_without_topic.generate=60",
    "instructions.sources.self_instruct_with_topic.generate=40",
)


def config(place: Path, *overrides: str) -> GenerateConfig:
    """The embedded job in `place`, smaller."""
    words = ["teacher=oracle", "instructions=embedded", f"paths.output_dir={place}", *LITTLE, *overrides]
    found = compose("generate", words)
    assert isinstance(found, GenerateConfig)
    return found


def generate(place: Path, *overrides: str) -> Path:
    """Run it; returns the data set's folder."""
    chosen = config(place, *overrides)
    folder = place / "instructions" / chosen.name
    stages.generate(chosen, folder, Interruption())
    return folder


def rows(folder: Path, prefix: str = "train") -> list[dict[str, Any]]:
    """The rows of a folder's shards in their order."""
    return pa.Table.from_batches(list(read_batches(folder, prefix=prefix))).to_pylist()


def shards(folder: Path) -> dict[str, bytes]:
    """The bytes of a data set's shards by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("**/*.parquet"))}
