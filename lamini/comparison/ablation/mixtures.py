"""What each source of the data does to a score: a linear regression over the runs of an ablation.

A run's score is a constant of its student, plus the share of each source in its pairs times the effect of
that source (shares sum to 1, so effects are told from their mean or from one source, never from zero), plus
one number for mixing at all, where single sources and mixtures were both trained. Whether families differ in
what sources and mixing do is an F test of all these differences together.

With students a and b, sources x and y and the scores a: x 50, y 54; b: x 60, y 64, the constants are the
students' means, 52 and 62, and the effects -2 and 2. The paper's Table 4 is such a herd, without a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from lamini.analysis.tables import Cell, Column, Table
from lamini.comparison.herd import Kind, Member
from lamini.errors import UserError
from lamini.evaluation.benchmarks.significance import holm

UNTUNED = "untuned"
"""The source of a model that was trained on nothing."""

MIXING = "mixing"
TABLE_1 = Path(__file__).parents[2] / "analysis" / "paper.yaml"
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Run:
    """One run as the regression sees it; `shares` sum to 1."""

    student: str
    family: str
    shares: Mapping[str, float]
    score: float


@dataclass(frozen=True)
class Effect:
    """Points of the score that a source gives more than the average source, or than `against`."""

    source: str
    points: float
    low: float
    high: float
    p: float  # two-sided, adjusted by Holm over the effects shown together


@dataclass(frozen=True)
class Interaction:
    """Whether the families differ in what sources do: an F test of the larger model against the smaller."""

    f: float
    p: float
    more: int  # terms of the larger model
    left: int  # degrees of freedom it leaves


@dataclass(frozen=True)
class Fit:
    """What the regression found."""

    effects: Sequence[Effect]
    mixing: Effect | None  # what runs on several sources have beyond the sum of their parts
    families: Mapping[str, Sequence[Effect]]  # {} with one family, or too few runs for it
    interaction: Interaction | None
    against: str | None
    runs: int
    students: int
    noise: float  # standard deviation of what the model does not explain, in points
    left: int  # degrees of freedom


def runs_of(
    members: Iterable[Member], score: Callable[[Member], float | None]
) -> tuple[list[Run], list[str]]:
    """The members as runs, and one sentence for each that cannot be one."""
    runs, left_out = [], []
    for member in members:
        shares, value = shares_of(member), score(member)
        if value is None:
            left_out.append(f"{member.key} has no score")
        elif shares is None:
            left_out.append(f"{member.key} does not say from which sources its pairs came")
        else:
            student = f"{member.family}-{member.size}" if member.size else member.student
            runs.append(Run(student, member.family, shares, value))
    return runs, left_out


def shares_of(member: Member) -> dict[str, float] | None:
    """Share of each source in a member's pairs, by `data.sources` of its record; None where it says nothing.

    An older record does not count its sources: where the configuration has one alone, that is the share.
    """
    if member.kind is Kind.model:
        return {UNTUNED: 1.0}
    pairs = member.record.get("data", {}).get("sources")
    if pairs and sum(pairs.values()) > 0:
        total = sum(pairs.values())
        return {name: count / total for name, count in pairs.items()}
    sources = (member.config.get("data") or {}).get("sources") or {}
    active = [name for name, options in sources.items() if options.get("weight", 1.0) > 0]
    return {active[0]: 1.0} if len(active) == 1 else None


def paper_runs() -> list[Run]:
    """The paper's Table 4 as runs: six students on twelve columns, its mixture in the shares of Table 1."""
    from lamini.comparison.ablation import table4

    facts = yaml.safe_load(TABLE_1.read_text(encoding="utf-8"))["table1"]
    pairs = {name: told["pairs"] for name, told in facts.items() if name != "all"}
    mixture = {name: count / sum(pairs.values()) for name, count in pairs.items()}
    return [
        Run(student, student.split("-")[0], mixture if column == table4.ALL else {column: 1.0}, score)
        for student, row in table4.rows().items()
        for column, score in row.items()
    ]


def fit(runs: Sequence[Run], against: str | None = None) -> Fit:
    """The effects of the sources on the score, with 95 % intervals.

    `against` is a source, for example `untuned`: effects are then differences to it.

    Raises:
        UserError: fewer than two sources, a source that is not there, or too few different runs.
    """
    names = sorted({name for run in runs for name, share in run.shares.items() if share > 0})
    _check(runs, names, against)
    mixed = _mixing(runs)
    matrix_RK, columns = _design(runs, names, mixed, by_family=False)
    model = _least_squares(runs, matrix_RK)
    sources = [name for name in names if name != against]
    first = len(columns) - len(names) + 1 - mixed
    rows = [_contrast(names, name, against, first, matrix_RK.shape[1]) for name in sources]
    mixing = _effects(model, [MIXING], [np.eye(matrix_RK.shape[1])[-1]])[0] if mixed else None
    families, interaction = _by_family(runs, names, mixed, against, model)
    return Fit(
        _effects(model, sources, rows), mixing, families, interaction, against, len(runs),
        len({run.student for run in runs}), float(np.sqrt(model.mse_resid)), int(model.df_resid),
    )  # fmt: skip


def _check(runs: Sequence[Run], names: Sequence[str], against: str | None) -> None:
    if len(names) < 2:
        found = f"all of it is {names[0]}" if names else "there is no run"
        raise UserError(f"effects of sources need runs on different data, but {found}; sweep data=<a>,<b>")
    if against is not None and against not in names:
        raise UserError(f"against={against} is no source of these runs; it can be {', '.join(names)}")


def _mixing(runs: Sequence[Run]) -> bool:
    """Whether single sources and mixtures were both trained."""
    pure = {max(run.shares.values()) > 0.999 for run in runs}
    return pure == {True, False}


def _design(
    runs: Sequence[Run], names: Sequence[str], mixed: bool, *, by_family: bool
) -> tuple[np.ndarray, list[tuple[str, str]]]:
    """One row a run: its student (one of S), its shares less that of the last source, whether it is mixed.

    Sources x, y, z and shares 1, 0, 0 give 1 0; 0, 0, 1 give -1 -1: the coefficients sum to 0 with the last
    source's, which is minus their sum.
    """
    students = sorted({run.student for run in runs})
    families = sorted({run.family for run in runs}) if by_family else [""]
    columns = [("student", name) for name in students]
    columns += [(family, name) for family in families for name in names[:-1]]
    columns += [(family, MIXING) for family in families] if mixed else []
    matrix_RK = np.zeros((len(runs), len(columns)))
    for row, run in enumerate(runs):
        matrix_RK[row, students.index(run.student)] = 1
        family = run.family if by_family else ""
        first = columns.index((family, names[0]))
        last = run.shares.get(names[-1], 0.0)
        for place, name in enumerate(names[:-1]):
            matrix_RK[row, first + place] = run.shares.get(name, 0.0) - last
        if mixed:
            matrix_RK[row, columns.index((family, MIXING))] = max(run.shares.values()) <= 0.999
    return matrix_RK, columns


def _least_squares(runs: Sequence[Run], matrix_RK: np.ndarray) -> Any:
    """The fitted model of statsmodels.

    Raises:
        UserError: the runs do not determine the model, or leave nothing to estimate the noise from.
    """
    import statsmodels.api as sm

    rank, terms = np.linalg.matrix_rank(matrix_RK), matrix_RK.shape[1]
    if rank < terms:
        raise UserError(
            f"these {len(runs)} runs cannot tell their sources apart: they determine {rank} of {terms}"
            " numbers; train each student on each source"
        )
    if len(runs) <= terms:
        raise UserError(
            f"{len(runs)} runs leave nothing to estimate the noise of {terms} numbers from; add seeds, as"
            " seed=1,2,3 does"
        )
    return sm.OLS(np.array([run.score for run in runs]), matrix_RK).fit()


def _contrast(names: Sequence[str], name: str, against: str | None, first: int, terms: int) -> np.ndarray:
    """The coefficients of `name` minus those of `against`, of the columns from `first` on."""

    def of(source: str) -> np.ndarray:
        row_K = np.zeros(terms)
        if source == names[-1]:
            row_K[first : first + len(names) - 1] = -1
        else:
            row_K[first + names.index(source)] = 1
        return row_K

    return of(name) - (of(against) if against else 0)


def _effects(model: Any, names: Sequence[str], rows: Sequence[np.ndarray]) -> list[Effect]:
    tested = model.t_test(np.array(rows))
    low_high = tested.conf_int(alpha=1 - CONFIDENCE)
    p_values = holm(np.atleast_1d(tested.pvalue).tolist())
    points = np.atleast_1d(tested.effect).tolist()
    return [
        Effect(name, value, float(low), float(high), p)
        for name, value, (low, high), p in zip(names, points, low_high, p_values, strict=True)
    ]


def _by_family(
    runs: Sequence[Run], names: Sequence[str], mixed: bool, against: str | None, smaller: Any
) -> tuple[dict[str, list[Effect]], Interaction | None]:
    """The effects in each family, and the test of their difference; nothing where the runs do not say."""
    families = sorted({run.family for run in runs})
    matrix_RK, columns = _design(runs, names, mixed, by_family=True)
    determined = np.linalg.matrix_rank(matrix_RK) == len(columns) < len(runs)
    if len(families) < 2 or not determined:
        return {}, None
    model = _least_squares(runs, matrix_RK)
    sources = [name for name in names if name != against]
    found = {}
    for family in families:
        first = columns.index((family, names[0]))
        rows = [_contrast(names, name, against, first, len(columns)) for name in sources]
        found[family] = _effects(model, sources, rows)
    f, p, more = model.compare_f_test(smaller)
    return found, Interaction(float(f), float(p), int(more), int(model.df_resid))


def tables(found: Fit) -> list[Table]:
    """The effects of the sources, and those in each family side by side."""
    besides = f"than {found.against}" if found.against else "than the average source"
    head = [Column("source"), Column("points", "+.1f"), Column("low", "+.1f"), Column("high", "+.1f")]
    rows: list[list[Cell]] = [[e.source, e.points, e.low, e.high, e.p] for e in found.effects]
    notes = [
        f"Points of the score more {besides}, with {CONFIDENCE:.0%} intervals; p adjusted by Holm's method."
        f" {found.runs} runs of {found.students} students; {found.noise:.1f} points are not explained"
        f" ({found.left} degrees of freedom)."
    ]
    if (mixing := found.mixing) is not None:
        notes.append(
            f"Runs on several sources score {mixing.points:+.1f} ({mixing.low:+.1f} to {mixing.high:+.1f})"
            " beyond what their sources' shares add up to."
        )
    made = [Table("mixture-effects", "What each source does", [*head, Column("p", ".2g")], rows, notes)]
    if found.interaction is not None:
        made.append(_families_table(found, found.interaction, besides))
    return made


def _families_table(found: Fit, test: Interaction, besides: str) -> Table:
    columns = [Column("source"), *(Column(family, "+.1f") for family in found.families)]
    rows: list[list[Cell]] = [
        [effects[0].source, *(effect.points for effect in effects)]
        for effects in zip(*found.families.values(), strict=True)
    ]
    note = (
        f"Points more {besides}. All differences between the families together: F({test.more}, {test.left})"
        f" = {test.f:.2f}, p = {test.p:.2g}."
    )
    return Table("mixture-by-family", "What each source does in each family", columns, rows, [note])
