"""Students side by side on this machine: the same as one after the other, killed, stopped, told apart."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lamini.children import Children
from lamini.compose import compose
from lamini.errors import UserError
from lamini.launching.lanes import Lanes, lanes_of, unused
from lamini.launching.machine import Gpu, Machine
from lamini.launching.options import Local
from lamini.launching.pool import Pool
from lamini.launching.slots import ALONE
from lamini.runs import Job, RunFolder
from lamini.training.planning.forecast import Forecast
from tests.launching.watching import (
    FOREVER,
    PATIENCE,
    children,
    holder,
    record,
    saved,
    statuses,
    until,
    weights,
)

Words = tuple[str, ...]
Train = Callable[..., tuple[int, str, str]]
HERD = ("t5-nano", "gpt2-nano", "llama-nano")
GIB = 2**30
MACHINE = Machine((Gpu("H100 0", 80 * GIB, "0"), Gpu("H100 1", 80 * GIB, "1")), 64 * GIB, 16)


@pytest.fixture(scope="module")
def straight(train: Train, tiny: Words, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The herd, one student after the other."""
    outputs = tmp_path_factory.mktemp("straight")
    status, out, err = train("-m", f"model={','.join(HERD)}", *tiny, *words(outputs))
    assert status == 0, out + err
    assert "at a time" not in out
    return outputs / "herd"


def words(outputs: Path, steps: int = 20) -> Words:
    return (f"paths.output_dir={outputs}", f"trainer.max_steps={steps}", f"validation.every={steps}")


def side_by_side(start: Callable[..., Any], outputs: Path, *more: str) -> Any:
    """Two of a line's students, which train at the same time."""
    process = start(
        "-m", "model=t5-nano,gpt2-nano", f"paths.output_dir={outputs}", "hydra.launcher.jobs=2", *more
    )
    folders = [outputs / "herd" / name for name in HERD[:2]]
    until(lambda: all(saved(folder) and RunFolder(folder).running() for folder in folders), process)
    return process


def test_two_at_a_time_become_what_they_become_one_after_the_other(
    train: Train, tiny: Words, straight: Path, tmp_path: Path
) -> None:
    line = ("-m", f"model={','.join(HERD)}", *tiny, *words(tmp_path), "hydra.launcher.jobs=2")
    status, out, err = train(*line)
    assert status == 0, out + err
    assert "CPU: up to 2 students at a time" in out
    assert statuses(out) == dict.fromkeys(HERD, "done")
    for name in HERD:
        assert weights(tmp_path / "herd" / name) == weights(straight / name)
    training = [line for line in out.splitlines() if re.match(r"\[\d/3\] ", line)]
    assert {line.partition(":")[0] for line in training} == {
        f"[{n}/3] {name}" for n, name in enumerate(HERD, 1)
    }


def test_one_that_is_killed_does_not_stop_the_other(
    start: Callable[..., Any], train: Train, tiny: Words, tmp_path: Path
) -> None:
    line = (*tiny, "trainer.max_steps=60", "trainer.checkpoint_every=2", "validation.every=60")
    process = side_by_side(start, tmp_path, *line)
    os.kill(holder(tmp_path / "herd" / "gpt2-nano"), signal.SIGKILL)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, out + err
    assert statuses(out) == {"t5-nano": "done", "gpt2-nano": "killed"}
    assert "gpt2-nano: lamini.training.fit.run was killed by signal 9" in out
    status, out, err = train(
        "-m", "model=t5-nano,gpt2-nano", f"paths.output_dir={tmp_path}", "hydra.launcher.jobs=2", *line
    )
    assert status == 0, out + err
    assert re.search(r"gpt2-nano: continues after step [1-9]\d* of 60", out)
    assert "t5-nano: done already, skipped" in out


def test_ctrl_c_saves_and_stops_all_that_train(
    start: Callable[..., Any], tiny: Words, tmp_path: Path
) -> None:
    process = side_by_side(start, tmp_path, *tiny, *FOREVER)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, out + err
    assert "Traceback" not in err
    assert statuses(out) == {"t5-nano": "interrupted", "gpt2-nano": "interrupted"}
    assert all(
        re.match(r"stopped after step", record(tmp_path / "herd" / name)["error"]) for name in HERD[:2]
    )
    assert not children(process.pid)


def forecast(run: str, memory: float = 5 * GIB, device: str = "cuda", **more: Any) -> Forecast:
    numbers = dict.fromkeys(("parameters", "pairs", "steps", "tokens"), 1)
    return Forecast(
        run=run, student="t5", architecture="", init="scratch", memory=memory, seconds=1.0, note="",
        warnings=(), device=device, **numbers, **more,
    )  # fmt: skip


def lanes(local: Local, *forecasts: Forecast) -> Lanes | None:
    config = compose("train", ["model=t5-nano"])
    jobs = [Job(config, Path(item.run)) for item in forecasts]
    return lanes_of(
        local, jobs, forecasts, lambda: MACHINE, Pool(Children(), lambda name, error: None), len(jobs)
    )


def test_students_share_gpus_by_their_forecasts() -> None:
    found = lanes(Local(None, None, None), forecast("a", 60 * GIB), forecast("b"), forecast("c", fills=True))
    assert found is not None
    assert [need for _, need in found.needs.values()] == [60.8 * GIB, 5.8 * GIB, ALONE]
    slots = found.slots["cuda"]
    assert [place.name for place in slots.places] == ["H100 0", "H100 1"]
    assert slots.most == 16
    assert found.threads == {"cuda": 16 // 3}


def test_jobs_per_gpu_and_gpus_bound_them() -> None:
    found = lanes(Local(2, [1], None), *(forecast(name) for name in "abc"))
    assert found is not None
    assert [(place.visible, place.most) for place in found.slots["cuda"].places] == [("1", 2)]
    with pytest.raises(UserError, match="there is no GPU 2"):
        lanes(Local(None, [0, 2], None), forecast("a"), forecast("b"))


def test_on_a_cpu_they_go_one_after_the_other_unless_jobs_says_more() -> None:
    cpu = [forecast(name, device="cpu") for name in "abc"]
    assert lanes(Local(None, None, None), *cpu) is None
    assert lanes(Local(None, None, 1), *cpu) is None
    found = lanes(Local(None, None, 2), *cpu)
    assert found is not None and found.threads == {"cpu": 8}


def test_students_of_both_kinds_have_places_of_their_own() -> None:
    found = lanes(Local(None, None, None), forecast("a"), forecast("b", device="cpu"))
    assert found is not None
    assert {kind: slots.most for kind, slots in found.slots.items()} == {"cuda": 16, "cpu": 1}


def test_keys_that_change_nothing_are_told() -> None:
    local = Local(jobs_per_gpu=2, gpus=[0], jobs=None)
    assert unused(local, [forecast("a")]) == []
    (first, second) = unused(local, [forecast("a", device="cpu")])
    assert first.startswith(
        "hydra.launcher.jobs_per_gpu=2 changes nothing: no student of this line trains on a"
    )
    assert second.startswith("hydra.launcher.gpus=[0]")
    assert unused(replace(local, jobs=2), [forecast("a")])[0].endswith("trains on the CPU")


@pytest.mark.parametrize(
    "words", ["hydra.launcher.jobs=0", "hydra.launcher.jobs_per_gpu=-1", "hydra.launcher.gpus=[]",
              "hydra.launcher.gpus=[1,1]", "hydra.launcher.gpus=[-1]"],
)  # fmt: skip
def test_numbers_that_mean_nothing_are_refused(ask: Callable[..., Any], tiny: Words, words: str) -> None:
    status, _, err = ask("-m", "model=t5-nano,gpt2-nano", *tiny, words)
    assert status == 2
    assert err.startswith(f"train.py: {words.partition('=')[0]}=")


@pytest.mark.gpu
def test_two_share_a_gpu(train: Train, tiny: Words, tmp_path: Path) -> None:
    """Real ones: each child has CUDA for itself although all are forked from one server."""
    shared = [word for word in tiny if "accelerator" not in word]
    status, out, err = train(
        "-m", "model=t5-nano,gpt2-nano", *shared, *words(tmp_path), "size.micro_tokens=512",
        "trainer.accelerator=gpu", "hydra.launcher.jobs_per_gpu=2", "hydra.launcher.gpus=[0]",
    )  # fmt: skip
    assert status == 0, out + err
    assert "0: up to 2 students at a time" in out
    assert statuses(out) == {"t5-nano": "done", "gpt2-nano": "done"}
