"""Topics: the paper's filter, on a dump and on tables; lists without counts; the real 763 rows."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from lamini.config import TopicFilter, Topics
from lamini.errors import UserError
from lamini.instructions.topic_files import check
from lamini.instructions.topics import load, passes
from tests.data.toys import shared_data
from tests.instructions.test_wikipedia import dump

PAPER = TopicFilter(words_below=3, subcategories_above=10, pages_above=50)
ROWS = [
    ("Bridges", 35, 200, True),
    ("Bridges", 35, 200, True),  # a repeat counts once
    ("Old_bridges", 11, 51, True),
    ("Bridges_in_Austria", 35, 200, False),  # three words
    ("Tunnels", 10, 200, False),
    ("Canals", 35, 50, False),
    ("Ähren", 12, 60, True),
]


def test_the_worked_example() -> None:
    assert passes("Bridges", 35, 200, PAPER)
    assert not passes("Bridges", 10, 200, PAPER)
    assert not passes("Bridges in Upper Austria", 35, 200, PAPER)


def test_dump_and_tables_give_the_same_topics(tmp_path: Path) -> None:
    kept = sorted({title.replace("_", " ") for title, *_, keep in ROWS if keep})
    statement = [(title.encode(), pages + subs + 7, subs, 7) for title, subs, pages, _ in ROWS]
    (tmp_path / "category.sql.gz").write_bytes(gzip.compress(dump([statement])))
    table = [{"category": title, "subcategories": subs, "pages": pages} for title, subs, pages, _ in ROWS]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(row) for row in reversed(table)), encoding="utf-8")
    cells = "".join(f"{row['category']},{row['subcategories']},{row['pages']}\n" for row in table)
    (tmp_path / "a.csv").write_text("category,subcategories,pages\n" + cells, encoding="utf-8")
    for name in ("category.sql.gz", "a.jsonl", "a.csv"):
        found = load(Topics(str(tmp_path / name), PAPER))
        assert [found[place] for place in range(len(found))] == kept == ["Bridges", "Old bridges", "Ähren"]
        assert (found.seen, found.rejected) == (len(ROWS), [])


def test_the_real_list_has_no_counts_and_says_so() -> None:
    path = shared_data() / "topics" / "wikipedia_categories.jsonl"
    with pytest.raises(
        UserError, match="no column subcategories.*instructions.topics.filter=null takes them as they are"
    ):
        load(Topics(str(path), PAPER))
    found = load(Topics(str(path), None))
    assert (found.seen, len(found), found.rejected) == (763, 695, [])
    assert found[0] <= found[1] and "Almanacs" in found.names.to_pylist()


def test_our_own_list_is_what_no_path_means_and_is_not_filtered() -> None:
    for limits in (PAPER, None):
        found = load(Topics(None, limits))
        assert len(found) == found.seen == 231
    assert all(1 <= len(found[place].split()) <= 2 for place in range(len(found)))


def test_broken_rows_are_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"category": "A", "subcategories": 11, "pages": "51"}\n{broken\n'
        '{"category": "B", "subcategories": "x", "pages": 51}\n'
        '{"category": 7, "subcategories": 11, "pages": 51}\n{"subcategories": 11}\n'
        '{"category": "a\\nb", "subcategories": 11, "pages": 51}\n{"category": "C"}\n[]\n'
    )
    found = load(Topics(str(path), PAPER))
    assert found.names.to_pylist() == ["A"] and found.seen == 8
    assert [(row.line, row.reason) for row in found.rejected] == [
        (2, "broken JSON"),
        (3, "counts are not whole numbers"),
        (4, "category is not a line of text"),
        (5, "category is not a line of text"),
        (6, "category is not a line of text"),
        (7, "counts are not whole numbers"),
        (8, "category is not a line of text"),
    ]


def test_plain_list(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_bytes(b"Tea\n\nOwls \nTea\n\xff\n")
    found = load(Topics(str(path), None))
    assert found.names.to_pylist() == ["Owls", "Tea"] and len(found.rejected) == 1


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.jsonl", '{"name": "A"}', "no column category: it has name"),
        (
            "a.jsonl",
            '{"category": "A", "subcategories": 1, "pages": 1}',
            "of 1 rows, 0 are broken and 1 do not pass",
        ),
        ("a.jsonl", "{broken", "of 1 rows, 1 are broken"),
        (
            "a.csv",
            "category,pages\nA,7\n",
            "no column subcategories for the filter \\(it has category, pages\\)",
        ),
        ("a.sql", "CREATE TABLE `page`", "no rows of the table category"),
        ("a.doc", "x", "unknown format; category.sql.gz of Wikipedia"),
        ("a.jsonl", "", "is empty"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=words):
        load(Topics(str(tmp_path / name), PAPER))


def test_a_missing_file() -> None:
    with pytest.raises(UserError, match="instructions.topics.path=.*no.csv does not exist"):
        check("no.csv")
