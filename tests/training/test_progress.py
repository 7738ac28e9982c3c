"""What a person sees while a student trains: plain lines in a file, a bar on a terminal."""

from __future__ import annotations

import io
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from lamini.training import fit
from lamini.training.loggers import Metrics
from lamini.training.progress import ProgressDisplay
from lamini.training.recording import Recorder
from tests.training import small


def test_a_run_says_in_plain_lines_which_student_how_far_and_how_long(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small.config(tmp_path, "gpt2")
    with monkeypatch.context() as patch:
        small.stop_after(4, patch)
        fit.run(config, tmp_path / "run", 2, 5)
    fit.run(config, tmp_path / "run", 2, 5)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "[2/5] run: 6 steps"
    assert re.fullmatch(r"\[2/5\] run: step 3/6  validation loss \d\.\d{4}", lines[1])
    assert lines[2] == "run: stopped after step 4; the same line continues it"
    assert lines[3] == "[2/5] run: continues after step 4 of 6 steps"
    pattern = r"\[2/5\] run: step 6/6  loss \d\.\d{3}  [\d,]+ response tokens/s  0 s left"
    assert re.fullmatch(pattern, lines[4])
    assert not any("\x1b" in line for line in lines)


def trainer(step: int) -> Any:
    return SimpleNamespace(global_step=step, is_global_zero=True, callback_metrics={"validation/loss": 2.5})


def test_a_terminal_gets_a_bar_with_the_same_facts(tmp_path: Path) -> None:
    recorder = Recorder(Metrics(tmp_path / "metrics.jsonl"), 10, 100)
    recorder.losses.append(3.25)
    recorder.recent.append((500, 2.0))
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120)
    display = ProgressDisplay(recorder, "t5-nano,seed=2", 1, 4, 20, console)
    display.on_train_start(trainer(10), SimpleNamespace())  # type: ignore[arg-type]
    assert display.bar is not None
    display.on_train_batch_end(trainer(15), SimpleNamespace())  # type: ignore[arg-type]
    assert display.bar.tasks[0].completed == 15
    display.on_validation_end(trainer(15), SimpleNamespace())  # type: ignore[arg-type]
    display.bar.refresh()
    display.teardown(trainer(15), SimpleNamespace(), "fit")  # type: ignore[arg-type]
    assert display.bar is None
    shown = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", out.getvalue())
    assert "[1/4] t5-nano,seed=2" in shown and "step 15/20  loss 3.250  250 response tokens/s" in shown
    assert "step 15/20  validation loss 2.5000" in shown


def test_the_time_left_goes_by_the_pace_of_this_start(tmp_path: Path) -> None:
    recorder = Recorder(Metrics(tmp_path / "metrics.jsonl"), 10, 100)
    recorder.losses.append(1.0)
    recorder.recent.append((1200, 1.0))
    display = ProgressDisplay(recorder, "x", 1, 1, 1000, Console(file=io.StringIO()))
    display.began, display.first = 100.0, 400
    # 100 steps in 60 seconds, 500 to go
    assert display.facts(500, 160.0) == "step 500/1,000  loss 1.000  1,200 response tokens/s  5.0 min left"


def test_padding_and_speed_are_counted_in_real_tokens(tmp_path: Path) -> None:
    recorder = Recorder(Metrics(tmp_path / "metrics.jsonl"), 1, 8)
    recorder.sums = {"pairs": 4, "response_tokens": 30, "positions": 80, "padded_positions": 100}
    recorder.seconds = 2.0
    assert recorder.epoch == 0.5 and recorder.speed == 15
    assert recorder.padding_share == pytest.approx(0.2)
    again = Recorder(Metrics(tmp_path / "other.jsonl"), 1, 8)
    again.load_state_dict(recorder.state_dict())
    assert again.state_dict() == recorder.state_dict()
