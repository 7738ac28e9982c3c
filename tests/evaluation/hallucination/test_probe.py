"""From questions to hallucination.json and the paper's table: tiny students, and given answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from lamini.compose import compose
from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation.answer_store import Answer
from lamini.evaluation.answering import Answered
from lamini.evaluation.hallucination import probe, table
from lamini.evaluation.hallucination.counting import Count
from lamini.evaluation.hallucination.questions import load
from lamini.evaluation.outcome import Outcome
from lamini.evaluation.subjects import Subject
from tests.evaluation import exported
from tests.evaluation.hallucination import judge as fake

QUESTIONS = load(None, None)
REJECTION, INVENTION = "I do not know.", "It was a man called Bob."


def config(place: Path, *overrides: str) -> EvaluateConfig:
    return exported.config(place, "suite=hallucination", *overrides)


def results(subject: Subject, suite: str = "hallucination") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(subject.result(suite).read_text(encoding="utf-8"))
    return found


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Any:
    """says(answers): what every student answers from now on."""

    def put(texts: list[str]) -> None:
        def answered(config: Any, subject: Any, instructions: list[str], most: int) -> Answered:
            assert len(instructions) == len(texts)
            answers = [Answer(text, 3, False, True) for text in texts]
            return Answered(
                answers, 0, 0, 0.0, {"weights": "w", "decoding": {"max_new_tokens": most}}, "bare"
            )

        monkeypatch.setattr(probe, "answered", answered)

    return put


def scored(found: EvaluateConfig, place: Path, name: str = "a") -> tuple[Outcome, Subject]:
    subject = Subject(name, str(place / name / "export"), place / name, None)
    return found.suite.score(found, subject), subject


@pytest.mark.parametrize("kind", ["t5", "gpt2"])
def test_a_real_student_is_asked_and_judged_by_rules(kind: str, tmp_path: Path) -> None:
    made = exported.student(kind)
    subject = exported.subject(tmp_path, kind, made)
    found = config(tmp_path, "suite.max_new_tokens=6", "limit=6")
    outcome = found.suite.score(found, subject)
    record = results(subject, "hallucination-first-6")
    assert [one["answer"] for one in record["answers"]] == made.generate([q.text for q in QUESTIONS[:6]], 6)
    assert record["judged_by"] == "rules" and list(record["judges"]) == ["rules"]
    assert record["decoding"]["max_new_tokens"] == 6 and record["wrapper"] == "bare"
    assert (
        outcome.status == "done" and outcome.numbers["hallucinated"] == 1.0
    )  # random weights reject nothing
    rows = pq.read_table(subject.folder / "evaluation" / "hallucination-first-6.parquet").to_pylist()
    assert [row["response"] for row in rows] == [one["answer"] for one in record["answers"]]
    first = subject.result("hallucination-first-6").read_bytes()
    found.suite.score(found, subject)
    assert subject.result("hallucination-first-6").read_bytes() == first


def test_counts_are_by_category_with_wilson_s_interval(says: Any, tmp_path: Path) -> None:
    says([REJECTION if q.category == "obscure" or q.id == "nonsense-3" else INVENTION for q in QUESTIONS])
    outcome, subject = scored(config(tmp_path), tmp_path)
    judge = results(subject)["judges"]["rules"]
    assert {name: one["hallucinated"] for name, one in judge["categories"].items()} == {
        "did_not_happen": 10,
        "far_future": 10,
        "nonsense": 9,
        "obscure": 0,
    }
    assert judge["total"]["hallucinated"] == 29 and judge["total"]["judged"] == 40
    assert judge["total"]["interval"] == pytest.approx([0.5717, 0.8389], abs=1e-4)
    assert outcome.numbers == {
        "hallucinated": 29 / 40,
        "did_not_happen": 1.0,
        "far_future": 1.0,
        "nonsense": 0.9,
        "obscure": 0.0,
    }
    answer = results(subject)["answers"][3]
    assert (answer["verdicts"], answer["rule"], answer["words"]) == (
        {"rules": "rejected"},
        "does_not_know",
        "i do not know",
    )


def test_a_teacher_s_number_counts_before_the_rules_and_their_agreement_is_told(
    says: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    says([REJECTION] * 10 + [INVENTION] * 25 + ["Ask me tomorrow."] * 4 + [""])

    def say(answer: str, time: int) -> str:
        return "REJECTED" if answer in (REJECTION, "Ask me tomorrow.") else "HALLUCINATED"

    with fake.judging(say) as judge:
        found = config(tmp_path, "teacher=openai", f"teacher.base_url={judge.url}", "teacher.model=m")
        outcome, subject = scored(found, tmp_path)
    record = results(subject)
    assert record["judged_by"] == "teacher" and record["empty"] == 1
    assert record["judges"]["teacher"]["total"]["hallucinated"] == 26
    assert record["judges"]["rules"]["total"]["hallucinated"] == 30
    both = record["agreement"]["teacher and rules"]
    assert (both["n"], both["cells"]["second_only"]) == (39, 4)
    assert both["kappa"] == pytest.approx(0.7622, abs=1e-4)
    assert outcome.numbers["hallucinated"] == 26 / 40 and not outcome.failed
    capsys.readouterr()
    found.suite.report(found, [subject], [outcome])
    out = capsys.readouterr().out
    assert "teacher and rules agree on 89.7 % of 39 answers" in out and "kappa 0.76 (" in out
    assert "1 empty answer(s)" in out and "alone judge" not in out


def test_a_judge_that_only_talks_leaves_the_rules_and_a_failed_part(says: Any, tmp_path: Path) -> None:
    says([INVENTION] * 40)
    with fake.judging(lambda answer, time: "Hm.") as judge:
        found = config(tmp_path, "teacher=openai", f"teacher.base_url={judge.url}")
        outcome, subject = scored(found, tmp_path)
    record = results(subject)
    assert record["judged_by"] == "rules"
    assert record["judges"]["teacher"]["set_aside"] == {"nonsense": 40}
    assert record["judges"]["teacher"]["total"] == {
        "hallucinated": 0,
        "judged": 0,
        "share": None,
        "interval": None,
    }
    assert "no verdict on any answer (nonsense 40)" in outcome.failed["judge"]
    assert record["answers"][0]["judge_said"] == ["Hm."] * 3


def test_people_come_first_where_they_judged_everything(says: Any, tmp_path: Path) -> None:
    says([REJECTION] * 20 + [INVENTION] * 20)
    file = tmp_path / "verdicts.jsonl"
    rows = [{"student": "a", "instruction_id": q.id, "verdict": "rejected"} for q in QUESTIONS]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = config(tmp_path, f"suite.verdicts={file}")
    outcome, subject = scored(found, tmp_path)
    record = results(subject)
    assert record["judged_by"] == "people" and outcome.numbers["hallucinated"] == 0.0
    assert record["agreement"]["people and rules"]["share"] == 0.5
    file.write_text("".join(json.dumps(row) + "\n" for row in rows[:-1]))
    scored(found, tmp_path)
    record = results(subject)
    assert record["judged_by"] == "rules"
    assert record["judges"]["people"]["total"]["judged"] == 39
    _, other = scored(found, tmp_path, "b")
    assert "people" not in results(other)["judges"]


def test_an_empty_answer_is_a_hallucination_to_everybody(says: Any, tmp_path: Path) -> None:
    says([""] * 40)
    with fake.judging(lambda answer, time: "REJECTED") as judge:
        found = config(tmp_path, "teacher=openai", f"teacher.base_url={judge.url}")
        outcome, subject = scored(found, tmp_path)
    record = results(subject)
    assert not judge.seen and not outcome.failed
    assert {name: one["total"]["hallucinated"] for name, one in record["judges"].items()} == {
        "teacher": 40,
        "rules": 40,
    }
    assert record["empty"] == 40 and record["agreement"]["teacher and rules"]["n"] == 0


def test_answers_for_people_are_there_even_where_the_judge_is_gone(says: Any, tmp_path: Path) -> None:
    says([INVENTION] * 40)
    with fake.judging(lambda answer, time: "REJECTED") as judge:
        found = config(tmp_path, "teacher=openai", f"teacher.base_url={judge.url}", "limits.tries=1")
    with pytest.raises(UserError):
        scored(found, tmp_path)
    assert (tmp_path / "a" / "evaluation" / "hallucination.parquet").is_file()
    assert not (tmp_path / "a" / "evaluation" / "hallucination.json").exists()


def test_the_table_has_the_students_beside_the_paper(
    says: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = config(tmp_path)
    says([INVENTION] * 40)
    first, a = scored(found, tmp_path)
    says([REJECTION] * 40)
    second, b = scored(found, tmp_path, "b")
    lost = Outcome("c", "failed", error="no tokenizer")
    c = Subject("c", "c", tmp_path / "c", None)
    found.suite.report(found, [a, replace(b, scratch=True), c], [first, second, lost])
    lines = [" ".join(line.replace("│", " ").split()) for line in capsys.readouterr().out.splitlines()]
    assert "a rules 40 10 10 10 10 91-100 %" in lines
    assert "b * rules 0 0 0 0 0 0-9 %" in lines
    assert "LaMini-Flan-T5-77M people (paper) 36 10 9 10 7 77-96 %" in lines
    assert "gpt-3.5-turbo people (paper) 1 1 0 0 0 0-13 %" in lines
    assert any(line.startswith("The rules alone judge 2 of 2 student(s)") for line in lines)
    assert "failed c: no tokenizer" in lines and "* began from random weights" in lines


def test_another_set_stands_without_the_paper(
    says: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text('{"question": "Why not?", "category": "odd"}\n{"question": "Who?", "category": "odd"}\n')
    says([INVENTION, REJECTION])
    found = config(tmp_path, f"suite.questions={file}")
    outcome, subject = scored(found, tmp_path)
    found.suite.report(found, [subject], [outcome])
    out = capsys.readouterr().out
    assert "odd" in out and "1/2" in out and "paper" not in out


def test_the_paper_s_rows_are_those_of_its_table() -> None:
    theirs = table.paper()
    totals = {name: sum(counts) for name, counts in theirs["rows"].items()}
    assert totals == {
        "gpt-3.5-turbo": 1,
        "Alpaca-7B": 40,
        "LaMini-Flan-T5-77M": 36,
        "LaMini-Flan-T5-248M": 34,
        "LaMini-Flan-T5-783M": 32,
        "LaMini-GPT-124M": 40,
        "LaMini-GPT-774M": 38,
        "LaMini-GPT-1.5B": 35,
        "LaMini-GPT-J-6B": 26,
        "LaMini-LLaMA-7B": 12,
    }


def test_wilson_at_the_ends() -> None:
    """No hallucination of ten does not mean none: 3.84 / (10 + 3.84)."""
    assert Count(0, 10).interval() == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert Count(10, 10).interval() == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert Count(0, 0).interval() is None and Count(0, 0).share is None


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("suite.max_new_tokens=0", "suite.max_new_tokens=0 must be at least 1"),
        ("suite.name=a/b", "suite.name=a/b must be the name of a file"),
        ("limit=0", "limit=0 must be at least 1"),
        ("wrapper=both", "wrapper=both is for log-probabilities"),
        ("suite.questions=/no.jsonl", "suite.questions=/no.jsonl does not exist"),
        ("suite.rules=/no.yaml", "suite.rules=/no.yaml cannot be read"),
        ("suite.judge.tries=0", "suite.judge.tries=0"),
        ("teacher=oracle", "the oracle cannot judge"),
        ("limits.concurrency=0", "limits.concurrency=0"),
    ],
)
def test_what_cannot_work_is_told_at_the_start(override: str, said: str, tmp_path: Path) -> None:
    more = ["teacher=replay"] if override.startswith("limits") else []
    found = config(tmp_path, *more, override)
    with pytest.raises(UserError) as error:
        found.suite.check(found)
    assert said in str(error.value)


def test_verdicts_of_others_are_told_at_the_start(tmp_path: Path) -> None:
    subject = exported.subject(tmp_path, "mine", exported.student("t5"))
    file = tmp_path / "verdicts.csv"
    file.write_text("student,instruction_id,verdict\nexport,far_future-1,rejected\n")
    words = [f"students={subject.source}", f"paths.output_dir={tmp_path}", "suite=hallucination"]
    found = compose("evaluate", [*words, f"suite.verdicts={file}"])
    found.suite.check(found)  # an export folder is called so
    file.write_text("student,instruction_id,verdict\nyours,far_future-1,rejected\n")
    with pytest.raises(UserError, match="judges yours; none of them is scored here"):
        found.suite.check(found)
