"""lamini.generation.stages: from a teacher to training data, the same files after every accident."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pytest

from lamini.compose import compose
from lamini.data.manifest import read_manifest
from lamini.data.shards import PAIRS
from lamini.errors import UserError
from lamini.teacher.log import RequestLog
from lamini.teacher.oracle import Oracle
from tests.generation import small

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("LAMINI_DATA", ROOT.parent / "shared" / "data"))
SEED = "Write the last word of: river stone garden candle"
real = pytest.mark.skipif(not DATA.is_dir(), reason=f"no shared data in {DATA}")


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.generate(tmp_path_factory.mktemp("straight"))


def answers_in(place: Path) -> int:
    with RequestLog(place / "requests.sqlite") as log:
        return log.usage("oracle", "oracle").answers


def test_every_row_is_an_exact_answer_with_its_provenance(straight: Path) -> None:
    rows = small.rows(straight)
    assert list(rows[0]) == PAIRS.names
    counts = Counter(row["instruction_source"] for row in rows)
    assert counts == {"self_instruct_without_topic": 60, "self_instruct_with_topic": 40, "seeds": 45}
    oracle = Oracle()
    for row in rows:
        assert row["response"] == oracle.answer(row["instruction"])
        written = row["instruction_source"] != "seeds"
        assert bool(row["instruction_request"]) == written == (len(row["examples"]) == 3)
        assert len(row["topics"]) == (3 if row["instruction_source"] == "self_instruct_with_topic" else 0)
        assert (row["teacher"], row["model"], row["finish_reason"]) == ("oracle", "oracle", "stop")
    assert len({row["prompt_hash"] for row in rows}) == 1


def test_a_request_of_a_row_stands_in_the_log(straight: Path) -> None:
    row = small.rows(straight)[0]
    with RequestLog(straight.parents[1] / "requests.sqlite") as log:
        found = log.get([row["request"], row["instruction_request"]])
    answer, instructions = found[row["request"]].answer, found[row["instruction_request"]].answer
    assert answer is not None and answer.text == row["response"]
    assert instructions is not None and row["instruction"] in instructions.text


def test_the_manifest_tells_what_was_made(straight: Path) -> None:
    record = read_manifest(straight)
    assert record is not None
    assert record["rows"] == 145 and record["stages"]["pairs"]["seeds"] == 45
    with RequestLog(straight.parents[1] / "requests.sqlite") as log:
        usage = log.usage("oracle", "oracle")
    assert record["cost"] == {"usd": 0.0, **asdict(usage)}
    assert record["config"]["teacher"]["_target_"] == "lamini.teacher.options.Oracle"
    assert not (straight / "stages").exists()


def test_the_card_shows_the_tables_of_the_paper(straight: Path) -> None:
    card, record = (straight / "README.md").read_text(), read_manifest(straight)
    assert record is not None
    assert "## Lexical diversity of the instructions (paper Table 2)" in card
    for source, numbers in record["diversity"].items():
        assert f"| {source} |" in card
        assert f"{100 * numbers['response']['mattr']:.2f}" in card
    assert set(record["diversity"]) == {*record["sources"], "all"}


def test_the_data_set_is_training_data_at_once(straight: Path) -> None:
    config = compose("train", ["model=t5-nano", "data=file", f"data.path={straight}"])
    corpus = config.data.load(Path("unused"), 0)
    assert corpus.pairs == 145 and not corpus.rejected


def test_a_second_start_makes_no_call_and_skips(straight: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = small.shards(straight), answers_in(straight.parents[1])
    small.generate(straight.parents[1])
    assert "done already, skipped" in capsys.readouterr().out
    assert (small.shards(straight), answers_in(straight.parents[1])) == before


def test_another_configuration_is_refused_and_force_replaces(tmp_path: Path) -> None:
    small.generate(tmp_path)
    with pytest.raises(UserError, match=r"another configuration \(seed differ"):
        small.generate(tmp_path, "seed=7")
    first = small.shards(tmp_path / "instructions" / "pairs")
    small.generate(tmp_path, "seed=7", "force=true")
    assert small.shards(tmp_path / "instructions" / "pairs") != first


def test_a_changed_curation_asks_nobody(tmp_path: Path) -> None:
    small.generate(tmp_path, "name=all")
    asked = answers_in(tmp_path)
    folder = small.generate(tmp_path, "name=short", "curation=default", "curation.length.response_max=3")
    assert answers_in(tmp_path) == asked
    assert all(len(row["response"]) <= 3 for row in small.rows(folder))
    dropped = small.rows(folder / "dropped", "dropped")
    assert len(small.rows(folder)) + len(dropped) == 145
    assert Counter(row["reason"] for row in dropped)["length"] > 10


def test_a_replay_gives_the_same_files_and_no_call(straight: Path) -> None:
    place = straight.parents[1]
    asked = answers_in(place)
    again = small.generate(
        place, "teacher=replay", "teacher.kind=oracle", "teacher.model=oracle", "name=again"
    )
    assert small.rows(again) == small.rows(straight)
    assert answers_in(place) == asked


def test_what_a_teacher_does_not_answer_is_kept_beside(tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.jsonl"
    lines = [SEED, "Sing me a song about the sea, please."]
    prompts.write_text("".join(json.dumps({"instruction": line, "input": ""}) + "\n" for line in lines))
    folder = small.generate(
        tmp_path, f"instructions.collections.seeds.path={prompts}",
        "~instructions.sources.self_instruct_without_topic", "~instructions.sources.self_instruct_with_topic",
    )  # fmt: skip
    (row,) = small.rows(folder / "unanswered", "unanswered")
    assert (row["instruction"], row["reason"].split(":")[0]) == (lines[1], "not_understood")
    assert [row["instruction"] for row in small.rows(folder)] == lines[:1]


def test_nothing_answered_is_no_data_set(tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"instruction": "Sing me a song about the sea, please."}\n')
    with pytest.raises(UserError, match="not one instruction was answered"):
        small.generate(
            tmp_path, f"instructions.collections.seeds.path={prompts}",
            "instructions.collections.seeds.columns.input=null",
            "~instructions.sources.self_instruct_without_topic",
            "~instructions.sources.self_instruct_with_topic",
        )  # fmt: skip
    assert not (tmp_path / "instructions" / "pairs" / "manifest.json").exists()


def test_a_killed_job_continues_and_asks_nothing_twice(straight: Path, tmp_path: Path) -> None:
    words = [
        "teacher=oracle", "instructions=embedded", f"paths.output_dir={tmp_path}", *small.LITTLE,
        "limits.concurrency=1", "limits.requests_per_minute=1200",
    ]  # fmt: skip
    log = tmp_path / "requests.sqlite"
    child = subprocess.Popen([sys.executable, "generate.py", *words], cwd=ROOT, stdout=subprocess.DEVNULL)
    for _ in range(600):
        time.sleep(0.05)
        if child.poll() is not None or (log.exists() and answers_in(tmp_path) >= 20):
            break
    child.send_signal(signal.SIGKILL)
    child.wait()
    survived = answers_in(tmp_path)
    assert 20 <= survived < 150
    folder = small.generate(tmp_path)
    assert small.rows(folder) == small.rows(straight)
    assert answers_in(tmp_path) == answers_in(straight.parents[1])


@real
def test_two_thousand_instructions_after_the_real_seeds_and_topics(tmp_path: Path) -> None:
    folder = small.generate(
        tmp_path, "curation=default", f"instructions.collections.seeds.path={DATA}/train/seed_tasks.jsonl",
        "instructions.collections.seeds.columns.input=instances.0.input",
        f"instructions.topics.path={DATA}/topics/wikipedia_categories.jsonl",
        "instructions.topics.filter=null",
        "instructions.sources.self_instruct_without_topic.generate=1000",
        "instructions.sources.self_instruct_with_topic.generate=1000",
    )  # fmt: skip
    record = read_manifest(folder)
    assert record is not None
    stages = record["stages"]
    assert (
        stages["pairs"]["self_instruct_without_topic"] == stages["pairs"]["self_instruct_with_topic"] == 1000
    )
    assert stages["instructions"]["seeds"] == 175  # of which the oracle understands few, and says so
    assert stages["unanswered"]["not_understood"] == 175 - stages["pairs"].get("seeds", 0)
    assert record["curation"]["kept"] + sum(
        sum(source["dropped"].values()) for source in record["curation"]["sources"].values()
    ) == sum(stages["pairs"].values())
