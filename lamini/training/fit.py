"""Train one student in one run folder: prepare, build, fit, score, export."""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import yaml

from lamini.config import Strategy, TrainConfig
from lamini.data.datamodule import PairsDataModule
from lamini.errors import UserError
from lamini.runs import RunFolder, State, plain, write_atomically
from lamini.search.options import Trial
from lamini.search.pruning import Pruning
from lamini.students.adapters import merge
from lamini.students.export import export
from lamini.students.loading import build_model, count_parameters
from lamini.students.protocol import Student
from lamini.training import peaks, ranks, scoring
from lamini.training.answers import Answers
from lamini.training.building import equip
from lamini.training.checkpointing.checkpoints import Checkpoints
from lamini.training.checkpointing.interruption import Interruption
from lamini.training.checkpointing.kept import LAST, Kept
from lamini.training.checkpointing.resuming import check_architecture, restore
from lamini.training.devices import device_of, here, precision_of, ready_memory, set_threads, uses_cuda
from lamini.training.ending import Run, card, data_facts, ending, first_record, start_loggers
from lamini.training.loggers import Metrics
from lamini.training.module import StudentModule
from lamini.training.planning.micro_tokens import settled
from lamini.training.prepare import Prepared, prepare
from lamini.training.progress import ProgressDisplay
from lamini.training.quiet import quiet
from lamini.training.recording import Hardware, Recorder
from lamini.training.sharding import strategy_of, whole
from lamini.training.world import world_of

OURS = (
    "run.json", "config.yaml", "metrics.jsonl", "answers.jsonl", "error.txt",
    "checkpoints", "export", "evaluation", "wandb", "csv",
)  # fmt: skip


def run(
    config: TrainConfig,
    path: Path,
    number: int = 1,
    total: int = 1,
    trial: Trial | None = None,
    meet: Callable[[], None] | None = None,
) -> None:
    """Train the student of `config` in the folder `path`, or continue it where a checkpoint stands.

    How it ended (done, failed, interrupted) is in run.json; a failure also prints one sentence. The `trial`
    of a search may be pruned. Where others have started the ranks of the student, this is the first of them,
    and the rest wait for `meet`, which is called when the folder is ready.

    Raises:
        UserError: the folder is another configuration's or another process's, cannot be written, or holds
            checkpoints of which none is whole.
    """
    path.mkdir(parents=True, exist_ok=True)
    folder = RunFolder(path)
    with folder.locked():
        if folder.state(config) is State.new:
            _clear(path)
        else:
            _restore(folder)
        (path / "error.txt").unlink(missing_ok=True)
        write_atomically(folder.config_file, yaml.safe_dump(plain(config), sort_keys=False))
        if meet is not None:
            meet()
        if meet is not None or config.trainer.devices == 1:
            life(0, config, path, number, total, trial)
            return
        status = ranks.on_all(config.trainer.devices, life, config, path, number, total, trial)
        record = folder.record()
        if status and record.get("status") == "running":
            folder.write({**record, "status": "failed", "error": f"a rank ended with exit status {status}"})


def life(
    rank: int, config: TrainConfig, path: Path, number: int, total: int, trial: Trial | None = None
) -> str:
    """One student on one of its devices, from the first line of run.json to the last; returns its status."""
    quiet()
    folder = RunFolder(path)
    ready_memory(config.trainer)
    record = first_record(config, folder.record(), set_threads(config.trainer))
    world = world_of()
    job = Run(config, folder, number, total, record, rank, world.local_rank, trial)
    interruption = Interruption(patient=bool(world.starter))
    with ending(job), interruption.listening():
        job.note()
        fit(job, interruption)
    if rank and job.record["status"] == "failed":
        sys.exit(1)  # the other ranks would wait for this one
    return str(job.record["status"])


def fit(job: Run, interruption: Interruption) -> None:
    """The life of a student, from tokens to export."""
    config, path = job.config, job.folder.path
    began = time.perf_counter() - job.record["seconds"]
    device = device_of(config.trainer, job.local_rank)
    prepared = prepare(config)
    torch.manual_seed(config.seed)
    student = prepared.student
    attention = equip(config, student)
    model = student.ready().to(device)  # type: ignore[arg-type]
    job.note(
        architecture=student.architecture, parameters=count_parameters(config, len(student.tokenizer)),
        trained_parameters=sum(p.numel() for p in model.parameters() if p.requires_grad), attention=attention,
    )  # fmt: skip
    prepared = settled(config, prepared, device, job.record["micro_tokens"], job.say)
    job.note(data=data_facts(prepared), micro_tokens=prepared.micro_tokens)
    scored = bool(prepared.corpus.held_out) and job.rank == 0
    if scored and not job.record["held_out"]:
        job.note(held_out=scoring.before_training(prepared, config))
    recorder = Recorder(
        Metrics(path / "metrics.jsonl"), config.trainer.log_every, prepared.pairs, _hardware(job, student)
    )
    if job.rank == 0:
        start_loggers(job)

    def saved() -> None:
        job.note(**_counts(recorder, config), seconds=time.perf_counter() - began)

    _train(job, prepared, recorder, interruption, saved)
    student.model = whole(student.ready(), partial(build_model, config, len(student.tokenizer)))
    if job.rank == 0:
        student.model.to(device)  # type: ignore[arg-type]  # Lightning leaves it on the CPU
        merge(student.model)
    job.note(
        **_counts(recorder, config), train_loss=recorder.train_loss,
        **scoring.losses(prepared, recorder.validation_loss), padding_share=recorder.padding_share,
        response_tokens_per_second=recorder.speed, seconds=time.perf_counter() - began,
        mfu=recorder.mfu, peak_memory_gib=recorder.peak_memory / 2**30 or None,
    )  # fmt: skip
    if scored:
        job.note(held_out=scoring.after_training(prepared, config, job.record["held_out"]))
    if job.rank == 0:
        export(student, path / "export", card(job))
    job.note(seconds=time.perf_counter() - began, status="done")


def _hardware(job: Run, student: Student) -> Hardware:
    """What speed and memory are held against."""
    trainer = job.config.trainer
    device = device_of(trainer, job.local_rank)
    peak = peaks.peak(device, precision_of(trainer))
    return Hardware(device, peak and peak * trainer.devices, student.operations(student.ready()))


def _counts(recorder: Recorder, config: TrainConfig) -> dict[str, Any]:
    """How far the run is, as run.json tells it."""
    return {
        "steps": recorder.sums["pairs"] // config.batch_size,
        "epochs": round(recorder.epoch, 6),
        "response_tokens": recorder.sums["response_tokens"],
    }


def _train(
    job: Run,
    prepared: Prepared,
    recorder: Recorder,
    interruption: Interruption,
    saved: Callable[[], None],
) -> None:
    """Lightning's part, from the last checkpoint if there is one."""
    config, path = job.config, job.folder.path
    trainer = _trainer(job, prepared, recorder, interruption, saved)
    objective = config.objective.build(config, prepared, device_of(config.trainer, job.local_rank))
    module = StudentModule(
        prepared.student, config.optimizer, config.scheduler, prepared.steps, config.seed,
        config.trainer.gradient_clip, objective,
    )  # fmt: skip
    data = PairsDataModule(
        prepared.student, prepared.train, prepared.order, prepared.validation, prepared.batching,
        batch_size=config.batch_size, micro_tokens=prepared.micro_tokens, steps=prepared.steps,
        seed=config.seed, devices=config.trainer.devices, rank=job.rank,
        num_workers=2 if uses_cuda(config.trainer) else 0,  # a GPU must not wait for packing
        extras=objective.extras,
    )  # fmt: skip
    last = path / "checkpoints" / LAST
    if last.exists():
        check_architecture(last, module.saved_state())
    trainer.fit(module, data, ckpt_path=last if last.exists() else None, weights_only=True)


def _trainer(
    job: Run,
    prepared: Prepared,
    recorder: Recorder,
    interruption: Interruption,
    saved: Callable[[], None],
) -> pl.Trainer:
    """Lightning's trainer: one epoch as long as the run, validated and saved every so many steps."""
    config, path = job.config, job.folder.path
    every = min(config.validation.every or math.ceil(prepared.steps / 10), prepared.steps)
    validate = every if len(prepared.validation) else None
    kept = Kept(path / "checkpoints", config.trainer.keep_last, config.trainer.keep_best)
    checkpoints = Checkpoints(
        kept, config.trainer.checkpoint_every or every, config.trainer.checkpoint_minutes, validate,
        prepared.steps, saved,
    )  # fmt: skip
    interruption.checkpoints = checkpoints
    losses = partial(scoring.losses, prepared)
    pruning = [Pruning(job.trial, every, prepared.steps, losses, job.note)] if job.trial else []
    table = prepared.validation_table.slice(0, config.validation.answers).to_pydict()
    rows = list(zip(table["instruction"], table["response"], strict=True))
    callbacks = [
        recorder,
        ProgressDisplay(recorder, job.name, job.number, job.total, prepared.steps),
        Answers(prepared.student, rows, path / "answers.jsonl", scoring.answer_tokens(prepared)),
        *pruning,
        checkpoints,
        interruption,
    ]
    return pl.Trainer(
        accelerator=config.trainer.accelerator, devices=here(config.trainer),
        num_nodes=config.trainer.devices // here(config.trainer),
        strategy=strategy_of(config.trainer), plugins=[ranks.Environment(), checkpoints.io],
        inference_mode=config.trainer.strategy is not Strategy.fsdp,  # see students/protocol.py, `answering`
        precision=precision_of(config.trainer), max_steps=prepared.steps, max_epochs=1,  # type: ignore[arg-type]
        val_check_interval=validate, check_val_every_n_epoch=None, limit_val_batches=1.0 if validate else 0,
        num_sanity_val_steps=0, use_distributed_sampler=False, enable_progress_bar=False,
        enable_model_summary=False, enable_checkpointing=False, logger=job.loggers or False,
        callbacks=callbacks, default_root_dir=path,
    )  # fmt: skip


def _restore(folder: RunFolder) -> None:
    """Choose where to continue and say what is wrong with the newer checkpoints."""
    try:
        told = restore(folder.path / "checkpoints")
    except UserError as error:
        folder.write({**folder.record(), "status": "failed", "error": str(error)})
        raise
    for sentence in told:
        print(f"{folder.path.name}: {sentence}", file=sys.stderr, flush=True)


def _clear(path: Path) -> None:
    """Remove what an earlier run left, and nothing that is not ours: the folder may be anybody's."""
    for name in OURS:
        entry = path / name
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)
