"""What the shell sees: help, configuration, exit statuses; nothing heavy before a line is accepted."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from lamini import entry
from lamini.compose import CONF, families
from lamini.errors import UserError
from lamini.launching import line as launch
from lamini.runs import Job

Ask = Callable[..., tuple[int, str, str]]


def test_help_lists_the_herd_by_family(ask: Ask) -> None:
    status, out, err = ask("--help")
    assert (status, err) == (0, "")
    rows = {words[0]: words[1:] for line in out.splitlines() if (words := line.split())}
    assert {family: rows[family] for family in families()} == families()
    others = {"teacher", "instructions", "curation", "diversity"}  # generate.py's
    others |= {"suite", "classifier", "preset"}  # evaluate.py's
    others |= {"sheet"}  # rate.py's
    for group in {path.parent for path in CONF.rglob("*/*.yaml")}:
        name = group.relative_to(CONF).as_posix()
        assert (f"\n  {name}: " in out) == (name not in others)
        if name not in others:
            options = sorted(path.stem for path in group.glob("*.yaml"))
            assert f"  {name}: {', '.join(options)}" in out
    assert "mode=verify" in out
    assert "$" not in out


def test_help_shows_a_family_of_the_user(ask: Ask, tmp_path: Path) -> None:
    facts = yaml.safe_load((CONF / "family" / "t5.yaml").read_text())
    (tmp_path / "family").mkdir()
    (tmp_path / "family" / "mine.yaml").write_text(yaml.safe_dump(facts))
    _, out, _ = ask("--help", "--config-dir", str(tmp_path))
    assert "  mine " in out


def test_cfg_shows_the_composed_job(train: Callable[..., tuple[int, str, str]]) -> None:
    status, out, err = train("model=t5-nano", "architecture.d_ff=64", "--cfg", "job")
    assert (status, err) == (0, "")
    shown = yaml.safe_load(out)
    assert shown["architecture"] == {"d_ff": 64}
    assert shown["family"]["name"] == "t5"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[Job], bool, list[str], list[str]]]:
    """What `command` hands to `launch.start` and to Hydra."""
    calls: list[tuple[list[Job], bool, list[str], list[str]]] = []

    def start(main: object, jobs: list[Job], multirun: bool, line: list[str]) -> int:
        calls.append((jobs, multirun, line, sys.argv[1:]))
        return 5

    monkeypatch.setattr(launch, "start", start)
    return calls


def test_a_good_line_is_handed_over_as_it_was_checked(ask: Ask, started: list[tuple[object, ...]]) -> None:
    words = ["architecture.d_ff=64", "-m", "model=t5-nano,gpt2-nano", "seed=3"]
    assert ask(*words) == (5, "", "")
    ((jobs, multirun, line, given),) = started
    assert [job.folder.name for job in jobs] == ["t5-nano", "gpt2-nano"]  # type: ignore[attr-defined]
    assert multirun is True
    assert line == ["python", "train.py", *words]
    excluded = f"{entry.EXCLUDE}=[architecture.d_ff,family,model,seed,size]"
    assert given == ["-m", "++architecture.d_ff=64", "model=t5-nano,gpt2-nano", "seed=3", excluded]


def test_a_key_that_is_added_to_hydras_own_is_added_once(ask: Ask, started: list[tuple[object, ...]]) -> None:
    assert ask("-m", "model=t5-nano,gpt2-nano", "+hydra.job.env_set.KEY=value") == (5, "", "")
    assert len(started[0][0]) == 2  # type: ignore[arg-type]


def test_a_single_line_needs_no_exclusion(ask: Ask, started: list[tuple[object, ...]]) -> None:
    assert ask("model=t5-nano", "name=mine")[0] == 5
    ((jobs, multirun, _, given),) = started
    assert [str(job.folder) for job in jobs] == ["outputs/mine/t5-nano"]  # type: ignore[attr-defined]
    assert (multirun, given) == (False, ["model=t5-nano", "name=mine"])


def test_exit_statuses(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def mistake(*_: object, **__: object) -> int:
        raise UserError("the disk is full")

    def bug(*_: object, **__: object) -> int:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(launch, "start", mistake)
    assert ask("model=t5-nano") == (2, "", "train.py: the disk is full\n")
    monkeypatch.setattr(launch, "start", bug)
    status, _, err = ask("model=t5-nano")
    assert status == 1
    assert "ZeroDivisionError" in err
    assert err.splitlines()[-1].startswith("train.py: this is a mistake of LaMini's")
