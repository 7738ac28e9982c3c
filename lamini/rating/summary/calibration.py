"""A teacher as judge beside people: does it agree with them as well as they agree with each other?

Its agreement with every person's ratings is told on all it rated, and on the targets that several people
rated, where it stands beside theirs on the very same texts. `ranking` asks whether it would put the owners in
the same order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from lamini.rating.study import Study
from lamini.rating.summary.agreement import Agreement, Unit, agreement
from lamini.rating.summary.bootstrap import Bootstrap
from lamini.rating.summary.collected import Collected, item_of, levels_of

FEWEST = 3  # owners that have a ranking
Levels = Mapping[str, Mapping[str, int]]
Scores = Mapping[tuple[str, str], float]
"""Part and owner -> what somebody makes of it: a mean, or a strength."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """One judge beside people."""

    judge: str
    people: Agreement | None  # with all people, on whatever both rated
    shared: Agreement | None  # the same, on what several people rated
    ranking: float | None  # Kendall's tau-b of the owners' means or strengths; None: fewer than three owners
    set_aside: dict[str, int]  # why -> targets that it gave no level to


def among_people(study: Study, levels: Levels, bootstrap: Bootstrap) -> list[Agreement]:
    """All people with each other, then every two of them who rated something in common."""
    items = item_of(study)
    units = [Unit(items[key], tuple(given.values())) for key, given in levels.items()]
    found = [agreement("people", units, study.scale, bootstrap, group=True)]
    names = list(dict.fromkeys(rater for given in levels.values() for rater in given))
    for first, second in combinations(names, 2) if len(names) > 2 else ():
        both = [
            Unit(items[key], (given[first], given[second]))
            for key, given in levels.items()
            if first in given and second in given
        ]
        found.append(agreement(f"{first} and {second}", both, study.scale, bootstrap))
    return [one for one in found if one is not None]


def calibrated(
    collected: Collected, people_say: Scores, judges_say: Mapping[str, Scores], bootstrap: Bootstrap
) -> list[Calibrated]:
    """Every judge; what people and each judge make of the owners is for their ranking."""
    study = collected.study
    people, judges = levels_of(collected.people), levels_of(collected.judges)
    shared = {key: given for key, given in people.items() if len(given) > 1}
    names = dict.fromkeys([one.rater for one in collected.judges] + [name for name, _ in collected.set_aside])

    def beside(name: str, levels: Levels, where: str = "") -> Agreement | None:
        units = _met(study, name, judges, levels)
        return agreement(f"{name} with people{where}", units, study.scale, bootstrap)

    return [
        Calibrated(
            name,
            people=beside(name, people),
            shared=beside(name, shared, ", where several rated"),
            ranking=ranking(people_say, judges_say.get(name, {})),
            set_aside=dict(Counter(why for judge, why in collected.set_aside if judge == name)),
        )
        for name in names
    ]


def _met(study: Study, judge: str, judges: Levels, people: Levels) -> list[Unit]:
    """The judge's level and a person's, for each person who rated what it rated."""
    items = item_of(study)
    return [
        Unit(items[key], (judges[key][judge], level))
        for key, given in people.items()
        if judge in judges.get(key, {})
        for level in given.values()
    ]


def ranking(people: Scores, judge: Scores) -> float | None:
    """Kendall's tau-b: 1 where the judge puts all owners in people's order, -1 where in the opposite one."""
    from scipy.stats import kendalltau

    common = [key for key in people if key in judge]
    first, second = [people[key] for key in common], [judge[key] for key in common]
    if len(common) < FEWEST or len(set(first)) < 2 or len(set(second)) < 2:
        return None
    return float(kendalltau(first, second).statistic)
