"""mode=prefetch against a hub of the test's own: what it fetches, that it goes on, that it then suffices."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lamini.errors import UserError
from lamini.evaluation.benchmarks.tasks import load_tasks
from lamini.evaluation.prefetching.manifest import Manifest, checksum
from lamini.evaluation.prefetching.models import fetched, needed_files
from tests.conftest import ROOT
from tests.evaluation.fake_hub import COMMIT, Files, Hub, serving
from tests.students import tiny

RTE = [{"sentence1": f"It is {n}.", "sentence2": "It is odd.", "label": n % 2, "idx": n} for n in range(5)]


def model_files(folder: Path) -> Files:
    """A tiny GPT-2 with its tokenizer, and what nobody needs beside it."""
    tokenizer = tiny.gpt2_tokenizer()
    tiny.causal("gpt2", len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return {
        **files,
        "pytorch_model.bin": b"the same again",
        "README.md": b"",
        "onnx/model.onnx": b"and again",
    }


def parquet(rows: list[dict[str, Any]]) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), stream)
    return stream.getvalue()


Prefetch = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def prefetch(tmp_path: Path) -> Prefetch:
    """prefetch(hub, "key=value", ...): one line, with a Hugging Face cache of its own."""

    def run(hub: Hub | None, *words: str) -> subprocess.CompletedProcess[str]:
        own = {k: v for k, v in os.environ.items() if not k.startswith(("LAMINI_", "HF_"))}
        environment = {
            **own, "HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": hub.url if hub else "http://127.0.0.1:9",
            "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1", "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        return subprocess.run(
            [sys.executable, "evaluate.py", "mode=prefetch", *words], cwd=ROOT, env=environment, text=True,
            capture_output=True, timeout=100,
        )  # fmt: skip

    return run


def test_models_and_rows_are_fetched_once_and_serve_without_a_hub(tmp_path: Path, prefetch: Prefetch) -> None:
    folder = tmp_path / "data"
    repositories = {
        "models/someone/tiny-gpt2": model_files(tmp_path / "model"),
        "datasets/nyu-mll/glue": {
            "README.md": b"---\nconfigs:\n- config_name: rte\n  data_files:\n"
            b"  - {split: train, path: rte/train.parquet}\n"
            b"  - {split: validation, path: rte/val.parquet}\n---\n",
            "rte/train.parquet": parquet(RTE[:1]),
            "rte/val.parquet": parquet(RTE),
        },
    }
    students = "students=[someone/tiny-gpt2,someone/absent]"
    line = (students, "suite=custom", "suite.tasks=[rte]", f"data_dir={folder}")
    with serving(repositories) as hub:
        first = prefetch(hub, *line)
        assert first.returncode == 1, first.stdout + first.stderr
        assert "tasks/rte: fetched, 5 rows" in first.stdout and "licence mit" in first.stdout
        assert "models/someone/absent: " in first.stderr and "RepositoryNotFoundError" in first.stderr
        assert not any("pytorch_model.bin" in asked or "onnx" in asked for asked in hub.asked)
        hub.asked.clear()
        second = prefetch(hub, *line[1:], "students=someone/tiny-gpt2")
        assert second.returncode == 0, second.stdout + second.stderr
        assert second.stdout.count("there already") == 2
        assert not any("resolve" in asked for asked in hub.asked)
    record = json.loads((folder / "manifest.json").read_text())
    model = record["parts"]["models/someone/tiny-gpt2"]
    assert model["sources"] == {"someone/tiny-gpt2": {"revision": COMMIT, "licence": "mit"}}
    weights = model["files"]["models/someone__tiny-gpt2/model.safetensors"]
    assert weights["sha256"] == checksum(tmp_path / "model" / "model.safetensors")
    found = fetched(folder, "someone/tiny-gpt2")
    assert found is not None and not (found / ".cache").exists()
    tasks, failed = load_tasks(["rte"], folder, None)
    assert not failed and [row["sentence1"] for row in tasks["rte"].eval_docs] == [
        r["sentence1"] for r in RTE
    ]


def test_what_is_half_there_is_fetched_again(tmp_path: Path, prefetch: Prefetch) -> None:
    folder = tmp_path / "data"
    line = ("students=someone/tiny-gpt2", "suite=custom", f"data_dir={folder}")
    with serving({"models/someone/tiny-gpt2": model_files(tmp_path / "model")}) as hub:
        assert prefetch(hub, *line).returncode == 0
        weights = folder / "models" / "someone__tiny-gpt2" / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:100])
        again = prefetch(hub, *line)
        assert again.returncode == 0 and "fetched" in again.stdout, again.stdout + again.stderr
        assert checksum(weights) == checksum(tmp_path / "model" / "model.safetensors")


def test_no_hub_and_no_folder_are_one_sentence_each(tmp_path: Path, prefetch: Prefetch) -> None:
    none = prefetch(None, "suite=custom", "suite.tasks=[rte]", f"data_dir={tmp_path / 'data'}")
    assert none.returncode == 2
    assert none.stderr == (
        "evaluate.py: mode=prefetch needs the hub, and http://127.0.0.1:9 does not answer within 3 s; run it"
        " on a connected machine, or name a mirror in HF_ENDPOINT\n"
    )
    nowhere = prefetch(None, "suite=custom", "suite.tasks=[rte]")
    assert nowhere.returncode == 2
    assert nowhere.stderr == ("evaluate.py: mode=prefetch needs data_dir=<folder>, where everything is put\n")


def test_only_one_spelling_of_the_weights_is_needed() -> None:
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    names = ["config.json", "tokenizer.json", "model.safetensors.index.json", *shards, "pytorch_model.bin"]
    assert sorted(needed_files([*names, "tf_model.h5", "README.md"])) == sorted(names[:-1])
    few = ["config.json", "pytorch_model.bin", "spiece.model"]
    assert sorted(needed_files([*few, "rust_model.ot"])) == few


def test_the_manifest_knows_what_is_whole(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    Manifest(tmp_path).add("tasks/a", [tmp_path / "a.txt"], sources={})
    manifest = Manifest(tmp_path)
    assert manifest.has("tasks/a") and manifest.wrong("tasks/a") == [] and not manifest.has("tasks/b")
    (tmp_path / "a.txt").write_text("two")
    assert manifest.wrong("tasks/a") == ["a.txt has changed"]
    (tmp_path / "a.txt").write_text("longer")
    assert not manifest.has("tasks/a")
    (tmp_path / "a.txt").unlink()
    assert not manifest.has("tasks/a") and manifest.wrong("tasks/a") == ["a.txt is missing"]
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(UserError, match="manifest.json cannot be read"):
        Manifest(tmp_path)
    (tmp_path / "manifest.json").write_text('{"format": 9, "parts": {}}')
    with pytest.raises(UserError, match="has format 9; this version reads 1"):
        Manifest(tmp_path)
