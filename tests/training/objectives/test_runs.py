"""Whole runs with a teacher: a run's own export teaches a narrower student; interrupted runs resume."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from lamini.config import TrainConfig
from lamini.errors import UserError
from lamini.students.loading import adapted_outline
from lamini.students.protocol import Student
from lamini.training.objectives.objective import Objective
from lamini.training.planning import estimate, probe
from lamini.training.planning.forecast import Measured
from lamini.training.planning.plan import forecast
from lamini.training.prepare import prepare
from lamini.training.teachers import storing
from tests.training import small

SHAPES = {"t5": "architecture.d_model=24", "gpt2": "architecture.n_embd=24"}  # the teacher's


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("distilled")


@pytest.fixture(scope="module", params=["t5", "gpt2"])
def taught(request: pytest.FixtureRequest, folder: Path) -> tuple[str, str]:
    """A shape, and the folder of a teacher that was trained on the same tokens."""
    shape = str(request.param)
    run = small.train(folder / f"teacher-{shape}", shape, SHAPES[shape], "optimizer.lr=0.01")
    return shape, str(run / "export")


LINES = {
    "online": ["objective=forward_kl", "objective.temperature=2"],
    "stored": ["objective=jsd", "objective.source=stored", "objective.top_k=7"],
    "hidden": ["objective=hidden"],
}


@pytest.mark.parametrize("kind", list(LINES))
def test_an_interrupted_run_continues_bit_for_bit(
    folder: Path, taught: tuple[str, str], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    shape, teacher = taught
    line = [*LINES[kind], f"objective.teacher={teacher}", "trainer.checkpoint_every=2"]
    straight = small.train(folder / f"{shape}-{kind}", shape, *line)
    record = small.record(straight)
    assert record["status"] == "done", record["error"]
    with monkeypatch.context() as patch:
        small.stop_after(4, patch)
        run = small.train(folder / f"{shape}-{kind}-stopped", shape, *line)
    assert small.record(run)["status"] == "interrupted"
    small.train(folder / f"{shape}-{kind}-stopped", shape, *line)
    small.assert_equal(small.weights(run), small.weights(straight))
    assert small.metrics(run) == small.metrics(straight)
    own = {name for name in small.weights(run) if not name.startswith("model.")}
    assert own == ({"objective.projection.weight"} if kind == "hidden" else set())
    assert not [name for name in load_file(run / "export" / "model.safetensors") if "projection" in name]


def test_the_projection_is_trained(folder: Path, taught: tuple[str, str]) -> None:
    shape, teacher = taught
    line = ["objective=hidden", f"objective.teacher={teacher}", "trainer.checkpoint_every=1"]
    long = small.weights(small.train(folder / f"{shape}-long", shape, *line))
    short = small.weights(small.train(folder / f"{shape}-short", shape, *line, "trainer.max_steps=1"))
    moved = long["objective.projection.weight"] - short["objective.projection.weight"]
    assert moved.norm() > 0


def test_an_objective_changes_the_weights_and_the_training_loss_but_not_what_is_validated(
    folder: Path, taught: tuple[str, str]
) -> None:
    shape, teacher = taught
    line = ["optimizer.lr=0", "scheduler=constant"]
    plain = small.metrics(small.train(folder / f"{shape}-still", shape, *line))
    distil = ["objective=reverse_kl", f"objective.teacher={teacher}", "objective.mix=0"]
    mixed = small.metrics(small.train(folder / f"{shape}-still-kl", shape, *line, *distil))
    for left, right in zip(plain, mixed, strict=True):
        assert left.get("validation/loss") == right.get("validation/loss")
        if "train/loss" in left:
            assert left["train/loss"] != right["train/loss"]


def test_the_herd_asks_a_stored_teacher_once(
    folder: Path, taught: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shape, teacher = taught
    asked: list[int] = []
    original = storing._asked

    def count(teacher: Student, tokens: object, rows: list[int], k: int) -> object:
        asked.append(len(rows))
        return original(teacher, tokens, rows, k)  # type: ignore[arg-type]

    monkeypatch.setattr(storing, "_asked", count)
    line = ["objective=forward_kl", f"objective.teacher={teacher}", "objective.source=stored"]
    first = small.train(folder / f"{shape}-first", shape, *line, "objective.top_k=9")
    assert sum(asked) == small.record(first)["data"]["pairs"]
    second = small.train(folder / f"{shape}-second", shape, *line, "objective.top_k=9", "seed=7")
    assert sum(asked) == small.record(first)["data"]["pairs"]
    assert not torch.equal(*(next(iter(small.weights(run).values())) for run in (first, second)))


def test_the_plan_holds_the_teacher_and_refuses_one_that_does_not_fit(
    folder: Path, taught: tuple[str, str]
) -> None:
    shape, teacher = taught
    line = ["objective=forward_kl", f"objective.teacher={teacher}"]
    plain = forecast(small.config(folder, shape), folder / "x", 1e10).memory
    size = sum(t.numel() for t in load_file(Path(teacher) / "model.safetensors").values())
    assert forecast(small.config(folder, shape, *line), folder / "x", 1e10).memory == pytest.approx(
        plain + 4 * size
    )
    stored = forecast(small.config(folder, shape, *line, "objective.source=stored"), folder / "x", 1e10)
    assert stored.memory == plain
    assert any("asking the teacher once" in warning for warning in stored.warnings)
    with pytest.raises(UserError, match="its vocabulary .* a teacher trained with this very tokenizer"):
        forecast(small.config(folder, shape, *line, "vocabulary=600"), folder / "x", 1e10)


def test_the_plan_counts_the_time_of_a_teacher_that_reads_every_batch(
    folder: Path, taught: tuple[str, str]
) -> None:
    """A teacher reads forward only, a third of a step: as large as the student it makes 4/3 of the time."""
    shape, teacher = taught
    config = small.config(folder, shape, "objective=forward_kl", f"objective.teacher={teacher}")
    prepared = prepare(config)
    model = adapted_outline(config, len(prepared.student.tokenizer))
    step = replace(estimate.shape_of(config, prepared, model, 160), micro_batches=0)
    alone = estimate.seconds(config, model, step, 1e10)
    same = 4 * estimate.weights(model)
    assert estimate.seconds(config, model, step, 1e10, same) == pytest.approx(alone * 4 / 3)


@pytest.mark.parametrize("kind", list(LINES))
def test_a_probe_runs_the_objective_and_asks_no_stored_teacher(
    folder: Path, taught: tuple[str, str], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    shape, teacher = taught
    config = small.config(folder / "probed", shape, *LINES[kind], f"objective.teacher={teacher}")
    seen: list[Objective] = []
    original = probe.measure

    def measure(config: TrainConfig, objective: Objective, *rest: Any) -> Measured:
        seen.append(objective)
        return original(config, objective, *rest)

    def asked(*arguments: object) -> None:
        raise AssertionError("the whole corpus was asked about")

    monkeypatch.setattr(probe, "SECONDS", 0.2)
    monkeypatch.setattr(probe, "measure", measure)
    monkeypatch.setattr(storing, "store", asked)
    found = probe.probe(config, 160)
    assert found.seconds is not None and found.seconds > 0
    (objective,) = seen
    told = objective.told
    assert type(told).__name__ == {"online": "Online", "stored": "Unasked", "hidden": "Online"}[kind]


@pytest.mark.parametrize("kind", list(LINES))
def test_bf16_trains_with_a_bf16_teacher(folder: Path, taught: tuple[str, str], kind: str) -> None:
    shape, teacher = taught
    line = [*LINES[kind], f"objective.teacher={teacher}", "trainer.precision=bf16-mixed"]
    record = small.record(small.train(folder / f"{shape}-{kind}-bf16", shape, *line))
    assert record["status"] == "done", record["error"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(LINES))
def test_two_ranks_train_as_one_process_does(folder: Path, taught: tuple[str, str], kind: str) -> None:
    shape, teacher = taught
    still = {
        "t5": ["architecture.dropout_rate=0"],
        "gpt2": ["architecture.resid_pdrop=0.0", "architecture.attn_pdrop=0.0"],
    }
    line = [*LINES[kind], f"objective.teacher={teacher}", "optimizer.eps=1e-3", *still[shape]]
    one = small.train(folder / f"{shape}-{kind}-one", shape, *line)
    two = small.train(folder / f"{shape}-{kind}-two", shape, *line, "trainer.devices=2", "trainer.threads=2")
    assert small.record(two)["status"] == "done", small.record(two)["error"]
    right = small.weights(two)
    for name, tensor in small.weights(one).items():
        torch.testing.assert_close(right[name], tensor, rtol=1e-5, atol=1e-6, msg=name)
