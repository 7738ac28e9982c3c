"""size.micro_tokens=null: found by trying or by arithmetic, said, kept, the same when a run is continued."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from lamini.checks import check_values
from lamini.errors import UserError
from lamini.students.loading import build_model
from lamini.students.protocol import Batch, Student
from lamini.training import memory
from lamini.training.planning import micro_tokens
from lamini.training.planning.micro_tokens import by_arithmetic, by_trying, settled
from lamini.training.prepare import prepare
from tests.training import small

CPU = torch.device("cpu")
OPEN = "size.micro_tokens=null"


def limit(monkeypatch: pytest.MonkeyPatch, positions: int) -> list[int]:
    """A device whose memory holds micro-batches of so many positions; what was tried."""
    original, tried = Student.loss, list[int]()

    def loss(self: Student, batch: Batch) -> tuple[Tensor, Tensor]:
        size = sum(batch[name].numel() for name in ("input_ids", "decoder_input_ids") if name in batch)
        tried.append(size)
        if size > positions:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return original(self, batch)

    monkeypatch.setattr(Student, "loss", loss)
    monkeypatch.setattr(micro_tokens, "tries", lambda device: True)
    return tried


def test_sizes_are_doubled_then_narrowed_then_lowered_by_a_fifth() -> None:
    tried: list[int] = []

    def fits(size: int) -> bool:
        tried.append(size)
        return size <= 1100

    assert by_trying(fits, 100, 10_000) == 800
    assert tried == [100, 200, 400, 800, 1600, 1200, 1000]


def test_the_longest_pair_always_fits_and_what_no_memory_stops_is_taken_whole() -> None:
    assert by_trying(lambda size: size <= 110, 100, 10_000) == 100
    assert by_trying(lambda size: True, 100, 900) == 800
    with pytest.raises(UserError, match="does not hold one pair of 100 positions"):
        by_trying(lambda size: False, 100, 900)


@pytest.mark.parametrize("shape", sorted(small.SHAPES))
def test_it_is_found_within_the_limit_and_the_weights_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    config = small.config(tmp_path, shape, OPEN, "batch_size=40")
    prepared = prepare(config)
    student = prepared.student
    student.model = build_model(config, len(student.tokenizer))
    before = {name: weight.clone() for name, weight in student.model.state_dict().items()}
    most = 3 * prepared.longest
    tried = limit(monkeypatch, most)
    said: list[str] = []
    found = settled(config, prepared, CPU, None, said.append)
    assert prepared.longest <= found.micro_tokens <= most < max(tried)
    assert found.micro_tokens > most // 3  # neither timid
    assert said == [f"size.micro_tokens: {found.micro_tokens}, found by trying"]
    small.assert_equal(student.model.state_dict(), before)
    assert all(weight.grad is None for weight in student.model.parameters())


def test_on_a_cpu_arithmetic_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = small.config(tmp_path, "gpt2", OPEN, "batch_size=50", "architecture.n_embd=256")
    prepared = prepare(config)
    monkeypatch.setattr(memory, "available", lambda device: 2**50)
    most, why = by_arithmetic(config, prepared, CPU)
    assert most > prepared.longest and why == "as more would not be faster"
    monkeypatch.setattr(memory, "available", lambda device: 2**20)
    assert by_arithmetic(config, prepared, CPU) == (
        prepared.longest,
        "as 0.0 GiB of memory are free",
    )
    monkeypatch.setattr(memory, "available", lambda device: None)
    assert by_arithmetic(config, prepared, CPU)[0] == most


def test_a_continued_run_keeps_the_size_and_is_bit_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        limit(patch, 150)
        straight = small.train(tmp_path / "straight", "t5", OPEN)
        with patch.context() as stopped:
            small.stop_after(3, stopped)
            run = small.train(tmp_path / "run", "t5", OPEN)
    found = small.record(straight)["micro_tokens"]
    assert small.record(run)["status"] == "interrupted" and small.record(run)["micro_tokens"] == found
    assert f"run: size.micro_tokens: {found}, found by trying" in capsys.readouterr().out
    with monkeypatch.context() as patch:
        limit(patch, 10**9)  # by now it would find another
        small.train(tmp_path / "run", "t5", OPEN)
    assert f"run: size.micro_tokens: {found}, as this run began" in capsys.readouterr().out
    assert small.record(run)["micro_tokens"] == found
    small.assert_equal(small.weights(run), small.weights(straight))
    assert small.metrics(run) == small.metrics(straight)


def test_several_devices_need_a_number(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="size.micro_tokens=null is found on one device"):
        check_values(small.config(tmp_path, "t5", OPEN, "trainer.devices=2"))
