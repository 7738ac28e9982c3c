"""compare.py as a person starts it: a book from a herd, the paper, from ruins; wrong lines and statuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lamini.comparison import checks, command
from lamini.comparison.checks import check, place
from lamini.compose import compose
from lamini.config import CompareConfig
from lamini.errors import UserError
from tests.comparison.herds import run, scored

ROOT = Path(__file__).resolve().parents[2]
Answer = tuple[int, str, str]
CHAPTERS = ["overview", "evaluation", "size", "tuning", "ablation", "ratings", "probes", "dataset",
            "training", "responses", "provenance"]  # fmt: skip


@pytest.fixture
def compare(environment: dict[str, str]) -> Callable[..., Answer]:
    """compare("runs=...") -> exit status, stdout and stderr of the whole line."""

    def compared(*words: str) -> Answer:
        done = subprocess.run(
            [sys.executable, "compare.py", *words], cwd=ROOT, env=environment, capture_output=True, text=True,
            timeout=200,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    return compared


def config(**keys: object) -> CompareConfig:
    found: CompareConfig = compose("compare", [f"{name}={value}" for name, value in keys.items()])
    return found


def test_a_book_of_a_small_herd(compare: Callable[..., Answer], tmp_path: Path) -> None:
    herd = tmp_path / "outputs" / "herd"
    scored(run(herd / "t5-nano", "model=t5-nano"), {"a": 0.5, "b": 0.6})
    hostile = "<script>alert(1)</script>"
    run(herd / "gpt2-nano", "model=gpt2-nano", status="failed", record={"error": hostile})
    (herd / "t5-nano" / "evaluation" / "torn.json").write_text("{")
    status, out, err = compare(f"runs={herd}")
    assert (status, err) == (0, "")
    book = herd / "comparison" / "book.html"
    lines = out.splitlines()
    assert re.fullmatch(rf"{re.escape(str(book))} \(\d+\.\d MB\)", lines[-1])
    assert lines[0].startswith(f"left out: {herd}/t5-nano/evaluation/torn.json is torn")
    assert re.match(r"1 failed, 1 done: \d+ files in \d+\.\d s in ", lines[1])
    assert any(line.startswith("missing: ") for line in lines)
    page = book.read_text()
    assert [page.count(f'id="{key}"') for key in CHAPTERS] == [1] * len(CHAPTERS)
    assert hostile not in page
    assert "&lt;script&gt;alert(1)" in page
    record = json.loads((herd / "comparison" / "comparison.json").read_text())
    assert [chapter["key"] for chapter in record["chapters"]] == CHAPTERS
    assert {member["key"]: member["means"] for member in record["members"]}["t5-nano"] == {"quick": 55.0}
    assert command.run(config(runs=herd)) == book  # the book of a herd is none of its members
    again = json.loads((herd / "comparison" / "comparison.json").read_text())
    assert [again[key] for key in ("members", "chapters", "files")] == [
        record[key] for key in ("members", "chapters", "files")
    ]


def test_a_book_of_the_paper(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = command.run(config(runs="paper", output=tmp_path / "paper"))
    assert book == tmp_path / "paper" / "book.html"
    assert "35 of the paper: " in capsys.readouterr().out
    record = json.loads((tmp_path / "paper" / "comparison.json").read_text())
    tables = {name for chapter in record["chapters"] for name in chapter["tables"]}
    assert {"herd", "best", "results", "paper_table5", "paper_table6"} <= tables


@pytest.mark.parametrize("killed", ["run.json", "config.yaml", "evaluation/quick.json"])
def test_a_herd_of_one_torn_run(tmp_path: Path, capsys: pytest.CaptureFixture[str], killed: str) -> None:
    scored(run(tmp_path / "herd" / "t5-nano"), {"a": 0.5})
    (tmp_path / "herd" / "t5-nano" / killed).write_text('{"a": [')
    assert command.run(config(runs=tmp_path / "herd")).is_file()
    assert killed in capsys.readouterr().out


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({}, "runs=<folder> is missing"),
        ({"runs": "nowhere"}, "runs=nowhere is no folder"),
        ({"runs": "paper", "seed": -1}, "seed=-1 must be at least 0"),
        ({"runs": "paper", "resamples": 1}, "resamples=1 must be at least 100"),
        ({"runs": "paper", "output": "README.md"}, "output=README.md is a file; name a folder"),
        ({"runs": "paper", "analysis": "nowhere"}, "analysis=nowhere is no report.json"),
        ({"runs": "paper", "ratings": "nowhere"}, "ratings=nowhere is no summary.json"),
        ({"runs": "paper", "answers": "nowhere"}, "answers=nowhere matches no file"),
    ],
)
def test_what_cannot_work_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: dict[str, object], sentence: str
) -> None:
    (tmp_path / "README.md").write_text("x")
    found = config(**keys)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        check(found)
        command.run(found)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(("runs=nowhere",), "runs=nowhere is no folder"), (("runs=paper", "-m"), "one book at a time")],
)
def test_a_wrong_line_ends_with_2(
    compare: Callable[..., Answer], words: tuple[str, ...], sentence: str
) -> None:
    status, out, err = compare(*words)
    assert (status, out) == (2, "")
    assert err.startswith("compare.py: ")
    assert sentence in err
    assert len(err.splitlines()) == 1


def test_the_book_lies_in_the_first_herd(tmp_path: Path) -> None:
    for name in ("a", "b"):
        run(tmp_path / name / "t5-nano")
    both = f"[{tmp_path}/b,{tmp_path}/a]"
    assert place(config(runs=both)) == tmp_path / "b" / "comparison"
    assert place(config(runs=tmp_path / "a" / "t5-nano")) == tmp_path / "a" / "comparison"
    assert place(config(runs="paper")) == Path("outputs/paper/comparison")
    assert place(config(runs="paper", output="'~/x'")) == Path.home() / "x"


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match=r"cannot be written .* set output=<folder>"):
        check(config(runs="paper", output=tmp_path / "file" / "book"))


def test_wandb_needs_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"pip install 'lamini-herd\[workspaces\]'"):
        check(config(runs="paper", wandb="true"))
    monkeypatch.setattr(checks, "find_spec", lambda _: True)
    with pytest.raises(UserError, match="project is empty"):
        check(config(runs="paper", wandb="true", project="' '"))


def test_offline_as_the_line_or_wandbs_own_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)
    assert not checks.offline(config(runs="paper"))
    assert checks.offline(config(runs="paper", offline="true"))
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert checks.offline(config(runs="paper"))
