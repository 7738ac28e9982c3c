"""Every format, every malformed row, every unusable file."""

from __future__ import annotations

import csv
import gzip
import json
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lamini.data import files
from lamini.data.readers import pair_of, read
from lamini.errors import UserError
from tests.data.toys import shared_data

GOOD = [
    {"instruction": "Say hi", "response": "Hi", "instruction_source": "alpaca"},
    {"instruction": "Zähle\nbis 2", "response": '1, "2"', "instruction_source": "alpaca"},
]


def write(path, records=GOOD):
    suffix = path.name.removesuffix(".gz").rpartition(".")[2]
    if suffix == "parquet":
        pq.write_table(pa.Table.from_pylist(records), path)
        return path
    opener = gzip.open if path.name.endswith(".gz") else open
    with opener(path, "wt", encoding="utf-8", newline="") as stream:
        if suffix == "csv":
            rows = csv.DictWriter(stream, list(records[0]))
            rows.writeheader()
            rows.writerows(records)
        elif suffix == "json":
            json.dump(records, stream)
        else:
            stream.write("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.mark.parametrize(
    "name", ["a.jsonl", "a.json", "a.csv", "a.parquet", "a.jsonl.gz", "a.json.gz", "a.csv.gz"]
)
def test_every_format_gives_the_same_pairs(tmp_path, name):
    table, rejected = read(write(tmp_path / name), "mine")
    assert table.drop_columns("kind").to_pylist() == [
        {key: row[key] for key in ("instruction", "response", "instruction_source")} for row in GOOD
    ]
    assert rejected == []


def test_json_lines_under_json_and_a_format_given(tmp_path):
    lines = write(tmp_path / "a.jsonl").rename(tmp_path / "a.json")
    assert read(lines, "mine")[0].num_rows == 2
    assert read(lines.rename(tmp_path / "a.txt"), "mine", override="jsonl")[0].num_rows == 2


def test_alpaca_and_gpteacher_columns():
    joined = pair_of({"instruction": "Sort", "input": "b a", "output": "a b"}, "mine")
    assert joined.instruction == "Sort: b a"
    assert joined.response == "a b"
    assert pair_of({"instruction": "Go", "input": " ", "response": "x"}, "m").instruction == "Go"
    kept = pair_of({"instruction": "Go", "response": "x", "instruction_source": "odd"}, "mine")
    assert kept.instruction_source == "odd"
    assert joined.instruction_source == "mine"


def test_malformed_rows_are_set_aside_with_line_and_reason(tmp_path):
    lines = [
        b'{"instruction": "a", "response": "b"}',
        b"{broken",
        b'["a", "b"]',
        b'{"instruction": "a"}',
        b'{"response": "a"}',
        b'{"instruction": "a", "response": " "}',
        b'{"instruction": "", "response": "a"}',
        b'{"instruction": "a", "response": 7}',
        b'{"instruction": "\xff", "response": "b"}',
        b'{"instruction": "\\ud800", "response": "b"}',
        b"[" * 100_000,
        b'{"instruction": "a", "input": 3, "response": "b"}',
        b"",
        b'{"instruction": "c", "response": "d"}',
    ]
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b"\n".join(lines))
    table, rejected = read(path, "mine")
    assert table["instruction"].to_pylist() == ["a", "c"]
    assert [(row.line, row.reason) for row in rejected] == [
        (2, "broken JSON"),
        (3, "not an object"),
        (4, "missing response"),
        (5, "missing instruction"),
        (6, "empty response"),
        (7, "empty instruction"),
        (8, "response is not text"),
        (9, "not UTF-8"),
        (10, "not UTF-8"),
        (11, "JSON nested too deeply"),
        (12, "input is not text"),
    ]
    assert rejected[0].excerpt == "{broken"
    assert all(len(row.excerpt) <= 800 and row.excerpt.encode() for row in rejected)


def test_malformed_csv_rows(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_bytes(b'instruction,response\na,b\nc\nd,\xff\ne,f,g\n\nh,i\nj,"k')
    table, rejected = read(path, "mine")
    assert table["instruction"].to_pylist() == ["a", "h"]
    assert [row.reason for row in rejected] == [
        "cells do not match the header",
        "not UTF-8",
        "cells do not match the header",
        "broken CSV: unexpected end of data",
    ]


def test_parquet_rows_that_are_null_or_no_text(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"instruction": ["a", None], "response": ["b", "c"]}), path)
    assert [row.reason for row in read(path, "m")[1]] == ["missing instruction"]
    pq.write_table(pa.table({"instruction": ["a"], "response": [1]}), path)
    with pytest.raises(UserError, match="response is not text"):
        read(path, "m")


@pytest.mark.parametrize("name", ["big.jsonl", "big.csv", "big.json"])
def test_a_row_of_ten_megabytes(tmp_path, name):
    big = {"instruction": "x" * 10_000_000, "response": "y"}
    table, rejected = read(write(tmp_path / name, [big]), "mine")
    assert len(table["instruction"][0].as_py()) == 10_000_000
    assert rejected == []


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.json", "a.parquet"])
def test_missing_column_names_those_found_and_accepted(tmp_path, name):
    path = write(tmp_path / name, [{"prompt": "a", "response": "b"}])
    with pytest.raises(UserError, match="no column instruction.*prompt, response.*accepted"):
        read(path, "mine")


@pytest.mark.parametrize(
    "name, content, says",
    [
        ("a.txt", b"x", "unknown format"),
        ("a.parquet.gz", b"x", "compressed inside"),
        ("a.jsonl", b"", "is empty"),
        ("a.jsonl", b"\n\n", "has no rows"),
        ("a.jsonl.gz", gzip.compress(b"", mtime=0), "has no rows"),
        ("a.jsonl", b'{"instruction": "a", "response": ""}', "empty response"),
        ("a.json", b'[{"instruction": "a"', "no intact JSON array"),
        ("a.parquet", b"PAR1nonsense", "no intact parquet"),
        ("a.jsonl.gz", b"no gzip at all", "is damaged"),
        (
            "a.jsonl.gz",
            gzip.compress(b'{"instruction": "a", "response": "b"}\n', mtime=0)[:-9],
            "is damaged",
        ),
    ],
)
def test_unusable_files_are_named(tmp_path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=says) as caught:
        read(path, "mine")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_gzip_with_a_damaged_middle(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    lines = b"".join(b'{"instruction": "%d", "response": "b"}\n' % i for i in range(5000))
    packed = bytearray(gzip.compress(lines, mtime=0))
    packed[len(packed) // 2 : len(packed) // 2 + 50] = b"\0" * 50
    path.write_bytes(packed)
    with pytest.raises(UserError, match="is damaged"):
        read(path, "mine")


def test_missing_folder_and_unreadable(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="does not exist"):
        files.check(tmp_path / "no.jsonl", "data.path")
    with pytest.raises(UserError, match="is a folder"):
        files.check(tmp_path, "data.path")
    path = write(tmp_path / "a.jsonl")
    monkeypatch.setattr(files.os, "access", lambda *_: False)  # root may read everything
    with pytest.raises(UserError, match="may not be read"):
        files.check(path, "data.path")


def test_reading_that_fails_later_is_one_sentence(tmp_path, monkeypatch):
    path = write(tmp_path / "a.jsonl")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("lamini.data.readers.open_bytes", refuse)
    with pytest.raises(UserError, match="cannot be read.*Permission denied"):
        read(path, "mine")


def test_alpaca_as_published():
    path = shared_data() / "train" / "alpaca.jsonl.gz"
    began = time.process_time()
    table, rejected = read(path, "alpaca")
    assert time.process_time() - began < 3
    assert (table.num_rows, len(rejected)) == (49_974, 28)
    assert {row.reason for row in rejected} == {"empty response"}


@pytest.mark.parametrize("name", ["gpteacher_roleplay", "gpteacher_codegen", "p3_t0_sample"])
def test_other_published_sets_read_whole(name):
    assert read(shared_data() / "train" / f"{name}.jsonl.gz", name)[1] == []
