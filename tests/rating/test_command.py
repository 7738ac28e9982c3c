"""rate.py as a person starts it: studies begun, gone on with, closed, carried; wrong lines and statuses."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lamini.compose import compose
from lamini.errors import UserError
from lamini.rating.command import described, opened, run, start, study_of
from lamini.rating.store import Event, Store
from lamini.rating.study import Study
from lamini.runs import Job
from tests.rating import files, small

ROOT = Path(__file__).resolve().parents[2]
Answer = tuple[int, str, str]


@pytest.fixture
def rate(environment: dict[str, str]) -> Callable[..., Answer]:
    """rate("answers=...") -> exit status, stdout and stderr of the whole line."""

    def rated(*words: str) -> Answer:
        done = subprocess.run(
            [sys.executable, "rate.py", *words], cwd=ROOT, env=environment, capture_output=True, text=True,
            timeout=120,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    return rated


@pytest.fixture
def place(tmp_path: Path) -> Path:
    files.parquet(tmp_path / "a.parquet")
    return tmp_path


def config(place: Path, *overrides: str) -> Any:
    return compose("rate", [f"answers={place / 'a.parquet'}", f"paths.output_dir={place}", *overrides])


def ratings(place: Path, sheet: str = "responses") -> Path:
    return place / f"a.{sheet}.ratings.sqlite"


def begun(place: Path, level: str = "B", *overrides: str) -> Path:
    """Ratings of a study in which ann has rated the first target."""
    chosen = config(place, *overrides)
    with opened(chosen, ratings(place, chosen.sheet.name)) as store:
        item = store.study.items[0]
        ann = store.join("ann")
        store.rate(Event("one", ann.id, item.key, item.targets[0].key, level))
    return ratings(place, chosen.sheet.name)


def test_a_line_makes_the_study_that_it_describes(place: Path) -> None:
    study = study_of(config(place, "overlap=0.5", "raters_per_item=3", "raters=[ann,ben]", "seed=7"))
    assert (study.sheet, study.scale.name, len(study.items), study.seed) == ("responses", "quality", 4, 7)
    assert (study.overlap, study.raters_per_item, study.items_per_rater, study.raters) == (0.5, 3, None, 2)
    paper = study_of(config(place, "sheet=paper", "seed=7"))
    assert (paper.overlap, paper.items_per_rater, paper.raters) == (0.05, 15, 8)
    assert paper.digest == study.digest


@pytest.mark.parametrize("sheet", ["responses", "hallucination", "preference"])
def test_each_sheet_is_begun_and_gone_on_with(place: Path, sheet: str) -> None:
    chosen = config(place, f"sheet={sheet}")
    with opened(chosen, ratings(place, sheet)) as store:
        study = store.study
    with opened(chosen, ratings(place, sheet)) as store:
        assert store.study == study
    with opened(compose("rate", [f"ratings={ratings(place, sheet)}"]), ratings(place, sheet)) as store:
        assert store.study == study


def test_a_study_goes_on_with_more_people_but_not_with_other_answers(place: Path) -> None:
    path = begun(place, "B", "overlap=0")
    with opened(config(place, "overlap=1", "raters_per_item=3"), path) as store:
        assert (store.study.overlap, store.study.raters_per_item) == (1, 3)
        assert [one.level for one in store.current()] == ["B"]
    with pytest.raises(UserError, match="holds ratings of another study"):
        opened(config(place, "seed=1"), path)
    files.parquet(place / "a.parquet", files.rows(["a", "b", "c", "d"]))
    with pytest.raises(UserError, match="holds ratings of another study") as caught:
        opened(config(place), path)
    assert "\n" not in str(caught.value)


def test_what_is_left_out_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = files.rows()
    rows[0] |= {"error": "timeout", "response": ""}
    files.parquet(place / "a.parquet", rows[:-1])
    study_of(config(place, "sheet.common=true"))
    assert capsys.readouterr().out.splitlines() == [
        "1 of 4 instructions are left out: not all were asked them",
        "a gave no answer to 1 of 3 instructions: not rated there",
    ]


def test_the_plan_says_what_comes_and_what_is_too_much() -> None:
    study = small.study(items=10, overlap=0.2)
    assert described(study) == (
        "sheet responses: 10 items with 30 things to rate, of 3 students; 2 of the items go to 2 raters each"
    )
    few = described(small.study(items=10, overlap=0.2, raters=2, items_per_rater=5))
    assert few.splitlines()[1].startswith("2 raters with 5 items each do 10 of 12: the rest stays unrated")
    assert "of 3 sources" in described(small.study("pairs"))


def test_export_close_and_import(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = begun(place)
    assert run(config(place, "mode=export")) == 0
    with (place / "a.responses.ratings.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["rater"], row["student"], row["level"]) == ("ann", "a", "B")
    assert run(config(place, "mode=close")) == run(config(place, "mode=close")) == 0
    with Store.open(path) as store:
        assert store.closed() is not None
    path.unlink()
    assert run(config(place, "mode=import", f"file={place / 'a.responses.ratings.csv'}")) == 0
    with Store.open(path) as store:
        assert [one.level for one in store.current()] == ["B"]
    assert "1 ratings taken in" in capsys.readouterr().out


def test_merge(place: Path) -> None:
    other = begun(place).rename(place / "other.sqlite")
    with opened(config(place), ratings(place)) as store:
        store.join("ben")
    for _ in range(2):
        assert run(config(place, "mode=merge", f"file={other}")) == 0
    with Store.open(ratings(place)) as store:
        assert [one.name for one in store.raters()] == ["ben", "ann"]
        assert len(store.current()) == 1


def stand_in(monkeypatch: pytest.MonkeyPatch, module: str, **functions: Any) -> None:
    monkeypatch.setitem(sys.modules, module, SimpleNamespace(**functions))


def test_what_serving_is_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, Any]] = []

    def serve(store: Store, **words: Any) -> int:
        told.append(words)
        return 7

    stand_in(monkeypatch, "lamini.rating.web.serving", serve=serve)
    lines = [[], ["raters=3"], ["raters=[ann,ben]"], ["raters=3", "host=0.0.0.0", "port=9"]]
    assert [run(config(place, *line)) for line in lines] == [7] * 4
    assert [words["links"] for words in told] == [(), (), ("ann", "ben"), ("rater-1", "rater-2", "rater-3")]
    assert (told[3]["host"], told[3]["port"], told[3]["open_browser"]) == ("0.0.0.0", 9, False)


def test_a_study_without_its_answers_goes_on_as_it_was(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, "lamini.rating.web.serving", serve=lambda store, **_: 0)
    path = begun(place, "B", "sheet=paper")
    assert run(compose("rate", [f"ratings={path}", "sheet=preference", "overlap=1", "seed=1"])) == 0
    said = "as the study was begun: sheet=responses, overlap=0.05, items_per_rater=15, seed=42; with answers="
    assert said in capsys.readouterr().out
    assert run(compose("rate", [f"ratings={path}", "sheet=paper"])) == 0
    assert "as the study was begun" not in capsys.readouterr().out


def test_what_summing_up_and_judging_are_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    stand_in(
        monkeypatch, "lamini.rating.summary.report",
        summarise=lambda store, out, *, seed, resamples: told.append((out.name, seed, resamples)),
    )  # fmt: skip
    stand_in(
        monkeypatch, "lamini.rating.judging.command",
        judge=lambda store, config: told.append((store.study.sheet, config.teacher.model)),
    )  # fmt: skip
    assert run(config(place, "mode=judge", "teacher=oracle")) == 0  # a judge may be the first
    assert run(config(place, "mode=summary", "resamples=100")) == 0
    assert run(config(place, "mode=summary", f"file={place / 'there'}")) == 0
    assert told == [
        ("responses", "oracle"), ("a.responses.ratings.summary", 42, 100), ("there", 42, 2000)
    ]  # fmt: skip


def test_several_jobs_are_refused(place: Path) -> None:
    jobs = [Job(config(place), place)] * 2
    with pytest.raises(UserError, match="one study at a time: leave out -m"):
        start(lambda: pytest.fail("Hydra was reached"), jobs, multirun=True, line=[])


def test_lines_and_statuses(place: Path, rate: Callable[..., Answer]) -> None:
    path = begun(place)
    answers = f"answers={place / 'a.parquet'}"
    status, out, err = rate(answers, "mode=export", f"file={place / 'x.parquet'}")
    assert (status, err) == (0, "") and f"1 ratings: {place / 'x.parquet'}" in out
    assert (place / "x.parquet").is_file()
    status, out, err = rate(answers, "seed=1", "mode=export")
    assert status == 2 and "another study" in err and len(err.splitlines()) == 1
    status, out, err = rate(answers, "ovrlap=1")
    assert status == 2 and "did you mean overlap" in err
    status, out, err = rate(answers, "sheet=respnses")
    assert status == 2 and "did you mean responses" in err
    status, out, err = rate(answers, "sheet.commn=true")
    assert status == 2 and "ResponsesSheet has: common" in err
    status, out, err = rate("--help")
    assert (status, err) == (0, "")
    assert "sheet: hallucination, pairs, paper, preference, responses" in out and "mode=serve" in out
    path.write_text("no database")
    status, out, err = rate(answers, "mode=summary")
    assert status == 2 and str(path) in err and len(err.splitlines()) == 1


def test_nothing_heavy_is_loaded_to_say_what_is_wrong(tmp_path: Path, environment: dict[str, str]) -> None:
    code = (
        "import sys; sys.argv=['rate.py', 'answers=x.parquet'];"
        "import runpy\n"
        "try: runpy.run_path('rate.py', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'pyarrow', 'starlette', 'matplotlib', 'numpy', 'scipy', 'lm_eval'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_a_real_study(tmp_path: Path) -> None:
    """Four real systems' answers to the paper's 114 instructions; the preset fills all of its 120 places."""
    path = files.real(tmp_path)
    study: Study = study_of(compose("rate", [f"answers={path}", "sheet=paper"]))
    assert (len(study.items), {len(item.targets) for item in study.items}) == (114, {4})
    assert "114 items with 456 things to rate, of 4 students; 6 of the items go to 2 raters" in described(
        study
    )
    owners = {owner for item in study.items for target in item.targets for owner in target.owners}
    assert owners == {"text-davinci-003", "text-davinci-001", "davinci-self-instruct", "davinci"}
