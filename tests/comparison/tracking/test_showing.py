"""compare.py wandb=true without a connection: files and one line, which brings scores to the right runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from lamini.comparison.blocks import Chapter, Text
from lamini.comparison.herd import Herd, Kind, Member
from lamini.comparison.reading import read
from lamini.comparison.tracking import showing
from lamini.errors import UserError
from tests.comparison.tracking.conftest import Sync
from tests.comparison.tracking.graphql import ENTITY
from tests.comparison.tracking.stub import Server
from tests.training import small

pytestmark = [
    pytest.mark.timeout(280),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:wandb_workspaces"),  # theirs, of pydantic
]
CHAPTER = Chapter("overview", "Overview", [Text("Three students.")])


@pytest.fixture(autouse=True)
def keyless(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))


def _show(herd: Path, out: Path) -> list[str]:
    read_herd = read(str(herd), paper=False)
    return showing.show(read_herd, project="lamini", entity=None, out=out, offline=True, overview=CHAPTER)


def test_offline_two_files_and_one_line_that_brings_all_of_it(
    herd: Path, tmp_path: Path, server: Server, sync: Sync
) -> None:
    out = tmp_path / "book" / "wandb"
    files, line = _show(herd, out)
    assert f"{out / 'workspace.json'} and {out / 'report.json'}" in files and "WANDB_API_KEY" in files
    for name in ("workspace.json", "report.json"):
        assert json.loads((out / name).read_text())["project"] == "lamini"
    said = sync(line.removeprefix("W&B runs: "))
    assert said.returncode == 0 and not server.unknown, (said.stderr, server.unknown)
    by_name = {run.name.removesuffix(" (scratch)"): run for run in server.runs.values()}
    assert set(by_name) == {"t5-nano", "gpt2-nano,seed=7", "llama-nano"}
    told = by_name["t5-nano"].summary
    assert told["nlp15/mean"] == 53.55 and told["nlp15/wsc273"] == 57.1 and told["nlp15/winogrande"] == 50.0
    last = small.lines(herd / "t5-nano" / "metrics.jsonl")[-1]
    assert told["validation/loss"] == last["validation/loss"] and told["validation/answers"]["nrows"] == 1
    assert told["validation_loss"] == small.record(herd / "t5-nano")["validation_loss"]
    assert [run.exit_code for _, run in sorted(by_name.items())] == [0, 1, 0]
    assert all(run.told["project"] == "lamini" and run.group == "zoo" for run in by_name.values())
    rows = [row for row in by_name["t5-nano"].history if "validation/answers" not in row]
    assert len(rows) == len(small.lines(herd / "t5-nano" / "metrics.jsonl"))


def test_scores_that_do_not_compare_have_columns_of_their_own(
    herd: Path, tmp_path: Path, server: Server, sync: Sync
) -> None:
    sync(_show(herd, tmp_path / "wandb")[1].removeprefix("W&B runs: "))
    other = next(run for run in server.runs.values() if run.name.startswith("gpt2")).summary
    assert other["nlp15 apart 1/mean"] == 60.0 and "winogrande" in other["nlp15 apart 1/why"]
    assert not [name for name in other if name.startswith("nlp15/")]


def test_a_second_call_replaces_what_the_first_one_wrote(herd: Path, tmp_path: Path) -> None:
    out = tmp_path / "wandb"
    _show(herd, out)
    first = {path.name for path in (out / "wandb").glob("offline-run-*")}
    _show(herd, out)
    second = {path.name for path in (out / "wandb").glob("offline-run-*")}
    assert len(first) == len(second) == 3


def test_a_model_that_was_only_scored_becomes_a_run_of_its_own(
    herd: Path, tmp_path: Path, server: Server, sync: Sync
) -> None:
    from tests.comparison.tracking.conftest import score

    score_folder = tmp_path / "bases" / "t5-small"
    score_folder.mkdir(parents=True)
    score(score_folder, {"wsc273": 0.5, "winogrande": 0.4})
    sync(_show(tmp_path / "bases", tmp_path / "wandb")[1].removeprefix("W&B runs: "))
    (run,) = server.runs.values()
    assert run.name == "t5-small" and run.group == "bases" and run.told["jobType"] == "evaluate"
    assert run.config["family"] == "t5" and run.config["parameters"] == 60506624
    assert run.summary["nlp15/mean"] == 45.0 and run.exit_code == 0


def test_a_herd_of_another_logger_is_in_the_table_too(
    herd: Path, tmp_path: Path, server: Server, sync: Sync
) -> None:
    for run in herd.iterdir():
        shutil.rmtree(run / "wandb")
    killed = small.record(herd / "gpt2-nano,seed=7") | {"status": "running"}
    (herd / "gpt2-nano,seed=7" / "run.json").write_text(json.dumps(killed))
    sync(_show(herd, tmp_path / "wandb")[1].removeprefix("W&B runs: "))
    told = {run.name.removesuffix(" (scratch)"): run for run in server.runs.values()}
    assert set(told) == {"t5-nano", "gpt2-nano,seed=7", "llama-nano"}
    assert told["t5-nano"].config["family"] == "t5" and told["t5-nano"].summary["validation/loss"]
    assert told["llama-nano"].summary["status"] == "failed" and told["llama-nano"].exit_code == 1
    assert told["gpt2-nano,seed=7"].summary["status"] == "killed"
    assert told["gpt2-nano,seed=7"].exit_code == 1


def test_what_still_runs_is_left_alone_and_what_is_torn_is_no_run(herd: Path, tmp_path: Path) -> None:
    (herd / "llama-nano" / "config.yaml").write_text("a: [")
    lock = FileLock(herd / "t5-nano" / "lock")
    record = small.record(herd / "t5-nano")
    (herd / "t5-nano" / "run.json").write_text(json.dumps({**record, "status": "running"}))
    with lock:
        _show(herd, tmp_path / "wandb")
    (only,) = (tmp_path / "wandb" / "wandb").glob("offline-run-*")
    assert only.name.endswith(small.record(herd / "gpt2-nano,seed=7")["wandb_id"])


def test_the_papers_numbers_stay_out(tmp_path: Path) -> None:
    herd = Herd([Member("LaMini-T5-61M", Kind.published, None, {"family": "t5"})])
    (line,) = showing.show(herd, project="p", entity=None, out=tmp_path, offline=True)
    assert line.startswith("W&B: no runs to show") and not list(tmp_path.iterdir())


def test_without_a_key_one_sentence_says_what_would_work(herd: Path, tmp_path: Path) -> None:
    read_herd = read(str(herd), paper=False)
    with pytest.raises(UserError, match="WANDB_API_KEY .*offline=true"):
        showing.show(read_herd, project="p", entity=None, out=tmp_path, offline=False, overview=CHAPTER)


def test_without_wandb_workspaces_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "wandb_workspaces", None)
    with pytest.raises(UserError, match=r"lamini-herd\[workspaces\]"):
        showing.show(Herd([]), project="p", entity=None, out=tmp_path, offline=True)


ONLINE = """
import sys
from pathlib import Path
from lamini.comparison.blocks import Chapter, Text
from lamini.comparison.reading import read
from lamini.comparison.tracking import show
from lamini.errors import UserError
try:
    chapter = Chapter("overview", "Overview", [Text("Three students.")])
    herd = read(sys.argv[1], paper=False)
    told = {"project": "lamini", "entity": None, "offline": False, "overview": chapter}
    print(*show(herd, out=Path(sys.argv[2]), **told), sep="\\n")
except UserError as error:
    sys.exit(f"refused: {error}")
"""


def _online(sync: Sync, herd: Path, out: Path, **more: str) -> Any:
    script = out.parent / "online.py"
    script.write_text(ONLINE)
    return sync(f"python {script} {herd} {out}", **more)


@pytest.mark.slow
def test_online_the_views_are_saved_and_scores_go_where_training_was_uploaded(
    herd: Path, tmp_path: Path, server: Server, sync: Sync
) -> None:
    sync(f"WANDB_RESUME=allow wandb sync {herd}/t5-nano/wandb")
    before = next(iter(server.runs.values())).summary
    said = _online(sync, herd, tmp_path / "wandb")
    assert said.returncode == 0 and not server.unknown, (said.stderr, server.unknown)
    assert said.stderr == ""
    lines = said.stdout.splitlines()
    assert lines[0].startswith(f"W&B workspace: {server.url}/{ENTITY}/lamini?nw=")
    assert lines[1].startswith(f"W&B report: {server.url}/{ENTITY}/lamini/reports/")
    assert lines[2] == "W&B: last numbers and scores of 3 runs added" and "not uploaded yet" in lines[3]
    assert [view["type"] for view in server.views] == ["project-view", "runs"]
    assert server.projects == {"lamini"}
    (run,) = server.runs.values()
    assert run.summary["nlp15/mean"] == 53.55
    assert {name: run.summary.get(name) for name in ("train/loss", "status")} == {
        name: before[name] for name in ("train/loss", "status")
    }
    sync(lines[3].removeprefix("W&B: not uploaded yet: "))
    scored = [run.summary for run in server.runs.values() if run.name.startswith("gpt2")]
    assert scored[0]["nlp15 apart 1/mean"] == 60.0 and "validation/loss" in scored[0]


@pytest.mark.parametrize(("key", "said"), [("b" * 40, "invalid API key"), ("short", "40")])
def test_a_wrong_key_is_one_sentence(
    herd: Path, tmp_path: Path, server: Server, sync: Sync, key: str, said: str
) -> None:
    answer = _online(sync, herd, tmp_path / "wandb", WANDB_API_KEY=key)
    assert answer.returncode == 1 and answer.stdout == "" and not server.views and not server.runs
    (line,) = answer.stderr.splitlines()
    assert line.startswith("refused: wandb=true: W&B refuses (") and said in line and "offline=true" in line


@pytest.mark.slow
def test_the_line_of_a_user_makes_the_book_and_both_views(
    herd: Path, tmp_path: Path, server: Server, sync: Sync
) -> None:
    line = f"python compare.py runs={herd} output={tmp_path / 'book'} wandb=true resamples=100"
    keyless = sync(line, WANDB_API_KEY="")
    assert keyless.returncode == 2 and "WANDB_API_KEY" in keyless.stderr.splitlines()[-1], keyless.stderr
    said = sync(line)
    assert said.returncode == 0 and not server.unknown, (said.stderr, server.unknown)
    assert "W&B workspace: " in said.stdout and (tmp_path / "book" / "book.html").is_file()
    by_type = {view["type"]: json.loads(view["spec"]) for view in server.views}
    assert set(by_type) == {"project-view", "runs"}
    texts = [block.get("content", "") for block in by_type["runs"]["blocks"]]
    assert any("| t5-nano |" in text and "| llama-nano |" in text for text in texts), "the herd's table"
    assert any("a loss that is no number" in text for text in texts), "what failed, and why"
