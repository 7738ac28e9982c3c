"""What was rated, as plain rows: one level that one rater gave to one target. People and judges apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamini.errors import UserError
from lamini.rating.study import Item, Study, Target

if TYPE_CHECKING:
    from lamini.rating.store import Store


@dataclass(frozen=True, slots=True)
class Given:
    """One level that one rater gave."""

    rater: str
    item: str
    target: str
    level: int  # its place in the scale, 0 is the first
    seconds: float = 0.0


@dataclass(frozen=True)
class Collected:
    """A study and what came of it so far."""

    study: Study
    people: tuple[Given, ...]
    judges: tuple[Given, ...]
    joined: tuple[str, ...] = ()  # people, whether they rated or not
    skipped: int = 0  # by people
    flagged: int = 0
    notes: int = 0
    set_aside: tuple[tuple[str, str], ...] = ()  # judge and reason of each target that a judge did not rate

    @property
    def items(self) -> dict[str, Item]:
        """By key."""
        return {item.key: item for item in self.study.items}

    @property
    def targets(self) -> dict[str, Target]:
        """By key, in the order of the study."""
        return {target.key: target for item in self.study.items for target in item.targets}


def levels_of(given: Iterable[Given]) -> dict[str, dict[str, int]]:
    """Target -> rater -> level."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for one in given:
        found[one.target][one.rater] = one.level
    return dict(found)


def item_of(study: Study) -> dict[str, str]:
    """Target -> its item."""
    return {target.key: item.key for item in study.items for target in item.targets}


def collect(store: Store) -> Collected:
    """Everything that counts now.

    Raises:
        UserError: nobody has rated anything.
    """
    study = store.study
    places = {letter: place for place, letter in enumerate(study.scale.letters)}
    raters = {rater.id: rater for rater in store.raters()}
    rows: Mapping[str, list[Given]] = {"person": [], "judge": []}
    aside, skipped, flagged, notes = [], 0, 0, 0
    for one in store.current():
        rater = raters[one.rater]
        person = rater.kind != "judge"
        if one.level is not None:
            rows["person" if person else "judge"].append(
                Given(rater.name, one.item, one.target, places[one.level], one.seconds)
            )
        elif one.skipped and not person:
            aside.append((rater.name, one.note))
        if person:
            skipped += one.skipped
            flagged += one.flagged
            notes += bool(one.note)
    if not any(rows.values()):
        raise UserError(
            "nobody has rated anything yet; python rate.py answers=<the same file> serves the page"
        )
    joined = tuple(rater.name for rater in raters.values() if rater.kind != "judge")
    return Collected(
        study, tuple(rows["person"]), tuple(rows["judge"]), joined, skipped, flagged, notes, tuple(aside)
    )
