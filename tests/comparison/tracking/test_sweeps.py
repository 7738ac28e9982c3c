"""Sweep files for W&B's agents: what an agent makes of them is a line of ours, and a real agent runs it."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

from lamini.compose import compose
from tests.comparison.tracking.conftest import ROOT, Sync
from tests.comparison.tracking.stub import Server
from tests.training import small

FOLDER = ROOT / "experiments" / "wandb-sweep"
FILES = sorted(path.name for path in FOLDER.glob("*.yaml"))
TINY = {
    word.partition("=")[0]: word.partition("=")[2]
    for word in [*small.LINE, *small.SHAPES["gpt2"]]
    if not word.startswith(("logger", "validation.held_out"))
}


def _sweep(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((FOLDER / name).read_text()))


def _ends(parameter: dict[str, Any]) -> list[Any]:
    """All values of a choice, both ends of a range."""
    return list(parameter.get("values") or [parameter[end] for end in ("min", "max")])


def _line(sweep: dict[str, Any], values: dict[str, Any]) -> list[str]:
    """The words that an agent starts, by W&B's own code."""
    args = {name: {"value": value} for name, value in values.items()}
    filled = create_sweep_command_args({"args": args})
    filled |= {"env": ["/usr/bin/env"], "interpreter": ["python"], "program": [sweep["program"]]}
    words: list[str] = []
    for word in create_sweep_command(list(sweep["command"])):
        macro = word.startswith("${") and word.endswith("}")
        words += filled[word[2:-1]] if macro else [word]
    return words


@pytest.mark.parametrize("name", FILES)
def test_every_corner_of_a_sweep_is_a_line_of_train(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_RUN_ID", "abc123")
    sweep = _sweep(name)
    parameters = sweep["parameters"]
    for values in product(*map(_ends, parameters.values())):
        chosen = dict(zip(parameters, values, strict=True))
        words = _line(sweep, chosen)
        assert words[:3] == ["/usr/bin/env", "python", "train.py"] and not any("--" in word for word in words)
        config = compose("train", [word for word in words[3:] if not word.startswith("hydra.")])
        for key, value in chosen.items():
            if key == "model":
                assert f"{config.family.name}-{config.size.name}" == value
                continue
            found: Any = config
            for part in key.split("."):
                found = getattr(found, part)
            assert found == value
        assert config.name == name.removesuffix(".yaml")


def test_there_are_sweeps_and_the_readme_names_them() -> None:
    readme = (FOLDER / "README.md").read_text()
    assert len(FILES) == 2 and all(f"]({name})" in readme for name in FILES)


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_a_real_agent_trains_a_student_that_arrives_in_its_sweep(
    server: Server, sync: Sync, tmp_path: Path
) -> None:
    sweep = _sweep("students.yaml")
    paths = {"paths.output_dir": str(tmp_path), "paths.cache_dir": str(tmp_path / "cache")}
    values = {"seed": 2, **TINY, **paths}
    server.sweep = {"config": (FOLDER / "students.yaml").read_text(), "state": "RUNNING", "method": "grid"}
    server.commands = [
        {"type": "run", "run_id": "k3y0fwnb", "program": sweep["program"],
         "args": {name: {"value": value} for name, value in values.items()}},
    ]  # fmt: skip
    said = sync("wandb agent somebody/lamini/5weep1d", WANDB_DIR=str(tmp_path))
    folder = tmp_path / "students" / "gpt2-nano-k3y0fwnb"
    assert folder.is_dir(), said.stderr
    record = small.record(folder)
    assert record["status"] == "done" and record["wandb_id"] == "k3y0fwnb", said.stderr
    assert record["provenance"]["seed"] == 2
    (run,) = server.runs.values()
    assert run.id == "k3y0fwnb" and run.told["sweep"] == "5weep1d" and run.group == "students"
    assert run.exit_code == 0 and run.summary[sweep["metric"]["name"]] == record["validation_bits_per_byte"]
    assert any(_sweep("learning-rate.yaml")["metric"]["name"] in row for row in run.history)
    assert run.config["seed"] == 2 and json.loads(run.told["config"])["seed"]
    assert not server.unknown, server.unknown
