"""Train one student in one run folder: prepare, build, fit, score, export."""

from __future__ import annotations

import logging
import math
import shutil
import time
import warnings
from pathlib import Path

import pytorch_lightning as pl
import torch
import transformers
import yaml

from lamini.config import TrainConfig
from lamini.data.datamodule import PairsDataModule
from lamini.runs import RunFolder, plain, write_atomically
from lamini.students.export import export
from lamini.students.loading import build_model
from lamini.training import scoring
from lamini.training.answers import Answers
from lamini.training.checkpoints import LAST, Checkpoints
from lamini.training.devices import precision_of, set_threads
from lamini.training.ending import Run, card, data_facts, ending, first_record, logged_run, summarise
from lamini.training.interruption import Interruption
from lamini.training.loggers import Metrics
from lamini.training.module import StudentModule
from lamini.training.prepare import Prepared, prepare
from lamini.training.progress import ProgressDisplay
from lamini.training.recording import Recorder


def run(config: TrainConfig, path: Path, number: int = 1, total: int = 1) -> None:
    """Train the student of `config` in the folder `path`, or continue it where a checkpoint stands.

    How it ended (done, failed, interrupted) is in run.json; a failure also prints one sentence.

    Raises:
        UserError: the folder is another configuration's or another process's, or cannot be written.
    """
    _quiet()
    threads = set_threads(config.trainer)
    path.mkdir(parents=True, exist_ok=True)
    folder = RunFolder(path)
    with folder.locked():
        folder.state(config)
        if config.force:
            _clear(path)
        job = Run(config, folder, number, total, first_record(config, folder.record(), threads))
        write_atomically(folder.config_file, yaml.safe_dump(plain(config), sort_keys=False))
        job.note()
        with ending(job):
            fit(job)


def fit(job: Run) -> None:
    """The life of a student, from tokens to export."""
    config, path = job.config, job.folder.path
    began = time.perf_counter() - job.record["seconds"]
    prepared = prepare(config)
    torch.manual_seed(config.seed)
    student = prepared.student
    student.model = build_model(config, len(student.tokenizer))
    parameters = sum(parameter.numel() for parameter in student.model.parameters())
    job.note(architecture=student.architecture, parameters=parameters, data=data_facts(prepared))
    if prepared.corpus.held_out and not job.record["held_out"]:
        job.note(held_out=scoring.before_training(prepared, config))
    recorder = Recorder(Metrics(path / "metrics.jsonl"), config.trainer.log_every, prepared.pairs)
    job.loggers = config.logger.build(path, logged_run(job))
    trainer = _trainer(job, prepared, recorder)
    module, data = _module(config, prepared), _data(config, prepared)
    checkpoint = path / "checkpoints" / LAST
    trainer.fit(module, data, ckpt_path=checkpoint if checkpoint.exists() else None, weights_only=True)
    loss = scoring.validated(trainer, module, data, recorder)
    job.note(
        steps=trainer.global_step, epochs=round(recorder.epoch, 6), train_loss=recorder.train_loss,
        validation_loss=loss, validation_bits_per_byte=scoring.bits_per_byte(loss, prepared),
        response_tokens=recorder.sums["response_tokens"], response_tokens_per_second=recorder.speed,
        padding_share=recorder.padding_share, seconds=time.perf_counter() - began,
    )  # fmt: skip
    if prepared.corpus.held_out:
        job.note(held_out=scoring.after_training(prepared, config, job.record["held_out"]))
    export(student, path / "export", card(job))
    summarise(job)
    job.note(seconds=time.perf_counter() - began, status="done")


def _module(config: TrainConfig, prepared: Prepared) -> StudentModule:
    clip = config.trainer.gradient_clip
    return StudentModule(
        prepared.student, config.optimizer, config.scheduler, prepared.steps, config.seed, clip
    )


def _data(config: TrainConfig, prepared: Prepared) -> PairsDataModule:
    return PairsDataModule(
        prepared.student, prepared.train, prepared.order, prepared.validation,
        batch_size=config.batch_size, micro_tokens=config.size.micro_tokens, steps=prepared.steps,
        seed=config.seed, devices=config.trainer.devices,
    )  # fmt: skip


def _trainer(job: Run, prepared: Prepared, recorder: Recorder) -> pl.Trainer:
    """Lightning's trainer: one epoch as long as the run, validated and saved every so many steps."""
    config, path = job.config, job.folder.path
    every = min(config.validation.every or math.ceil(prepared.steps / 10), prepared.steps)
    checkpoints = Checkpoints(path / "checkpoints", config.trainer.checkpoint_every or every)
    table = prepared.validation_table.slice(0, config.validation.answers).to_pydict()
    rows = list(zip(table["instruction"], table["response"], strict=True))
    length = min(scoring.ANSWER_TOKENS, config.context)
    callbacks = [
        recorder,
        ProgressDisplay(recorder, job.name, job.number, job.total, prepared.steps),
        Answers(prepared.student, rows, path / "answers.jsonl", length),
        checkpoints,
        Interruption(checkpoints),
    ]
    return pl.Trainer(
        accelerator=config.trainer.accelerator, devices=config.trainer.devices,
        strategy="ddp_fork" if config.trainer.devices > 1 else "auto",
        precision=precision_of(config.trainer), max_steps=prepared.steps, max_epochs=1,  # type: ignore[arg-type]
        val_check_interval=every if len(prepared.validation) else None, check_val_every_n_epoch=None,
        limit_val_batches=1.0 if len(prepared.validation) else 0,
        log_every_n_steps=config.trainer.log_every, num_sanity_val_steps=0, use_distributed_sampler=False,
        enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False,
        logger=job.loggers or False, callbacks=callbacks, default_root_dir=path,
    )  # fmt: skip


def _clear(path: Path) -> None:
    """Remove what an earlier run left, but Hydra's own folder and the lock."""
    for entry in path.iterdir():
        if entry.name not in {".hydra", "lock"}:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _quiet() -> None:
    """Our own lines say what matters; libraries keep their errors."""
    for name in ("pytorch_lightning", "lightning_fabric", "wandb"):
        logging.getLogger(name).setLevel(logging.ERROR)
    transformers.utils.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", module="pytorch_lightning.*")
