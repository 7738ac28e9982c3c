"""The plan and the table: every number in its place, empty where nothing is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lamini import report
from lamini.report import count, duration
from lamini.runs import FORMAT, RunFolder
from lamini.training.planning.forecast import Forecast

FORECAST = Forecast(
    run="t5-nano", student="t5", architecture="encoder-decoder", init="scratch", parameters=1_234_567,
    pairs=40_000, steps=3_125, tokens=5_600_000, memory=1.5 * 2**30, seconds=90.0, note="",
    warnings=("7 rows set aside",), micro_tokens=2048, batching="packed", padding={"packed": 0.014},
)  # fmt: skip


def lines(text: str, start: str) -> list[str]:
    """The cells of the table row that begins with `start`."""
    (line,) = (line for line in text.splitlines() if line.strip("│ ").startswith(f"{start} "))
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_count_and_duration() -> None:
    assert [count(n) for n in (12, 1_500, 1_234_567, 2.5e9)] == ["12", "1.5K", "1.2M", "2.5B"]
    assert [duration(s) for s in (5, 90, 7_200, 172_800)] == ["5 s", "1.5 min", "2.0 h", "2.0 days"]


def test_the_plan_has_a_line_a_student_and_the_sum(capsys: pytest.CaptureFixture[str]) -> None:
    other = replace(FORECAST, run="gpt2-nano", note="continues after step 5", seconds=30.0)
    report.plan([FORECAST, other])
    said = capsys.readouterr().out
    cells = [
        "t5-nano",
        "encoder-decoder",
        "scratch",
        "1.2M",
        "40,000",
        "3,125",
        "5.6M",
        "1.4 %",
        "1.5 GiB",
        "1.5 min",
        "",
    ]
    assert lines(said, "t5-nano") == cells
    assert lines(said, "gpt2-nano")[-1] == "continues after step 5"
    assert "2 student(s), about 2.0 min one after the other (estimated)" in said
    assert "bucketed" not in said
    assert said.count("7 rows set aside") == 1


def test_a_plan_that_was_asked_for_has_the_padding_of_every_batching(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shares = {"packed": 0.014, "bucketed": 0.296, "plain": 0.4}
    first = replace(FORECAST, padding=shares, measured=True)
    second = replace(FORECAST, run="other", batching="bucketed", padding={**shares, "packed": None})
    report.plan([first, second])
    said = capsys.readouterr().out.partition("Padding")[2]
    assert lines(said, "t5-nano") == ["t5-nano", "2,048", "1.4 % *", "29.6 %", "40.0 %"]
    assert lines(said, "other") == ["other", "2,048", "-", "29.6 % *", "40.0 %"]
    report.plan([first])
    assert "(measured)" in capsys.readouterr().out
    report.plan([first, second])
    assert "(measured for 1)" in capsys.readouterr().out


def run(path: Path, **facts: Any) -> Path:
    path.mkdir(parents=True)
    RunFolder(path).write({"format": FORMAT, "provenance": {}, **facts})
    return path


def test_the_table_has_every_run_and_its_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores = {
        "new_instances": {
            "n": 4,
            "student": 0.5,
            "untrained": 0.0,
            "majority": 0.25,
            "nearest_neighbour": 1.0,
        }
    }
    folders = [
        run(tmp_path / "good", status="done", init="scratch", validation_loss=2.34567, seconds=90.0,
            validation_bits_per_byte=1.5, response_tokens_per_second=1234.5, held_out=scores,
            mfu=0.412, peak_memory_gib=3.27),
        run(tmp_path / "bad", status="failed", init="scratch", error="loss is [nan] at step 3"),
        run(tmp_path / "dead", status="running", init="pretrained"),
        tmp_path / "never",
    ]  # fmt: skip
    assert report.table(folders) == ["done", "failed", "killed", "not run"]
    said = capsys.readouterr().out
    good = ["good", "done", "scratch", "2.346", "1.500", "1,234", "41.2 %", "3.3", "1.5", "50.0 %"]
    assert lines(said, "good") == good
    assert lines(said, "bad") == ["bad", "failed", "scratch", "", "", "", "", "", "", ""]
    assert lines(said, "dead")[1:3] == ["killed", "pretrained"]
    assert lines(said, "never")[1] == "not run"
    assert lines(said, "majority")[-1] == "25.0 %"
    assert lines(said, "nearest neighbour")[-1] == "100.0 %"
    assert "loss is [nan] at step 3" in said  # brackets are text, no markup
    assert all(str(folder) in said for folder in folders)


def test_a_run_that_is_held_is_running(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run(tmp_path / "busy", status="running")
    with RunFolder(folder).locked():
        assert report.table([folder]) == ["running"]
    assert "busy" in capsys.readouterr().out


def test_long_names_are_folded_and_not_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "gpt2-medium," + ",".join(f"trainer.option_{n}=value_{n}" for n in range(6))
    report.table([run(tmp_path / name, status="done")])
    assert str(tmp_path / name) in capsys.readouterr().out
