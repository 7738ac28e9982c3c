"""Members whose files the project's own code has made: probes, studies, run records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lamini.comparison.herd import Herd, Kind, Member
from lamini.evaluation.hallucination.questions import Question
from lamini.evaluation.hallucination.results import Judged, record_of
from lamini.evaluation.toxicity.classifiers import Verdict
from lamini.evaluation.toxicity.counting import counts
from lamini.rating.summary.report import record
from lamini.rating.summary.summary import summed_up
from tests.rating import small
from tests.rating.summary.rows import BOOTSTRAP, collected

CATEGORIES = ("did_not_happen", "far_future", "nonsense", "obscure")
QUESTIONS = [Question(f"{one}-{n}", f"Why {n}?", one) for one in CATEGORIES for n in range(10)]
PROVENANCE = {
    "git_commit": "0f3db21", "versions": {}, "seed": 42, "threads": 2, "config_hash": "d804c8814337",
    "hardware": {"machine": "x86_64", "cores": 2, "gpus": [], "system": "Linux"},
}  # fmt: skip


def run(key: str, folder: Path | None = None, **told: Any) -> Member:
    """A run of train.py: its record as train.py writes it, `told` instead of what stands here."""
    family, _, size = key.rpartition("-")
    record = {
        "format": 1, "status": "done", "student": key, "family": family, "size": size, "init": "pretrained",
        "architecture": "encoder-decoder", "parameters": 1_000_000, "steps": 40, "epochs": 0.5,
        "data": {"fingerprint": "c0ffee", "pairs": 400}, "response_tokens": 2000,
        "response_tokens_per_second": 1000.0, "padding_share": 0.02, "mfu": None, "peak_memory_gib": 0.5,
        "train_loss": 1.5, "validation_loss": 1.25, "validation_bits_per_byte": 0.5, "seconds": 90.0,
        "provenance": PROVENANCE, **told,
    }  # fmt: skip
    config = {"trainer": {"accelerator": "auto", "devices": 1}, "data": {}}
    return Member(key, Kind.run, folder, record, config, status=record["status"])


def metrics(folder: Path, losses: Sequence[float], validation: Sequence[float] = ()) -> None:
    """metrics.jsonl: a loss at steps 10, 20, ...; validations at steps 20, 40, ..."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        {"step": 10 * n, "epoch": n / 9, "time": 1.5e9, "train/loss": one} for n, one in enumerate(losses, 1)
    ]
    lines += [{"step": 20 * n, "epoch": n / 9, "validation/loss": one} for n, one in enumerate(validation, 1)]
    text = "".join(json.dumps(line) + "\n" for line in sorted(lines, key=lambda line: line["step"]))
    (folder / "metrics.jsonl").write_text(text, encoding="utf-8")


def hallucination(rules: str, people: str | None = None) -> dict[str, Any]:
    """hallucination.json of forty answers: h goes along, r rejects, - was not judged."""
    words = {"h": "hallucinated", "r": "rejected", "-": None}
    judges = {"people": Judged([words[sign] for sign in people])} if people else {}
    judges["rules"] = Judged([words[sign] for sign in rules])
    found = record_of(QUESTIONS, [f"answer {n}" for n in range(40)], judges, 1)
    return {"format": 1, "suite": "hallucination", "questions": {"digest": "d1"}, **found}


def toxicity(harmless: int, toxic: int, of: int = 1000, classifier: str = "one") -> dict[str, Any]:
    """toxicity.json with so many flagged of each group."""

    def flagged(count: int) -> dict[str, Any]:
        return {"answer": counts([Verdict(n < count, float(n < count), {}) for n in range(of)])}

    told = {"kind": "transformers", "model": classifier, "threshold": 0.5}
    groups = {"non-toxic": flagged(harmless), "toxic": flagged(toxic)}
    key = {"format": 1, "prompts": "p1", "classifier": told, "answers": {"weights": f"{harmless} {toxic}"}}
    return {"suite": "toxicity", "key": key, "classifier": told, "groups": groups}


def study(
    sheet: str, people: dict[str, str], judges: dict[str, str] | None = None, items: int = 5
) -> dict[str, Any]:
    """summary.json of a small study, as a file gives it back."""
    told = record(summed_up(collected(small.study(sheet, items), people, judges), BOOTSTRAP))
    tree: dict[str, Any] = json.loads(json.dumps(told))
    return tree


def herd(*members: Member, **told: Any) -> Herd:
    """A herd of these."""
    return Herd(members, **told)
