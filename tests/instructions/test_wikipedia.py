"""The dump's rows come back wherever its bytes are cut, whatever the titles hold."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini.data.readers import Malformed
from lamini.errors import UserError
from lamini.instructions.wikipedia import categories, rows

HEAD = b"""-- MySQL dump 10.19  Distrib 10.3.38-MariaDB, for debian-linux-gnu (x86_64)
/*!40101 SET NAMES utf8mb4 */;
DROP TABLE IF EXISTS `category`;
CREATE TABLE `category` (
  `cat_id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `cat_title` varbinary(255) NOT NULL DEFAULT '',
  PRIMARY KEY (`cat_id`),
  UNIQUE KEY `cat_title` (`cat_title`)
) ENGINE=InnoDB AUTO_INCREMENT=25 DEFAULT CHARSET=binary;
LOCK TABLES `category` WRITE;
/*!40000 ALTER TABLE `category` DISABLE KEYS */;
"""
TAIL = b"/*!40000 ALTER TABLE `category` ENABLE KEYS */;\nUNLOCK TABLES;\n"
Row = tuple[bytes, int, int, int]


def escaped(title: bytes, doubled: bool = False) -> bytes:
    title = title.replace(b"\\", b"\\\\").replace(b"'", b"''" if doubled else b"\\'")
    for raw, short in ((b"\0", b"0"), (b"\n", b"n"), (b"\r", b"r"), (b"\x1a", b"Z"), (b'"', b'"')):
        title = title.replace(raw, b"\\" + short)
    return title


def dump(statements: list[list[Row]], between: bytes = b",", doubled: bool = False) -> bytes:
    body = b""
    for statement in statements:
        values = between.join(
            b"(%d,'%s',%d,%d,%d)" % (number, escaped(title, doubled), pages, subcategories, files)
            for number, (title, pages, subcategories, files) in enumerate(statement, 1)
        )
        body += b"INSERT INTO `category` VALUES " + values + b";\n"
    return HEAD + body + TAIL


HARD = [*"'\\\",();_%\n\0", "),(1,'", "',2,3,4)", "INSERT INTO `category` VALUES (", "é", "日本"]
TITLE = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    st.lists(st.sampled_from(HARD), min_size=1, max_size=6).map("".join),
).map(str.encode)
COUNT = st.integers(-3, 10**7)


@given(
    st.lists(st.lists(st.tuples(TITLE, COUNT, COUNT, COUNT), min_size=1, max_size=6), min_size=1, max_size=3),
    st.sampled_from([b",", b",\n", b" , "]),
    st.booleans(),
    st.integers(1, 60) | st.integers(1, 2000),
)
def test_titles_come_back_wherever_the_bytes_are_cut(
    statements: list[list[Row]], between: bytes, doubled: bool, size: int
) -> None:
    text = dump(statements, between, doubled)
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert list(rows(pieces, "dump")) == [
        {"category": title.decode().replace("_", " "), "subcategories": sub, "pages": pages - sub - files}
        for statement in statements
        for title, pages, sub, files in statement
    ]


def test_byte_by_byte() -> None:
    text = dump([[(b"O'Neill_family", 260, 35, 25), (b"A\\B", 1, 0, 0)], [(b"C", 3, 1, 1)]])
    found = list(rows((text[place : place + 1] for place in range(len(text))), "dump"))
    assert found == [
        {"category": "O'Neill family", "subcategories": 35, "pages": 200},
        {"category": "A\\B", "subcategories": 0, "pages": 1},
        {"category": "C", "subcategories": 1, "pages": 1},
    ]


def test_older_and_newer_layouts() -> None:
    old = b"INSERT INTO `category` VALUES (1,'A',3,1,0,0),(2,'B',4,0,0,1);"
    named = b"INSERT INTO `category` (`cat_id`, `cat_title`) VALUES\n(1,_binary 'A',3,1,0);"
    assert [row["category"] for row in rows([old], "dump")] == ["A", "B"]
    assert [row["category"] for row in rows([named], "dump")] == ["A"]


def test_a_title_that_is_no_utf8_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "category.sql"
    path.write_bytes(dump([[(b"A", 1, 0, 0), (b"B\xe9", 1, 0, 0), (b"C", 1, 0, 0)]]))
    found = list(categories(path, "topics.path"))
    assert [number for number, _ in found] == [1, 2, 3]
    assert isinstance(found[1][1], Malformed) and found[1][1].reason == "not UTF-8"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"-- nothing\n", "no rows of the table category"),
        (b"INSERT INTO `page` VALUES (1,0,'A');", "no rows of the table category"),
        (
            b"INSERT INTO `category` VALUES (1,'A',3,1,0),(2,'B",
            "cut off, or no table of MediaWiki's, after 1",
        ),
        (b"INSERT INTO `category` VALUES (1,'A',3,1,0),(2,'B'" + b" " * 5000, "after 1 categories"),
        (b"INSERT INTO `category` VALUES ('A',3);" + b"x" * 5000, "after 0 categories: \"\\('A',3"),
    ],
)
def test_other_dumps_and_cut_ones_are_refused(text: bytes, words: str) -> None:
    with pytest.raises(UserError, match=words):
        list(rows([text], "topics.path=category.sql"))


def test_damaged_gzip(tmp_path: Path) -> None:
    path = tmp_path / "category.sql.gz"
    path.write_bytes(gzip.compress(dump([[(b"A", 1, 0, 0)]]))[:-20])
    with pytest.raises(UserError, match="topics.path=.*damaged, fetch it again"):
        list(categories(path, "topics.path"))
    path.write_bytes(b"<html>")
    with pytest.raises(UserError, match="damaged"):
        list(categories(path, "topics.path"))


def big(count: int) -> Iterator[bytes]:
    """A dump of `count` rows in one statement, in pieces."""
    yield HEAD + b"INSERT INTO `category` VALUES "
    for start in range(0, count, 1000):
        part = b",".join(b"(%d,'Title_%d',%d,%d,0)" % (n, n, n, n % 50) for n in range(start, start + 1000))
        yield part + (b";" if start + 1000 == count else b",")


def test_memory_does_not_grow_with_the_dump() -> None:
    peaks = []
    for count in (5_000, 40_000):
        tracemalloc.start()
        assert sum(1 for _ in rows(big(count), "dump")) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
