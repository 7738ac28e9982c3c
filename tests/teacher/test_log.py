"""The request log: what goes in comes out, in several processes, and what is no log is refused."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamini.errors import UserError
from lamini.teacher import log as log_module
from lamini.teacher.log import Entry, RequestLog, Row, Usage
from lamini.teacher.log_file import FORMAT
from lamini.teacher.protocol import Answer, Message, Request, Sampling

ROOT = Path(__file__).resolve().parents[2]
TEXT = st.text(st.characters(), max_size=30)  # half surrogate pairs and NUL included
NUMBER = st.none() | st.integers(0, 2**40)
ANSWER = st.builds(
    Answer, text=TEXT, finish=st.sampled_from(["stop", "length"]), prompt_tokens=NUMBER,
    response_tokens=NUMBER, model=st.just("m-1"), raw=TEXT,
)  # fmt: skip
REQUEST = st.builds(
    Request,
    messages=st.lists(st.builds(Message, st.sampled_from(["system", "user"]), TEXT), max_size=3).map(tuple),
    sampling=st.builds(Sampling, st.none() | st.floats(0, 2), st.none() | st.floats(0, 1), NUMBER),
    sample=st.integers(0, 5),
)
FAILURE = st.builds(Entry, st.none(), TEXT, st.booleans())


def row(request: Request, entry: Entry, kind: str = "k", model: str = "m", **more: Any) -> Row:
    return Row(request.key(kind, model), kind, model, request, entry, **more)


def asked(text: str) -> Request:
    return Request((Message("user", text),))


def answered(text: str, prompt: int | None = 10, response: int | None = 5) -> Entry:
    return Entry(Answer(text, "stop", prompt, response, "m-1", "{}"))


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(REQUEST, st.builds(Entry, ANSWER) | FAILURE), max_size=4))
def test_what_goes_in_comes_out(tmp_path_factory: pytest.TempPathFactory, rows: list[Any]) -> None:
    written = list({r.key: r for r in (row(request, entry, tries=2) for request, entry in rows)}.values())
    path = tmp_path_factory.mktemp("log") / "requests.sqlite"
    with RequestLog(path) as log:
        assert log.put(written) == {}
    with RequestLog(path) as log:
        assert log.get([r.key for r in written]) == {r.key: r.entry for r in written}
        assert list(log.rows()) == written


def test_unknown_keys_are_not_found_and_many_are_looked_up_at_once(tmp_path: Path) -> None:
    with RequestLog(tmp_path / "log") as log:
        rows = [row(asked(str(n)), answered(str(n))) for n in range(3000)]
        log.put(rows)
        found = log.get([*(r.key for r in rows), "0" * 32])
        assert len(found) == 3000 and found[rows[2999].key].answer.text == "2999"  # type: ignore[union-attr]
        assert log.get([]) == {}


def test_rows_come_in_order_in_pages_and_by_teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "PAGE", 3)
    with RequestLog(tmp_path / "log") as log:
        rows = [row(asked(str(n)), answered("x"), kind="ab"[n % 2]) for n in range(10)]
        log.put(rows)
        assert list(log.rows()) == rows
        assert list(log.rows(kind="a")) == rows[::2]
        assert list(log.rows(kind="b", model="m")) == rows[1::2]
        assert list(log.rows(model="other")) == []


def test_an_answer_replaces_a_failure_and_is_never_replaced(tmp_path: Path) -> None:
    with RequestLog(tmp_path / "log") as log:
        first = row(asked("a"), Entry(None, "timeout: slow", final=False), tries=6)
        log.put([first])
        assert log.get([first.key]) == {first.key: first.entry}
        assert log.put([row(asked("a"), answered("one"), tries=2)]) == {}
        assert log.put([row(asked("a"), answered("two"))]) == {first.key: answered("one")}
        assert log.put([row(asked("a"), Entry(None, "too_long: no", final=True))]) == {
            first.key: answered("one")
        }
        (only,) = log.rows()
        assert only.entry == answered("one") and only.tries == 8


def test_usage_counts_all_that_was_paid_for(tmp_path: Path) -> None:
    with RequestLog(tmp_path / "log") as log:
        log.put([row(asked("a"), answered("x")), row(asked("b"), answered("x", None, 7))])
        log.put([row(asked("a"), answered("a second process paid too"))])
        log.put([row(asked("c"), Entry(None, "too_long: no"))])
        log.put([row(asked("d"), answered("x", 100, 50), batched=True), row(asked("a"), answered("x"), "o")])
        assert log.usage("k", "m") == Usage(answers=3, unmetered=1, prompt_tokens=20, response_tokens=17)
        assert log.usage("k", "m", batched=True) == Usage(1, 0, 100, 50)
        assert log.usage("o", "m") == Usage(1, 0, 10, 5)
        assert log.usage("k", "other") == Usage()


def test_batches_are_open_until_they_are_closed(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with RequestLog(path) as log:
        log.add_batch("one", "k", "m", ["a", "b"])
        log.add_batch("two", "k", "m", ["c"])
        log.add_batch("other", "k", "n", ["d"])
    with RequestLog(path) as log:
        assert log.open_batches("k", "m") == [("one", ["a", "b"]), ("two", ["c"])]
        log.close_batch("one")
        assert log.open_batches("k", "m") == [("two", ["c"])]


CHILD = """
import sys
from pathlib import Path
from lamini.teacher.log import Entry, RequestLog, Row
from lamini.teacher.protocol import Answer, Message, Request
number, path = int(sys.argv[1]), Path(sys.argv[2])
with RequestLog(path) as log:
    for n in range(0, 300, 3):
        texts = [f"shared {n}", f"own {number} {n}", f"own {number} {n + 1}"]
        requests = [Request((Message("user", text),)) for text in texts]
        answers = [Answer(f"{number} {text}", "stop", 1, 1, "m") for text in texts]
        log.put(
            [Row(r.key("k", "m"), "k", "m", r, Entry(a)) for r, a in zip(requests, answers, strict=True)]
        )
"""


def test_several_processes_make_and_write_one_log(tmp_path: Path) -> None:
    path = tmp_path / "new" / "requests.sqlite"
    command = [sys.executable, "-c", CHILD]
    children = [
        subprocess.Popen([*command, str(n), str(path)], cwd=ROOT, stderr=subprocess.PIPE) for n in range(3)
    ]
    said = [child.communicate(timeout=60)[1] for child in children]
    assert [child.returncode for child in children] == [0, 0, 0], said
    with RequestLog(path) as log:
        rows = list(log.rows())
        assert len(rows) == 100 + 3 * 200 and len({r.key for r in rows}) == 700
        assert log.usage("k", "m") == Usage(900, 0, 900, 900)
        assert all(
            r.entry.answer is not None and r.entry.answer.text.endswith(r.request.messages[0].content)
            for r in rows
        )


def test_a_log_of_another_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "log"
    RequestLog(path).close()
    with sqlite3.connect(path) as other:
        other.execute(f"PRAGMA user_version={FORMAT + 1}")
    other.close()
    before = path.read_bytes()
    with pytest.raises(UserError, match=rf"log is a request log of format {FORMAT + 1} .* set log=<file>"):
        RequestLog(path)
    assert path.read_bytes() == before


def test_other_files_are_refused_and_left_alone(tmp_path: Path) -> None:
    text, other = tmp_path / "text", tmp_path / "other"
    text.write_text("no database " * 100)
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE birds (name)")
    database.close()
    for path, said in ((text, "file is not a database"), (other, "is no request log"), (tmp_path, "open")):
        before = path.read_bytes() if path.is_file() else b""
        with pytest.raises(UserError, match=f"{said}.*log=<file>") as error:
            RequestLog(path)
        assert str(path) in str(error.value) and "\n" not in str(error.value)
        assert not path.is_file() or path.read_bytes() == before


def test_a_damaged_log_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with RequestLog(path) as log:
        rows = [row(asked(str(n)), answered("x" * 2000)) for n in range(100)]
        log.put(rows)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))
    with RequestLog(path) as log, pytest.raises(UserError, match=r"log cannot be read \(.*log=<file>"):
        log.get([r.key for r in rows])


def test_a_folder_that_cannot_be_made_names_the_key(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file cannot be written .* set log=<folder>"):
        RequestLog(tmp_path / "file" / "log")


def test_a_full_disk_keeps_what_was_put_and_says_so(tmp_path: Path, full: Any) -> None:
    path = tmp_path / "log"
    with RequestLog(path) as log:
        log.put([row(asked("before"), answered("x"))])
        full(log)
        assert log.put([row(asked("in flight"), answered("y" * 50_000))]) == {}
        assert log.trouble is not None and "the disk is full; free some space, or set log=" in str(
            log.trouble
        )
        full(log)
        with pytest.raises(UserError, match="log cannot be written: the disk is full"):
            log.put([row(asked("after"), answered("z" * 50_000))])
        assert [r.request for r in log.rows()] == [asked("before"), asked("in flight")]
    with RequestLog(path) as log:
        late = row(asked("after"), answered("z" * 50_000))
        log.put([late])
        assert log.get([late.key]) == {late.key: late.entry}
        assert log.usage("k", "m").answers == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = [
        "unshare",
        "-m",
        "sh",
        "-c",
        f"mount -t tmpfs -o size=24m none {disk} && exec $0 -c '{FILL}' {disk}",
    ]
    done = subprocess.run([*mount, sys.executable], cwd=ROOT, capture_output=True, text=True, timeout=60)
    if "mount" in done.stderr or "unshare" in done.stderr:
        pytest.skip(f"no mount here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "the disk is full; all there\n"


FILL = """
import sys
from pathlib import Path
from lamini.errors import UserError
from lamini.teacher.log import Entry, RequestLog, Row
from lamini.teacher.protocol import Answer, Message, Request
log, n, keys = RequestLog(Path(sys.argv[1]) / "log"), 0, []
while log.trouble is None:
    request, n = Request((Message("user", str(n)),)), n + 1
    keys.append(request.key("k", "m"))
    log.put([Row(keys[-1], "k", "m", request, Entry(Answer("x" * 100_000, "stop", 1, 1, "m")))])
assert "the disk is full" in str(log.trouble), log.trouble
assert n > 20 and len(log.get(keys)) == n
print("the disk is full; all there")
"""
