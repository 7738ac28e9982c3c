"""What is no file of this study's ratings is refused in one sentence and left as it is."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from lamini.errors import UserError
from lamini.rating import opening
from lamini.rating.schema import FORMAT
from lamini.rating.store import Store
from tests.rating import rated, small
from tests.rating.rated import event

STUDY = small.study()


def refused(path: Path, said: str) -> None:
    """One sentence, for writing and for reading, that names the file; and nothing is changed."""
    before = path.read_bytes() if path.is_file() else None
    for reading in (False, True):
        with pytest.raises(UserError, match=said) as error:
            Store.open(path, STUDY, reading=reading)
        assert str(path) in str(error.value) and "\n" not in str(error.value)
    assert before == (path.read_bytes() if path.is_file() else None)


def test_nothing_and_a_folder(tmp_path: Path) -> None:
    refused(tmp_path / "none.sqlite", "does not exist; python rate.py answers=<parquet> begins a study")
    refused(tmp_path, "is no file; .* set ratings=<file>")
    assert not list(tmp_path.iterdir())


def test_files_of_something_else(tmp_path: Path) -> None:
    text, empty, birds = (tmp_path / name for name in ("text", "empty", "birds"))
    text.write_text("no database " * 100)
    empty.touch()
    with sqlite3.connect(birds) as database:
        database.execute("CREATE TABLE birds (name)")
    database.close()
    refused(text, "text is no SQLite file and holds no ratings; set ratings=<file>")
    refused(empty, "empty is empty or cut off and holds no ratings; set ratings=<file>")
    refused(birds, "birds is an SQLite file of something else and holds no ratings; set ratings=<file>")


@pytest.mark.parametrize(
    ("version", "way"), [(FORMAT + 1, "update LaMini"), (FORMAT - 1, "use the older LaMini")]
)
def test_another_version(version: int, way: str, tmp_path: Path) -> None:
    rated.new(tmp_path, STUDY).close()
    path = tmp_path / "ratings.sqlite"
    with sqlite3.connect(path) as other:
        other.execute(f"PRAGMA user_version={version}")
    other.close()
    refused(path, f"format {version}, this LaMini reads format {FORMAT}; {way}, or set ratings=<file>")


def test_another_study_is_described(tmp_path: Path) -> None:
    rated.new(tmp_path, small.study("pairs", seed=7)).close()
    refused(
        tmp_path / "ratings.sqlite",
        r"another study \(sheet=pairs, 5 items, seed=7, \w{8}\) than this one"
        r" \(sheet=responses, 5 items, seed=42, \w{8}\); choose another ratings=<file>",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["ratings.sqlite"]


def test_half_a_file(tmp_path: Path) -> None:
    study = small.study(items=300)
    with rated.new(tmp_path, study) as store:
        ann = store.join("Ann").id
        for place in range(40):
            store.rate(event(study, ann, place, note="x" * 500))
    path = tmp_path / "ratings.sqlite"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refused(path, "damaged or only part of a file .*copy it again")
    path.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))
    refused(path, "damaged or only part of a file")
    page = whole.rindex(b"x" * 500) // 4096 * 4096  # of ratings alone
    path.write_bytes(whole[:page] + bytes(8) + whole[page + 8 :])
    refused(path, "damaged or only part of a file")
    path.write_bytes(whole[:50])
    refused(path, "ratings.sqlite is damaged or only part of a file")


def test_a_file_that_somebody_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BUSY", 0.2)
    with rated.new(tmp_path, STUDY) as store:
        one = event(STUDY, store.join("Ann").id)
        with Store.open(store.path) as other, other.writing():  # as a long import would
            with pytest.raises(UserError, match="has been held by another process for 0 seconds; end it"):
                store.rate(one)
            assert store.current() == []
        assert store.rate(one)


def test_a_new_file_takes_no_place_of_another(tmp_path: Path) -> None:
    path = tmp_path / "ratings.sqlite"
    path.write_text("mine")
    with pytest.raises(UserError, match=r"ratings\.sqlite is there already; continue it, or choose another"):
        Store.create(path, STUDY)
    assert path.read_text() == "mine"
    path.rename(tmp_path / "ratings.sqlite-wal")
    with pytest.raises(UserError, match=r"ratings\.sqlite-wal is left of ratings that were removed"):
        Store.create(path, STUDY)
    assert [found.name for found in tmp_path.iterdir()] == ["ratings.sqlite-wal"]


def test_who_is_second_to_begin_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ratings.sqlite"
    rated.new(tmp_path, STUDY).close()
    monkeypatch.setattr(Path, "exists", lambda self: False)  # as both find it who begin at once
    with pytest.raises(UserError, match="is there already"):
        Store.create(path, small.study("pairs"))
    monkeypatch.undo()
    with Store.open(path, STUDY) as store:
        assert store.study == STUDY


def test_no_hard_links_no_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(source: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    with rated.new(tmp_path, STUDY) as store:
        assert store.study == STUDY


def test_a_folder_that_cannot_be_made_names_the_key(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file cannot be written .* set ratings=<file>"):
        Store.create(tmp_path / "file" / "ratings.sqlite", STUDY)


def test_odd_paths(tmp_path: Path) -> None:
    folder = tmp_path / "50% of?it#1 ünï"
    folder.mkdir()
    with rated.new(folder, STUDY, "a?mode=ro&b %20.sqlite") as store:
        assert store.rate(event(STUDY, store.join("Ann").id))
    assert [path.name for path in folder.iterdir()] == ["a?mode=ro&b %20.sqlite"]


def test_reading_leaves_no_trace_beside_a_server(tmp_path: Path) -> None:
    with rated.new(tmp_path, STUDY) as store:
        one = event(STUDY, store.join("Ann").id, at=1.0)
        with Store.open(store.path, reading=True) as reader:
            assert reader.current() == []
            store.rate(one)
            assert reader.current() == [one]
            with pytest.raises(UserError, match="may not be written"):
                reader.join("Ben")
        assert store.rate(event(STUDY, one.rater, 1))
    assert [path.name for path in tmp_path.iterdir()] == ["ratings.sqlite"]
