"""Effects of sources: the worked example, statsmodels' formulae, Table 4, and runs that say nothing."""

from __future__ import annotations

import itertools
import statistics

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.anova import anova_lm

from lamini.analysis.tables import markdown
from lamini.comparison.ablation import mixtures, table4
from lamini.comparison.ablation.mixtures import Run, fit, paper_runs, runs_of, shares_of, tables
from lamini.comparison.herd import Kind, Member
from lamini.errors import UserError


def run(student: str, source: str, score: float) -> Run:
    return Run(student, student[0], {source: 1.0}, score)


def member(key: str, data: dict[str, float] | None, config: dict[str, object] | None = None) -> Member:
    record = {"student": "t5-nano", "family": "t5", "size": "nano", "data": {"sources": data} if data else {}}
    return Member(key, Kind.run, None, record, config or {})


WORKED = [run("a", "x", 50), run("a", "y", 54), run("b", "x", 60), run("b", "y", 64), run("b", "y", 64)]


def test_the_worked_example() -> None:
    found = fit(WORKED)
    assert {one.source: round(one.points, 9) for one in found.effects} == {"x": -2.0, "y": 2.0}
    assert (found.runs, found.students, found.mixing) == (5, 2, None)
    (against,) = fit(WORKED, against="x").effects
    assert (against.source, round(against.points, 9)) == ("y", 4.0)


def noisy(seed: int = 0) -> list[Run]:
    """Three seeds of four students, in two families, on three sources and two mixtures of them."""
    rng = np.random.default_rng(seed)
    data = [{"x": 1.0}, {"y": 1.0}, {"z": 1.0}, {"x": 0.5, "y": 0.5}, {"x": 0.2, "y": 0.3, "z": 0.5}]
    effect = {"x": 4.0, "y": 1.0, "z": -5.0}
    return [
        Run(
            student, student[:2], shares,
            50 + 5 * place + sum(effect[name] * share for name, share in shares.items())
            + (3 * shares.get("x", 0) if student.startswith("t5") else 0)
            + (2 if len(shares) > 1 else 0) + rng.normal(0, 0.5),
        )
        for (place, student), shares, _ in itertools.product(
            enumerate(["t5-a", "t5-b", "gp-a", "gp-b"]), data, range(3)
        )
    ]  # fmt: skip


def frame(runs: list[Run]) -> pd.DataFrame:
    rows = [
        {"student": r.student, "family": r.family, "score": r.score, "mixed": float(len(r.shares) > 1)}
        | {name: r.shares.get(name, 0.0) for name in "xyz"}
        for r in runs
    ]
    return pd.DataFrame(rows)


def test_effects_and_intervals_are_those_of_statsmodels_formula() -> None:
    """There z is the reference: effects against z are the coefficients of x and y themselves."""
    runs = noisy()
    reference = smf.ols("score ~ 0 + C(student) + x + y + mixed", frame(runs)).fit()
    found = fit(runs, against="z")
    for one in found.effects:
        assert one.points == pytest.approx(reference.params[one.source], abs=1e-9)
        assert [one.low, one.high] == pytest.approx(list(reference.conf_int().loc[one.source]), abs=1e-9)
    p = [reference.pvalues[name] for name in ("x", "y")]
    assert [one.p for one in found.effects] == pytest.approx(mixtures.holm(p))
    assert found.mixing is not None
    assert found.mixing.points == pytest.approx(reference.params["mixed"], abs=1e-9)
    assert found.left == reference.df_resid and found.noise == pytest.approx(np.sqrt(reference.mse_resid))


def test_the_interaction_is_that_of_an_analysis_of_variance() -> None:
    runs = noisy()
    small = smf.ols("score ~ 0 + C(student) + x + y + mixed", frame(runs)).fit()
    large = smf.ols("score ~ 0 + C(student) + x:family + y:family + mixed:family", frame(runs)).fit()
    table = anova_lm(small, large)
    found = fit(runs).interaction
    assert found is not None
    assert (found.f, found.p) == pytest.approx((table["F"][1], table["Pr(>F)"][1]))
    assert (found.more, found.left) == (table["df_diff"][1], table["df_resid"][1])
    assert found.p < 0.001


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(-50, 50))
def test_effects_sum_to_nothing_and_a_students_level_changes_none(seed: int, level: float) -> None:
    runs = noisy(seed)
    lifted = [
        Run(r.student, r.family, r.shares, r.score + (level if r.student == "t5-a" else 0)) for r in runs
    ]
    one, other = fit(runs), fit(lifted)
    assert sum(effect.points for effect in one.effects) == pytest.approx(0, abs=1e-9)
    assert [e.points for e in other.effects] == pytest.approx([e.points for e in one.effects], abs=1e-8)


def test_the_papers_table_4_says_what_a_mean_over_students_says() -> None:
    """72 runs: every student on every column, so an effect is a difference of column means."""
    runs = paper_runs()
    assert len(runs) == 72
    found = fit(runs, against="untuned")
    untuned = statistics.fmean(table4.column("untuned"))
    for one in found.effects:
        assert one.points == pytest.approx(statistics.fmean(table4.column(one.source)) - untuned, abs=1e-9)
    effects = {one.source: one for one in found.effects}
    assert round(effects["flan_gold"].points, 2) == 3.30 and effects["flan_gold"].p < 0.05
    assert effects["self_instruct_without_topic"].points < 0 < effects["original_flan"].points
    assert found.mixing is not None and found.mixing.low < 0 < found.mixing.high
    assert set(found.families) == {"GPT", "T5"} and found.interaction is not None
    t5 = {one.source: one.points for one in found.families["T5"]}
    rows = [row for name, row in table4.rows().items() if name.startswith("T5")]
    by_hand = statistics.fmean(row["alpaca"] - row["untuned"] for row in rows)
    assert t5["alpaca"] == pytest.approx(by_hand, abs=1e-9)


def test_the_tables_say_against_what_and_whether_families_differ() -> None:
    whole, families = tables(fit(noisy(), against="z"))
    assert [row[0] for row in whole.rows] == ["x", "y"]
    assert "more than z" in markdown(whole) and "60 runs of 4 students" in markdown(whole)
    assert "beyond what their sources' shares add up to" in markdown(whole)
    assert [column.name for column in families.columns] == ["source", "gp", "t5"]
    assert "F(3, " in families.notes[0]
    (alone,) = tables(fit([r for r in noisy() if r.family == "t5"]))
    assert "than the average source" in alone.notes[0]


@pytest.mark.parametrize(
    ("runs", "against", "sentence"),
    [
        ([], None, "there is no run"),
        ([run("a", "x", 1), run("a", "x", 2)], None, "all of it is x"),
        (WORKED, "w", "against=w is no source of these runs; it can be x, y"),
        ([run("a", "x", 1), run("b", "y", 2), run("b", "y", 3)], None, "cannot tell their sources apart"),
        ([run("a", "x", 1), run("a", "y", 2)], None, "add seeds"),
    ],
)
def test_runs_that_cannot_say_are_told(runs: list[Run], against: str | None, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        fit(runs, against)


def test_shares_come_from_the_record_else_from_a_single_source_of_the_configuration() -> None:
    assert shares_of(member("a", {"x": 30.0, "y": 10.0})) == {"x": 0.75, "y": 0.25}
    sources = {"x": {"weight": 0.0}, "y": {"weight": 1.0}}
    assert shares_of(member("a", None, {"data": {"sources": sources}})) == {"y": 1.0}
    assert shares_of(member("a", None, {"data": {"sources": sources | {"z": {}}}})) is None
    assert shares_of(member("a", None)) is None
    assert shares_of(Member("base", Kind.model, None, {})) == {"untuned": 1.0}


def test_members_without_a_score_or_sources_are_named() -> None:
    members = [member("a", {"x": 1.0}), member("b", None), member("c", {"x": 1.0})]
    found, left_out = runs_of(members, lambda one: None if one.key == "c" else 1.0)
    assert found == [Run("t5-nano", "t5", {"x": 1.0}, 1.0)]
    assert left_out == ["b does not say from which sources its pairs came", "c has no score"]
