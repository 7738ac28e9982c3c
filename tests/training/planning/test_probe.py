"""mode=plan measures real micro-batches, in a process of its own, and leaves nothing behind."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lamini.children import Died
from lamini.launching.line import LINE, _probed
from lamini.runs import Job
from lamini.students.loading import build_model
from lamini.training import memory
from lamini.training.objectives.objective import Objective
from lamini.training.planning import estimate, probe
from lamini.training.planning.forecast import Measured
from lamini.training.prepare import prepare
from tests.training import small
from tests.training.planning.test_forecast import FORECAST

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "SECONDS", 0.3)


@pytest.mark.parametrize("shape", sorted(small.SHAPES))
def test_a_probe_measures_time_and_memory(tmp_path: Path, shape: str) -> None:
    found = probe.probe(small.config(tmp_path, shape, "mode=plan"), 160)
    assert found.seconds is not None and 0 < found.seconds < 60
    assert found.memory == pytest.approx(memory.peak(CPU), rel=0.01)
    assert re.fullmatch(r"time and memory measured on \d+ micro-batches of at most 160 positions", found.note)
    assert list(tmp_path.iterdir()) == []


def test_time_is_that_of_all_positions_of_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second a hundred positions and half a second an update: a step is its own padded positions' worth."""
    config = small.config(tmp_path, "gpt2")
    prepared = prepare(config)
    model = build_model(config, len(prepared.student.tokenizer))
    prepared.student.model = model
    monkeypatch.setattr(probe, "forward_and_backward", lambda c, o, s, part, d: part.padded_positions / 100)
    monkeypatch.setattr(probe, "_update", lambda student, optimizer, device: 0.5)
    found = probe.measure(config, Objective(), prepared, 160, CPU)
    step = estimate.shape_of(config, prepared, model, 160).padded / 100 + 0.5
    assert found.seconds == pytest.approx(step * prepared.steps)


def test_a_smaller_piece_is_measured_where_a_micro_batch_takes_long(tmp_path: Path) -> None:
    config = small.config(tmp_path, "t5", "batch_size=40", "size.micro_tokens=4000")
    prepared = prepare(config)
    assert probe.affordable(config, prepared, 1e15, CPU) == 4000
    slow = probe.affordable(config, prepared, 1e5, CPU)
    assert slow is None or prepared.longest <= slow < 4000
    assert probe.affordable(config, prepared, 1.0, CPU) is None


def test_what_is_not_tried_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = small.config(tmp_path, "gpt2")
    with monkeypatch.context() as patch:
        patch.setattr(memory, "available", lambda device: 2**20)
        found = probe.probe(config, 160)
        assert found.seconds is None and "would not fit the memory" in found.note
    monkeypatch.setattr(estimate, "multiplications", lambda device: 1.0)
    found = probe.probe(config, 160)
    assert found.seconds is None and "run one pair would take above 10 s" in found.note


def test_a_probe_that_dies_leaves_the_estimate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job(small.config(tmp_path, "gpt2"), tmp_path / "run")

    def dies(*arguments: object) -> Measured:
        raise Died("lamini.training.planning.probe.probe", -9)

    monkeypatch.setattr(LINE, "call", dies)
    found = _probed(job, FORECAST)
    assert found.seconds == FORECAST.seconds and not found.measured
    assert found.warnings[-1].endswith("killed by signal 9 (out of memory?); time and memory are estimated")


def test_a_plan_trains_nothing_and_leaves_no_run_folder(
    train: Callable[..., tuple[int, str, str]], tiny: tuple[str, ...], tmp_path: Path
) -> None:
    words = ("-m", "model=t5-nano,gpt2-nano", *tiny, "mode=plan", f"paths.output_dir={tmp_path}")
    status, out, err = train(*words)
    assert status == 0, out + err
    assert "one after the other (measured)" in out and "measuring gpt2-nano ..." in out
    padding = out.partition("Padding")[2]
    assert re.search(r"t5-nano +│ +2,048 │ +[\d.]+ % ", padding)
    assert out.count("micro-batches of at most 2,048 positions") == 2
    assert [path.name for path in tmp_path.iterdir()] in ([], [".cache"])
