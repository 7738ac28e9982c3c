"""Students, a teacher and finished files end in one Parquet file, with a record of how."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lamini.children import here
from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation import running
from lamini.evaluation.answers import collecting
from lamini.evaluation.answers.table import read
from lamini.teacher.log import RequestLog
from lamini.teacher.oracle import Oracle
from tests.data.toys import shared_data
from tests.evaluation import exported
from tests.evaluation.answers import sets
from tests.evaluation.answers.test_finished import ANSWERS, SYSTEMS

SEED = "Write the last word of: river stone garden candle"


def config(place: Path, *overrides: str) -> EvaluateConfig:
    file = place / "set.jsonl"
    if not file.exists():
        sets.jsonl(file, sets.ROWS)
    words = ["suite=answers", f"suite.instructions={file}", "suite.max_new_tokens=8", *overrides]
    return exported.config(place, *words)


def scored(found: EvaluateConfig, subject: Any) -> Any:
    collecting._beside.clear()  # each call is a line of its own
    found.suite.check(found)
    return found.suite.score(found, subject)


def joined(place: Path, name: str = "answers") -> list[dict[str, Any]]:
    return read(place / "bases" / "answers" / f"{name}.parquet")[0]


def test_two_students_join(tmp_path: Path) -> None:
    chosen = config(tmp_path)
    made = {kind: exported.student(kind) for kind in ("t5", "gpt2")}
    for kind, student in made.items():
        outcome = scored(chosen, exported.subject(tmp_path, kind, student))
        assert (outcome.name, outcome.status, outcome.failed) == (kind, "done", {})
    rows = joined(tmp_path)
    for kind, student in made.items():
        own = [row for row in rows if row["student"] == kind]
        assert [row["instruction_id"] for row in own] == ["t0", "t1", "t2", "t3", "t4"]
        assert [row["response"] for row in own] == student.generate([row["instruction"] for row in own], 8)
        assert own == read(tmp_path / kind / "evaluation" / "answers.parquet")[0]
        assert {row["source"] for row in own} == {"student"}
        assert [row["app"] for row in own] == [row["motivation_app"] for row in sets.ROWS]
        assert json.loads(own[0]["decoding"]) == {"do_sample": False, "num_beams": 1, "max_new_tokens": 8}


def test_the_record_says_what_was_asked_and_how(tmp_path: Path) -> None:
    subject = exported.subject(tmp_path, "gpt2", exported.student("gpt2", "alpaca", context=100))
    outcome = scored(config(tmp_path, "suite.selection=paper", "suite.name=few"), subject)
    record = json.loads((tmp_path / "gpt2" / "evaluation" / "few.json").read_text())
    rows = joined(tmp_path, "few")
    assert record["selection"] == {
        "rule": "paper", "kept": 3, "dropped_by_app": {"t2": "number 3 of Mail"},
        "dropped_by_task": {"t3": "summarisation ('Summariz')"},
    }  # fmt: skip
    assert (record["instructions"]["rows"], record["instructions"]["asked"], len(rows)) == (5, 3, 3)
    assert (record["wrapper"], record["context"], record["suite"]) == ("alpaca", 100, "few")
    assert record["decoding"]["max_new_tokens"] == 8
    counts = record["counts"]
    assert counts["answers"] == 3 and counts["tokens"] == sum(row["tokens"] for row in rows)
    assert counts["truncated"] == sum(row["truncated"] for row in rows)
    assert counts["unfinished"] == sum(not row["finished"] for row in rows) > 0
    assert record["speed"]["generated"] == 3 and record["speed"]["tokens_per_second"] > 0
    assert outcome.numbers["unfinished"] == counts["unfinished"] / 3


def test_what_was_answered_before_is_skipped_and_gives_the_same_files(tmp_path: Path) -> None:
    subject = exported.subject(tmp_path, "gpt2", exported.student("gpt2"))
    scored(config(tmp_path), subject)
    before = joined(tmp_path)
    assert scored(config(tmp_path), subject).status == "skipped"
    assert joined(tmp_path) == before


def test_a_try_does_not_take_the_place_of_the_whole(tmp_path: Path) -> None:
    subject = exported.subject(tmp_path, "gpt2", exported.student("gpt2"))
    scored(config(tmp_path), subject)
    scored(config(tmp_path, "limit=2"), subject)
    assert (len(joined(tmp_path)), len(joined(tmp_path, "answers-first-2"))) == (5, 2)
    assert sorted(path.name for path in (tmp_path / "gpt2" / "evaluation").iterdir()) == [
        "answers-first-2.json", "answers-first-2.parquet", "answers.json", "answers.parquet",
    ]  # fmt: skip


def test_a_finished_file_joins_and_a_broken_one_stops_no_student(tmp_path: Path) -> None:
    whole = sets.jsonl(tmp_path / "whole.jsonl", ANSWERS)
    part = sets.jsonl(tmp_path / "part.jsonl", ANSWERS[:2])
    subject = exported.subject(tmp_path, "gpt2", exported.student("gpt2"))
    outcome = scored(config(tmp_path, f"suite.add={{whole: {whole}, part: {part}, gpt2: {whole}}}"), subject)
    assert outcome.status == "done" and "no answer to 3 of the 5" in outcome.failed["part"]
    count = Counter((row["student"], row["source"]) for row in joined(tmp_path))
    assert count == {("whole", "file"): 5, ("gpt2", "file"): 5, (f"{tmp_path.name}/gpt2", "student"): 5}


def test_a_teacher_answers_beside_its_students_and_is_asked_once(tmp_path: Path) -> None:
    file = sets.jsonl(tmp_path / "set.jsonl", [{"id": "o", "instruction": SEED}, *sets.ROWS])
    words = (f"suite.instructions={file}", "teacher=oracle", "suite.sampling.max_tokens=50")
    chosen = config(tmp_path, *words)
    subjects = [exported.subject(tmp_path, kind, exported.student(kind)) for kind in ("t5", "gpt2")]
    scored(chosen, subjects[0])
    chosen.suite.score(chosen, subjects[1])
    own = [row for row in joined(tmp_path) if row["student"] == "oracle"]
    assert own[0]["response"] == Oracle().answer(SEED) and own[0]["error"] is None
    assert all(
        row["response"] == "" and row["error"] for row in own[1:]
    )  # the oracle knows its own kinds only
    assert json.loads(own[0]["decoding"]) == {
        "teacher": "oracle", "system": None, "temperature": 0.0, "top_p": None, "max_tokens": 50,
    }  # fmt: skip
    with RequestLog(Path(chosen.log)) as log:
        assert log.usage("oracle", "oracle").answers == 1


def test_a_local_teacher_is_named_by_its_run(tmp_path: Path) -> None:
    made = exported.student("t5")
    teacher = exported.subject(tmp_path, "big-t5", made)
    subject = exported.subject(tmp_path, "gpt2", exported.student("gpt2"))
    words = ("teacher=transformers", f"teacher.model={teacher.source}", "teacher.device=cpu")
    outcome = scored(config(tmp_path, *words, "suite.sampling.max_tokens=8"), subject)
    assert outcome.failed == {}
    own = [row for row in joined(tmp_path) if row["student"] == "big-t5"]
    assert [row["response"] for row in own] == made.generate([row["instruction"] for row in own], 8)
    assert {row["finished"] for row in own} <= {True, False} and all(row["tokens"] for row in own)


def test_a_teacher_that_answers_nothing_is_told_and_stops_no_student(tmp_path: Path) -> None:
    subject = exported.subject(tmp_path, "gpt2", exported.student("gpt2"))
    outcome = scored(config(tmp_path, "teacher=oracle"), subject)
    assert outcome.status == "done" and "answered none of 5" in outcome.failed["oracle"]
    assert {row["student"] for row in joined(tmp_path)} == {"gpt2"}


@pytest.mark.parametrize(
    ("override", "why"),
    [
        ("suite.max_new_tokens=0", "suite.max_new_tokens=0 must be at least 1"),
        ("suite.name=a/b", "suite.name=a/b must be the name of a file"),
        ("suite.selection=mine", "suite.selection=mine is unknown"),
        ("suite.template=hi", "suite.template lacks the placeholder"),
        ("suite.instructions=none.jsonl", "suite.instructions=none.jsonl does not exist"),
        ("suite.add={x: none.jsonl}", "suite.add.x=none.jsonl does not exist"),
        ("limit=0", "limit=0 must be at least 1"),
        ("wrapper=both", "wrapper=both is for log-probabilities"),
    ],
)
def test_bad_input_is_refused_before_anything_is_loaded(override: str, why: str, tmp_path: Path) -> None:
    chosen = config(tmp_path, override)
    with pytest.raises(UserError, match=why):
        chosen.suite.check(chosen)


def test_a_teacher_is_checked_too(tmp_path: Path) -> None:
    chosen = config(tmp_path, "teacher=oracle", "suite.sampling.temperature=-1")
    with pytest.raises(UserError, match="suite.sampling.temperature=-1.0 must be 0 or more"):
        chosen.suite.check(chosen)


def test_teachers_and_files_join_without_any_student(tmp_path: Path) -> None:
    collecting._beside.clear()
    whole = sets.jsonl(tmp_path / "whole.jsonl", ANSWERS)
    part = sets.jsonl(tmp_path / "part.jsonl", ANSWERS[:2])
    chosen = config(tmp_path, f"suite.add={{whole: {whole}}}")
    assert collecting.alone(chosen.suite, chosen) == tmp_path / "bases" / "answers" / "answers.parquet"
    assert {row["student"] for row in joined(tmp_path)} == {"whole"}
    chosen = config(tmp_path, f"suite.add={{part: {part}, again: {whole}}}")
    with pytest.raises(UserError, match="part: suite.add.part=.*no answer to 3 of the 5"):
        collecting.alone(chosen.suite, chosen)
    assert {row["student"] for row in joined(tmp_path)} == {"whole", "again"}
    chosen = config(tmp_path)
    with pytest.raises(UserError, match="suite=answers has nobody to ask"):
        collecting.alone(chosen.suite, chosen)


def test_a_line_without_students_joins_files_and_says_what_failed(tmp_path: Path, capsys: Any) -> None:
    whole = sets.jsonl(tmp_path / "whole.jsonl", ANSWERS)
    part = sets.jsonl(tmp_path / "part.jsonl", ANSWERS[:2])
    chosen = config(tmp_path, f"suite.add={{whole: {whole}}}")
    chosen.students = None
    assert running.evaluate(chosen, here) == 0
    assert {row["student"] for row in joined(tmp_path)} == {"whole"}
    chosen = config(tmp_path, f"suite.add={{part: {part}}}")
    chosen.students = None
    assert running.evaluate(chosen, here) == 1
    assert "no answer to 3 of the 5" in capsys.readouterr().err
    chosen = config(tmp_path)
    chosen.students = None
    with pytest.raises(UserError, match="students= needs"):
        running.evaluate(chosen, here)


def test_the_papers_set_with_the_four_real_systems(tmp_path: Path) -> None:
    data = shared_data()
    add = ", ".join(f"{name}: {data / 'human_eval' / file}" for name, file in SYSTEMS.items())
    words = ["suite=answers114", f"data_dir={data}", f"suite.add={{{add}}}", "suite.max_new_tokens=4"]
    chosen = exported.config(tmp_path, *words)
    subject = exported.subject(tmp_path, "gpt2", exported.student("gpt2", context=512))
    assert scored(chosen, subject).failed == {}
    count = Counter(row["student"] for row in joined(tmp_path, "answers114"))
    assert count == {**dict.fromkeys(SYSTEMS, 114), "gpt2": 114}
