"""The paper's 35 models as members, with their numbers in the form of our own results.

Scores are Tables 9 to 14, hallucinations Table 5, toxicity Table 6. The numbers themselves stand beside what
measures ours (paper.yaml of benchmarks, hallucination and toxicity). Standard errors are not published.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from lamini.comparison.herd import Kind, Member
from lamini.compose import CONF, families
from lamini.evaluation.benchmarks import paper
from lamini.evaluation.hallucination.counting import Count
from lamini.evaluation.toxicity import paper as toxicity
from lamini.evaluation.toxicity.counting import interval

FILE = Path(__file__).with_name("published.yaml")
HALLUCINATIONS = Path(paper.__file__).parent.parent / "hallucination" / "paper.yaml"
VERSION = "paper"
"""Stands for version and key of the paper's tasks: those of an lm-eval that nobody can run again."""


@lru_cache
def members() -> tuple[Member, ...]:
    """All 35, in the order of Tables 9 to 14."""
    scores = {model.name: model for model in paper.published()}
    return tuple(
        Member(
            key=name,
            kind=Kind.published,
            folder=None,
            record=_record(name, scores),
            suites=_suites(name, model),
        )
        for name, model in scores.items()
    )


def counterpart(member: Member) -> Member | None:
    """The paper's model that a member is: trained from the same weights, or published under its name.

    A student from random weights has none. `flan-t5-small` of ours, pretrained, has LaMini-Flan-T5-77M.
    """
    if member.kind is Kind.published or member.scratch:
        return None
    wanted = f"{member.family}-{member.size}".lower() if member.kind is Kind.run else None
    hub = member.student.lower()
    for one, model in zip(members(), paper.published(), strict=True):
        if (wanted is not None and wanted == model.student) or (wanted is None and hub == model.hub.lower()):
            return one
    return None


@lru_cache
def hallucinations() -> dict[str, Any]:
    """Table 5: columns, questions of each, rows: name -> counts; gpt-3.5-turbo has one and is no member."""
    counts: dict[str, Any] = yaml.safe_load(HALLUCINATIONS.read_text(encoding="utf-8"))
    return counts


def _record(name: str, scores: Mapping[str, paper.Published]) -> dict[str, Any]:
    stem, _, millions = name.rpartition("-")
    family = _facts()["families"][stem]
    return {
        "student": name,
        "family": family,
        "size": _size(family, millions, scores),
        "parameters": _parameters(millions),
        "architecture": "encoder-decoder" if family in _facts()["encoder_decoders"] else "decoder-only",
        "base": _base(stem, millions),
        "init": "pretrained",
    }


def _size(family: str, millions: str, scores: Mapping[str, paper.Published]) -> str:
    """Our label of it; the paper's number where we train nothing from it."""
    tuned = [s for s in _stems(family) if s.startswith("LaMini")]
    names = (scores[f"{stem}-{millions}"].student for stem in tuned if f"{stem}-{millions}" in scores)
    ours = next((name.removeprefix(f"{family}-") for name in names if name), "")
    labels = {label.lower(): label for label in families().get(family, [])}
    return labels.get(ours, millions)


def _base(stem: str, millions: str) -> str | None:
    """Name of the model it was tuned from: GPT-Neo-135M of LaMini-Neo-135M."""
    if not stem.startswith("LaMini") and stem != "Alpaca":
        return None
    bases = [s for s in _stems(_facts()["families"][stem]) if not s.startswith("LaMini") and s != "Alpaca"]
    return f"{bases[0]}-{millions}"


def _stems(family: str) -> list[str]:
    return [stem for stem, name in _facts()["families"].items() if name == family]


def _parameters(millions: str) -> int:
    """`61M` -> 61,000,000; `1.3B` -> 1,300,000,000."""
    return round(float(millions[:-1]) * {"M": 10**6, "B": 10**9}[millions[-1]])


def _suites(name: str, model: paper.Published) -> dict[str, Any]:
    found = {"nlp15": _nlp15(name, model)}
    counts = hallucinations()["rows"].get(name)
    if counts:
        found["hallucination"] = _hallucination(name, counts)
    flagged = {_facts()["toxicity"].get(other, other): row for other, row in toxicity.table().items()}
    if name in flagged:
        found["toxicity"] = _toxicity(name, flagged[name])
    return found


def _nlp15(name: str, model: paper.Published) -> dict[str, Any]:
    rows, chance = _facts()["rows"], _facts()["chance"]
    tasks = {
        task: {
            metric: {
                "value": model.scores[column], "stderr": None, "n": rows[column], "chance": chance[column],
            },
            "headline": metric, "share": True, "version": VERSION, "key": f"{VERSION} {task}",
            "by_row": 0, "cut": 0, "paper": column,
        }
        for task, metric, column in _columns()
    }  # fmt: skip
    total = sum(rows.values())
    weighted = sum(model.scores[column] * rows[column] for _, _, column in _columns()) / total
    return {
        "format": 1, "suite": "nlp15", "student": {"name": name, "source": name, "scratch": False},
        "versions": {}, "limit": None, "wrapper": "as trained", "tasks": tasks, "groups": {},
        "mean": {"value": model.average, "stderr": None, "tasks": len(tasks)},
        "weighted_mean": {"value": weighted, "stderr": None, "tasks": len(tasks)},
        "failed": {}, "others": {},
    }  # fmt: skip


def _hallucination(name: str, counts: list[int]) -> dict[str, Any]:
    asked = hallucinations()["questions"]
    categories = {
        column: Count(count, asked).as_dict()
        for column, count in zip(hallucinations()["columns"], counts, strict=True)
    }
    people = {"total": Count(sum(counts), asked * len(counts)).as_dict(), "categories": categories}
    return {
        "format": 1, "suite": "hallucination", "student": name, "model": name, "judged_by": "people",
        "empty": 0, "judges": {"people": people}, "agreement": {}, "answers": [],
    }  # fmt: skip


def _toxicity(name: str, flagged: Mapping[str, int]) -> dict[str, Any]:
    return {
        "suite": "toxicity", "student": name, "source": name, "scratch": False,
        "classifier": {"kind": "moderation", "model": toxicity.CLASSIFIER, "threshold": None},
        "groups": {group: {"answer": _flags(count)} for group, count in flagged.items()},
        "prompts": {"origin": "not published", "found": {}, "notes": []}, "paper": None,
    }  # fmt: skip


def _flags(flagged: int) -> dict[str, Any]:
    low, high = interval(flagged, toxicity.of())
    return {
        "n": toxicity.of(), "flagged": flagged, "rate": flagged / toxicity.of(), "low": low, "high": high,
        "mean_score": None, "unjudged": 0,
    }  # fmt: skip


@lru_cache
def _columns() -> tuple[tuple[str, str, str], ...]:
    """Task, headline and the paper's name, as the suite nlp15 has them."""
    tasks = yaml.safe_load((CONF / "suite" / "nlp15.yaml").read_text(encoding="utf-8"))["tasks"]
    return tuple((task, told["metric"], told["paper"]) for task, told in tasks.items())


@lru_cache
def _facts() -> dict[str, Any]:
    facts: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return facts
