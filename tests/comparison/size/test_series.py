"""Which students one curve may join, and which variants of one student stand beside each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamini.comparison import published
from lamini.comparison.ablation import variants
from lamini.comparison.herd import Herd
from lamini.comparison.reading import read
from lamini.comparison.size import series
from lamini.comparison.size.series import by_both, by_data, by_size, parameters
from tests.comparison import herds


def grown(folder: Path, *runs: tuple[str, str, int], seeds: int = 1) -> Herd:
    """A herd of (model, tail of the run's name, pairs); data of one amount are of one fingerprint."""
    for model, tail, pairs in runs:
        for seed in range(1, seeds + 1):
            name = ",".join([model, *([tail] if tail else []), *([f"seed={seed}"] if seeds > 1 else [])])
            told = {"data": {"fingerprint": f"{pairs:012d}", "pairs": pairs, "sources": {"oracle": pairs}}}
            words = (f"model={model}", f"seed={seed}", *([f"data.pairs={pairs}"]))
            herds.scored(herds.run(folder / name, *words, record=told), {"a": 0.5, "b": 0.6})
    return read(str(folder))


def test_the_papers_models_are_series_by_their_names() -> None:
    found = {one.label: one for one in by_size(published.members())}
    assert [row.key for row in found["LaMini-C"].rows] == [
        f"LaMini-C-{size}" for size in ("111M", "256M", "590M", "1.3B")
    ]
    assert not found["GPT-2"].tuned and found["Alpaca"].tuned and len(found["Alpaca"].rows) == 1
    assert sum(len(one.rows) for one in found.values()) == 35


def test_sizes_of_one_family_and_other_data_apart(tmp_path: Path) -> None:
    herd = grown(tmp_path / "h", ("t5-nano", "", 100), ("t5-micro", "", 100), ("gpt2-nano", "", 100),
                 ("t5-nano", "data.pairs=200", 200))  # fmt: skip
    found = {one.label: [row.key for row in one.rows] for one in by_size(herd.members)}
    assert found["t5, scratch"] == ["t5-nano", "t5-micro"]
    assert found["t5-nano, data.pairs=200, scratch"] == ["t5-nano,data.pairs=200"]


def test_two_herds_are_two_series(tmp_path: Path) -> None:
    for name in ("one", "two"):
        grown(tmp_path / name, ("t5-nano", "", 100), ("t5-micro", "", 100))
    herd = read([str(tmp_path / "one"), str(tmp_path / "two")])
    assert [len(one.rows) for one in by_size(herd.members)] == [2, 2]


def test_amounts_of_one_students_data_and_seeds_of_one_place(tmp_path: Path) -> None:
    amounts = (300, 1200, 4800)
    herd = grown(tmp_path / "h", *((model, f"limit={n}", n) for model in ("t5-nano", "t5-micro", "gpt2-nano")
    for n in amounts),              seeds=2)  # fmt: skip
    found = {
        one.label: [(series.amount(row), len(row.members)) for row in one.rows]
        for one in by_data(herd.members)
    }
    assert found == {
        f"{name}, scratch": [(n, 2) for n in amounts] for name in ("t5-nano", "t5-micro", "gpt2-nano")
    }
    assert by_both(herd.members) == []  # two sizes are no curve


def test_size_and_data_together(tmp_path: Path) -> None:
    sizes = {"t5-nano": 10**6, "t5-micro": 7 * 10**6, "t5-small": 6 * 10**7}
    for model, size in sizes.items():
        for pairs in (100, 200, 400):
            told = {"data": {"fingerprint": f"{pairs:012d}", "pairs": pairs}, "parameters": size}
            words = (
                f"model={model}",
                *(["init=scratch", "tokenizer=trained"] if model == "t5-small" else []),
            )
            herds.run(tmp_path / "h" / f"{model},data.pairs={pairs}", *words, record=told)
    (both,) = by_both(read(str(tmp_path / "h")).members)
    assert {parameters(row) for row in both.rows} == set(sizes.values()) and len(both.rows) == 9


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("t5-nano", {}),
        ("t5-nano,data=alpaca,seed=2", {"data": "alpaca", "seed": "2"}),
        ("t5-nano,curation.languages=[de,en],limit=300", {"curation.languages": "[de,en]", "limit": "300"}),
    ],
)
def test_a_runs_name_says_what_its_sweep_varies(name: str, told: dict[str, str], tmp_path: Path) -> None:
    (member,) = read(str(herds.run(tmp_path / "h" / name))).members
    assert series.varied(member) == told


def test_variants_of_one_student(tmp_path: Path) -> None:
    herd = grown(tmp_path / "h", ("t5-nano", "data=lamini", 100), ("t5-nano", "data=alpaca", 101),
                 ("gpt2-nano", "data=lamini", 100), seeds=3)  # fmt: skip
    (found,) = variants.variants(herd, herd.members)  # gpt2-nano has one variant alone
    assert found.student == "t5-nano" and found.scratch and found.reference == "lamini"
    assert {label: len(row.members) for label, row in found.found.items()} == {"lamini": 3, "alpaca": 3}


def test_variants_without_a_sweep_are_called_by_their_sources_and_herds(tmp_path: Path) -> None:
    for name, pairs in (("one", 100), ("two", 200)):
        grown(tmp_path / name, ("t5-nano", "", pairs))
    herd = read([str(tmp_path / "one"), str(tmp_path / "two")])
    (found,) = variants.variants(herd, herd.members)
    assert list(found.found) == ["one: oracle", "two: oracle"]


def test_the_untuned_model_is_a_variant_where_it_was_scored(tmp_path: Path) -> None:
    for data in ("alpaca", "lamini"):
        told = {"data": {"fingerprint": data, "pairs": 10}}
        folder = herds.run(
            tmp_path / "h" / f"t5-small,data={data}", "model=t5-small", f"data={data}", record=told
        )
        herds.scored(folder, {"a": 0.5})
    herds.scored(tmp_path / "bases" / "t5-small", {"a": 0.4})
    herd = read([str(tmp_path / "h"), str(tmp_path / "bases")])
    (found,) = variants.variants(herd, herd.members)
    assert list(found.found) == ["untuned", "alpaca", "lamini"] and found.reference == "lamini"
