"""Instruction sets in every layout that raters' sets come in; what cannot be used stops with its row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lamini.errors import UserError
from lamini.evaluation.answers.instructions import USERS, place_of, read, set_digest, template_of
from tests.data.toys import shared_data
from tests.evaluation.answers import sets

TEXTS = [
    "Name the colour of the sky.", "add: 1 2", "say hi", "Summarize this.: hi hi", "Count from one to five",
]  # fmt: skip


def test_self_instructs_layout(tmp_path: Path) -> None:
    items = sets.items(tmp_path)
    assert [item.text for item in items] == TEXTS
    assert [(item.id, item.app) for item in items[:4]] == [
        ("t0", "Mail"), ("t1", "Mail"), ("t2", "Mail"), ("t3", "Chat"),
    ]  # fmt: skip


def test_the_same_set_from_parquet_and_csv_with_a_column_input(tmp_path: Path) -> None:
    rows = [{**row, "input": row["instances"][0]["input"], "app": row["motivation_app"]} for row in sets.ROWS]
    flat = [{key: row[key] for key in ("id", "app", "instruction", "input")} for row in rows]
    pq.write_table(pa.Table.from_pylist(flat), tmp_path / "set.parquet")
    lines = ["id,app,instruction,input", *(",".join(map(str, row.values())) for row in flat)]
    (tmp_path / "set.csv").write_text("\n".join(lines))
    wanted = sets.items(tmp_path)
    for name in ("set.parquet", "set.csv"):
        assert read(tmp_path / name, sets.TEMPLATE) == wanted


def test_another_template_joins_otherwise(tmp_path: Path) -> None:
    path = sets.jsonl(tmp_path / "set.jsonl", [{"instruction": " Sort. \n", "input": "b a\n"}])
    assert read(path, template_of("{instruction}\n\n{input}"))[0].text == "Sort.\n\nb a"
    with pytest.raises(UserError, match="suite.template lacks the placeholder {input}"):
        template_of("{instruction}")


def test_rows_without_an_id_get_one_of_their_text(tmp_path: Path) -> None:
    rows = [{"instruction": "say hi"}, {"instruction": "add"}, {"instruction": "say hi"}]
    first, second, third = read(sets.jsonl(tmp_path / "a.jsonl", rows), sets.TEMPLATE)
    assert third.id == f"{first.id}-2" and second.id not in (first.id, third.id)
    assert read(sets.jsonl(tmp_path / "b.jsonl", rows[1:]), sets.TEMPLATE)[0].id == second.id


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("{broken", "broken JSON"),
        ('["a"]', "not an object"),
        ('{"prompt": "a"}', "no column instruction; it has prompt"),
        ('{"instruction": " "}', "its instruction is empty or not text"),
        ('{"instruction": 7}', "its instruction is empty or not text"),
        ('{"instruction": "a", "input": 7}', "its input is not text"),
        ('{"instruction": "a", "id": [1]}', "id is neither text nor a number"),
        ('{"instruction": "a", "app": 7}', "the app is not text"),
        ('{"instruction": "\\ud800"}', "not UTF-8"),
    ],
)
def test_a_row_that_is_none_stops_with_its_number(row: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text('{"instruction": "say hi"}\n' + row + "\n")
    with pytest.raises(UserError, match=f"set.jsonl, row 2: {why}"):
        read(path, sets.TEMPLATE)


def test_an_id_twice_and_no_rows(tmp_path: Path) -> None:
    row: Any = {"id": 7, "instruction": "say hi"}
    with pytest.raises(UserError, match="has the id 7 more than once"):
        read(sets.jsonl(tmp_path / "set.jsonl", [row, {**row, "instruction": "add"}]), sets.TEMPLATE)
    with pytest.raises(UserError, match="has no rows"):
        read(sets.jsonl(tmp_path / "empty.jsonl", [[]][:0]) and _blank(tmp_path), sets.TEMPLATE)


def _blank(folder: Path) -> Path:
    path = folder / "blank.jsonl"
    path.write_text("\n\n")
    return path


def test_where_the_set_is(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="suite.instructions=<file> is needed: the paper's 252 are"):
        place_of(None, None)
    with pytest.raises(UserError, match="has no human_eval/user_oriented_instructions.jsonl"):
        place_of(None, str(tmp_path))
    with pytest.raises(UserError, match="suite.instructions=.* does not exist"):
        place_of(str(tmp_path / "none.jsonl"), None)
    zipped = sets.jsonl(tmp_path / f"{USERS}.gz", sets.ROWS)
    assert place_of(None, str(tmp_path)) == zipped
    assert [item.text for item in read(zipped, sets.TEMPLATE)] == TEXTS


def test_the_digest_tells_sets_and_orders_apart(tmp_path: Path) -> None:
    items = sets.items(tmp_path)
    assert set_digest(items) == set_digest(list(items))
    assert len({set_digest(items), set_digest(items[:-1]), set_digest(items[::-1])}) == 3


def test_the_real_252() -> None:
    items = read(place_of(None, str(shared_data())), sets.TEMPLATE)
    assert len(items) == 252 and len({item.app for item in items}) == 71
    assert items[0].id == "user_oriented_task_0" and items[0].text.startswith(
        f"{items[0].instruction}: If you"
    )
    assert len({item.text for item in items}) == 252
