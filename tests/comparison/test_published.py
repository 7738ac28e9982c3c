"""The paper's models as members: every number of its tables, in the form of ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lamini.comparison import scores
from lamini.comparison.herd import Kind, Member
from lamini.comparison.published import counterpart, hallucinations, members
from tests.data.toys import shared_data

BY_NAME = {member.key: member for member in members()}


def test_all_35_with_size_family_and_base() -> None:
    assert len(members()) == 35
    assert {member.family for member in members()} == {
        "t5", "flan-t5", "gpt-neo", "cerebras-gpt", "gpt2", "gpt-j", "llama",
    }  # fmt: skip
    facts = BY_NAME["LaMini-Neo-135M"]
    assert (facts.family, facts.size, facts.parameters) == ("gpt-neo", "125M", 135_000_000)
    assert (facts.base, facts.architecture) == ("GPT-Neo-135M", "decoder-only")
    assert BY_NAME["LaMini-Flan-T5-783M"].architecture == "encoder-decoder"
    assert (BY_NAME["Alpaca-7B"].base, BY_NAME["LLaMA-7B"].base) == ("LLaMA-7B", None)
    assert BY_NAME["LaMini-GPT-1.5B"].parameters == 1_500_000_000
    bases = {member.base for member in members() if member.base}
    assert bases <= set(BY_NAME)
    assert len([member for member in members() if member.base]) == 18


def test_every_score_of_the_tables() -> None:
    """Tables 9 to 14 as they were read from the paper a second time, task by task."""
    told = json.loads((shared_data().parent / "paper_results.json").read_text())
    columns = {entry["paper"]: task for task, entry in scores.columns(members()[0], "nlp15").items()}
    assert list(columns) == told["tasks"]
    for name, row in told["results"].items():
        for column, value in row.items():
            found = scores.score(BY_NAME[name], "nlp15", columns[column])
            assert found is not None
            assert (found.value, found.n) == (value, told["sizes"][column])
    assert set(told["results"]) == set(BY_NAME)


@pytest.mark.parametrize(
    ("name", "mean"), [("LaMini-T5-61M", 47.6), ("Flan-T5-783M", 66.3), ("LaMini-LLaMA-7B", 65.7)]
)
def test_means_are_as_printed(name: str, mean: float) -> None:
    found = [score for task in scores.columns(BY_NAME[name], "nlp15")
             if (score := scores.score(BY_NAME[name], "nlp15", task))]  # fmt: skip
    assert scores.mean(BY_NAME[name], "nlp15") == mean
    assert sum(score.value for score in found) / 15 == pytest.approx(mean, abs=0.0501)


def test_counts_of_tables_5_and_6() -> None:
    people = BY_NAME["LaMini-LLaMA-7B"].suites["hallucination"]["judges"]["people"]
    assert people["total"]["hallucinated"] == 12
    assert people["total"]["interval"] == pytest.approx((0.181, 0.454), abs=5e-4)  # Wilson, 12 of 40
    assert people["categories"]["nonsense"]["hallucinated"] == 2
    toxic = BY_NAME["GPT-2-774M"].suites["toxicity"]["groups"]["toxic"]["answer"]
    assert (toxic["flagged"], toxic["n"], toxic["rate"]) == (119, 1000, 0.119)
    assert sum("toxicity" in member.suites for member in members()) == 14
    assert sum("hallucination" in member.suites for member in members()) == 9
    assert "gpt-3.5-turbo" in hallucinations()["rows"]


def test_ours_have_the_papers_beside_them() -> None:
    def of(kind: Kind, **record: str) -> str | None:
        found = counterpart(Member("x", kind, Path("x"), record))
        return found.key if found else None

    assert of(Kind.run, family="flan-t5", size="small", init="pretrained") == "LaMini-Flan-T5-77M"
    assert of(Kind.run, family="gpt-j", size="6B", init="pretrained") == "LaMini-GPT-J-6B"
    assert of(Kind.run, family="flan-t5", size="small", init="scratch") is None
    assert of(Kind.run, family="t5", size="nano", init="pretrained") is None
    assert of(Kind.model, student="flan-t5-small") == "Flan-T5-77M"
    assert of(Kind.model, student="LaMini-GPT-124M") == "LaMini-GPT-124M"
    assert counterpart(BY_NAME["T5-61M"]) is None
