"""Which prompts are asked: chosen by content, the same from any file, and nothing left out unsaid."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamini.errors import UserError
from lamini.evaluation.toxicity import prompts
from lamini.evaluation.toxicity.prompts import Prompts, chosen
from tests.data.toys import shared_data
from tests.evaluation.toxicity.toys import row

MANY = [row(f"beginning {n}", n % 10 / 10 + 0.05) for n in range(200)]


def take(rows: list[Any], each: int = 1000) -> Prompts:
    return chosen(rows, each, "rows", "suite.prompts=rows")


@settings(deadline=None)
@given(st.permutations(range(60)), st.integers(1, 8))
def test_the_order_of_the_rows_changes_nothing(order: list[int], each: int) -> None:
    assert take([MANY[n] for n in order], each) == take(MANY[:60], each)


@settings(deadline=None)
@given(st.integers(1, 20))
def test_fewer_prompts_are_the_first_of_more(each: int) -> None:
    few, all_ = take(MANY, each), take(MANY)
    for group in prompts.GROUPS:
        keys = [prompt.key for prompt in all_.rows if prompt.group == group]
        assert (
            [prompt.key for prompt in few.rows if prompt.group == group] == keys[:each] == sorted(keys)[:each]
        )
    assert few.digest != all_.digest or each == 20


def test_the_groups_end_before_their_bounds() -> None:
    found = take(
        [row("a", 0.0), row("b", 0.0999), row("c", 0.1), row("d", 0.9), row("e", 0.9001), row("f", 1.0)]
    )
    assert {(prompt.text, prompt.group) for prompt in found.rows} == {
        ("a", "non-toxic"), ("b", "non-toxic"), ("e", "toxic"), ("f", "toxic"),
    }  # fmt: skip
    assert found.between == 2


def test_what_cannot_be_used_is_counted_and_not_shown() -> None:
    bad = [
        row("secret", None), row("secret", "much"), row("secret", float("nan")), row("secret", 7),
        row(None, 0.05), row("  ", 0.05), row("secret \ud800", 0.05), {"prompt": "secret"}, "secret",
    ]  # fmt: skip
    found = take([*bad, row("fine", 0.05), row("fine", 0.05)])
    assert [prompt.text for prompt in found.rows] == ["fine"]
    assert sum(found.left_out.values()) == len(bad) + 1 and found.left_out["repeated prompt"] == 1
    assert found.left_out["prompt.toxicity is not between 0 and 1"] == 2
    assert "secret" not in " ".join(found.notes())


def test_fewer_than_asked_for_is_said() -> None:
    notes = take(MANY, 30).notes()
    assert notes[:2] == [
        "non-toxic: 20 of the 30 prompts asked for, the data has no more",
        "toxic: 20 of the 30 prompts asked for, the data has no more",
    ]
    assert "160 prompts between 0.1 and 0.9" in notes[2]
    assert len(take(MANY, 20).notes()) == 1


def test_every_layout_gives_the_same_prompts(tmp_path: Path) -> None:
    lines = "".join(json.dumps(one) + "\n" for one in MANY)
    (tmp_path / "a.jsonl").write_text(lines)
    with gzip.open(tmp_path / "b.jsonl.gz", "wt") as stream:
        stream.write(lines)
    pq.write_table(pa.Table.from_pylist(MANY), tmp_path / "c.parquet")
    with (tmp_path / "d.csv").open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(["prompt.text", "prompt.toxicity"])
        out.writerows([one["prompt"]["text"], one["prompt"]["toxicity"]] for one in MANY)
    for name in ("a.jsonl", "b.jsonl.gz", "c.parquet", "d.csv"):
        prompts.check(str(tmp_path / name), None)
        found = prompts.load(str(tmp_path / name), None, 15)
        assert found.rows == take(MANY, 15).rows and found.origin == name


@pytest.mark.parametrize("name", ["realtoxicityprompts.jsonl", "realtoxicityprompts.parquet"])
def test_data_dir_stands_for_the_hub(tmp_path: Path, name: str) -> None:
    if name.endswith("parquet"):
        pq.write_table(pa.Table.from_pylist(MANY), tmp_path / name)
    else:
        (tmp_path / name).write_text("".join(json.dumps(one) + "\n" for one in MANY))
    prompts.check(None, str(tmp_path))
    assert prompts.load(None, str(tmp_path), 15).digest == take(MANY, 15).digest


def test_missing_rows_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="suite.prompts=.*nowhere.jsonl does not exist"):
        prompts.check(str(tmp_path / "nowhere.jsonl"), None)
    with pytest.raises(
        UserError, match=r"data_dir=.* has no realtoxicityprompts.jsonl .*suite.prompts=<file>"
    ):
        prompts.check(None, str(tmp_path))
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(
        UserError, match=r"allenai/real-toxicity-prompts is not cached and HF_HUB_OFFLINE.*data_dir"
    ):
        prompts.check(None, None)


def test_wrong_columns_are_named_and_the_expected_ones(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "secret", "prompt": {"words": "secret"}}\n')
    for act in (lambda: prompts.check(str(path), None), lambda: prompts.load(str(path), None, 5)):
        with pytest.raises(UserError) as caught:
            act()
        said = str(caught.value)
        assert "text, prompt.words" in said and "prompt.text and prompt.toxicity" in said
        assert "secret" not in said


def test_a_file_without_a_prompt_of_either_group_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row("secret", 0.5)) + "\nbroken secret\n")
    with pytest.raises(UserError, match="below 0.1 or above 0.9; no row of the format") as caught:
        prompts.load(str(path), None, 5)
    assert "secret" not in str(caught.value)


def test_the_ten_real_rows() -> None:
    path = shared_data() / "probes" / "realtoxicityprompts_10.jsonl"
    prompts.check(str(path), None)
    found = prompts.load(str(path), None, 1000)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    low = [one for one in rows if one["prompt"]["toxicity"] < 0.1]
    high = [one for one in rows if one["prompt"]["toxicity"] > 0.9]
    assert found.found == {"non-toxic": len(low), "toxic": len(high)} == {"non-toxic": 5, "toxic": 1}
    assert {prompt.text for prompt in found.rows} == {one["prompt"]["text"] for one in low + high}
    assert found.between == 4 and not found.left_out
