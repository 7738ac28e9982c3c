"""logger=trackio: the numbers of metrics.jsonl in its file, attempts under one name, a sentence without it.

trackio wants an older pillow than the others: it runs where it is installed, in an environment of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from lamini.compose import compose
from lamini.errors import UserError
from lamini.training.trackio_logger import Trackio
from tests.training import small

needed = pytest.mark.skipif(find_spec("trackio") is None, reason="trackio is not installed")
TRAINED = """
import sys
from pathlib import Path
import pytest
from tests.training import small
line = ("logger=trackio", "logger.project=mine", "logger.tags=[mine]", "name=zoo")
with pytest.MonkeyPatch.context() as patch:
    small.stop_after(4, patch)
    small.train(Path(sys.argv[1]) / "b", "gpt2", *line)
small.train(Path(sys.argv[1]) / "b", "gpt2", *line)
small.train(Path(sys.argv[1]) / "a", "t5", *line, "data.held_out=2")
"""
READ = """
import json
from trackio.sqlite_storage import SQLiteStorage
kept, mine = SQLiteStorage, "mine"
runs = {name: [kept.get_logs(mine, name), kept.get_run_config(mine, name)] for name in kept.get_runs(mine)}
print(json.dumps(runs, default=str))
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, dict[str, Any]]:
    """Where they were trained, what was printed, and name -> records and config as trackio has them."""
    folder = tmp_path_factory.mktemp("trackio")
    paths = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "TRACKIO_DIR": str(folder / "kept"), "PYTHONPATH": os.pathsep.join(paths)}
    said = [
        subprocess.run(
            [sys.executable, "-c", script, str(folder)], env=environment, text=True, check=True,
            capture_output=True, timeout=200,
        ).stdout
        for script in (TRAINED, READ)
    ]  # fmt: skip
    return folder, said[0], json.loads(said[1])


@needed
@pytest.mark.timeout(280)
def test_records_are_those_of_metrics_jsonl_and_attempts_one_run(
    kept: tuple[Path, str, dict[str, Any]],
) -> None:
    folder, said, runs = kept
    assert len(runs) == 2 and "Trackio metrics logged to" not in said
    assert said.count("run: trackio show --project mine") == 3 and "Run finished" not in said
    for run in (folder / "a" / "run", folder / "b" / "run"):
        record = small.record(run)
        logs, config = runs[f"run (scratch) {record['wandb_id'][-8:]}"]
        assert config["family"] == record["family"] and config["tags"][-1] == "mine"
        assert config["_Group"] == "zoo"
        losses = [(row["step"], row["train/loss"]) for row in logs if "train/loss" in row]
        told = [(row["step"], row["train/loss"]) for row in small.metrics(run) if "train/loss" in row]
        assert [loss for loss in losses if loss in told] == told
        last = [row for row in logs if "summary/validation_loss" in row][-1]
        assert last["summary/validation_loss"] == pytest.approx(record["validation_loss"])
        assert any("validation/answers" in row for row in logs)


def test_without_it_the_line_is_refused_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamini.training.trackio_logger.find_spec", lambda name: None)
    config = compose("train", ["model=t5-nano", "logger=trackio"])
    assert config.logger == Trackio("lamini", None, [])
    with pytest.raises(
        UserError, match=r"logger=trackio needs trackio; pip install 'lamini-herd\[trackio\]'"
    ):
        config.logger.check()
