"""Everything that is worked out of a study's ratings, in one place: what files and tables are made of."""

from __future__ import annotations

from dataclasses import dataclass

from lamini.rating.study import Study
from lamini.rating.summary.agreement import Agreement
from lamini.rating.summary.bootstrap import Bootstrap
from lamini.rating.summary.calibration import Calibrated, Scores, among_people, calibrated
from lamini.rating.summary.collected import Collected, Given, levels_of
from lamini.rating.summary.comparing import Compared, compared
from lamini.rating.summary.counts import Counted, counts
from lamini.rating.summary.disagreement import Disputed, disputed
from lamini.rating.summary.raters import Rated, rated
from lamini.rating.summary.winning import Preferences, preferences

PEOPLE = "people"


@dataclass(frozen=True)
class Summary:
    """What came of a study. Counts and preferences are by "people" and by each judge's name."""

    study: Study
    collected: Collected
    bootstrap: Bootstrap
    counts: dict[str, list[Counted]]
    preferences: dict[str, Preferences]
    compared: list[Compared]  # by people; by the only judge where no person rated
    agreement: list[Agreement]  # of people
    judges: list[Calibrated]
    raters: list[Rated]
    disputed: list[Disputed]

    @property
    def first(self) -> str:
        """Whose ratings the figure shows: people's, or a judge's where no person rated."""
        return next(iter(self.counts or self.preferences))


def summed_up(collected: Collected, bootstrap: Bootstrap) -> Summary:
    """Work it all out."""
    study = collected.study
    by: dict[str, list[Given]] = {PEOPLE: list(collected.people)} if collected.people else {}
    for one in collected.judges:
        by.setdefault(one.rater, []).append(one)
    counted, preferred, differences = {}, {}, []
    if study.sheet == "preference":
        found = {name: preferences(study, levels_of(given), bootstrap) for name, given in by.items()}
        preferred = {name: one for name, one in found.items() if one is not None}
    else:
        counted = {name: counts(study, levels_of(given), bootstrap) for name, given in by.items()}
        first = next(iter(by))
        owners = list(dict.fromkeys(row.owner for row in counted[first]))
        differences = compared(study, by[first], owners, bootstrap)
    said = {name: _scores(rows) for name, rows in counted.items()}
    said |= {name: _strengths(one) for name, one in preferred.items()}
    return Summary(
        study, collected, bootstrap, counted, preferred, differences,
        agreement=among_people(study, levels_of(collected.people), bootstrap),
        judges=calibrated(collected, said.get(PEOPLE, {}), said, bootstrap),
        raters=rated(study, collected.people, collected.judges, bootstrap),
        disputed=disputed(study, collected.people),
    )  # fmt: skip


def _scores(rows: list[Counted]) -> Scores:
    return {(row.part, row.owner): row.mean.value for row in rows if row.mean.value is not None}


def _strengths(found: Preferences) -> Scores:
    return {("pair", row.owner): row.strength.value for row in found.owners if row.strength.value is not None}
