"""Shards: whole or not there, in order, and usable at once."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lamini.data import files
from lamini.data.corpus import fingerprint
from lamini.data.options import FileData, MixtureData, SourceOptions
from lamini.data.readers import read_all
from lamini.data.records import Pair, table
from lamini.data.shards import MANIFEST, PAIRS, ShardWriter, read_batches, shard_files
from lamini.errors import UserError
from tests.curation.rows import batch, pair


def written(folder: Path, count: int, rows: int = 10, size: int = 7) -> Path:
    """`count` pairs in shards of `rows`, handed over `size` at a time."""
    pairs = [
        pair(f"instruction {number}", f"response {number}", sample=number % 2) for number in range(count)
    ]
    with ShardWriter(folder, rows) as shards:
        for first in range(0, count, size):
            shards.write(batch(pairs[first : first + size]))
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("group", [1, 4, 10_000])
def test_rows_come_back_in_order_whatever_the_sizes(
    group: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lamini.data.shards.GROUP", group)
    written(tmp_path, 25)
    assert names(tmp_path) == ["train-00000.parquet", "train-00001.parquet", "train-00002.parquet"]
    assert [pq.read_metadata(path).num_rows for path in shard_files(tmp_path)] == [10, 10, 5]
    rows = [row for part in read_batches(tmp_path, rows=3) for row in part.to_pylist()]
    assert [row["instruction"] for row in rows] == [f"instruction {number}" for number in range(25)]
    assert rows[1] == pair("instruction 1", "response 1", sample=1)
    assert pq.read_schema(tmp_path / "train-00000.parquet").equals(PAIRS)
    assert (
        pq.ParquetFile(tmp_path / "train-00000.parquet").metadata.row_group(0).column(0).compression == "ZSTD"
    )


def test_full_shards_leave_no_empty_one(tmp_path: Path) -> None:
    assert [pq.read_metadata(path).num_rows for path in shard_files(written(tmp_path, 20))] == [10, 10]


def test_no_rows_are_one_empty_shard(tmp_path: Path) -> None:
    written(tmp_path, 0)
    assert names(tmp_path) == ["train-00000.parquet"]
    assert sum(part.num_rows for part in read_batches(tmp_path)) == 0


def test_a_shorter_version_replaces_all_of_a_longer_one_and_its_manifest(tmp_path: Path) -> None:
    written(tmp_path, 25)
    (tmp_path / MANIFEST).write_text("{}")
    (tmp_path / "other-00000.parquet").write_text("mine")
    written(tmp_path, 12)
    assert names(tmp_path) == ["other-00000.parquet", "train-00000.parquet", "train-00001.parquet"]


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    written(tmp_path, 25)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ZeroDivisionError), ShardWriter(tmp_path, 8000) as shards:
        for _ in range(3000):
            shards.write(batch([pair("new")] * 7))
        raise ZeroDivisionError
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_killed_writer_leaves_what_was_there_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    written(tmp_path, 25)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    program = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from lamini.data.shards import ShardWriter
        from tests.curation.rows import batch, pair
        with ShardWriter(Path(sys.argv[1]), 15_000) as shards:
            for _ in range(5):
                shards.write(batch([pair("new")] * 10_000))
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    root = Path(__file__).parents[2]
    found = subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=root, timeout=60)
    assert found.returncode == -signal.SIGKILL
    drafts = [path for path in tmp_path.iterdir() if path.name not in before]
    assert len(drafts) == 4 and all(path.name.startswith(".") for path in drafts)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert read_all(tmp_path, "x")[0].num_rows == 25  # drafts are no shards
    written(tmp_path, 12)
    assert names(tmp_path) == ["train-00000.parquet", "train-00001.parquet"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_is_one_sentence_and_nothing_half_written(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, 5)
    before = (tmp_path / "train-00000.parquet").read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    target = (os, "fsync") if call == "fsync" else (Path, "replace")
    monkeypatch.setattr(*target, full)
    with pytest.raises(UserError, match=f"{tmp_path} cannot take the shards: the disk is full"):
        written(tmp_path, 25)
    assert names(tmp_path) == ["train-00000.parquet"]
    assert (tmp_path / "train-00000.parquet").read_bytes() == before


def test_a_write_that_the_system_refuses(tmp_path: Path) -> None:
    """A real refusal in the middle of a shard: no file of the process may grow beyond 64 KiB."""
    program = textwrap.dedent(
        """
        import random, resource, sys
        from pathlib import Path
        from lamini.data.shards import ShardWriter
        from lamini.errors import UserError
        from tests.curation.rows import batch, pair
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
        rows = [pair(random.Random(n).randbytes(40).hex()) for n in range(10_000)]
        try:
            with ShardWriter(Path(sys.argv[1]), 100_000) as shards:
                shards.write(batch(rows))
        except UserError as error:
            print(error)
        """
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", program, str(tmp_path)]
    found = subprocess.run(command, cwd=root, timeout=60, capture_output=True, text=True)
    assert found.stdout == f"{tmp_path} cannot take the shards: file too large\n", found.stderr
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot take the shards: not a directory"):
        written(tmp_path / "file" / "x", 3)


def test_wrong_columns_are_a_bug_and_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyError), ShardWriter(tmp_path, 10) as shards:
        shards.write(pa.RecordBatch.from_pylist([{"instruction": "a"}]))
    assert names(tmp_path) == []


def test_reading_names_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no train-\*\.parquet"):
        list(read_batches(tmp_path))
    (tmp_path / "train-00000.parquet").write_text("PAR0")
    with pytest.raises(UserError, match=r"train-00000\.parquet is no intact parquet file"):
        list(read_batches(tmp_path))


def test_one_shard_is_a_file_of_pairs(tmp_path: Path) -> None:
    data = FileData(str(written(tmp_path, 25) / "train-00001.parquet"))
    data.check()
    (source,) = data.load(tmp_path, 0).sources
    expected = table(Pair(f"instruction {n}", f"response {n}", "alpaca") for n in range(10, 20))
    assert source.table.equals(expected) and source.name == "train-00001"


def test_a_folder_of_shards_is_a_file_of_pairs(tmp_path: Path) -> None:
    folder = written(tmp_path / "v1.5", 25)
    (folder / MANIFEST).write_text("{}")
    written(folder / "dropped", 3)
    data = FileData(str(folder))
    data.check()
    (source,) = data.load(tmp_path, 0).sources
    expected = table(Pair(f"instruction {n}", f"response {n}", "alpaca") for n in range(25))
    assert source.table.combine_chunks().equals(expected.combine_chunks()) and source.name == "v1.5"


def test_a_folder_of_shards_is_a_source_of_a_mixture(tmp_path: Path) -> None:
    data = MixtureData(None, {"mine": SourceOptions(str(written(tmp_path, 25)), 2.0, 5)})
    data.check()
    (source,) = data.load(tmp_path, 0).sources
    assert source.table.num_rows == 5 and source.name == "mine"


def test_other_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.jsonl").write_text("{}")
    with pytest.raises(UserError, match=r"is a folder without \.parquet shards; name one file of it"):
        FileData(str(tmp_path)).check()
    written(tmp_path, 3)
    with pytest.raises(UserError, match="is a folder of parquet shards, not of format csv"):
        FileData(str(tmp_path), "csv").check()
    (tmp_path / "train-00001.parquet").touch()
    with pytest.raises(UserError, match=r"train-00001\.parquet is empty"):
        FileData(str(tmp_path)).check()


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    written(tmp_path, 25)
    whole = (tmp_path / "train-00001.parquet").read_bytes()
    (tmp_path / "train-00001.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"train-00001\.parquet is no intact parquet file"):
        FileData(str(tmp_path)).load(tmp_path, 0)


def test_shards_and_one_file_have_one_fingerprint(tmp_path: Path) -> None:
    few, many = written(tmp_path / "a" / "x", 25, rows=100), written(tmp_path / "b" / "x", 25, rows=4)
    marks = {fingerprint(FileData(str(folder)).load(tmp_path, 0).sources) for folder in (few, many)}
    assert len(marks) == 1 and files.name_of(few) == files.name_of(str(many)) == "x"


def test_datasets_loads_it_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    written(tmp_path / "set", 25)
    written(tmp_path / "set" / "dropped", 3)
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was asked"))
    rows = datasets.load_dataset(
        "parquet",
        data_files=str(tmp_path / "set" / "train-*.parquet"),
        split="train",
        cache_dir=str(tmp_path / "cache"),
    )
    assert rows.num_rows == 25 and rows.column_names == PAIRS.names
    assert rows[24] == pair("instruction 24", "response 24", sample=0)


def test_a_shard_without_a_usable_row_is_no_obstacle(tmp_path: Path) -> None:
    pq.write_table(pa.table({"instruction": ["Sing"], "response": [""]}), tmp_path / "train-00000.parquet")
    pq.write_table(pa.table({"instruction": ["Sing"], "response": ["la"]}), tmp_path / "train-00001.parquet")
    pairs, rejected = read_all(tmp_path, "mine")
    assert pairs["response"].to_pylist() == ["la"]
    assert [(row.line, row.reason) for row in rejected] == [(1, "empty response")]
