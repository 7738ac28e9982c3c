"""kill -9 anywhere, the same line again: not a bit differs from the run that nobody touched."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lamini.checks import check_folder
from lamini.errors import UserError
from lamini.runs import Job
from tests.training import killing, small
from tests.training.test_resume import assert_same_run

STEPS = 24  # of six pairs: more than two passes over the 54 that do not validate
LINE = (
    f"trainer.max_steps={STEPS}", "validation.every=10", "trainer.checkpoint_every=2", "scheduler=cosine",
    "trainer.keep_last=2", "trainer.keep_best=2",
)  # fmt: skip
ADAFACTOR = ("optimizer=adafactor",)
BF16 = ("trainer.precision=bf16-mixed",)
Straight = Callable[[str, tuple[str, ...]], Path]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("killed")


@pytest.fixture(scope="module")
def straight(folder: Path) -> Straight:
    """The uninterrupted run of a shape and some overrides, trained once."""
    runs: dict[tuple[str, tuple[str, ...]], Path] = {}

    def get(shape: str, more: tuple[str, ...]) -> Path:
        if (shape, more) not in runs:
            runs[shape, more] = small.train(folder / f"straight-{len(runs)}", shape, *LINE, *more)
        return runs[shape, more]

    return get


def case(
    place: str, at: int, shape: str = "t5", more: tuple[str, ...] = (), slow: bool = True
) -> pytest.ParameterSet:  # type: ignore[name-defined]
    marks = [pytest.mark.slow] if slow else []
    return pytest.param(place, at, shape, more, marks=marks, id=f"{place}, {at}, {shape}{''.join(more)}")


@pytest.mark.parametrize(
    ("place", "at", "shape", "more"),
    [
        case("between two micro-batches", 13, slow=False),  # in the second epoch, gradients half summed
        case("writing a checkpoint", 6, slow=False),  # of the validated step 10
        case("replacing last.ckpt", 6, "gpt2", ADAFACTOR, slow=False),  # best.ckpt is newer then
        case("before a step", 1),
        case("before a step", 5, "t5", BF16),
        case("before a step", 24, "gpt2"),
        case("between two micro-batches", 12, "gpt2", BF16),
        case("before the update", 7, "gpt2", ADAFACTOR),
        case("after the update", 7),
        case("after the update", 20, "t5", ADAFACTOR),
        case("writing a checkpoint", 1),
        case("writing a checkpoint", 12, "gpt2", ADAFACTOR),
        case("naming a checkpoint", 1),
        case("naming a checkpoint", 6),
        case("removing the old one", 1),
        case("removing the old one", 11),
        case("validating", 1),
        case("validating", 3, "gpt2"),
        case("recording", 6),
        case("answering", 1),
        case("answering", 3),
    ],
)
def test_a_killed_run_continues_bit_for_bit(
    straight: Straight, folder: Path, tmp_path: Path, place: str, at: int, shape: str, more: tuple[str, ...]
) -> None:
    expected = straight(shape, more)
    place_of_run = folder / tmp_path.name
    assert killing.killed(place_of_run, shape, (*LINE, *more), place, at)
    run = small.train(place_of_run, shape, *LINE, *more)
    assert_same_run(run, expected)
    assert_same_files(run, expected)


def assert_same_files(run: Path, expected: Path) -> None:
    """The same checkpoints under the same names, and nothing left over."""
    left, right = ({p.name for p in (r / "checkpoints").iterdir()} for r in (run, expected))
    assert left == right
    for name in left - {"index.json"}:
        stem = name.removesuffix(".ckpt")
        small.assert_equal(small.weights(run, stem), small.weights(expected, stem))


Deaths = st.lists(st.tuples(st.sampled_from(sorted(killing.PLACES)), st.integers(1, 14)), max_size=4)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(
    max_examples=12, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(deaths=Deaths, more=st.sampled_from([(), ADAFACTOR]), shape=st.sampled_from(["t5", "gpt2"]))
def test_any_number_of_deaths_changes_nothing(
    straight: Straight, folder: Path, deaths: list[tuple[str, int]], more: tuple[str, ...], shape: str
) -> None:
    place_of_run = folder / f"deaths-{len(list(folder.iterdir()))}"
    for place, at in deaths:
        if not killing.killed(place_of_run, shape, (*LINE, *more), place, at):
            break
    run = small.train(place_of_run, shape, *LINE, *more)
    assert_same_run(run, straight(shape, more))
    assert_same_files(run, straight(shape, more))


def test_a_second_process_that_wants_to_resume_is_told(
    straight: Straight, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = folder / "two"
    with monkeypatch.context() as patch:
        small.stop_after(7, patch)
        small.train(place, "t5", *LINE)
    process = multiprocessing.get_context("forkserver").Process(
        target=killing.train_slowly, args=(place, "t5", LINE)
    )
    process.start()
    try:
        small.wait_for((place / "began").exists)
        before = {path: path.read_bytes() for path in (place / "run").rglob("*") if path.is_file()}
        told = f"{place / 'run'} is being written by another process"
        for second in (
            partial(small.train, place, "t5", *LINE),
            partial(small.train, place, "t5", *LINE, "force=true"),
            partial(check_folder, Job(small.config(place, "t5", *LINE), place / "run")),
        ):
            with pytest.raises(UserError, match=told):
                second()
        assert before == {path: path.read_bytes() for path in before}
        (place / "go").touch()
        process.join(60)
    finally:
        process.kill()
    assert_same_run(place / "run", straight("t5", ()))
