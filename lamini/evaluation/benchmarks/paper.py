"""The paper's own columns (Tables 9 to 14), to stand beside ours where the model is one of the paper's.

They come from the authors' fork of lm-eval of April 2023, which differs from what is used here: README,
Evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from lamini.evaluation.subjects import Subject

FILE = Path(__file__).with_name("paper.yaml")


@dataclass(frozen=True)
class Published:
    """One model of the paper: column -> share, and the average as it is printed."""

    name: str
    hub: str  # last part of its id on the hub
    student: str | None  # <family>-<size> of ours that begins from the same weights
    scores: dict[str, float]
    average: float


@lru_cache
def published() -> tuple[Published, ...]:
    """All 35 models."""
    told: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    models = []
    for name, facts in told["models"].items():
        scores = (round(score / 100, 4) for score in facts["scores"])
        by_column = dict(zip(told["columns"], scores, strict=True))
        average = round(facts["average"] / 100, 4)
        models.append(Published(name, facts["hub"], facts.get("student"), by_column, average))
    return tuple(models)


def published_of(subject: Subject) -> Published | None:
    """The paper's model that a student is, or was trained as: by family and size, or by the hub's name."""
    trained = _student(subject.folder)
    for model in published():
        if trained is not None and trained == model.student:
            return model
        if trained is None and subject.name.lower() == model.hub.lower():
            return model
    return None


def _student(folder: Path) -> str | None:
    """`flan-t5-small` for a run folder of ours, None for anything else."""
    try:
        config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
        return f"{config['family']['name']}-{config['size']['name']}".lower()
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return None
