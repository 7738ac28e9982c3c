"""The manifest counts what is in the shards, and the card says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from lamini.data.card import card, sources_table
from lamini.data.corpus import fingerprint
from lamini.data.manifest import (
    FORMAT,
    describe,
    manifest,
    read_manifest,
    token_counter,
    verify,
    write_manifest,
)
from lamini.data.options import FileData
from lamini.data.shards import MANIFEST, ShardWriter
from lamini.errors import UserError
from tests.curation.rows import batch, pair
from tests.data.toys import shared_data

REPORT = {
    "rows": 12, "kept": 6,
    "sources": {
        "alpaca": {"kept": 4, "dropped": {"exact": 5}},
        "original_p3": {"kept": 2, "dropped": {"refusals": 1}},
    },
    "near_duplicates_checked": {
        "rows_drawn": 7, "similar_pairs": 4, "found_pairs": 3, "recall": 0.75, "sketch_precision": 0.5,
    },
}  # fmt: skip


def words(texts: list[str]) -> list[int]:
    return [len(text.split()) for text in texts]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six pairs of two sources and two models in two shards."""
    rows = [pair(f"say {'so ' * n}", "well", model="m1") for n in range(4)]
    rows += [pair("ask me", "a b c", instruction_source="original_p3", model="m2")] * 2
    with ShardWriter(tmp_path / "set", 4) as shards:
        shards.write(batch(rows))
    return tmp_path / "set"


@pytest.fixture
def record(folder: Path) -> dict[str, Any]:
    cost = {"usd": 1.5, "requests": 6}
    return manifest("mine", describe(folder, words), {"seed": 42}, cost, REPORT, "words")


def test_counts(folder: Path) -> None:
    found = describe(folder, words)
    assert found["rows"] == 6
    assert found["sources"] == {
        "alpaca": {"pairs": 4, "instruction_tokens": 4 + 0 + 1 + 2 + 3, "response_tokens": 4},
        "original_p3": {"pairs": 2, "instruction_tokens": 4, "response_tokens": 6},
    }
    assert found["teachers"] == [
        {"teacher": "oracle", "model": "m1", "rows": 4}, {"teacher": "oracle", "model": "m2", "rows": 2}
    ]  # fmt: skip
    assert [(file["name"], file["rows"]) for file in found["files"]] == [
        ("train-00000.parquet", 4), ("train-00001.parquet", 2)
    ]  # fmt: skip
    assert describe(folder)["sources"]["alpaca"] == {
        "pairs": 4,
        "instruction_tokens": None,
        "response_tokens": None,
    }


def test_tokens_of_a_real_tokenizer() -> None:
    """T5: 'Hello world' is 8774, 296."""
    count = token_counter(str(shared_data() / "tokenizers" / "t5"))
    assert count(["Hello world", "", "Hello"]) == [2, 0, 1]


def test_the_fingerprint_is_that_of_training(folder: Path) -> None:
    assert describe(folder)["fingerprint"] == fingerprint(FileData(str(folder)).load(folder, 0).sources)


def test_written_read_and_verified(folder: Path, record: dict[str, Any]) -> None:
    assert read_manifest(folder) is None
    write_manifest(folder, record)
    found = read_manifest(folder)
    assert found == json.loads(json.dumps(record)) and found["format"] == FORMAT
    assert found["provenance"]["versions"]["pyarrow"] and found["config"] == {"seed": 42}
    assert verify(folder, found) == []
    content = (folder / "train-00000.parquet").read_bytes()
    (folder / "train-00000.parquet").write_bytes(content[:-1])
    (folder / "train-00001.parquet").rename(folder / "train-00007.parquet")
    assert sorted(verify(folder, {**found, "files": found["files"][1:]})) == [
        "train-00000.parquet is not in the manifest", "train-00001.parquet is missing",
        "train-00007.parquet is not in the manifest",
    ]  # fmt: skip


def test_changed_bytes_are_noticed(folder: Path, record: dict[str, Any]) -> None:
    path = folder / "train-00000.parquet"
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(content)
    assert verify(folder, record) == ["train-00000.parquet has changed"]


@pytest.mark.parametrize(
    ("text", "message"), [("{", "cannot be read"), ('{"format": 99}', "format 99"), ("[]", "format None")]
)
def test_other_manifests_are_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(UserError, match=message):
        read_manifest(tmp_path)


def test_the_card(record: dict[str, Any]) -> None:
    text = card(record)
    _, front, body = text.split("---\n", 2)
    facts = yaml.safe_load(front)
    assert facts["configs"][0]["data_files"] == [{"split": "train", "path": "train-*.parquet"}]
    assert facts["size_categories"] == "n<1K" and facts["pretty_name"] == "mine"
    for line in (
        "6 pairs of instruction and response. Teacher: m1 (oracle), m2 (oracle). The cost was $1.50.",
        "| alpaca | 4 | 10 | 2.50 | 4 | 1.00 |",
        "| all | 6 | 14 | 2.33 | 10 | 1.67 |",
        "Tokens are those of words.",
        "6 of 12 answered pairs stayed",
        "| source | kept | exact | refusals |\n| --- | ---: | ---: | ---: |\n| alpaca | 4 | 5 | 0 |\n",
        "| original_p3 | 2 | 0 | 1 |",
        "7 rows, compared exactly with all others, have 4 near-duplicates, of which 3 (75.0%) were found.",
        f"Fingerprint `{record['fingerprint']}`",
    ):
        assert line in body


def test_a_card_without_curation_cost_and_tokens(folder: Path) -> None:
    text = card(manifest("mine", describe(folder), {}, {"usd": None}, None, None))
    assert "Curation" not in text and "The cost is not known." in text and "Tokens were not counted." in text
    assert "| alpaca | 4 | – | – | – | – |" in text


def test_the_table_with_the_papers_numbers() -> None:
    """Table 1: 0.27M pairs of 14.27 and 65.90 tokens."""
    row = {"pairs": 267_700, "instruction_tokens": 3_820_079, "response_tokens": 17_641_430}
    assert (
        "| self_instruct_without_topic | 267,700 | 3,820,079 | 14.27 | 17,641,430 | 65.90 |"
        in sources_table({"self_instruct_without_topic": row})
    )


def test_the_hub_reads_the_card(
    folder: Path, record: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`load_dataset(folder)` follows the front matter and passes over the dropped rows."""
    import datasets
    from huggingface_hub import DatasetCard

    (folder / "README.md").write_text(card(record))
    (folder / "dropped").mkdir()
    (folder / "dropped" / "dropped-00000.parquet").write_bytes(b"no parquet")
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was asked"))
    assert DatasetCard.load(folder / "README.md").data.pretty_name == "mine"
    assert datasets.load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache")).num_rows == 6
