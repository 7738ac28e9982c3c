"""Four real systems' answers to 252 instructions: stored, rated, exported and taken in without a change."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from lamini.evaluation.answers import table
from lamini.rating.exchange import export, take
from lamini.rating.merging import merge
from lamini.rating.store import Store
from lamini.rating.study import Item, Study, Target, sealed
from tests.rating import files, small
from tests.rating.rated import event, held_in, new, places


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """What all four answered, as the file of answers has it."""
    rows, _ = table.read(files.real(tmp_path_factory.mktemp("answers"), "answers"))
    targets: dict[str, list[Target]] = {}
    for row in rows:
        target = Target("", "response", (row["response"],), (row["student"],))
        targets.setdefault(row["instruction_id"], []).append(target)
    first = {row["instruction_id"]: row for row in reversed(rows)}
    items = [
        Item("", id, first[id]["app"], first[id]["instruction"], tuple(found))
        for id, found in targets.items()
    ]
    return sealed("responses", small.QUALITY, items)


def test_two_machines_and_a_table(study: Study, tmp_path: Path) -> None:
    assert len(study.items) == 252 and len(places(study)) == 4 * 252
    count = 120
    with new(tmp_path, study) as here, new(tmp_path, study, "there.sqlite") as there:
        for store, name, first in ((here, "Ann", 0), (there, "Ben", 60)):
            rater = store.join(name).id
            for place in range(first, first + count):
                store.rate(
                    event(study, rater, place * 4 % 1008, "ABCD"[place % 4], note=f'note, "{place}"\n')
                )
        assert merge(here, there.path) == count
        assert export(here, tmp_path / "out.csv") == export(here, tmp_path / "out.parquet") == 2 * count
        with new(tmp_path, study, "copy.sqlite") as copy:
            assert take(copy, tmp_path / "out.parquet") == 2 * count and take(copy, tmp_path / "out.csv") == 0
            assert held_in(copy)[3] == held_in(here)[3]
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    texts = {(item.id, target.owners[0]): target.texts[0] for item, target in places(study)}
    assert all(texts[row["instruction_id"], row["student"]] == row["response"] for row in rows)
    assert len({row["event"] for row in rows}) == 2 * count
    with Store.open(tmp_path / "ratings.sqlite", study) as store:
        assert store.study == study
