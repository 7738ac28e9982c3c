"""`mode=verify` says what holds, and finds what does not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from lamini.data.datamodule import PairsDataModule
from lamini.students import protocol
from lamini.students.encoder_decoder import EncoderDecoder
from lamini.students.protocol import Batch
from lamini.training.building import equip
from lamini.training.devices import device_of
from lamini.training.prepare import prepare
from lamini.training.verification import batches, runs
from lamini.training.verification.batches import Check
from lamini.training.verify import verify_all
from tests.training import small

ON_A_BATCH = [
    "the same batch twice", "padded together = each pair alone", "two micro-batches = one",
    "packed = unpacked",
    "chunked loss = plain loss", "first loss = ln(vocabulary)",
]  # fmt: skip
WITH_RUNS = [
    *ON_A_BATCH, "resumed run = straight run", "two processes = one", "loss curve = plain Hugging Face loop",
]  # fmt: skip


def failed(checks: list[Check]) -> set[str]:
    return {check.name for check in checks if not check.holds}


def on_a_batch(folder: Path) -> list[Check]:
    config = small.config(folder, "t5")
    prepared = prepare(config)
    equip(config, prepared.student)
    return list(batches.checks("t5-nano", config, prepared))


@pytest.mark.parametrize("shape", sorted(small.SHAPES))
def test_every_check_holds(tmp_path: Path, shape: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_all([small.config(tmp_path, shape)])
    out = capsys.readouterr().out
    assert out.count("holds") == len(WITH_RUNS) and "FAILS" not in out
    assert all(f"{shape}-nano │ {name}" in out for name in WITH_RUNS)
    assert f"{shape}-nano: loss of the first steps" in out


def test_a_loss_averaged_over_a_micro_batch_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = EncoderDecoder.loss

    def mean(self: EncoderDecoder, batch: Batch) -> tuple[Tensor, Tensor]:
        total, count = original(self, batch)
        return total / count, count

    monkeypatch.setattr(EncoderDecoder, "loss", mean)
    assert failed(on_a_batch(tmp_path)) == {
        "padded together = each pair alone", "two micro-batches = one", "first loss = ln(vocabulary)",
    }  # fmt: skip


def test_leaking_masks_are_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = EncoderDecoder.hidden

    def unmasked(self: EncoderDecoder, model: object, batch: Batch) -> Tensor:
        names = ("attention_mask", "segment_ids", "decoder_segment_ids")
        seen = {name: torch.ones_like(value) if name in names else value for name, value in batch.items()}
        return original(self, model, seen)  # type: ignore[arg-type]

    monkeypatch.setattr(EncoderDecoder, "hidden", unmasked)
    assert failed(on_a_batch(tmp_path)) == {
        "padded together = each pair alone", "two micro-batches = one", "packed = unpacked",
    }  # fmt: skip


def test_nan_holds_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = EncoderDecoder.hidden
    monkeypatch.setattr(EncoderDecoder, "hidden", lambda *arguments: original(*arguments) * float("nan"))
    assert failed(on_a_batch(tmp_path)) == set(ON_A_BATCH)


def test_a_resumed_run_that_begins_anew_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PairsDataModule, "_start", lambda self: 0)
    config = small.config(tmp_path, "t5")
    found = runs.checks("t5-nano", config, prepare(config), device_of(config.trainer))
    assert failed([next(found)]) == {"resumed run = straight run"}


def test_a_wrong_chunked_loss_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = protocol.summed_loss

    def scaled(head: nn.Linear, hidden: Tensor, labels: Tensor, way: str) -> Tensor:
        return original(head, hidden, labels, way) * (1.0 if way == "plain" else 1.001)

    monkeypatch.setattr(protocol, "summed_loss", scaled)
    assert failed(on_a_batch(tmp_path)) == {"chunked loss = plain loss"}
