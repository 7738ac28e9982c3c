"""Lines that cannot work are refused in one sentence that names the key, before anything is read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from lamini.compose import compose
from lamini.config import RateConfig
from lamini.errors import UserError
from lamini.rating.checks import check, expected, links, place
from tests.rating import files


def config(*overrides: str) -> RateConfig:
    found: Any = compose("rate", overrides)
    assert isinstance(found, RateConfig)
    return found


@pytest.fixture
def answers(tmp_path: Path) -> str:
    return f"answers={files.parquet(tmp_path / 'answers114.parquet')}"


def test_good_lines(answers: str, tmp_path: Path) -> None:
    lines: list[list[str]] = [
        [], ["sheet=paper"], ["raters=3"], ["raters=[ann,ben]"], ["host=0.0.0.0", "raters=8"],
        ["host=::1"], ["host=localhost"], ["overlap=0", "raters_per_item=1"], ["port=0"],
        ["sheet=preference", "sheet.comparisons=2"],
    ]  # fmt: skip
    for line in lines:
        check(config(answers, *line))
    assert [path.name for path in tmp_path.iterdir()] == ["answers114.parquet"], (
        "a check leaves nothing behind"
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["overlap=1.5"], "overlap=1.5 is a share"),
        (["raters_per_item=1"], "raters_per_item=1 lets nobody"),
        (["raters_per_item=0"], "raters_per_item=0 must be at least 1"),
        (["items_per_rater=0"], "items_per_rater=0 must be at least 1"),
        (["seed=-1"], "seed=-1 must be at least 0"),
        (["resamples=5"], "resamples=5 must be at least 100"),
        (["port=70000"], "port=70000 must lie between 0"),
        (["raters=0"], "raters=0 must be a number from 1 on, or names"),
        (["raters=1.5"], "raters=1.5 must be a number"),
        (["raters=true"], "raters=True must be a number"),
        (["raters=[]"], "must be a number from 1 on, or names"),
        (["raters=[ann,ben,ann]"], "raters has ann twice"),
        (["host=0.0.0.0"], "host=0.0.0.0 can be reached from elsewhere, so each rater needs a link"),
        (["host=192.168.1.5"], "raters=8 or raters='.ann,ben.' makes them"),
        (["host=my-server"], "can be reached from elsewhere"),
        (["host=''"], "host is empty"),
        (["mode=summary"], "needs ratings, and .*answers114.responses.ratings.sqlite does not exist"),
        (["mode=close"], "mode=close needs ratings"),
        (["mode=export"], "mode=export needs ratings"),
        (["mode=judge"], "mode=judge needs a teacher=<teacher>"),
        (["mode=judge", "teacher=oracle"], "the oracle cannot judge"),
        (["mode=import"], "mode=import needs file=<file> with ratings that mode=export wrote"),
        (["mode=import", "file=nowhere.csv"], "file=nowhere.csv does not exist"),
        (["sheet=preference", "sheet.comparisons=0"], "sheet.comparisons=0 must be"),
        (["sheet=pairs", "sheet.each=0"], "sheet.each=0 must be at least 1"),
    ],
)  # fmt: skip
def test_lines_that_cannot_work(answers: str, line: list[str], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        check(config(answers, *line))
    assert "\n" not in str(caught.value)


def test_without_answers(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="answers=<file> is missing: what evaluate.py suite=answers collects"):
        check(config())
    with pytest.raises(UserError, match=r"ratings=.*x.sqlite does not exist; answers=<file> begins a study"):
        check(config(f"ratings={tmp_path / 'x.sqlite'}"))
    with pytest.raises(UserError, match="is a folder; name a file in it"):
        check(config(f"ratings={tmp_path}"))
    (tmp_path / "x.sqlite").touch()
    check(config(f"ratings={tmp_path / 'x.sqlite'}"))  # what it is, is seen when it is opened
    with pytest.raises(UserError, match="file=nowhere.sqlite does not exist; name the ratings .SQLite. of"):
        check(config(f"ratings={tmp_path / 'x.sqlite'}", "mode=merge", "file=nowhere.sqlite"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(answers: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UserError, match="set ratings=<file>"):
            check(config(answers))
    finally:
        tmp_path.chmod(0o700)


def test_a_place_that_cannot_be(answers: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written .*; set ratings=<file>"):
        check(config(answers, f"ratings={tmp_path / 'file' / 'x.sqlite'}"))


@pytest.mark.parametrize(
    ("name", "sheet", "expected"),
    [
        ("answers114.parquet", "responses", "answers114.responses.ratings.sqlite"),
        ("answers114.parquet", "paper", "answers114.responses.ratings.sqlite"),
        ("LaMini-1.3B.jsonl.gz", "preference", "LaMini-1.3B.preference.ratings.sqlite"),
        ("hallucination.parquet", "hallucination", "hallucination.hallucination.ratings.sqlite"),
    ],
)
def test_ratings_lie_beside_the_answers(name: str, sheet: str, expected: str) -> None:
    found = place(config(f"sheet={sheet}"), [Path("here") / name])
    assert found == Path("here") / expected


def test_a_folder_of_shards_has_its_ratings_beside_it(tmp_path: Path) -> None:
    (tmp_path / "v1.5").mkdir()
    assert place(config("sheet=pairs"), [tmp_path / "v1.5"]) == tmp_path / "v1.5.pairs.ratings.sqlite"


def test_several_files_need_a_place(tmp_path: Path) -> None:
    two = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    with pytest.raises(UserError, match="answers names 2 files; say where their ratings go: ratings=<file>"):
        place(config(), two)
    assert place(config("ratings=x.sqlite"), two) == Path("x.sqlite")


@pytest.mark.parametrize(
    ("raters", "names", "count"),
    [(None, (), None), (8, (), 8), (["ann", " ben "], ("ann", "ben"), 2), ("ann", ("ann",), 1),
     ([1, 2], ("1", "2"), 2)],
)  # fmt: skip
def test_raters(raters: Any, names: tuple[str, ...], count: int | None) -> None:
    assert (links(raters), expected(raters)) == (names, count)
