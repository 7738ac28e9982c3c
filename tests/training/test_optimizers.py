"""Every optimizer and schedule under conf/ builds, steps, and means what its keys say."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pytorch_lightning import Trainer
from torch.utils.data import DataLoader
from transformers import get_scheduler

from lamini.compose import CONF, compose
from lamini.config import Scheduler
from lamini.errors import UserError
from lamini.students.decoder_only import DecoderOnly
from lamini.students.encoder_decoder import EncoderDecoder
from lamini.training import devices
from lamini.training.devices import check_device, precision_of
from lamini.training.module import StudentModule
from lamini.training.optimizers import AdamW
from lamini.training.planning.plan import plan_all
from tests.students import tiny
from tests.training import small
from tests.training.test_module import CUT, Outputs, step_of

OPTIMIZERS = sorted(path.stem for path in (CONF / "optimizer").glob("*.yaml"))
SCHEDULERS = sorted(path.stem for path in (CONF / "scheduler").glob("*.yaml"))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_pair_of_options_warms_up_and_moves_the_weights(optimizer: str, scheduler: str) -> None:
    config = compose(
        "train",
        ["model=t5-nano", f"optimizer={optimizer}", f"scheduler={scheduler}", "scheduler.warmup_ratio=0.2"],
    )
    tokenizer = tiny.t5_tokenizer()
    student = EncoderDecoder(tokenizer, 64, "bare", tiny.t5(len(tokenizer)))
    module = StudentModule(student, config.optimizer, config.scheduler, 10, 0, None)
    built = module.configure_optimizers()
    step, schedule = built["optimizer"], built["lr_scheduler"]["scheduler"]
    batch = tiny.batch_of(student, tiny.PAIRS)
    rates, losses = [], []
    for _ in range(10):
        rates.append(step.param_groups[0]["lr"])
        total, count = student.loss(batch)
        (total / count).backward()
        losses.append((total / count).item())
        step.step()
        step.zero_grad()
        schedule.step()
    peak = config.optimizer.lr
    assert rates[:3] == pytest.approx([0, peak / 2, peak])  # two of ten steps rise
    assert losses[-1] < losses[0]
    end = step.param_groups[0]["lr"]
    assert end == pytest.approx(peak if scheduler == "constant" else 0.0, abs=1e-12)


def test_an_unknown_schedule_is_refused() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])
    with pytest.raises(ValueError, match="nonsense"):
        get_scheduler("nonsense", optimizer, 1, 2)


def test_precision_follows_the_device_and_unknown_ones_are_named(tmp_path: Path) -> None:
    trainer = small.config(tmp_path, "t5").trainer
    assert precision_of(trainer) == "32-true"
    trainer.precision = "bf16-mixed"
    assert precision_of(trainer) == "bf16-mixed"
    trainer.precision = "8"
    with pytest.raises(UserError, match="trainer.precision=8 is unknown; there are auto, 32-true"):
        precision_of(trainer)


def test_fp16_is_refused_for_t5_with_the_reason_and_without_a_gpu_for_all(tmp_path: Path) -> None:
    for shape, reason in (("t5", "exceed fp16's 65504"), ("gpt2", "needs a CUDA device")):
        config = small.config(tmp_path, shape, "trainer.precision=16-mixed")
        with pytest.raises(UserError, match=f"trainer.precision=16-mixed.*{reason}"):
            plan_all([(config, tmp_path / "run")])
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("name", ["gpu", "mps", "tpu"])
def test_a_device_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    trainer = small.config(tmp_path, "t5").trainer
    trainer.accelerator = name
    with pytest.raises(UserError, match=f"trainer.accelerator={name}"):
        check_device(trainer)


def test_liger_is_refused_where_it_cannot_run_and_the_way_out_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = small.config(tmp_path, "gpt2", "trainer.head=liger").trainer
    with pytest.raises(UserError, match="trainer.head=liger needs a CUDA device; use trainer.head=chunked"):
        check_device(trainer)
    monkeypatch.setattr(devices, "uses_cuda", lambda trainer: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(devices, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="trainer.head=liger.*pip install liger-kernel.*trainer.head=chunked"):
        check_device(trainer)
    monkeypatch.setattr(devices, "find_spec", lambda name: object())
    check_device(trainer)
    trainer.precision = "16-mixed"
    with pytest.raises(UserError, match="trainer.head=liger.*16-mixed.*trainer.head=chunked.*bf16-mixed"):
        check_device(trainer)


@pytest.mark.gpu
def test_fp16_clips_what_the_scaler_has_scaled() -> None:
    norms = []
    for precision in ("32-true", "16-mixed"):
        tokenizer = tiny.gpt2_tokenizer()
        student = DecoderOnly(tokenizer, 256, "alpaca", tiny.causal("gpt2", len(tokenizer)))
        outputs = Outputs()
        module = StudentModule(
            student, AdamW(1e-3, [0.9, 0.999], 1e-8, 0.0), Scheduler("linear", 0.0), 4, 0, 0.5
        )
        trainer = Trainer(
            accelerator="gpu", devices=1, precision=precision, max_steps=4, logger=False,  # type: ignore[arg-type]
            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
            callbacks=[outputs],
        )  # fmt: skip
        trainer.fit(module, DataLoader([step_of(student, CUT)] * 4, batch_size=None))  # type: ignore[arg-type]
        norms.append(float(outputs.seen[0]["train/gradient_norm"]))
    assert norms[1] == pytest.approx(norms[0], rel=0.02)
