"""Two means of many tasks, and their errors."""

from __future__ import annotations

import pytest

from lamini.evaluation.benchmarks.means import Score, mean, weighted_mean
from lamini.evaluation.benchmarks.paper import published


def test_every_task_or_every_row_counts_the_same() -> None:
    scores = [Score(0.5, 0.03, 300), Score(0.7, 0.04, 100)]
    plain, weighted = mean(scores), weighted_mean(scores)
    assert plain is not None and weighted is not None
    assert plain.value == pytest.approx(0.6) and plain.stderr == pytest.approx(0.025)
    assert weighted.value == pytest.approx(0.55) and plain.tasks == weighted.tasks == 2
    assert weighted.stderr == pytest.approx(((300 * 0.03) ** 2 + (100 * 0.04) ** 2) ** 0.5 / 400)


def test_without_an_error_of_every_task_there_is_none_of_the_mean() -> None:
    found = mean([Score(0.5, None, 300), Score(0.7, 0.04, 100)])
    assert found is not None and found.value == pytest.approx(0.6) and found.stderr is None
    assert mean([]) is None


def test_the_papers_average_is_the_plain_mean() -> None:
    for model in published():
        found = mean([Score(score, None, 1) for score in model.scores.values()])
        assert found is not None and len(model.scores) == 15
        # Printed cells are rounded, so a mean of them may miss the printed one in the last digit.
        assert found.value == pytest.approx(model.average, abs=0.0012), model.name
