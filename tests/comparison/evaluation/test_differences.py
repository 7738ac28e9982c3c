"""Which difference is luck: by rows, by published means, by seeds, each against scipy or by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import binomtest, norm, ttest_1samp, ttest_ind

from lamini.comparison import published
from lamini.comparison.evaluation import differences
from lamini.comparison.evaluation.differences import MEAN, Difference, between, of_seeds, starred
from lamini.comparison.herd import Member
from lamini.comparison.reading import read
from lamini.comparison.replicates import Row
from lamini.evaluation.benchmarks import results, samples
from tests.comparison import herds


def row(member: Member) -> Row:
    return Row(member.key, [member])


def paper(name: str) -> Row:
    return row(next(member for member in published.members() if member.key == name))


def scored_by_row(folder: Path, outcomes: dict[str, list[float]]) -> Member:
    """A run whose headlines are kept row by row."""
    herds.scored(herds.run(folder), {task: float(np.mean(own)) for task, own in outcomes.items()})
    file = folder / "evaluation" / "quick.json"
    wrapper = json.loads(file.read_text())["wrapper"]
    tables = [
        pa.table(
            {"key": [f"{task}-1"] * len(own), "wrapper": [wrapper] * len(own), "task": [task] * len(own),
             "row": list(range(len(own))), "outcome": own},
            schema=samples.OUTCOMES,
        )
        for task, own in outcomes.items()
    ]  # fmt: skip
    samples.write(results.beside(file, "outcomes"), tables)
    return read(str(folder)).members[0]


def test_rows_that_are_kept_are_compared_one_by_one(tmp_path: Path) -> None:
    """McNemar: of 100 rows 12 are right for the second alone, 2 for the first alone."""
    first = scored_by_row(tmp_path / "x" / "t5-nano", {"a": [1.0] * 52 + [0.0] * 48, "b": [1.0, 0.0] * 50})
    other = [0.0] * 2 + [1.0] * 50 + [1.0] * 12 + [0.0] * 36
    second = scored_by_row(tmp_path / "x" / "gpt2-nano", {"a": other, "b": [1.0, 0.0] * 50})
    found = between(row(first), row(second), "quick", 1)
    assert found["a"].how == "rows" and found["a"].value == pytest.approx(10.0)
    assert found["a"].p == pytest.approx(binomtest(12, 14).pvalue)
    assert found["b"] == Difference(0.0, 0.0, 1.0, "rows")
    assert found[MEAN].value == pytest.approx(5.0) and found[MEAN].how == "rows"


def test_published_means_are_two_samples() -> None:
    """SST of T5-61M and LaMini-T5-61M: 71.0 and 76.8 of 872 rows, errors 1.537 and 1.429."""
    found = between(paper("T5-61M"), paper("LaMini-T5-61M"), "nlp15", 1)
    error = np.sqrt(71.0 * 29.0 / 872 + 76.8 * 23.2 / 872)
    assert found["sst2"].value == 5.8 and found["sst2"].how == "samples"
    assert found["sst2"].stderr == pytest.approx(error)
    assert found["sst2"].p == pytest.approx(2 * norm.sf(5.8 / error))
    assert found[MEAN].value == pytest.approx(3.2)
    assert found["wic"].value == 0.0


def test_a_tie_is_no_loss_of_binary_dust() -> None:
    found = between(paper("Flan-T5-77M"), paper("LaMini-Flan-T5-77M"), "nlp15", 1)
    assert found["piqa"].value == 0.0


def test_the_mean_over_common_tasks_where_one_has_more(tmp_path: Path) -> None:
    """Of shares a 0.5, b 0.7 and a 0.4, b 0.6, c 0.9 the means over a and b: 60 and 50."""
    first = herds.scored(herds.run(tmp_path / "h" / "t5-nano"), {"a": 0.5, "b": 0.7})
    second = herds.scored(
        herds.run(tmp_path / "h" / "gpt2-nano", "model=gpt2-nano"), {"a": 0.4, "b": 0.6, "c": 0.9}
    )
    left, right = (read(str(folder)).members[0] for folder in (first, second))
    assert between(row(left), row(right), "quick", 1)[MEAN].value == pytest.approx(-10.0)


def test_seeds_by_welch_and_a_model_by_one_sample() -> None:
    assert of_seeds([1, 2, 3], [5, 6, 7]).stderr == pytest.approx(np.sqrt(2 / 3))
    assert of_seeds([1, 2, 3], [5, 6, 9]).p == pytest.approx(
        ttest_ind([1, 2, 3], [5, 6, 9], equal_var=False).pvalue
    )
    against_a_model = of_seeds([4.0], [5.0, 6.0, 7.0], exact=[True, False])
    assert against_a_model.p == pytest.approx(ttest_1samp([5, 6, 7], 4.0).pvalue)
    assert against_a_model.value == pytest.approx(2.0)


@pytest.mark.parametrize(("first", "second"), [([4.0], [5.0, 6.0]), ([4.0], [6.0]), ([5.0, 5.0], [6.0, 6.0])])
def test_a_single_seed_or_no_scatter_is_not_tested(first: list[float], second: list[float]) -> None:
    assert of_seeds(first, second).p is None


def test_several_seeds_of_runs(tmp_path: Path) -> None:
    for seed, value in ((1, 0.50), (2, 0.54), (3, 0.52)):
        words = ("model=t5-nano", f"seed={seed}")
        herds.scored(herds.run(tmp_path / "h" / f"t5-nano,seed={seed}", *words), {"a": value, "b": 0.5})
    herds.scored(herds.run(tmp_path / "h" / "gpt2-nano", "model=gpt2-nano"), {"a": 0.4, "b": 0.5})
    members = {member.key: member for member in read(str(tmp_path / "h")).members}
    seeds = Row("t5-nano", [member for key, member in members.items() if key.startswith("t5")])
    found = between(row(members["gpt2-nano"]), seeds, "quick", 1)
    assert found["a"] == Difference(pytest.approx(12.0))  # one seed of the other says nothing of its scatter
    assert found["b"].value == pytest.approx(0.0)


def test_stars_are_those_of_holm_over_the_table_means_apart() -> None:
    """p of 0.01 0.02 0.04 become 0.03 0.04 0.04, and beside a fourth test 0.04 0.06 0.08."""
    tasks = [{"a": Difference(1, 1, 0.01), "b": Difference(1, 1, 0.02)}, {"a": Difference(1, 1, 0.04)}]
    assert starred(tasks) == [{"a", "b"}, {"a"}]
    assert starred([*tasks, {"a": Difference(1, 1, 0.9)}]) == [{"a"}, set(), set()]
    assert starred([{MEAN: Difference(1, 1, 0.03)}, {MEAN: Difference(1, 1, 0.03)}]) == [set(), set()]
    assert starred([{MEAN: Difference(1)}]) == [set()]


def test_the_note_names_the_tests_that_were_made() -> None:
    assert "seeds" in differences.note([{"a": Difference(1, 1, 0.5, "seeds")}])
    assert differences.note([{"a": Difference(1)}]).startswith("Nothing here can be tested")
