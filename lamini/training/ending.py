"""How a run begins and ends in run.json and in the loggers, whatever happens in between."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import WandbLogger

from lamini.config import Init, TrainConfig
from lamini.errors import UserError
from lamini.runs import FORMAT, RunFolder, config_hash, plain, provenance
from lamini.training.interruption import Interrupted
from lamini.training.prepare import Prepared


@dataclass
class Run:
    """One student on its way: what the parts of `fit` share."""

    config: TrainConfig
    folder: RunFolder
    number: int  # of the sweep's students, from 1
    total: int
    record: dict[str, Any]
    loggers: list[Any] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The run folder's own name."""
        return self.folder.path.name

    def note(self, **facts: Any) -> None:
        """Add facts to run.json."""
        self.record.update(facts)
        self.folder.write(self.record)


def first_record(config: TrainConfig, old: dict[str, Any], threads: int) -> dict[str, Any]:
    """What run.json knows at the start; a resumed run goes on from the seconds and baselines it had."""
    same = old.get("provenance", {}).get("config_hash") == config_hash(config) and not config.force
    unknown = (
        "architecture", "parameters", "data", "response_tokens_per_second", "padding_share",
        "train_loss", "validation_loss", "validation_bits_per_byte", "error",
    )  # fmt: skip
    return {
        "format": FORMAT,
        "status": "running",
        "student": f"{config.family.name}-{config.size.name}",
        "family": config.family.name,
        "size": config.size.name,
        "init": config.init.value,
        "rehearsal": config.name == "rehearsal",
        **dict.fromkeys(unknown),
        "steps": old.get("steps", 0) if same else 0,
        "epochs": 0.0,
        "response_tokens": 0,
        "held_out": (old.get("held_out") or {}) if same else {},
        "seconds": (old.get("seconds") or 0.0) if same else 0.0,
        "provenance": provenance(config, threads),
    }


def data_facts(prepared: Prepared) -> dict[str, Any]:
    """Fingerprint, sizes and what was set aside or cut."""
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


def logged_run(job: Run) -> dict[str, Any]:
    """Name, group, tags and id of the W&B run: the same for the same job, so that a resumed run continues."""
    config = job.config
    scratch = " (scratch)" if config.init is Init.scratch else ""
    return {
        "id": f"{config.name}-{job.name}-{config_hash(config)}".replace("/", "-").replace(",", "-")[-120:],
        "name": f"{job.name}{scratch}",
        "group": config.name,
        "tags": [config.family.name, config.size.name, config.init.value],
        "config": {**plain(config), "parameters": job.record["parameters"], "data_facts": job.record["data"]},
    }


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


def summarise(job: Run) -> None:
    """The final numbers in the W&B summary, so that its table compares the herd."""
    names = ("validation_loss", "validation_bits_per_byte", "response_tokens_per_second", "parameters")
    summary = {name: job.record[name] for name in names}
    summary |= {f"exact_match/{axis}": scores["student"] for axis, scores in job.record["held_out"].items()}
    for logger in job.loggers:
        if isinstance(logger, WandbLogger):
            logger.experiment.summary.update(summary)


@contextmanager
def ending(job: Run) -> Iterator[None]:
    """Status, error and closed loggers, whatever happens inside.

    A UserError is told in its sentence; anything else is a bug of ours and leaves its traceback in error.txt.
    """
    try:
        yield
    except Interrupted as stop:
        job.note(status="interrupted", error=str(stop))
        print(f"{job.name}: {stop}; the same line continues it", flush=True)
    except KeyboardInterrupt:
        job.note(status="interrupted", error="stopped at once by a second Ctrl-C")
    except UserError as error:
        _fail(job, str(error))
    except Exception as error:
        place = job.folder.path / "error.txt"
        place.write_text(traceback.format_exc(), encoding="utf-8")
        _fail(job, f"{type(error).__name__}: {error} (traceback in {place})")
    finally:
        _close(job)


def _fail(job: Run, sentence: str) -> None:
    print(f"{job.name}: failed: {sentence}", file=sys.stderr, flush=True)
    job.note(status="failed", error=sentence)


def _close(job: Run) -> None:
    """W&B's run ends with the student's own exit code; offline, the line that uploads it is printed."""
    for logger in job.loggers:
        if isinstance(logger, WandbLogger):
            run = logger.experiment
            folder, offline = Path(run.dir).parent, run.offline
            run.finish(exit_code=0 if job.record["status"] == "done" else 1)
            if offline:
                print(f"{job.name}: wandb sync {folder}", flush=True)
