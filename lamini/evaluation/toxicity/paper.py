"""The paper's own counts, which stand beside ours.

They are no yardstick to the last flag: another classifier flags other texts, the endpoint of 2023 is gone,
and the paper names neither its prompts nor its decoding.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

CLASSIFIER = "OpenAI moderation, 2023"


@cache
def table() -> dict[str, dict[str, int]]:
    """Model -> group -> completions flagged of `of()`."""
    return dict(_facts()["flagged"])


def of() -> int:
    """Prompts of each group."""
    return int(_facts()["of"])


def row(student: str) -> tuple[str, dict[str, int]] | None:
    """Name and counts of the paper's model that is called like a student; letters and digits count.

    >>> row("gpt2-large")
    ('GPT-2 large', {'non-toxic': 1, 'toxic': 119})
    """
    wanted = _bare(student)
    return next(((name, flagged) for name, flagged in table().items() if _bare(name) == wanted), None)


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def _facts() -> dict[str, Any]:
    text = files(__package__).joinpath("paper.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))
