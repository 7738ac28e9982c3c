"""Collections: the real files in full, every malformed row, every column that is not there."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lamini.compose import compose
from lamini.config import Collection, Columns
from lamini.data.records import instruction_hash
from lamini.errors import UserError
from lamini.instructions.columns import MISSING, reach
from lamini.instructions.existing import BATCH, Prompts, load
from tests.data.toys import shared_data

JOINED = "{instruction}: {input}"


def collection(
    path: Path | None, input: str | None = "input", group: str | None = None, **more: Any
) -> Collection:
    options: dict[str, Any] = {"hub": None, "template": JOINED, "limit": None}
    return Collection(
        str(path) if path else None, columns=Columns("instruction", input, group), **{**options, **more}
    )


def lines(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def groups(prompts: Prompts) -> Counter[str]:
    return Counter(prompts.table["group"].to_pylist())


def test_all_175_seeds_load_and_inputs_are_joined() -> None:
    path = shared_data() / "train" / "seed_tasks.jsonl"
    prompts = load("seeds", collection(path, "instances.0.input"))
    texts = list(prompts.texts())
    assert (len(texts), len(set(texts)), prompts.rejected) == (175, 175, [])
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert sum(bool(row["instances"][0]["input"].strip()) for row in rows) == 125
    assert "What is the relation between the given pairs?: Night : Day :: Right : Left" in texts
    assert set(texts) == {
        f"{row['instruction']}: {row['instances'][0]['input']}"
        if row["instances"][0]["input"].strip()
        else row["instruction"]
        for row in rows
    }


def test_alpaca_in_full() -> None:
    prompts = load("alpaca", collection(shared_data() / "train" / "alpaca.jsonl.gz"))
    assert prompts.table.num_rows + len(prompts.rejected) == 50_002
    assert prompts.rejected == []
    assert sum(": " in text for text in prompts.texts()) >= 19_000  # 40 % have an input


def test_p3_and_flan_in_full_with_their_groups() -> None:
    train = shared_data() / "train"
    p3 = load("p3", collection(train / "p3_t0_sample.jsonl.gz", None, "template"))
    flan = load("flan", collection(train / "flan_cot_sample.jsonl.gz", None, "task"))
    assert (p3.table.num_rows, len(p3.rejected)) == (4_036, 0)
    assert (flan.table.num_rows, len(flan.rejected)) == (3_500, 0)
    assert len(groups(p3)) == 276 and max(groups(p3).values()) == 15
    assert groups(flan) == dict.fromkeys(
        ["aqua", "creak", "ecqa", "gsm8k", "qasc", "sensemaking", "strategyqa"], 500
    )


def test_our_own_seeds_load_from_the_package() -> None:
    prompts = load("seeds", packaged())
    assert prompts.table.num_rows == 45 and prompts.rejected == []


def packaged() -> Collection:
    return Collection("package:seeds.jsonl", None, Columns("instruction", "input", None), JOINED, None)


def test_the_paper_s_collections_name_columns_that_the_files_have() -> None:
    options = compose("generate", ["teacher=oracle", "name=test"]).instructions
    train = shared_data() / "train"
    real = {
        "self_instruct": "seed_tasks.jsonl",
        "p3": "p3_t0_sample.jsonl.gz",
        "flan": "flan_cot_sample.jsonl.gz",
    }
    for name, file in real.items():
        options.collections[name].path = str(train / file)
        assert load(name, options.collections[name]).rejected == []


def test_the_order_of_the_file_changes_nothing_and_a_limit_takes_the_first_by_hash(tmp_path: Path) -> None:
    rows = [{"instruction": f"Task {number}"} for number in range(500)]
    shuffled = random.Random(1).sample(rows, len(rows))
    one = load("a", collection(lines(tmp_path / "a.jsonl", *rows), None))
    other = load("a", collection(lines(tmp_path / "b.jsonl", *shuffled), None, limit=20))
    assert list(one.texts()) == sorted((row["instruction"] for row in rows), key=instruction_hash)
    assert list(other.texts()) == list(one.texts(20))
    assert list(other.texts(7)) == list(one.texts(7))


def test_a_limit_bounds_what_is_kept_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = lines(tmp_path / "a.jsonl", *({"instruction": f"Task {number}"} for number in range(4 * BATCH)))
    held: list[int] = []
    concat = pa.concat_tables
    monkeypatch.setattr(
        pa, "concat_tables", lambda tables: held.append(sum(map(len, tables))) or concat(tables)
    )
    prompts = load("a", collection(path, None, limit=100))
    assert max(held) <= 2 * 100 + 2 * BATCH
    assert np.all(np.diff(prompts.table["hash"].to_numpy().astype(object)) >= 0)
    assert prompts.table.num_rows == 100


def test_broken_rows_are_set_aside_with_line_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b'{"instruction": "Sing", "group": "a"}\n'
        b"{broken\n"
        b'["Sing"]\n'
        b'{"group": "a"}\n'
        b'{"instruction": null, "group": "a"}\n'
        b'{"instruction": " ", "group": "a"}\n'
        b'{"instruction": 7, "group": "a"}\n'
        b'{"instruction": "Go", "input": ["x"], "group": "a"}\n'
        b'{"instruction": "Go"}\n'
        b'{"instruction": "\\ud800", "group": "a"}\n'
        b'{"instruction": "\xff", "group": "a"}\n'
        b'{"instruction": "Sort", "input": "b a", "group": 3}\n'
    )
    prompts = load("mine", collection(path, "input", "group"))
    assert set(prompts.texts()) == {"Sing", "Sort: b a"} and groups(prompts) == {"a": 1, "3": 1}
    assert [(row.source, row.line, row.reason) for row in prompts.rejected] == [
        ("mine", 2, "broken JSON"),
        ("mine", 3, "not an object"),
        ("mine", 4, "missing instruction"),
        ("mine", 5, "missing instruction"),
        ("mine", 6, "empty instruction"),
        ("mine", 7, "instruction is not text"),
        ("mine", 8, "input is not text"),
        ("mine", 9, "missing group"),
        ("mine", 10, "not UTF-8"),
        ("mine", 11, "not UTF-8"),
    ]


def test_parquet_with_nested_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    rows = [{"x": 1, "instruction": "Sort", "instances": [{"input": "b a", "output": "a b"}], "task": "t"}]
    pq.write_table(pa.Table.from_pylist(rows), path)
    prompts = load("a", collection(path, "instances.0.input", "task"))
    assert list(prompts.texts()) == ["Sort: b a"] and groups(prompts) == {"t": 1}


def test_dotted_paths() -> None:
    record = {"a.b": 1, "a": {"b": 2, "c": [{"d": "x"}]}}
    assert reach(record, "a.b") == 1
    assert reach(record, "a.c.0.d") == "x"
    for path in ("a.c.1.d", "a.c.d", "a.c.-1.d", "a.b.c", "e"):
        assert reach(record, path) is MISSING


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (Columns("prompt", None, None), ["columns.instruction=prompt", "it has id, instruction"]),
        (Columns("instruction", "inputs", None), ["columns.input=inputs", "it has id, instruction"]),
        (Columns("instruction", None, "task"), ["columns.group=task", "it has id, instruction"]),
        (Columns("instruction", "instances.0.input", None), ["columns.input=instances.0.input"]),
    ],
)
@pytest.mark.parametrize("count", [3, BATCH + 1])
def test_a_column_that_no_row_has_is_named_with_those_there_are(
    tmp_path: Path, columns: Columns, words: list[str], count: int
) -> None:
    path = lines(tmp_path / "a.jsonl", *({"id": n, "instruction": f"Task {n}"} for n in range(count)))
    with pytest.raises(UserError) as refused:
        load("mine", Collection(str(path), None, columns, JOINED, None))
    assert all(word in str(refused.value) for word in ["instructions.collections.mine", str(path), *words])


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"instructions.collections.a.path=.*none.jsonl does not exist"):
        load("a", collection(tmp_path / "none.jsonl"))
    with pytest.raises(UserError, match="has no usable prompt \\(broken JSON\\)"):
        path = tmp_path / "a.jsonl"
        path.write_text("{broken\n")
        load("a", collection(path))
    with pytest.raises(UserError, match="has no usable prompt \\(empty instruction\\)"):
        load("a", collection(lines(path, {"instruction": ""}), None))
    with pytest.raises(UserError, match="neither path nor hub; set instructions.collections.a.path=<file>"):
        load("a", collection(None))
    with pytest.raises(UserError, match="collections.a.template has the unknown placeholder {output}"):
        load("a", collection(lines(path, {"instruction": "x"}), template="{instruction} {output}"))


def test_a_local_copy_of_a_data_set_and_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines(tmp_path / "a.jsonl", {"instruction": "Sing", "input": ""})
    lines(tmp_path / "b.jsonl", {"instruction": "Dance", "input": "a waltz"})
    assert set(load("a", collection(None, hub=str(tmp_path))).texts()) == {"Sing", "Dance: a waltz"}

    rows = datasets.Dataset.from_list(
        [{"instruction": "Hum", "instances": [{"input": "low", "output": "x"}]}]
    )
    monkeypatch.setattr(datasets, "load_dataset", lambda name, split: rows)
    options = collection(None, "instances.0.input", hub="HuggingFaceH4/self-instruct-seed")
    assert list(load("seeds", options).texts()) == ["Hum: low"]

    def fails(name: str, split: str) -> None:
        raise ConnectionError("no route")

    monkeypatch.setattr(datasets, "load_dataset", fails)
    with pytest.raises(UserError, match=r"collections.seeds.hub=.*no route.*set .*seeds.path=<file>"):
        load("seeds", options)
