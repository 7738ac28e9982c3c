"""The plan is exact where it can be and near where it cannot; verify tells a sound loss from a broken one."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lamini.errors import UserError
from lamini.students.loading import build_model
from lamini.training import memory
from lamini.training.planning.plan import forecast, plan_all
from lamini.training.prepare import prepare
from tests.training import small

SPEED = 1e10


@pytest.mark.parametrize("shape", sorted(small.SHAPES))
def test_parameters_pairs_steps_and_tokens_are_exact(tmp_path: Path, shape: str) -> None:
    config = small.config(tmp_path, shape)
    config.trainer.max_steps, config.trainer.max_epochs = None, 2.5
    plan = forecast(config, tmp_path / "run", SPEED)
    prepared = prepare(config)
    model = build_model(config, len(prepared.student.tokenizer))
    assert plan.parameters == sum(p.numel() for p in model.parameters())
    assert plan.pairs == len(prepared.train) == prepared.order.pairs_per_epoch
    assert plan.steps == math.ceil(plan.pairs * 2.5 / 6)
    lengths = prepared.train.prompt_lengths_N.sum() + prepared.train.response_lengths_N.sum()
    assert plan.tokens == pytest.approx(lengths / plan.pairs * plan.steps * 6, abs=1)
    assert plan.seconds > 0 and plan.memory > 0 and plan.note == ""
    assert not (tmp_path / "run").exists()


def test_a_folder_with_something_in_it_shortens_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small.config(tmp_path, "gpt2")
    whole = forecast(config, tmp_path / "run", SPEED).seconds
    with monkeypatch.context() as patch:
        small.stop_after(4, patch)
        small.train(tmp_path, "gpt2")
    rest = forecast(config, tmp_path / "run", SPEED)
    assert rest.note == "continues after step 4" and rest.seconds == pytest.approx(whole / 3)
    small.train(tmp_path, "gpt2")
    assert forecast(config, tmp_path / "run", SPEED).seconds == 0
    record = small.record(tmp_path / "run")
    record["data"]["fingerprint"] = "0" * 16
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match="was trained on other rows .fingerprint 0000000000000000, now"):
        forecast(config, tmp_path / "run", SPEED)
    record["data"] = None  # failed before it knew its data
    record["status"] = "failed"
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    assert forecast(config, tmp_path / "run", SPEED).note == "continues after step 6"


def test_more_of_everything_costs_more(tmp_path: Path) -> None:
    base = forecast(small.config(tmp_path, "t5"), tmp_path / "a", SPEED)
    wide = forecast(small.config(tmp_path, "t5", "architecture.d_model=256"), tmp_path / "b", SPEED)
    long = forecast(small.config(tmp_path, "t5", "trainer.max_steps=60"), tmp_path / "c", SPEED)
    lean = forecast(small.config(tmp_path, "t5", "optimizer=adafactor"), tmp_path / "d", SPEED)
    assert wide.memory > base.memory > lean.memory and wide.seconds > base.seconds
    assert long.seconds == pytest.approx(10 * base.seconds, rel=0.01)


def test_only_mode_plan_lays_the_batchings_side_by_side(tmp_path: Path) -> None:
    """The shares are those of padding_share, which tests/data/test_stats.py holds against a count."""
    start = forecast(small.config(tmp_path, "t5"), tmp_path / "run", SPEED)
    assert list(start.padding) == [start.batching] == ["packed"] and not start.measured
    plan = forecast(small.config(tmp_path, "t5", "mode=plan"), tmp_path / "run", SPEED)
    assert list(plan.padding) == ["packed", "bucketed", "plain"]
    assert plan.padding["packed"] == start.padding["packed"]
    packed, bucketed, plain = (share or 0.0 for share in plan.padding.values())
    assert 0 <= packed < bucketed <= plain < 1


def test_a_pair_that_no_micro_batch_holds_cannot_be_packed(tmp_path: Path) -> None:
    plan = forecast(small.config(tmp_path, "t5", "mode=plan", "size.micro_tokens=9"), tmp_path / "run", SPEED)
    assert plan.batching == "bucketed" and plan.padding["packed"] is None
    assert plan.padding["bucketed"] is not None


def test_what_will_not_fit_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = small.config(tmp_path, "gpt2")
    monkeypatch.setattr(memory, "available", lambda device: 2**20)
    monkeypatch.setattr("shutil.disk_usage", lambda place: SimpleNamespace(free=2**10))
    (plan,) = plan_all([(config, tmp_path / "run")])
    tight, full = plan.warnings[-2:]
    assert "GiB are free" in tight and "size.micro_tokens below 160" in tight
    assert str(tmp_path) in full and "paths.output_dir" in full
    assert not (tmp_path / "run").exists()


def test_a_size_left_open_is_settled_in_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = small.config(tmp_path, "gpt2", "size.micro_tokens=null")
    plan = forecast(config, tmp_path / "run", SPEED)
    assert plan.micro_tokens >= prepare(config).longest
    assert any(f"size.micro_tokens: about {plan.micro_tokens}, as more" in text for text in plan.warnings)
    monkeypatch.setattr("lamini.training.planning.plan.tries", lambda device: True)
    assert any("found by trying" in text for text in forecast(config, tmp_path / "run", SPEED).warnings)


def test_data_smaller_than_a_batch_is_refused(tmp_path: Path) -> None:
    config = small.config(tmp_path, "t5", "batch_size=500")
    with pytest.raises(UserError, match=r"batch_size=500 is more than the \d+ training pairs of an epoch"):
        plan_all([(config, tmp_path / "run")])


MEASURE = """
import sys
from pathlib import Path
from lamini.compose import compose
from lamini.training import fit
from lamini.training.planning import plan
folder = Path(sys.argv[1])
config = compose("train", sys.argv[2:] + [f"paths.output_dir={folder}"])
expected = plan.forecast(config, folder / "run", 1e10).memory
fit.run(config, folder / "run")
# Not ru_maxrss: a child inherits the peak of the process that started it, here of the whole test run.
(peak,) = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print("ratio", int(peak) * 1024 / expected)
"""


@pytest.mark.slow
@pytest.mark.parametrize("model", ["t5-nano", "gpt2-micro"])
def test_memory_is_forecast_within_a_factor_of_two(tmp_path: Path, model: str) -> None:
    line = [
        f"model={model}", "data.pairs=500", "data.held_out=0", "trainer.max_steps=3", "logger=none",
        "trainer.accelerator=cpu", "validation.limit=8", "validation.answers=0",
    ]  # fmt: skip
    command = [sys.executable, "-c", MEASURE, str(tmp_path), *line]
    out = subprocess.run(command, capture_output=True, text=True, timeout=250, check=True).stdout
    ratio = float(out.rsplit("ratio", 1)[1])
    assert 0.5 < ratio < 2
