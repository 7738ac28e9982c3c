"""Crashes, crowds, full and read-only disks: what was acknowledged is there, and it is there once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from lamini.errors import UserError
from lamini.rating.store import Store
from tests.rating import rated, small
from tests.rating.rated import event

ROOT = Path(__file__).resolve().parents[2]
STUDY = small.study()
HEAD = """
import sys
from itertools import count
from pathlib import Path
from lamini.errors import UserError
from lamini.rating.store import Store
from tests.rating.rated import event
from tests.rating.small import study
path, name = Path(sys.argv[1]), sys.argv[2]
"""
STUDY_ON = """
store = Store.open(path, study())
rater = store.join(name).id
print("ready", flush=True)
for n in count():
    one = event(study(), rater, n % 15, "ABCD"[n % 4], id=f"{name}-{n}", note="x" * (n % 500))
    assert store.rate(one)
    print(one.id, flush=True)
"""
CROWD = """
with Store.open(path) as store:
    rater = store.join(name).id
    for n in range(30):
        own = event(study(), rater, n % 15, "ABCD"[n % 4], id=f"{name}-{n}")
        shared = event(study(), 1, n % 15, "B", id=f"shared-{n}")
        said = [store.rate(own), store.rate(shared), store.rate(own)]
        assert said[0] and not said[2], said
        print(f"shared-{n}" if said[1] else "")
"""


def child(script: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HEAD + script, *words], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_a_killed_writer_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    rated.new(tmp_path, STUDY).close()
    acknowledged: set[str] = set()
    for turn, wanted in enumerate((5, 60, 17)):
        process = child(STUDY_ON, str(tmp_path / "ratings.sqlite"), f"rater {turn}")
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "ready\n", process.stderr.read()
        acknowledged |= {process.stdout.readline().strip() for _ in range(wanted)}
        process.send_signal(signal.SIGKILL)
        rest = process.communicate(timeout=30)[0].splitlines(keepends=True)
        acknowledged |= {line.strip() for line in rest if line.endswith("\n")}
        assert process.returncode == -signal.SIGKILL
        assert (tmp_path / "ratings.sqlite-wal").stat().st_size > 0
    with Store.open(tmp_path / "ratings.sqlite", STUDY) as store:
        _, _, _, events = rated.held_in(store)
        ids = [values[1] for values in events]
        assert len(ids) == len(set(ids)) and len(acknowledged) >= 82
        assert acknowledged <= set(ids)
        assert len(ids) <= len(acknowledged) + 3  # written, but nobody was told: the post comes again
    assert [path.name for path in tmp_path.iterdir()] == ["ratings.sqlite"]


def test_a_crowd_of_threads_and_processes_writes_each_rating_once(tmp_path: Path) -> None:
    path = tmp_path / "ratings.sqlite"
    store = rated.new(tmp_path, STUDY)
    assert store.join("shared").id == 1
    first_to_share: list[str] = []
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            rater = store.join(name).id
            for n in range(30):
                own = event(STUDY, rater, n % 15, "ABCD"[n % 4], id=f"{name}-{n}")
                assert store.rate(own)
                if store.rate(event(STUDY, 1, n % 15, "B", id=f"shared-{n}")):
                    first_to_share.append(f"shared-{n}")
                assert not store.rate(own)
                assert len(store.current(rater)) == min(n + 1, 15)
        except BaseException as error:
            failures.append(error)

    processes = [child(CROWD, str(path), f"process {n}") for n in range(3)]
    threads = [threading.Thread(target=work, args=(f"thread {n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        first_to_share += out.split()
    assert not failures
    assert Counter(first_to_share) == Counter({f"shared-{n}": 1 for n in range(30)})
    _, _, _, events = rated.held_in(store)
    assert len(events) == 30 + 11 * 30
    assert len(store.raters()) == 12 and len(store.current()) == 12 * 15
    store.close()


def test_a_full_disk_is_one_sentence_and_the_rating_can_be_sent_again(tmp_path: Path) -> None:
    with rated.new(tmp_path, STUDY) as store:
        ann = store.join("Ann").id
        pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
        store._writer.execute(f"PRAGMA max_page_count={pages + 2}")
        done = []
        with pytest.raises(UserError, match="ratings.sqlite cannot be written: the disk is full; free some"):
            for n in range(100):
                one = event(STUDY, ann, n % 15, note="x" * 2000, at=float(n + 1))
                store.rate(one)
                done.append(one)
        assert 0 < len(done) < 100
        _, _, _, events = rated.held_in(store)
        assert events == [("Ann", *rated.values(sent)) for sent in done]
        store._writer.execute("PRAGMA max_page_count=100000")
        assert store.rate(one)
        assert len(rated.held_in(store)[3]) == len(done) + 1


def small_disk(place: Path, script: str, *, size: str = "1m") -> str:
    """What a script says that has a disk of that size, and may mount it anew."""
    disk = place / "disk"
    disk.mkdir()
    command = (
        f'mount -t tmpfs -o size={size} none {disk} && cd {ROOT} && exec $0 -c "$1" {disk}/ratings.sqlite x'
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", command, sys.executable, HEAD + script],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    if "mount" in done.stderr.split("Traceback")[0] or "unshare" in done.stderr.split("Traceback")[0]:
        pytest.skip(f"no mount here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return done.stdout


LOCKED = """
import os, tempfile
with tempfile.TemporaryDirectory() as place:
    path = Path(place) / "ratings.sqlite"
    with Store.create(path, study()) as store:
        store.rate(event(study(), store.join(name).id))
    if os.geteuid() == 0:  # who may write everything: be somebody else
        for owned in (path, path.parent):
            os.chown(owned, 65534, 65534)
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    for file, folder in ((0o444, 0o755), (0o644, 0o555)):
        path.chmod(file)
        path.parent.chmod(folder)
        try:
            Store.open(path)
        except UserError as error:
            print(error)
        with Store.open(path, reading=True) as store:
            assert len(store.current()) == 1
            try:
                store.close_study(1.0)
            except UserError as error:
                print(error)
        assert os.listdir(place) == ["ratings.sqlite"], os.listdir(place)
    path.parent.chmod(0o755)
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system: root only")
FILL = """
path.with_name("ballast").write_bytes(bytes(200_000))
store = Store.create(path, study())
rater, sent = store.join(name).id, []
try:
    for n in count():
        one = event(study(), rater, n % 15, note="x" * 2000)
        store.rate(one)
        sent.append(one.id)
except UserError as error:
    print(error)
there = [id for id, in store._reader.execute("SELECT id FROM events ORDER BY number")]
assert there == sent and len(sent) > 20, (len(there), len(sent))
path.with_name("ballast").unlink()
assert store.rate(one)
store.close()
with Store.open(path) as store:
    assert [id for id, in store._reader.execute("SELECT id FROM events ORDER BY number")] == [*sent, one.id]
print("all there")
"""
MAKE = """
path.with_name("ballast").write_bytes(bytes(1_000_000))
try:
    Store.create(path, study(items=500))
except UserError as error:
    print(error)
print(sorted(found.name for found in path.parent.iterdir()))
"""
READ = """
import subprocess
with Store.create(path, study()) as store:
    assert store.rate(event(study(), store.join(name).id))
subprocess.run(["mount", "-o", "remount,ro", path.parent], check=True)
for begin in (Store.open, lambda path: Store.create(path.with_name("new"), study())):
    try:
        begin(path)
    except UserError as error:
        print(error)
with Store.open(path, reading=True) as store:
    print(len(store.current()))
    try:
        store.join("y")
    except UserError as error:
        print(error)
"""


@needs_root
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    first, last = small_disk(tmp_path, FILL).splitlines()
    assert "the disk is full; free some space" in first and last == "all there"


@needs_root
def test_a_study_that_does_not_fit_leaves_no_half_file(tmp_path: Path) -> None:
    said, there = small_disk(tmp_path, MAKE).splitlines()
    assert "ratings.sqlite cannot be written: the disk is full" in said and there == "['ballast']"


@needs_root
def test_a_read_only_disk_is_told_and_can_be_read(tmp_path: Path) -> None:
    opened, made, count, rated_on = small_disk(tmp_path, READ).splitlines()
    assert "ratings.sqlite may not be written" in opened
    assert "cannot be written (read-only file system)" in made and "ratings=<" in made
    assert count == "1" and "may not be written" in rated_on


def test_a_file_or_folder_that_may_not_be_written_is_told_and_can_be_read(tmp_path: Path) -> None:
    process = child(LOCKED, str(tmp_path), "x")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    lines = out.splitlines()
    assert [line.partition(".sqlite ")[2][:18] for line in lines] == ["may not be written"] * 4
