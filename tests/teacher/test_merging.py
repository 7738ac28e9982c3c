"""lamini.teacher.merging: the logs of workers become one log, each row once, wherever somebody is killed."""

from __future__ import annotations

import resource
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamini.errors import UserError
from lamini.teacher.lines import request_in, request_line, row_in, row_line
from lamini.teacher.log import Entry, RequestLog, Row
from lamini.teacher.merging import Merger
from lamini.teacher.protocol import Answer, Message, Request, Sampling
from lamini.teacher.worker_log import WorkerLog, rows_from

TEXTS = st.text(st.characters(codec=None, categories=None), max_size=12)  # half surrogates among them


def request(text: str, sample: int = 0) -> Request:
    return Request((Message("system", "Be brief."), Message("user", text)), Sampling(0.5, None, 7), sample)


def row(number: int, kind: str = "answer") -> Row:
    asked = request(str(number))
    entry = {
        "answer": Entry(Answer(f"said {number}", "stop", 3, 2, "m-1", f'{{"n": {number}}}')),
        "unmetered": Entry(Answer(f"said {number}", "stop", None, None, "m-1", "")),
        "never": Entry(None, "filtered: no", final=True),
        "later": Entry(None, "timeout: 6 times", final=False),
    }[kind]
    return Row(asked.key("openai", "m"), "openai", "m", asked, entry, tries=1 + number % 3)


KINDS = st.sampled_from(["answer", "answer", "unmetered", "never", "later"])


@given(TEXTS, TEXTS, st.integers(0, 5), st.booleans())
def test_lines_carry_requests_and_rows_as_they_are(said: str, raw: str, sample: int, final: bool) -> None:
    asked = request(said, sample)
    assert request_in(request_line(asked)) == asked
    for entry in (Entry(Answer(said, "stop", 1, None, "m", raw)), Entry(None, said, final)):
        whole = Row("k", "openai", "m", asked, entry, 3, False)
        assert row_in(row_line(whole)) == whole
    assert row_line(whole).isascii() and row_line(whole).count("\n") == 1


def contents(log: RequestLog) -> tuple[Any, ...]:
    rows = sorted(log.rows(), key=lambda found: found.key)
    return rows, log.usage("openai", "m")


@settings(max_examples=60, deadline=None)
@given(st.lists(KINDS, max_size=30), st.integers(1, 4), st.data())
def test_any_number_of_workers_and_any_crash_give_the_same_log(
    kinds: list[str], workers: int, data: st.DataObject
) -> None:
    rows = [row(number, kind) for number, kind in enumerate(kinds)]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "board" / "files"
        place.mkdir(parents=True)
        files = [place / f"{number}.jsonl" for number in range(workers)]
        for number, file in enumerate(files):
            file.write_bytes(b"".join(row_line(one).encode() for one in rows[number::workers]))
        whole = {file: file.read_bytes() for file in files}
        with RequestLog(Path(folder) / "one.sqlite") as one:
            one.put(rows)
            expected = contents(one)
        for _ in range(data.draw(st.integers(0, 4), "lines that are killed")):
            for file in files:  # as far as a worker has come
                file.write_bytes(whole[file][: data.draw(st.integers(0, len(whole[file])))])
                with RequestLog(Path(folder) / "many.sqlite") as log:
                    some = Merger(log).take([file])
                    for _ in range(data.draw(st.integers(0, 3))):
                        next(some, None)
        for file in files:
            file.write_bytes(whole[file])
        with RequestLog(Path(folder) / "many.sqlite") as log:
            list(Merger(log).take(files))
            list(Merger(log).take(files))
            assert contents(log) == expected


def test_a_merger_gives_what_has_come_since(tmp_path: Path) -> None:
    (tmp_path / "board" / "files").mkdir(parents=True)
    file = tmp_path / "board" / "files" / "0.jsonl"
    with RequestLog(tmp_path / "log.sqlite") as log, WorkerLog(file) as worker:
        merger = Merger(log)
        assert list(merger.take([file])) == []
        worker.put([row(0)])
        assert [found.key for found in merger.take([file])] == [row(0).key]
        worker.put([row(1), row(2, "later")])
        assert len(list(merger.take([file]))) == 2
        assert list(merger.take([file])) == []


def test_a_worker_finds_what_its_dead_had_logged(tmp_path: Path) -> None:
    with WorkerLog(tmp_path / "1.jsonl") as first:
        first.put([row(0), row(1, "unmetered"), row(2, "never")])
    with (tmp_path / "1.jsonl").open("ab") as file:
        file.write(b'["cut')
    with WorkerLog(tmp_path / "2.jsonl", [tmp_path / "1.jsonl"]) as second:
        found = second.get([row(number).key for number in range(4)])
        usage = second.usage("openai", "m")
    assert found[row(0).key].answer == replace(row(0).entry.answer, raw="")  # type: ignore[type-var]
    assert found[row(2).key] == row(2, "never").entry and row(3).key not in found
    assert (usage.answers, usage.unmetered, usage.prompt_tokens, usage.response_tokens) == (2, 1, 3, 2)


def test_a_full_disk_is_told_and_half_a_line_spoils_no_other(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with WorkerLog(tmp_path / "1.jsonl") as log:
        log.put([row(0)])
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (log.path.stat().st_size + 20, hard))
            with pytest.raises(UserError, match="set log=<file> to a disk that all workers share"):
                log.put([row(1)])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert log.get([row(1).key]) == {}
        log.put([row(1), row(2)])
    assert [found for found, _ in rows_from(log.path, 0)] == [row(0), row(1), row(2)]
