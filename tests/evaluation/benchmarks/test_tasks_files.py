"""Rows survive every format that data_dir reads."""

from __future__ import annotations

import csv
import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from lamini.evaluation.benchmarks.local_data import columns_of, read

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
NUMBERS = st.integers(-(10**15), 10**15)
ROWS = st.lists(st.fixed_dictionaries({"text": TEXTS, "label": NUMBERS}), min_size=1, max_size=4)


@settings(deadline=None)  # the first one imports
@given(ROWS)
def test_rows_are_read_as_they_were_written(rows: list[dict[str, Any]]) -> None:
    rows = [{**row, "text": f"x{row['text']}"} for row in rows]  # a CSV's cell of digits alone is a number
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / "a.jsonl").write_text(lines, encoding="utf-8", newline="")
        pq.write_table(pa.Table.from_pylist(rows), folder / "a.parquet")
        with (folder / "a.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        for path in sorted(folder.iterdir()):
            assert list(read(path)) == rows, path.name


@given(st.lists(st.sampled_from(["goal", "sol1", "passage"]), max_size=3))
def test_columns_of_a_template_are_those_that_jinja_asks_for(names: list[str]) -> None:
    template = "{% set own = 1 %}{{own}} " + "".join(f"{{{{ {name}.strip() }}}}" for name in names)
    assert columns_of(template) == set(names)
