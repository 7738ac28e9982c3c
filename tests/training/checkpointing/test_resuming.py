"""Torn, changed, foreign and malicious checkpoints: passed over with a word, never opened unsafely."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lamini.errors import UserError
from lamini.runs import RunFolder
from lamini.training.checkpointing import resuming
from lamini.training.checkpointing.kept import BEST, INDEX, LAST, Kept, Saved, write_index
from lamini.training.checkpointing.resuming import check_architecture, restore
from tests.training import small
from tests.training.checkpointing.test_kept import files, write
from tests.training.test_resume import assert_same_run

LINE = (
    "trainer.max_steps=24", "validation.every=10", "trainer.checkpoint_every=2", "trainer.keep_last=3",
)  # fmt: skip


def kept(folder: Path, steps: int = 4) -> Path:
    """Steps 1 to 4, of which 2 is the best: last.ckpt 4, step-3.ckpt, best.ckpt 2."""
    held = Kept(folder, 2, 1)
    for step in range(1, steps + 1):
        held.add(write(folder, step, {1: 5.0, 2: 1.0}.get(step)))
    return folder


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def changed(path: Path) -> None:
    """One bit of a weight: torch itself would load it."""
    data = bytearray(path.read_bytes())
    place = data.index(torch.tensor(4.0).numpy().tobytes() * 4)
    data[place] ^= 1
    path.write_bytes(bytes(data))


class Payload:
    """Unpickled by an unsafe reader, it makes a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(self.file),)


def list_anew(folder: Path) -> None:
    """An index whose digests fit what stands there now, as a tamperer would write it."""
    write_index(
        folder,
        [
            (path.name, Saved(step, None, hashlib.sha256(path.read_bytes()).hexdigest()))
            for path, step in ((folder / LAST, 4), (folder / "step-3.ckpt", 3), (folder / BEST, 2))
        ],
    )


@pytest.mark.parametrize("damage", [cut, empty, changed])
def test_a_damaged_last_one_is_passed_over_with_a_word(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    damage(kept(tmp_path) / LAST)
    assert restore(tmp_path) == [
        "checkpoints/last.ckpt is skipped: its content is not what was saved: it is cut off or was changed",
        "continues from step-3.ckpt of step 3",
    ]
    assert files(tmp_path) == {LAST: 3, "step-3.ckpt": 3, BEST: 2}
    assert restore(tmp_path) == []
    Kept(tmp_path, 2, 1).add(write(tmp_path, 4, None))
    assert files(tmp_path) == {LAST: 4, "step-3.ckpt": 3, BEST: 2}
    assert not list(tmp_path.glob("*.bad"))


def test_whole_ones_are_left_as_they_are(tmp_path: Path) -> None:
    before = {path: path.stat().st_ino for path in kept(tmp_path).glob("*.ckpt")}
    assert restore(tmp_path) == []
    assert {path: path.stat().st_ino for path in tmp_path.glob("*.ckpt")} == before
    assert restore(tmp_path / "none") == []


def test_the_best_one_is_the_last_resort_and_a_lost_best_one_is_forgotten(tmp_path: Path) -> None:
    (kept(tmp_path) / LAST).unlink()
    cut(tmp_path / "step-3.ckpt")
    assert restore(tmp_path)[-1] == "continues from best.ckpt of step 2"
    assert files(tmp_path) == {LAST: 2, BEST: 2}
    held = Kept(tmp_path, 2, 1)
    held.add(write(tmp_path, 3, None))
    cut(tmp_path / BEST)
    assert len(restore(tmp_path)) == 2
    assert Kept(tmp_path, 2, 1).best == float("inf")


def test_none_that_is_whole_is_an_error_that_touches_nothing(tmp_path: Path) -> None:
    for path in kept(tmp_path).glob("*.ckpt"):
        cut(path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UserError, match=f"{tmp_path} holds no checkpoint .*last.ckpt: .*force=true"):
        restore(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("listed", [True, False], ids=["its digest is listed", "no index"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_malicious_pickle_is_never_executed(tmp_path: Path, listed: bool, zipped: bool) -> None:
    kept(tmp_path)
    trap = tmp_path / "trapped"
    content = {"global_step": 4, "state_dict": {"w": Payload(trap)}}
    if zipped:
        torch.save(content, tmp_path / LAST)
    else:
        (tmp_path / LAST).write_bytes(pickle.dumps(content))
    if listed:
        list_anew(tmp_path)
    else:
        (tmp_path / INDEX).unlink()
    told = restore(tmp_path)
    assert f"checkpoints/last.ckpt is skipped: {resuming.UNSAFE}" in told
    assert told[-1] == "continues from step-3.ckpt of step 3"
    assert not trap.exists()
    if zipped:  # the trap is a real one
        torch.load(tmp_path / f"{LAST}.bad", weights_only=False)
        assert trap.exists()


@pytest.mark.parametrize("content", [torch.ones(3), {"state_dict": {}}, {"global_step": 3}, [1]], ids=str)
def test_what_is_no_checkpoint_is_passed_over(tmp_path: Path, content: object) -> None:
    kept(tmp_path)
    torch.save(content, tmp_path / LAST)
    list_anew(tmp_path)
    assert restore(tmp_path)[0] == f"checkpoints/last.ckpt is skipped: {resuming.FOREIGN}"


def test_without_an_index_what_loads_is_taken(tmp_path: Path) -> None:
    """A folder of an earlier version; its best loss stands in the checkpoint itself."""
    (kept(tmp_path) / INDEX).unlink()
    state = {"Checkpoints": {"best": 1.0}}
    torch.save({"global_step": 2, "state_dict": {}, "callbacks": state}, tmp_path / BEST)
    told = restore(tmp_path)
    assert (
        told[0] == "checkpoints/index.json is missing or damaged: checkpoints that load are taken as they are"
    )
    assert told[1:] == ["continues from last.ckpt of step 4"]
    assert Kept(tmp_path, 2, 1).best == 1.0
    assert restore(tmp_path) == []


def test_the_first_difference_of_another_architecture_is_named(tmp_path: Path) -> None:
    path = tmp_path / LAST
    torch.save({"global_step": 1, "state_dict": {"a": torch.ones(2, 3), "b": torch.ones(1)}}, path)
    check_architecture(path, {"a": torch.ones(2, 3), "b": torch.ones(1)})
    for expected, difference in (
        ({"a": torch.ones(3, 2), "b": torch.ones(1)}, r"a has shape \(2, 3\) in it and \(3, 2\) in this"),
        ({"a": torch.ones(2, 3), "c": torch.ones(1)}, "it has no c"),
        ({"a": torch.ones(2, 3)}, "it has b, which this student lacks"),
    ):
        with pytest.raises(UserError, match=f"{path} is a checkpoint of another architecture: {difference}"):
            check_architecture(path, expected)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("resuming")


@pytest.fixture(scope="module")
def straight(folder: Path) -> Path:
    return small.train(folder / "straight", "t5", *LINE)


def interrupted(place: Path, shape: str = "t5", step: int = 13) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        small.stop_after(step, patch)
        return small.train(place, shape, *LINE)


def test_a_run_whose_last_checkpoints_are_damaged_ends_the_same(
    straight: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Back to the validated step 10: records and answers behind it are forgotten, the best loss is known."""
    run = interrupted(folder / "damaged")
    assert files(run / "checkpoints") == {LAST: 13, "step-12.ckpt": 12, BEST: 10}
    cut(run / "checkpoints" / LAST)
    empty(run / "checkpoints" / "step-12.ckpt")
    capsys.readouterr()
    small.train(folder / "damaged", "t5", *LINE)
    said = capsys.readouterr()
    assert "run: checkpoints/last.ckpt is skipped: " in said.err
    assert "run: continues from best.ckpt of step 10" in said.err
    assert "continues after step 10 of 24" in said.out
    assert_same_run(run, straight)
    assert files(run / "checkpoints") == files(straight / "checkpoints")


def test_a_run_without_a_whole_checkpoint_fails_until_it_is_forced(straight: Path, folder: Path) -> None:
    run = interrupted(folder / "lost")
    for path in (run / "checkpoints").glob("*.ckpt"):
        cut(path)
    with pytest.raises(UserError, match="holds no checkpoint to continue from"):
        small.train(folder / "lost", "t5", *LINE)
    record = small.record(run)
    assert record["status"] == "failed" and "force=true" in record["error"]
    assert not RunFolder(run).running()
    assert_same_run(small.train(folder / "lost", "t5", *LINE, "force=true"), straight)


def test_a_run_with_another_students_checkpoint_fails_and_keeps_it(folder: Path) -> None:
    run, other = interrupted(folder / "t5"), interrupted(folder / "gpt2", "gpt2")
    for path in (run / "checkpoints").iterdir():
        path.unlink()
    for path in (other / "checkpoints").iterdir():
        (run / "checkpoints" / path.name).write_bytes(path.read_bytes())
    small.train(folder / "t5", "t5", *LINE)
    record = small.record(run)
    assert record["status"] == "failed"
    assert (
        "last.ckpt is a checkpoint of another architecture: it has no model.shared.weight" in record["error"]
    )
    assert files(run / "checkpoints")[LAST] == 13
