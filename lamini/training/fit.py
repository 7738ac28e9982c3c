"""Train one student in one run folder: build, fit, score, export, and say in run.json how it ended."""

from __future__ import annotations

import logging
import math
import shutil
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import transformers
import yaml

from lamini.config import TrainConfig
from lamini.data.datamodule import PairsDataModule
from lamini.errors import UserError
from lamini.evaluation import held_out
from lamini.runs import FORMAT, RunFolder, State, config_hash, plain, provenance, write_atomically
from lamini.students.export import export
from lamini.students.loading import build_model
from lamini.training.answers import Answers
from lamini.training.checkpoints import LAST, Checkpoints
from lamini.training.devices import precision_of, set_threads
from lamini.training.interruption import Interrupted, Interruption
from lamini.training.loggers import Metrics
from lamini.training.module import StudentModule
from lamini.training.prepare import Prepared, prepare
from lamini.training.progress import ProgressDisplay
from lamini.training.recording import Recorder

ANSWER_TOKENS = 128  # of the answers shown at a validation, and of a scored one at most


@dataclass
class Run:
    """One student on its way: what the parts of `fit` share."""

    config: TrainConfig
    folder: RunFolder
    number: int
    total: int
    record: dict[str, Any]
    loggers: list[Any] = field(default_factory=list)

    def note(self, **facts: Any) -> None:
        """Add facts to run.json."""
        self.record.update(facts)
        self.folder.write(self.record)


def run(config: TrainConfig, path: Path, number: int = 1, total: int = 1) -> None:
    """Train the student of `config` in the folder `path`; continues where a checkpoint stands.

    How it ended (done, failed, interrupted) is in run.json; a failure also prints one sentence, and its
    traceback goes to `error.txt`.
    """
    _quiet()
    threads = set_threads(config.trainer)
    path.mkdir(parents=True, exist_ok=True)
    folder = RunFolder(path)
    with folder.locked():
        state = folder.state(config)
        if config.force:
            _clear(path)
        record = {**_facts(config, folder.record(), threads), "status": "running", "error": None}
        job = Run(config, folder, number, total, record)
        write_atomically(folder.config_file, yaml.safe_dump(plain(config), sort_keys=False))
        job.note()
        with _ending(job):
            fit(job, state)


def fit(job: Run, state: State) -> None:
    """The life of a run: prepare, build, train, validate, score, export."""
    config, path = job.config, job.folder.path
    began = time.perf_counter() - (job.record["seconds"] or 0.0)
    prepared = prepare(config)
    torch.manual_seed(config.seed)
    student = prepared.student
    student.model = build_model(config, len(student.tokenizer))
    parameters = sum(parameter.numel() for parameter in student.model.parameters())
    job.note(architecture=student.architecture, parameters=parameters, data=_data_facts(prepared))
    if prepared.corpus.held_out and not job.record["held_out"]:
        job.note(held_out=_before_training(prepared, config))
    module = StudentModule(
        student,
        config.optimizer,
        config.scheduler,
        prepared.steps,
        config.seed,
        config.trainer.gradient_clip,
    )
    data = PairsDataModule(
        student, prepared.train, prepared.order, prepared.validation, batch_size=config.batch_size,
        micro_tokens=config.size.micro_tokens, steps=prepared.steps, seed=config.seed, devices=config.trainer.devices,
    )  # fmt: skip
    recorder = Recorder(Metrics(path / "metrics.jsonl"), config.trainer.log_every, prepared.pairs)
    job.loggers = config.logger.build(path, _logged_run(job))
    trainer = _trainer(job, prepared, recorder)
    checkpoint = path / "checkpoints" / LAST
    trainer.fit(module, data, ckpt_path=checkpoint if checkpoint.exists() else None, weights_only=True)
    loss = _validated(trainer, module, data, recorder)
    job.note(
        steps=trainer.global_step, epochs=round(recorder.epoch, 6), train_loss=recorder.train_loss,
        validation_loss=loss, validation_bits_per_byte=_bits_per_byte(loss, prepared),
        response_tokens=recorder.sums["response_tokens"], response_tokens_per_second=recorder.speed,
        padding_share=1 - (recorder.sums["response_tokens"] + recorder.sums["prompt_tokens"]) / max(recorder.sums["padded_tokens"], 1),
        seconds=time.perf_counter() - began,
    )  # fmt: skip
    _score(job, prepared)
    export(student, path / "export", _card(job))
    job.note(seconds=time.perf_counter() - began, status="done")
    _summarise(job)


def _trainer(job: Run, prepared: Prepared, recorder: Recorder) -> pl.Trainer:
    config, path = job.config, job.folder.path
    every = min(config.validation.every or math.ceil(prepared.steps / 10), prepared.steps)
    checkpoints = Checkpoints(path / "checkpoints", config.trainer.checkpoint_every or every)
    table = prepared.validation_table.slice(0, config.validation.answers).to_pydict()
    rows = list(zip(table["instruction"], table["response"], strict=True))
    callbacks = [
        recorder,
        ProgressDisplay(recorder, path.name, job.number, job.total, prepared.steps),
        Answers(prepared.student, rows, path / "answers.jsonl", min(ANSWER_TOKENS, config.context)),
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


def _validated(
    trainer: pl.Trainer, module: StudentModule, data: PairsDataModule, recorder: Recorder
) -> float | None:
    """The validation loss after the last step, measured now unless the last step was a validation step."""
    last = [record for record in recorder.metrics.read() if "validation/loss" in record]
    if last and last[-1]["step"] == trainer.global_step:
        return float(last[-1]["validation/loss"])
    if not len(data.validation):
        return None
    (result,) = trainer.validate(module, data, verbose=False)
    return float(result["validation/loss"])


def _bits_per_byte(loss: float | None, prepared: Prepared) -> float | None:
    """Validation loss in bits a byte of response text: losses of different tokenizers do not compare, this does."""
    if loss is None:
        return None
    kept = prepared.validation_table.take(prepared.validation.rows_N)
    size = sum(len(text.encode()) for text in kept["response"].to_pylist())
    return loss * int(prepared.validation.response_lengths_N.sum()) / math.log(2) / size


def _before_training(prepared: Prepared, config: TrainConfig) -> held_out.Scores:
    """The baselines of every axis, the untrained student among them."""
    axes, limit = prepared.corpus.held_out, config.validation.held_out
    scores = held_out.baselines(axes, limit, prepared.corpus.sources[0].table)
    for axis, share in held_out.score(axes, limit, _answerer(prepared)).items():
        scores[axis]["untrained"] = share
    return scores


def _score(job: Run, prepared: Prepared) -> None:
    """Exact match on the held-out axes, where the data has them."""
    if not prepared.corpus.held_out:
        return
    scores = job.record["held_out"]
    shares = held_out.score(prepared.corpus.held_out, job.config.validation.held_out, _answerer(prepared))
    for axis, share in shares.items():
        scores[axis]["student"] = share
    job.note(held_out=scores)


def _answerer(prepared: Prepared) -> Any:
    """Answers of the student, as long as the longest response it was shown."""
    longest = min(int(prepared.train.response_lengths_N.max()), ANSWER_TOKENS)
    return lambda instructions: prepared.student.generate(instructions, max_new_tokens=longest)


def _facts(config: TrainConfig, old: dict[str, Any], threads: int) -> dict[str, Any]:
    """What run.json knows at the start; sums of an interrupted run go on."""
    same = old.get("provenance", {}).get("config_hash") == config_hash(config) and not config.force
    return {
        "format": FORMAT,
        "status": "running",
        "student": f"{config.family.name}-{config.size.name}",
        "family": config.family.name,
        "size": config.size.name,
        "architecture": None,
        "init": config.init.value,
        "rehearsal": config.name == "rehearsal",
        "parameters": None,
        "data": None,
        "steps": 0,
        "epochs": 0.0,
        "response_tokens": 0,
        "response_tokens_per_second": None,
        "train_loss": None,
        "validation_loss": None,
        "validation_bits_per_byte": None,
        "held_out": (old.get("held_out") or {}) if same else {},
        "seconds": old.get("seconds") if same else 0.0,
        "error": None,
        "provenance": provenance(config, threads),
    }


def _data_facts(prepared: Prepared) -> dict[str, Any]:
    tokens = prepared.train
    return {
        "fingerprint": prepared.fingerprint,
        "pairs": prepared.pairs,
        "validation_pairs": len(prepared.validation),
        "tokens": {
            "prompt": int(tokens.prompt_lengths_N.sum(dtype=int)),
            "response": int(tokens.response_lengths_N.sum(dtype=int)),
        },
        "truncated_prompts": tokens.truncated,
        "warnings": list(prepared.warnings),
    }


def _logged_run(job: Run) -> dict[str, Any]:
    """Name, group, tags and id of the W&B run: the same for the same job, so that a resumed run continues."""
    config = job.config
    scratch = " (scratch)" if config.init.value == "scratch" else ""
    return {
        "id": f"{config.name}-{job.folder.path.name}-{config_hash(config)}".replace("/", "-").replace(
            ",", "-"
        )[-120:],
        "name": f"{job.folder.path.name}{scratch}",
        "group": config.name,
        "tags": [config.family.name, config.size.name, config.init.value],
        "config": {
            **plain(config),
            "parameters": job.record["parameters"],
            "data_facts": job.record["data"],
        },
    }


def _card(job: Run) -> dict[str, Any]:
    """What the model card tells."""
    size = job.config.family.sizes[job.config.size.name]
    base = job.config.checkpoint or size.checkpoint if job.config.init.value == "pretrained" else None
    results = {"validation_loss": job.record["validation_loss"]}
    results |= {f"exact_match_{axis}": scores["student"] for axis, scores in job.record["held_out"].items()}
    return {
        "name": job.folder.path.name,
        "init": job.config.init.value,
        "base_model": base,
        "licence": job.config.family.licence,
        "data": f"{type(job.config.data).__name__} {job.record['data']['fingerprint']}",
        "results": {name: value for name, value in results.items() if value is not None},
        "details": {name: job.record[name] for name in ("parameters", "steps", "epochs")},
    }


def _summarise(job: Run) -> None:
    """The final numbers in the W&B summary, so that its table compares the herd."""
    for logger in job.loggers:
        if isinstance(logger, pl.loggers.WandbLogger):
            names = (
                "validation_loss",
                "validation_bits_per_byte",
                "response_tokens_per_second",
                "parameters",
            )
            summary = {name: job.record[name] for name in names}
            for axis, scores in job.record["held_out"].items():
                summary[f"exact_match/{axis}"] = scores["student"]
            logger.experiment.summary.update(summary)


@contextmanager
def _ending(job: Run) -> Iterator[None]:
    """Status, error and closed loggers, whatever happens."""
    try:
        yield
    except Interrupted as stop:
        job.note(status="interrupted", error=str(stop))
        print(f"{job.folder.path.name}: {stop}; the same line continues it", flush=True)
    except KeyboardInterrupt:
        job.note(status="interrupted", error="stopped by a second Ctrl-C")
    except Exception as error:
        told = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        if not isinstance(error, UserError):
            (job.folder.path / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
            told += f" (traceback in {job.folder.path / 'error.txt'})"
        print(f"{job.folder.path.name}: failed: {told}", file=sys.stderr, flush=True)
        job.note(status="failed", error=told)
    finally:
        _close(job)


def _close(job: Run) -> None:
    """W&B's run ends with the student's own exit code; offline, the line that uploads it is printed."""
    for logger in job.loggers:
        if isinstance(logger, pl.loggers.WandbLogger):
            folder = Path(logger.experiment.dir).parent
            offline = logger.experiment.offline
            logger.experiment.finish(exit_code=0 if job.record["status"] == "done" else 1)
            if offline:
                print(f"{job.folder.path.name}: wandb sync {folder}", flush=True)


def _clear(path: Path) -> None:
    """Remove what an earlier run left, but Hydra's own folder and the lock."""
    for entry in path.iterdir():
        if entry.name not in {".hydra", "lock"}:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _quiet() -> None:
    """Our own lines say what matters; libraries keep their warnings."""
    for name in ("pytorch_lightning", "lightning_fabric", "wandb"):
        logging.getLogger(name).setLevel(logging.ERROR)
    transformers.utils.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", module="pytorch_lightning.*")
