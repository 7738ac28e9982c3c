"""The whole path: a real tiny student, a real tiny classifier, prompts of a file, and what stands then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation.outcome import Outcome
from lamini.evaluation.subjects import Subject
from lamini.evaluation.toxicity import paper, probe
from lamini.evaluation.toxicity.classifiers import NOTHING, Verdict
from tests.data.toys import shared_data
from tests.evaluation.toxicity import toys
from tests.evaluation.toxicity.server import serving


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("probe")
    toys.classifier(folder / "classifier")
    toys.prompts_file(folder / "data")
    return folder


@pytest.fixture(scope="module")
def subject(place: Path) -> Subject:
    return toys.subject(place)


def config(place: Path, *overrides: str) -> EvaluateConfig:
    found = toys.config(place, f"data_dir={place / 'data'}", *toys.local(place / "classifier"), *overrides)
    found.suite.check(found)
    return found


def score(config: EvaluateConfig, subject: Subject) -> Outcome:
    outcome = config.suite.score(config, subject)
    assert isinstance(outcome, Outcome)
    return outcome


def record(subject: Subject) -> dict[str, Any]:
    return dict(json.loads(subject.result("toxicity").read_text()))


def rows(subject: Subject) -> list[dict[str, Any]]:
    return list(pq.read_table(subject.result("toxicity").with_suffix(".parquet")).to_pylist())


def test_flagged_completions_are_counted_by_group(place: Path, subject: Subject) -> None:
    outcome = score(config(place, "force=true"), subject)
    assert (outcome.status, outcome.error) == ("done", None)
    said = {row["prompt"]: row["answer"] for row in rows(subject)}
    assert said == {text: answer for text, _, answer in toys.PROMPTS}  # the student knows them by heart
    groups = record(subject)["groups"]
    low, high = groups["non-toxic"], groups["toxic"]
    assert (low["answer"]["flagged"], low["answer"]["n"]) == (0, 2)
    assert (high["answer"]["flagged"], high["answer"]["n"]) == (2, 3)
    assert (high["continuation"]["flagged"], high["repeat_the_prompt"]) == (1, 2)
    assert outcome.numbers == {"non-toxic": 0.0, "toxic": pytest.approx(2 / 3)}
    assert low["answer"]["low"] == 0 and 0 < high["answer"]["low"] < 2 / 3 < high["answer"]["high"] < 1
    assert high["answer"]["mean_score"] == pytest.approx(high["labels"]["toxic"])


def test_every_completion_stands_in_the_parquet_file(place: Path, subject: Subject) -> None:
    score(config(place), subject)
    by_prompt = {row["prompt"]: row for row in rows(subject)}
    repeated = by_prompt["So you are a goose and"]
    assert repeated["instruction"] == "Complete the sentence: So you are a goose and"
    assert (repeated["continuation"], repeated["repeats"], repeated["finished"]) == ("nice", True, True)
    assert repeated["answer_flagged"] and not repeated["continuation_flagged"]
    assert repeated["answer_score"] == json.loads(repeated["answer_labels"])["toxic"] > 0.5
    assert by_prompt["You are"]["continuation"] == by_prompt["You are"]["answer"]
    assert [row["group"] for row in by_prompt.values()] == ["non-toxic"] * 2 + ["toxic"] * 3


def test_the_record_says_what_asked_and_what_judged(place: Path, subject: Subject) -> None:
    score(config(place), subject)
    found = record(subject)
    assert found["classifier"]["label"] == "toxic" and found["classifier"]["texts_cut"] == 0
    assert found["key"]["answers"]["decoding"] == {"do_sample": False, "num_beams": 1, "max_new_tokens": 24}
    assert found["key"]["prefix"] == toys.PREFIX and found["prompts"]["found"] == {"non-toxic": 2, "toxic": 3}
    assert found["prompts"]["notes"][0].startswith("non-toxic: 2 of the 1,000 prompts asked for")
    assert found["paper"] == {
        "model": "GPT-2", "flagged": {"non-toxic": 4, "toxic": 149}, "of": 1000,
        "classifier": paper.CLASSIFIER,
    }  # fmt: skip
    texts = [text for text, _, _ in toys.PROMPTS] + ["silly"]
    assert not [text for text in texts if text in subject.result("toxicity").read_text()]


@pytest.mark.parametrize(
    "other",
    [
        "classifier.threshold=0.9", "classifier.label=neutral", "suite.max_new_tokens=8", "suite.each=1",
        "limit=1", "suite.prefix=''", "wrapper=alpaca",
    ],
)  # fmt: skip
def test_what_is_done_is_skipped_and_what_differs_is_not(place: Path, subject: Subject, other: str) -> None:
    score(config(place), subject)
    numbers = probe.numbers(record(subject))
    skipped = score(config(place), subject)
    assert (skipped.status, skipped.numbers) == ("skipped", numbers)
    assert score(config(place, other), subject).status == "done"
    assert score(config(place, other), subject).status == "skipped"
    assert score(config(place, other, "force=true"), subject).status == "done"


def test_a_classifier_that_was_moved_is_known_again(place: Path, subject: Subject) -> None:
    score(config(place), subject)
    moved = toys.local(toys.classifier(place / "moved"))
    assert score(config(place, *moved), subject).status == "skipped"


def test_a_damaged_result_is_made_anew(place: Path, subject: Subject) -> None:
    score(config(place), subject)
    subject.result("toxicity").write_text("{")
    assert score(config(place), subject).status == "done"
    subject.result("toxicity").with_suffix(".parquet").unlink()
    assert score(config(place), subject).status == "done"


def test_the_endpoint_judges_in_place_of_a_classifier(
    place: Path, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", "sk-0123456789")
    with serving() as endpoint:
        chosen = toys.config(
            place, f"data_dir={place / 'data'}", "classifier=moderation", "classifier.key=TEST_KEY",
            f"classifier.base_url={endpoint.url}",
        )  # fmt: skip
        assert score(chosen, subject).numbers == {"non-toxic": 0.0, "toxic": pytest.approx(2 / 3)}
        sent = len(endpoint.texts)
        assert score(chosen, subject).status == "skipped" and len(endpoint.texts) == sent
        chosen.force = True
        assert score(chosen, subject).status == "done" and len(endpoint.texts) == sent  # the log has them
    found = record(subject)
    assert found["groups"]["toxic"]["answer"]["flagged"] == 2
    assert found["classifier"]["url"] == endpoint.url and "sk-0123456789" not in json.dumps(found)


def test_the_ten_real_prompts_and_no_word_of_them_on_the_screen(
    place: Path, subject: Subject, capfd: pytest.CaptureFixture[str]
) -> None:
    path = shared_data() / "probes" / "realtoxicityprompts_10.jsonl"
    chosen = config(place, f"suite.prompts={path}", "force=true")
    outcome = score(chosen, subject)
    chosen.suite.report(chosen, [subject], [outcome])
    found = rows(subject)
    assert [row["group"] for row in found] == ["non-toxic"] * 5 + ["toxic"]
    assert record(subject)["groups"]["toxic"]["answer"]["n"] == 1
    out, err = capfd.readouterr()
    assert "toxic: 1 of the 1,000 prompts asked for" in out and "4 prompts between" in out
    shown = " ".join((out + err).split())
    for text in (row[part] for row in found for part in ("prompt", "answer")):
        words = text.split()
        runs = [" ".join(words[n : n + 3]) for n in range(max(1, len(words) - 2))]
        assert not [run for run in runs if len(run) > 6 and run in shown]


def test_the_table_has_the_papers_rows_and_failures(
    place: Path, subject: Subject, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = config(place)
    outcome = score(chosen, subject)
    missing = Subject("gone", "nowhere", place / "results" / "gone", None)
    chosen.suite.report(chosen, [subject, missing], [outcome, Outcome("gone", "failed", error="no weights")])
    out = capsys.readouterr().out
    assert "failed  gone: no weights" in out and "toxicity.parquet" in out
    lines = {line.split("│")[1].strip(): line.split("│") for line in out.splitlines() if line.count("│") > 8}
    cells = [cell.strip() for cell in lines["gpt2"]]
    assert cells[2:4] == ["0", "2"] and cells[7:10] == ["2", "3", "66.7 [20.8, 93.9]"] and cells[11] == "1"
    published = [cell.strip() for cell in lines["paper: LaMini-GPT-1.5B"]]
    assert published[2:4] == ["1", "1,000"] and published[7:10] == ["87", "1,000", "8.7 [7.1, 10.6]"]
    assert len([name for name in lines if name.startswith("paper: ")]) == 14


def test_an_error_of_the_student_shows_no_prompt(
    place: Path, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(config: Any, subject: Any, asked: list[str], tokens: int) -> None:
        raise UserError(f"the instruction {asked[4]!r} leaves a bare prompt nothing to continue")

    monkeypatch.setattr(probe, "answered", broken)
    with pytest.raises(UserError, match="leaves a bare prompt nothing") as caught:
        score(config(place, "force=true"), subject)
    assert "goose" not in str(caught.value)


def test_the_papers_numbers_are_found_by_name() -> None:
    assert paper.of() == 1000
    assert paper.row("flan-t5-small") == ("Flan-T5-small", {"non-toxic": 1, "toxic": 25})
    assert paper.row("gpt2-xl") == ("GPT-2 xl", {"non-toxic": 5, "toxic": 129})
    assert paper.row("LaMini-LLaMA-7B") == ("LaMini-LLaMA-7B", {"non-toxic": 0, "toxic": 71})
    assert paper.row("my-student") is None


def test_labels_are_means_over_texts_that_were_asked_about() -> None:
    found = [
        Verdict(True, 0.9, {"a": 0.9, "b": 0.1}),
        NOTHING,
        None,
        Verdict(False, 0.1, {"a": 0.1, "b": 0.3}),
    ]
    assert probe.labels(found) == pytest.approx({"a": 0.5, "b": 0.2})
    assert probe.labels([NOTHING, None]) == {}
