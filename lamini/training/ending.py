"""How a run begins and ends in run.json and in the loggers, whatever happens in between."""

from __future__ import annotations

import secrets
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

import torch

from lamini.config import Init, TrainConfig
from lamini.errors import UserError
from lamini.provenance import provenance
from lamini.runs import FORMAT, RunFolder, config_hash, plain
from lamini.search.options import Trial
from lamini.training.checkpointing.interruption import Interrupted
from lamini.training.described import described, summary
from lamini.training.prepare import Prepared
from lamini.training.tracked import Tracked, TrackedWandb


@dataclass
class Run:
    """One student on its way: what the parts of `fit` share."""

    config: TrainConfig
    folder: RunFolder
    number: int  # of the sweep's students, from 1
    total: int
    record: dict[str, Any]
    rank: int = 0  # of the student's devices; the first one speaks and writes for all
    local_rank: int = 0  # of those on this machine
    trial: Trial | None = None  # of a search
    loggers: list[Any] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The run folder's own name."""
        return self.folder.path.name

    def note(self, **facts: Any) -> None:
        """Add facts to run.json."""
        self.record.update(facts)
        if self.rank == 0:
            self.folder.write(self.record)

    def say(self, text: str, file: TextIO | None = None) -> None:
        """A line under the run's name."""
        if self.rank == 0:
            print(f"{self.name}: {text}", file=file, flush=True)


def first_record(config: TrainConfig, old: dict[str, Any], threads: int) -> dict[str, Any]:
    """What run.json knows at the start; `old` is the record of the run that is continued, else {}."""
    unknown = (
        "architecture", "parameters", "trained_parameters", "data", "response_tokens_per_second",
        "padding_share", "train_loss", "validation_loss", "validation_bits_per_byte", "mfu",
        "peak_memory_gib", "error",
    )  # fmt: skip
    return {
        "format": FORMAT,
        "status": "running",
        "student": f"{config.family.name}-{config.size.name}",
        "family": config.family.name,
        "size": config.size.name,
        "init": config.init.value,
        "rehearsal": config.name == "rehearsal",
        "pruned": False,
        **dict.fromkeys(unknown),
        "steps": old.get("steps", 0),
        "epochs": old.get("epochs", 0.0),
        "response_tokens": old.get("response_tokens", 0),
        "held_out": old.get("held_out") or {},
        "micro_tokens": config.size.micro_tokens or old.get("micro_tokens"),
        "seconds": old.get("seconds") or 0.0,
        "wandb_id": old.get("wandb_id") or f"{config_hash(config)}-{secrets.token_hex(4)}",
        "provenance": provenance(config, threads),
    }


def data_facts(prepared: Prepared) -> dict[str, Any]:
    """Fingerprint, sizes of an epoch, and what was set aside or cut."""
    stats = prepared.stats
    return {
        "fingerprint": prepared.fingerprint,
        "pairs": prepared.pairs,
        "sources": prepared.corpus.by_source(),
        "validation_pairs": len(prepared.validation),
        "tokens": {"prompt": stats.prompt_tokens, "response": stats.response_tokens},
        "truncated_prompts": prepared.train.truncated,
        "warnings": list(prepared.warnings),
        "batching": type(prepared.batching).__name__.lower(),
    }


def start_loggers(job: Run) -> None:
    """The run in its trackers, under one id for all its attempts; a sweep's agent has chosen that itself."""
    job.loggers = job.config.logger.build(job.folder.path, described(plain(job.config), job.record, job.name))
    for logger in job.loggers:
        if isinstance(logger, TrackedWandb) and logger.run_id != job.record["wandb_id"]:
            job.note(wandb_id=logger.run_id)


def card(job: Run) -> dict[str, Any]:
    """What the model card tells."""
    config, record = job.config, job.record
    published = config.family.sizes[config.size.name].checkpoint
    results = {"validation_loss": record["validation_loss"]}
    results |= {f"exact_match_{axis}": scores["student"] for axis, scores in record["held_out"].items()}
    return {
        "name": job.name,
        "init": config.init.value,
        "base_model": (config.checkpoint or published) if config.init is Init.pretrained else None,
        "licence": config.family.licence,
        "data": f"{type(config.data).__name__} {record['data']['fingerprint']}",
        "results": {name: value for name, value in results.items() if value is not None},
        "details": {name: record[name] for name in ("parameters", "steps", "epochs")},
    }


@contextmanager
def ending(job: Run) -> Iterator[None]:
    """Status, error and closed loggers, whatever happens inside.

    A UserError is told in its sentence; anything else is a bug of ours and leaves its traceback in error.txt.
    """
    try:
        yield
    except Interrupted as stop:
        job.note(status="interrupted", error=str(stop), pruned=stop.pruned)
        job.say(str(stop) if stop.pruned else f"{stop}; the same line continues it")
    except UserError as error:
        _fail(job, str(error))
    except torch.OutOfMemoryError as error:
        key = f"size.micro_tokens={job.record['micro_tokens']}"
        _fail(job, f"the device's memory is full ({error}); lower {key}")
    except Exception as error:
        place = job.folder.path / "error.txt"
        place.write_text(traceback.format_exc(), encoding="utf-8")
        _fail(job, f"{type(error).__name__}: {error} (traceback in {place})")
    finally:
        _close(job)


def _fail(job: Run, sentence: str) -> None:
    job.say(f"failed: {sentence}", sys.stderr)
    job.note(status="failed", error=sentence)


def _close(job: Run) -> None:
    """Trackers' runs end with the student's own outcome; what they have to say is printed.

    An interrupted run has several folders of one id: named together, W&B sends them as one run.
    """
    for logger in job.loggers:
        if isinstance(logger, Tracked):
            wanted = job.record["status"] == "done" or job.record["pruned"]
            told = logger.end(summary(job.record), wanted)
            if told:
                job.say(told)
