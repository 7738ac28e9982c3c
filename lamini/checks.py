"""Everything about a line that is cheap to know before torch is imported: values, weights, data, folders.

Well typed is not yet possible: a batch of -1 pairs, a size that the family lacks, a folder that another run
holds. Found here, it costs a second and a sentence; found by the training loop it costs hours.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from lamini.config import Mode, Strategy, TrainConfig
from lamini.errors import UserError
from lamini.runs import Job, RunFolder, ensure_writable
from lamini.students import locate
from lamini.training.optimizers import Adafactor

ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps")
HEADS = ("chunked", "plain", "liger")
ATTENTIONS = ("auto", "sdpa", "eager", "split", "adaptive", "flex", "flash", "triton")
SCHEDULES = (
    "linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup",
    "inverse_sqrt",
)  # fmt: skip


def check(jobs: list[Job], multirun: bool, line: list[str], elsewhere: Collection[str] = ()) -> None:
    """Raise for whatever would stop one of the jobs of the command `line`.

    `elsewhere` are names of run folders that an earlier start of the line still writes on a cluster.

    Raises:
        UserError: what is missing or in the way; all missing weights of a sweep in one message.
    """
    for job in jobs:
        check_values(job.config)
        if multirun and job.config.trainer.devices > 1:
            raise UserError(
                f"trainer.devices={job.config.trainer.devices} cannot be combined with -m;"
                " start that student alone, or give each student of the sweep one device"
            )
    missing = [problem for job in jobs for problem in locate.problems(job.config)]
    data_problem = _data_problem(jobs)
    if missing:
        raise UserError(locate.ways_out(list(dict.fromkeys(missing)), line, data_problem is None))
    if data_problem:
        raise data_problem
    for job in jobs:
        job.config.objective.check()
        job.config.logger.check()
    for cache in {job.config.paths.cache_dir for job in jobs}:
        ensure_writable(Path(cache), "paths.cache_dir")
    trained = [job for job in jobs if job.config.mode is Mode.train and job.folder.name not in elsewhere]
    for job in trained:
        check_folder(job)
    for job in trained:
        ensure_writable(job.folder, "paths.output_dir")


def check_folder(job: Job) -> None:
    """Raise UserError unless the run folder is free and new, done or resumable."""
    folder = RunFolder(job.folder)
    if folder.running():
        raise UserError(
            f"{job.folder} is being written by another process; wait for it or choose name=<name>"
        )
    folder.state(job.config)


def _data_problem(jobs: list[Job]) -> UserError | None:
    for options in {repr(job.config.data): job.config.data for job in jobs}.values():
        try:
            options.check()
        except UserError as error:
            return error
    return None


def check_values(config: TrainConfig) -> None:
    """Raise UserError for values that are well typed and still cannot work."""
    family, size = config.family, config.size.name
    if size not in family.sizes:
        raise UserError(
            f"size={size}: family {family.name} has no such size; it has {', '.join(family.sizes)}"
        )
    if not 8 <= config.context <= family.context:
        raise UserError(f"context={config.context} must lie between 8 and the family's {family.context}")
    if not re.fullmatch(r"[^/\s.][^/]*", config.name):
        raise UserError(
            f"name={config.name!r} must name one folder: not empty, without / and no dot in front"
        )
    if config.size.micro_tokens is None and config.trainer.devices > 1:
        raise UserError(
            "size.micro_tokens=null is found on one device; with trainer.devices above 1 say a number,"
            " for example what run.json of a run on one device names"
        )
    _check_choices(config)
    _check_numbers(config)
    _check_strategy(config)
    config.adapter.check(config)


def _check_choices(config: TrainConfig) -> None:
    chosen = (
        ("trainer.accelerator", config.trainer.accelerator, ACCELERATORS),
        ("trainer.head", config.trainer.head, HEADS),
        ("trainer.attention", config.trainer.attention, ATTENTIONS),
        ("scheduler.name", config.scheduler.name, SCHEDULES),
    )
    for key, value, known in chosen:
        if value not in known:
            raise UserError(f"{key}={value} is unknown; there are: {' '.join(known)}")


def _check_strategy(config: TrainConfig) -> None:
    trainer = config.trainer
    key = f"trainer.strategy={trainer.strategy.value}"
    if trainer.strategy is not Strategy.auto and trainer.devices == 1:
        raise UserError(f"{key} is for several devices; set trainer.devices=<2 or more>, or strategy=auto")
    if trainer.strategy is not Strategy.fsdp:
        return
    if isinstance(config.optimizer, Adafactor):
        raise UserError(
            f"{key} cannot shard Adafactor's factored moments; use optimizer=adamw, or strategy=ddp"
        )
    if trainer.precision == "16-mixed":
        raise UserError(
            f"{key} has no scaler for trainer.precision=16-mixed; use bf16-mixed, or strategy=ddp"
        )


def _check_numbers(config: TrainConfig) -> None:
    trainer, validation = config.trainer, config.validation
    positive = {
        "batch_size": config.batch_size, "size.micro_tokens": config.size.micro_tokens, "limit": config.limit,
        "vocabulary": config.vocabulary, "optimizer.lr": getattr(config.optimizer, "lr", None),
        "trainer.max_epochs": trainer.max_epochs, "trainer.max_steps": trainer.max_steps,
        "trainer.devices": trainer.devices, "trainer.threads": trainer.threads,
        "trainer.log_every": trainer.log_every, "trainer.checkpoint_every": trainer.checkpoint_every,
        "trainer.checkpoint_minutes": trainer.checkpoint_minutes, "trainer.keep_last": trainer.keep_last,
        "trainer.keep_best": trainer.keep_best, "trainer.gradient_clip": trainer.gradient_clip,
        "validation.every": validation.every, "validation.limit": validation.limit,
        "validation.held_out": validation.held_out,
        "adapter.r": getattr(config.adapter, "r", None),
        "adapter.alpha": getattr(config.adapter, "alpha", None),
    }  # fmt: skip
    for key, value in positive.items():
        if value is not None and not value > 0:
            raise UserError(f"{key}={value} must be greater than 0")
    shares = {
        "validation.share": validation.share, "max_rejected": config.max_rejected,
        "scheduler.warmup_ratio": config.scheduler.warmup_ratio,
        "adapter.dropout": getattr(config.adapter, "dropout", 0.0),
    }  # fmt: skip
    for key, share in shares.items():
        if not 0 <= share < 1:
            raise UserError(f"{key}={share} must be a share: 0 <= {key} < 1")
    for key, number in {"seed": config.seed, "validation.answers": validation.answers}.items():
        if number < 0:
            raise UserError(f"{key}={number} must not be negative")
