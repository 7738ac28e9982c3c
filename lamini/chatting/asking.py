"""What a browser asks, checked: nothing else of a request reaches a student."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

LONGEST_ANSWER = 4096  # tokens
LONGEST_PROMPT = 20_000  # characters; a student cuts what its context does not hold
WARMEST = 5.0


class Unfit(Exception):
    """A request that no page of ours makes, or a prompt that cannot be asked; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Question:
    """One prompt to some students, and how they decode."""

    prompt: str
    students: tuple[str, ...]
    max_new_tokens: int
    temperature: float


def question_from(body: bytes, known: Collection[str]) -> Question:
    """The question of a request.

    >>> told = b'{"prompt": "Hi", "students": ["s1"], "max_new_tokens": 8, "temperature": 0}'
    >>> question_from(told, ["s1", "s2"])
    Question(prompt='Hi', students=('s1',), max_new_tokens=8, temperature=0.0)

    Raises:
        Unfit: it is none.
    """
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise Unfit("The question is no JSON") from None
    keys = {"prompt", "students", "max_new_tokens", "temperature"}
    if not isinstance(told, dict) or set(told) != keys:
        raise Unfit(f"A question has {', '.join(sorted(keys))}")
    return Question(
        _prompt(told["prompt"]), _students(told["students"], known),
        int(_number(told["max_new_tokens"], "New tokens", 1, LONGEST_ANSWER, whole=True)),
        float(_number(told["temperature"], "Temperature", 0, WARMEST)),
    )  # fmt: skip


def _prompt(told: object) -> str:
    if not isinstance(told, str) or not told.strip():
        raise Unfit("The prompt is empty")
    if len(told) > LONGEST_PROMPT:
        raise Unfit(f"The prompt has {len(told):,} characters; {LONGEST_PROMPT:,} are the most")
    return told.encode("utf-8", "replace").decode().strip()


def _students(told: object, known: Collection[str]) -> tuple[str, ...]:
    if not isinstance(told, list) or not all(isinstance(one, str) and one in known for one in told):
        raise Unfit("The page is older than the server; load it again")
    if not told:
        raise Unfit("Nobody is asked; choose a student")
    return tuple(dict.fromkeys(told))


def _number(told: object, name: str, least: int, most: float, whole: bool = False) -> float:
    kinds = (int,) if whole else (int, float)
    if not isinstance(told, kinds) or isinstance(told, bool) or not least <= told <= most:
        raise Unfit(f"{name}: a {'whole ' if whole else ''}number from {least} to {most:g}")
    return told
