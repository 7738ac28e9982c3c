"""Is one student better than another, or were its rows luckier? Paired tests on the same rows.

Where the headline of a row is right or wrong: McNemar's exact test, which asks a fair coin about the rows
that only one of the two got right. For other headlines (ReCoRD's F1) and for the mean over tasks: a
permutation test that flips the sign of every row's difference, RESAMPLES times. Differences of equal size are
flipped together (their sum is binomial), so that 40,000 rows cost milliseconds and not a matrix of signs.

Whoever compares many pairs finds some "significant" by chance: p values over all pairs shown together are
adjusted by Holm's method, which keeps the chance of any false one below the level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.stats import binomtest

from lamini.evaluation.benchmarks import results, samples

RESAMPLES = 9_999
LEVEL = 0.05
TINY = 1e-12  # sums of the same differences in another order may differ by so much

Rows = dict[str, np.ndarray]
"""Name of a column (a task or a group) -> outcome of each of its rows."""


@dataclass(frozen=True)
class Paired:
    """Mean of the second minus mean of the first over the same `n` rows; `p` is two-sided."""

    value: float
    stderr: float
    p: float
    n: int


@dataclass(frozen=True)
class Comparison:
    """Two students: the mean over their common columns, and each column; `holm` are the adjusted p."""

    first: str
    second: str
    mean: Paired
    columns: dict[str, Paired]
    holm: float = 1.0  # of the mean, over all pairs compared together
    holm_columns: dict[str, float] | None = None  # of each column, over all columns of all pairs


def paired(first_N: np.ndarray, second_N: np.ndarray, seed: int) -> Paired:
    """Compare two students on one column.

    Right (1) and wrong (0) on four rows, 1 1 0 0 against 1 0 0 0: value -0.25, one row differs, p 1.0.
    """
    difference_N = np.asarray(second_N, float) - np.asarray(first_N, float)
    moved = difference_N[difference_N != 0]
    value, error = _mean_and_error(difference_N)
    if not len(moved):
        return Paired(value, error, 1.0, len(difference_N))
    if len(np.unique(np.abs(moved))) == 1:
        p = float(binomtest(int((moved > 0).sum()), len(moved)).pvalue)
    else:
        p = _permuted([difference_N], seed)
    return Paired(value, error, p, len(difference_N))


def paired_mean(first: Sequence[np.ndarray], second: Sequence[np.ndarray], seed: int) -> Paired:
    """Compare two students on the plain mean of several columns."""
    differences = [np.asarray(b, float) - np.asarray(a, float) for a, b in zip(first, second, strict=True)]
    found = [_mean_and_error(difference_N) for difference_N in differences]
    value = float(np.mean([mean for mean, _ in found]))
    error = float(np.sqrt(np.sum(np.square([error for _, error in found]))) / len(found))
    return Paired(value, error, _permuted(differences, seed), sum(map(len, differences)))


def _mean_and_error(difference_N: np.ndarray) -> tuple[float, float]:
    error = difference_N.std(ddof=1) / np.sqrt(len(difference_N)) if len(difference_N) > 1 else 0.0
    return float(difference_N.mean()), float(error)


def _permuted(differences: Sequence[np.ndarray], seed: int) -> float:
    """How often signs drawn at random give a mean of means at least as far from zero."""
    rng = np.random.default_rng(seed)
    drawn = np.zeros(RESAMPLES)
    observed = 0.0
    for difference_N in differences:
        weight = 1 / (len(difference_N) * len(differences))
        observed += float(difference_N.sum()) * weight
        sizes, counts = np.unique(np.abs(difference_N[difference_N != 0]), return_counts=True)
        for size, count in zip(sizes, counts, strict=True):
            drawn += (2 * rng.binomial(count, 0.5, RESAMPLES) - count) * size * weight
    return float((1 + (np.abs(drawn) >= abs(observed) - TINY).sum()) / (RESAMPLES + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p, in the same order: 0.01, 0.04, 0.03 become 0.03, 0.06, 0.06."""
    order = np.argsort(p_values)
    factors = len(p_values) - np.arange(len(p_values))
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(np.asarray(p_values)[order] * factors), 1.0)
    return [float(p) for p in adjusted]


def compare(students: Mapping[str, Rows], seed: int) -> list[Comparison]:
    """Every two students on the columns that both have, in the order given."""
    found = []
    for first, second in combinations(students, 2):
        common = [name for name in students[first] if name in students[second]]
        if not common:
            continue
        left, right = ([students[one][name] for name in common] for one in (first, second))
        columns = {name: paired(a, b, seed) for name, a, b in zip(common, left, right, strict=True)}
        found.append(Comparison(first, second, paired_mean(left, right, seed), columns))
    return _adjusted(found)


def _adjusted(found: Sequence[Comparison]) -> list[Comparison]:
    means = holm([one.mean.p for one in found])
    flat = iter(holm([column.p for one in found for column in one.columns.values()]))
    return [
        Comparison(
            one.first, one.second, one.mean, one.columns, mean, {name: next(flat) for name in one.columns}
        )
        for one, mean in zip(found, means, strict=True)
    ]


def compare_files(files: Mapping[str, Path], seed: int) -> list[Comparison]:
    """Every two students by name -> their evaluation/<suite>.json, on columns with the same rows.

    A student whose rows of a column differ (another version, limit or data) is not compared on it.
    """
    found: dict[str, dict[str, tuple[str, np.ndarray]]] = {}
    for name, file in files.items():
        tree = results.read(file)
        parts = results.parts_of(tree)
        if parts:
            tables = samples.rows_of(samples.read(results.beside(file, "outcomes"), samples.OUTCOMES))
            mine = {key: table for (wrapper, key), table in tables.items() if wrapper == tree["wrapper"]}
            found[name] = keyed(parts[tree["wrapper"]], mine)
    return compare({name: _same(found, name) for name in found}, seed)


def keyed(part: results.Part, tables: Mapping[str, pa.Table]) -> dict[str, tuple[str, np.ndarray]]:
    """Column -> what its rows are, and their outcomes; columns without outcomes by row are left out."""
    columns = {}
    for name, entry in results.shown(part["tasks"], part["groups"]).items():
        keys = [part["tasks"][task]["key"] for task in entry.get("tasks", [name])]
        if entry["share"] and all(key in tables for key in keys):
            arrays = [tables[key].sort_by("row")["outcome"].to_numpy() for key in keys]
            columns[name] = (" ".join([*keys, entry["headline"]]), np.concatenate(arrays))
    return columns


def _same(found: Mapping[str, Mapping[str, tuple[str, np.ndarray]]], name: str) -> Rows:
    """The columns of a student whose rows are those of the first student that has the column."""
    first = {column: told[0] for one in reversed(found.values()) for column, told in one.items()}
    return {column: rows for column, (what, rows) in found[name].items() if first[column] == what}


def difference(
    main: results.Part, other: results.Part, tables: Mapping[str, pa.Table], others: Mapping[str, pa.Table],
    seed: int,
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """One student in two wrappers: column or "mean" -> the other's minus the main one's, with error and p."""
    found = {"main": keyed(main, tables), "other": keyed(other, others)}
    compared = compare({name: _same(found, name) for name in found}, seed)
    if not compared:
        return {}
    (one,) = compared
    return {name: asdict(column) for name, column in {**one.columns, "mean": one.mean}.items()}
