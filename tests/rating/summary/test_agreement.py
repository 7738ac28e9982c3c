"""Agreement: published examples, the libraries beside the formulae, and what a bootstrap over items means."""

from __future__ import annotations

import builtins
from typing import Any

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from lamini.rating.study import Level, Scale
from lamini.rating.summary.agreement import Unit, agreement, counted, tables
from lamini.rating.summary.bootstrap import Bootstrap
from lamini.rating.summary.formulae import alphas, fleisses, kappas

BOOTSTRAP = Bootstrap(0, 300)
KRIPPENDORFF = (  # 2011, "Computing Krippendorff's alpha-reliability": 4 observers, 12 units
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
DIAGNOSES = (  # Fleiss 1971, table 1: 30 patients, 6 psychiatrists, 5 diagnoses
    "444444 222555 233335 555555 222444 113333 333355 113334 114444 555555 144444 124444 222333 144444"
    " 224445 333335 111455 111112 224444 133555 555555 244444 224555 114444 144445 222224 111155"
    " 224444 133333 555555"
)


def scale(levels: int, ordinal: bool = True) -> Scale:
    letters = "ABCDEFG"[:levels]
    return Scale("toy", "How good?", tuple(Level(letter, letter, "") for letter in letters), ordinal)


def krippendorff_units() -> list[Unit]:
    rows = [row.split() for row in KRIPPENDORFF]
    return [
        Unit(str(n), tuple(int(value) - 1 for value in column if value != "."))
        for n, column in enumerate(zip(*rows, strict=True))
    ]


def test_krippendorff_s_own_example() -> None:
    ordinal = agreement("people", krippendorff_units(), scale(5), BOOTSTRAP, group=True)
    nominal = agreement("people", krippendorff_units(), scale(5, ordinal=False), BOOTSTRAP, group=True)
    assert ordinal and nominal
    assert (round(ordinal.alpha.value or 0, 3), round(nominal.alpha.value or 0, 3)) == (0.815, 0.743)
    assert (ordinal.units, ordinal.items) == (11, 11)  # one unit has a single value
    assert list(ordinal.kappa) == ["linear", "quadratic"] and list(nominal.kappa) == ["plain"]


def test_fleiss_s_own_example() -> None:
    pytest.importorskip("statsmodels")
    units = [Unit(str(n), tuple(int(one) - 1 for one in row)) for n, row in enumerate(DIAGNOSES.split())]
    found = agreement("people", units, scale(5, ordinal=False), BOOTSTRAP, group=True)
    assert found and found.fleiss and (found.fleiss.raters, found.fleiss.units) == (6, 30)
    assert round(found.fleiss.kappa.value or 0, 3) == 0.430
    assert found.fleiss.kappa.interval is not None
    assert found.fleiss.kappa.interval[0] < 0.430 < found.fleiss.kappa.interval[1]


def test_a_table_by_hand() -> None:
    """A and A twice, A and B once, B and B once: 3/4 are equal, 1/2 would be by chance."""
    units = [Unit(str(n), levels) for n, levels in enumerate([(0, 0), (0, 0), (0, 1), (1, 1)])]
    found = agreement("ann and bo", units, scale(2, ordinal=False), BOOTSTRAP)
    assert found and found.equal.value == 0.75 and found.kappa["plain"].value == pytest.approx(0.5)
    assert found.fleiss is None


def test_each_rating_of_a_group_counts_once() -> None:
    tables_IVV = tables([Unit("i", (0, 0, 1)), Unit("i", (1, 1))], 2, group=True)
    assert tables_IVV.tolist() == [[[1, 1], [1, 2]]]


LEVELS = st.lists(st.integers(0, 3), min_size=2, max_size=5).map(tuple)
GROUPS = st.lists(LEVELS, min_size=2, max_size=25)
PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40)


@settings(deadline=None)
@given(GROUPS, st.booleans())
def test_the_formula_of_alpha_is_the_library_s(groups: list[tuple[int, ...]], ordinal: bool) -> None:
    units = [Unit("i", levels) for levels in groups]
    ours = alphas(tables(units, 4, group=True), ordinal)[0]
    if len({level for levels in groups for level in levels}) == 1:
        assert np.isnan(ours)
    else:
        measure = "ordinal" if ordinal else "nominal"
        theirs = krippendorff.alpha(value_counts=counted(units, 4), level_of_measurement=measure)
        assert ours == pytest.approx(theirs, abs=1e-12)


@settings(deadline=None)
@given(PAIRS)
def test_the_formula_of_kappa_is_scikit_learn_s(pairs: list[tuple[int, int]]) -> None:
    first, second = zip(*pairs, strict=True)
    table = tables([Unit("i", pair) for pair in pairs], 4, group=False)
    for weights in ("linear", "quadratic", "plain"):
        ours = kappas(table, weights)[0]
        if len({*first, *second}) == 1:
            assert np.isnan(ours)
        else:
            named = None if weights == "plain" else weights
            theirs = cohen_kappa_score(first, second, labels=[0, 1, 2, 3], weights=named)
            assert ours == pytest.approx(theirs, abs=1e-12)


@settings(deadline=None)
@given(st.integers(2, 5), st.data())
def test_the_formula_of_fleiss_is_statsmodels(raters: int, data: st.DataObject) -> None:
    inter_rater = pytest.importorskip("statsmodels.stats.inter_rater")
    row = st.lists(st.integers(0, 2), min_size=raters, max_size=raters)
    groups = data.draw(st.lists(row, min_size=2, max_size=20))
    counts_UV = counted([Unit("i", tuple(levels)) for levels in groups], 3)
    equal = (counts_UV * (counts_UV - 1)).sum()
    ours = fleisses(np.array([[len(groups), equal, *counts_UV.sum(axis=0)]], float), raters)[0]
    if len({level for levels in groups for level in levels}) > 1:
        assert ours == pytest.approx(inter_rater.fleiss_kappa(counts_UV), abs=1e-12)
    else:
        assert np.isnan(ours)


@settings(deadline=None, max_examples=25)
@given(PAIRS)
def test_the_point_is_where_the_resamples_are(pairs: list[tuple[int, int]]) -> None:
    """The figure of the library is that of the formula on the whole: a resample of everything once is it."""
    units = [Unit(str(n), pair) for n, pair in enumerate(pairs)]
    found = agreement("ann and bo", units, scale(4), BOOTSTRAP)
    assert found is not None
    whole = tables(units, 4, group=False).sum(axis=0)[None]
    for estimate, value in (
        (found.alpha, alphas(whole + whole.transpose(0, 2, 1), True)[0]),
        (found.kappa["quadratic"], kappas(whole, "quadratic")[0]),
    ):
        if estimate.value is None:
            assert np.isnan(value)
        else:
            assert estimate.value == pytest.approx(value, abs=1e-12)


def test_the_interval_is_that_of_drawing_whole_items() -> None:
    """Every item holds the same unit three times: intervals as wide as of a third of the units."""
    rng = np.random.default_rng(2)
    pairs = [(int(a), int(np.clip(a + rng.choice([-1, 0, 0, 1]), 0, 3))) for a in rng.integers(0, 4, 60)]
    clustered = [Unit(str(n), pair) for n, pair in enumerate(pairs) for _ in range(3)]
    found = agreement("ann and bo", clustered, scale(4), Bootstrap(0, 2_000))
    single = agreement("ann and bo", clustered[::3], scale(4), Bootstrap(0, 2_000))
    loose = agreement(
        "ann and bo",
        [Unit(str(n), one.levels) for n, one in enumerate(clustered)],
        scale(4),
        Bootstrap(0, 2_000),
    )
    wide, right, narrow = (one.kappa["quadratic"].interval for one in (found, single, loose))
    assert wide == pytest.approx(right, abs=1e-9)
    assert narrow[1] - narrow[0] == pytest.approx((wide[1] - wide[0]) / np.sqrt(3), rel=0.2)


def test_the_interval_is_that_of_naive_resampling() -> None:
    rng = np.random.default_rng(5)
    pairs = [(int(a), int(np.clip(a + rng.choice([-1, 0, 0, 1]), 0, 3))) for a in rng.integers(0, 4, 50)]
    found = agreement(
        "ann and bo", [Unit(str(n), p) for n, p in enumerate(pairs)], scale(4), Bootstrap(0, 4_000)
    )
    drawn = [
        cohen_kappa_score(*zip(*(pairs[i] for i in rng.integers(0, 50, 50)), strict=True), weights="linear")
        for _ in range(500)
    ]
    assert found is not None
    assert found.kappa["linear"].interval == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.05)


def test_nothing_rated_twice_is_no_agreement() -> None:
    assert agreement("people", [Unit("i", (0,)), Unit("j", (3,))], scale(4), BOOTSTRAP, group=True) is None


def test_one_level_throughout_is_not_defined() -> None:
    units = [Unit(str(n), (0, 0)) for n in range(5)]
    found = agreement("people", units, scale(4), BOOTSTRAP, group=True)
    assert found and found.equal.value == 1.0
    assert found.alpha.value is None and found.kappa["linear"].value is None
    assert found.fleiss and found.fleiss.kappa.value is None


def test_fleiss_takes_the_units_with_as_many_raters_as_most() -> None:
    pytest.importorskip("statsmodels")
    units = [Unit("a", (0, 0, 1)), Unit("b", (1, 1)), Unit("c", (0, 1)), Unit("d", (2, 2))]
    found = agreement("people", units, scale(3), BOOTSTRAP, group=True)
    assert found and found.fleiss and (found.fleiss.raters, found.fleiss.units) == (2, 3)


def test_without_statsmodels_everything_else_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("statsmodels"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    found = agreement("people", krippendorff_units(), scale(5), BOOTSTRAP, group=True)
    assert found and found.fleiss and found.fleiss.missing and found.fleiss.kappa.value is None
    assert found.alpha.value == pytest.approx(0.815, abs=5e-4)
