"""What most people say about an answer is what evaluate.py reads as their verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamini.evaluation.hallucination.persons import read
from lamini.evaluation.hallucination.verdicts import HALLUCINATED, REJECTED
from lamini.rating.exchange import export
from lamini.rating.store import Store
from lamini.rating.verdicts import VERDICT, verdicts
from tests.rating import rated, small
from tests.rating.rated import event, new

STUDY = small.study("hallucination", items=2)
PLACES = rated.places(STUDY)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """People agree on the first answer, differ on the second; a third decides on the third."""
    store = new(tmp_path, STUDY)
    people = [store.join(name).id for name in ("Ann", "Ben", "Cleo")]
    judges = [store.join(f"judge {n}", kind="judge").id for n in range(4)]
    votes = {0: "RR", 1: "RH", 2: "HRH"}
    for place, letters in votes.items():
        for rater, letter in zip(people, letters, strict=False):
            store.rate(event(STUDY, rater, place, letter))
    for judge in judges:
        for place in range(4):
            store.rate(event(STUDY, judge, place, "H"))
    store.rate(event(STUDY, people[0], 4, None, skipped=True))
    return store


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_the_majority_goes_to_the_probe(
    format: str, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(store, tmp_path / f"out.{format}")
    file = tmp_path / f"out.verdicts.{format}"
    owners = small.OWNERS
    found = read(str(file))
    assert {owner: {id: one.verdict for id, one in given.items()} for owner, given in found.items()} == {
        owners[0]: {"task_0": REJECTED}, owners[2]: {"task_0": HALLUCINATED},
    }  # fmt: skip
    assert found[owners[0]]["task_0"].response == PLACES[0][1].texts[0]
    assert capsys.readouterr().out == (
        f"2 verdicts, for suite.verdicts={file}; left out as ties: {owners[1]} on task_0;"
        " 3 answers without a verdict\n"
    )


def test_without_verdicts_there_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with new(tmp_path, STUDY) as store:
        export(store, tmp_path / "out.csv")
        assert verdicts(store) == ([], [], 6)
    assert capsys.readouterr().out == "0 verdicts; 6 answers without a verdict\n"
    assert not (tmp_path / "out.verdicts.csv").exists()


def test_the_letters_are_those_of_the_scale() -> None:
    from lamini.rating.scales import scale_of

    assert set(VERDICT) == set(scale_of("hallucination").letters)
