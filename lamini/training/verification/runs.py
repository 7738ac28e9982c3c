"""Short runs of the real loop on the user's own pairs, in ways that must agree."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.environments import LightningEnvironment
from torch import Tensor, nn

from lamini.config import TrainConfig
from lamini.data.datamodule import PairsDataModule
from lamini.training import ranks
from lamini.training.building import equip
from lamini.training.devices import set_threads
from lamini.training.module import StudentModule
from lamini.training.prepare import Prepared, prepare
from lamini.training.quiet import quiet
from lamini.training.verification.batches import PAIRS, TOLERANCE, Check

STEPS = 4
STOP = 2  # after which step the second run is stopped


def checks(name: str, config: TrainConfig, prepared: Prepared, device: torch.device) -> Iterator[Check]:
    """The checks of short runs; they are called `name`."""
    straight, _ = short_run(config, prepared, device)
    exact = device.type == "cpu"  # CUDA adds some sums in any order
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "stopped.ckpt"
        short_run(config, prepared, device, until=STOP, save=place)
        resumed, _ = short_run(config, prepared, device, start=place)
        allowed = 0.0 if exact else TOLERANCE
        yield Check(name, "resumed run = straight run", distance(straight, resumed), allowed)
        if prepared.order.pairs_per_epoch >= 2:
            alone, _ = short_run(config, prepared, torch.device("cpu"), dropout=False)
            prepared.student.model = None  # the two processes have one each
            results = Path(folder) / "shared.pt"
            status = ranks.on_all(2, _shared_run, config, results)
            if status:
                yield Check(name, "two processes = one", float("nan"), TOLERANCE)
                return
            shared = torch.load(results, weights_only=True)
            yield Check(name, "two processes = one", distance(alone, shared), TOLERANCE)


def _shared_run(rank: int, config: TrainConfig, results: Path) -> None:
    """One of two processes; the first leaves the weights."""
    quiet()
    set_threads(config.trainer)
    weights, _ = short_run(config, prepare(config), torch.device("cpu"), dropout=False, rank=rank, devices=2)
    if rank == 0:
        torch.save(weights, results)


class _Losses(pl.Callback):
    """The loss of every step."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.losses.append(float(outputs["train/loss"]))


def short_run(
    config: TrainConfig,
    prepared: Prepared,
    device: torch.device,
    until: int = STEPS,
    start: Path | None = None,
    save: Path | None = None,
    dropout: bool = True,
    rank: int = 0,
    devices: int = 1,
) -> tuple[dict[str, Tensor], list[float]]:
    """Weights and losses after the step `until` of a run of STEPS steps from the configuration's own start.

    `start` is a checkpoint to continue from, `save` where to leave one.
    """
    student = prepared.student
    equip(config, student)
    model = student.ready()
    if not dropout:
        without_dropout(model)
    pairs = min(max(PAIRS, devices), prepared.pairs)
    module = StudentModule(
        student, config.optimizer, config.scheduler, STEPS, config.seed, config.trainer.gradient_clip
    )
    data = PairsDataModule(
        student, prepared.train, prepared.order, prepared.validation, prepared.batching, batch_size=pairs,
        micro_tokens=prepared.micro_tokens, steps=STEPS, seed=config.seed, devices=devices, rank=rank,
    )  # fmt: skip
    seen = _Losses()
    trainer = pl.Trainer(
        accelerator=device.type if device.type != "cuda" else "gpu", devices=devices,
        strategy="auto" if devices == 1 else "ddp", plugins=[LightningEnvironment()],
        precision="32-true", max_steps=until, limit_val_batches=0, logger=False, callbacks=[seen],
        use_distributed_sampler=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, default_root_dir=tempfile.gettempdir(),
    )  # fmt: skip
    trainer.fit(module, data, ckpt_path=start, weights_only=True)
    if save is not None:
        trainer.save_checkpoint(save)
    weights = model.state_dict()
    return {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}, seen.losses


def without_dropout(model: nn.Module) -> None:
    """Evaluation mode, which Lightning leaves as it finds it: dropout differs between processes."""
    model.eval()


def distance(left: dict[str, Tensor], right: dict[str, Tensor]) -> float:
    """Relative distance of two sets of weights."""
    difference = sum(float((left[name].double() - right[name].double()).square().sum()) for name in left)
    return float((difference / sum(float(tensor.double().square().sum()) for tensor in left.values())) ** 0.5)
