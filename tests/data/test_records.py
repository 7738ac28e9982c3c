"""Identity of pairs."""

from __future__ import annotations

import pyarrow as pa

from lamini.data.records import (
    SCHEMA,
    SOURCES,
    Pair,
    instruction_hash,
    instruction_hashes,
    row_hash,
    row_hashes,
    table,
)


def test_the_seven_sources_of_the_hub():
    assert len(SOURCES) == 7
    assert {"alpaca", "original_flan", "self_instruct_with_topic"} < set(SOURCES)


def test_hashes_are_those_of_every_machine():
    assert instruction_hash("Sort: 3 1 2") == 8867608705059848161


def test_hash_tells_where_the_instruction_ends():
    assert row_hash("ab", "c") != row_hash("a", "bc")


def test_hashes_of_a_table_are_those_of_its_rows_in_any_chunking():
    pairs = [Pair(f"i{n}", f"r{n}", "s") for n in range(7)]
    whole = table(pairs)
    chunked = pa.concat_tables([table(pairs[:3]), table([]), table(pairs[3:])])
    assert whole.schema == SCHEMA
    assert instruction_hashes(chunked).tolist() == [instruction_hash(p.instruction) for p in pairs]
    assert row_hashes(chunked).tolist() == [row_hash(p.instruction, p.response) for p in pairs]
    assert row_hashes(whole).tolist() == row_hashes(chunked).tolist()
