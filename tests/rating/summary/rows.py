"""Ratings by hand: a rater's levels as one word, in the order of the study's targets."""

from __future__ import annotations

from lamini.rating.study import Study
from lamini.rating.summary.bootstrap import Bootstrap
from lamini.rating.summary.collected import Collected, Given

BOOTSTRAP = Bootstrap(seed=1, resamples=400)


def given(study: Study, levels: dict[str, str], seconds: float = 0.0) -> tuple[Given, ...]:
    """{"ann": "AB-C"}: A, B, nothing, C on the first four targets of the study."""
    pages = [(item, target) for item in study.items for target in item.targets]
    return tuple(
        Given(rater, item.key, target.key, study.scale.letters.index(letter), seconds)
        for rater, word in levels.items()
        for (item, target), letter in zip(pages, word, strict=False)
        if letter != "-"
    )


def collected(study: Study, people: dict[str, str], judges: dict[str, str] | None = None) -> Collected:
    """What these people and judges gave."""
    return Collected(study, given(study, people), given(study, judges or {}), tuple(people))
