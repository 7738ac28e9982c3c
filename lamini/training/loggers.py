"""Where metrics go: metrics.jsonl in the run folder always, a tracker or CSV beside it as the option says.

The options are dataclasses that say their keys and build a Lightning logger. W&B is never the only copy, and
without a key it writes offline and the line that uploads it is printed. The W&B run is started here and not
by Lightning, which would take over a run that is still open in the process and leave WANDB_MODE set behind.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any

from lamini.errors import UserError

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger

OTHERS = "logger=offline, csv or none work without a connection"


class WandbMode(Enum):
    """Whether W&B is reached while training."""

    auto = "auto"
    online = "online"
    offline = "offline"


@dataclass
class Wandb:
    """Weights & Biases: one run per student, grouped by the herd's name."""

    project: str  # W&B project
    entity: str | None  # W&B team or user; null: the key's own
    mode: WandbMode  # online, offline, or auto: online with a key, else offline
    tags: list[str]  # added to family, size and init

    def check(self) -> None:
        """Raise UserError where a key is needed and there is none."""
        if self.mode is WandbMode.online and not has_key():
            raise UserError(
                f"logger.mode=online needs a key in WANDB_API_KEY (wandb login keeps one); {OTHERS}"
            )

    def build(self, folder: Path, run: dict[str, Any]) -> list[Logger]:
        """The logger of a started W&B run; `run` has id, name, group, tags and config.

        Raises:
            UserError: W&B refuses (no network, a wrong key).
        """
        import wandb

        from lamini.training.tracked import TrackedWandb

        told = {**run, "tags": [*run["tags"], *self.tags], "job_type": "train"}
        try:
            started = open_wandb(told, self.project, self.entity, folder, self.offline())
        except wandb.Error as error:
            said = " ".join(str(error).split()).rstrip(".")
            raise UserError(f"logger=wandb: {said}; {OTHERS}") from error
        return [TrackedWandb(experiment=started)]

    def offline(self) -> bool:
        """Whether nothing is to be sent: by choice, or because there is no key."""
        if self.mode is not WandbMode.auto:
            return self.mode is WandbMode.offline
        return os.environ.get("WANDB_MODE", "online") != "online" or not has_key()


@dataclass
class Csv:
    """csv/metrics.csv in the run folder."""

    def check(self) -> None:
        """It needs nothing."""

    def build(self, folder: Path, run: dict[str, Any]) -> list[Logger]:
        """The logger; a folder has one run, so `run` tells it nothing."""
        from pytorch_lightning.loggers import CSVLogger

        return [CSVLogger(str(folder), name="", version="csv")]


@dataclass
class Nothing:
    """metrics.jsonl alone."""

    def check(self) -> None:
        """It needs nothing."""

    def build(self, folder: Path, run: dict[str, Any]) -> list[Logger]:
        """No logger."""
        return []


def open_wandb(
    run: dict[str, Any], project: str, entity: str | None, folder: Path, offline: bool, **settings: Any
) -> Any:
    """A started W&B run; inside a sweep the agent's id takes the place of ours.

    Raises:
        wandb.Error: W&B refuses (no network, a wrong key).
    """
    import wandb

    experiment = wandb.init(
        **run, project=project, entity=entity, dir=str(folder),
        mode="offline" if offline else "online", resume=None if offline else "allow",
        reinit="create_new", settings=wandb.Settings(silent=True, **settings),
    )  # fmt: skip
    experiment.define_metric("trainer/global_step")
    experiment.define_metric("*", step_metric="trainer/global_step", step_sync=True)
    return experiment


def sync_line(folders: Iterable[Path], project: str | None = None, entity: str | None = None) -> str:
    """The command that uploads offline runs; attempts of one run, named together, become one run.

    `wandb sync` knows nothing of earlier attempts unless it resumes: the steps would begin at 0 again.
    """
    to = [*(["--project", project] if project else []), *(["--entity", entity] if entity else [])]
    return f"WANDB_RESUME=allow wandb sync {shlex.join([*to, *map(str, folders)])}"


def has_key() -> bool:
    """Whether a W&B key is at hand, in WANDB_API_KEY, as an identity token, or in .netrc."""
    import netrc
    from urllib.parse import urlsplit

    server = urlsplit(os.environ.get("WANDB_BASE_URL") or "https://api.wandb.ai").hostname or ""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    try:
        return netrc.netrc(os.environ.get("NETRC") or None).authenticators(server) is not None
    except (OSError, netrc.NetrcParseError):
        return False


class Metrics:
    """metrics.jsonl: one object a record with step, epoch, time, then names as W&B shows them.

    A resumed run first drops the records behind its checkpoint, so a step is never there twice.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def rewind(self, step: int) -> None:
        """Keep the records up to `step`."""
        rewind(self.path, step)

    def write(self, step: int, epoch: float, values: dict[str, float]) -> None:
        """Append one record."""
        record = {"step": step, "epoch": round(epoch, 6), "time": time(), **values}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def records(path: Path) -> Iterator[dict[str, Any]]:
    """The complete records of a file of JSON Lines; a last line that a crash cut is none."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return


def rewind(path: Path, step: int) -> None:
    """Keep the records of `path` up to `step`, where the file is there at all."""
    if path.exists():
        kept = [record for record in records(path) if record["step"] <= step]
        temporary = path.with_suffix(".tmp")
        temporary.write_text("".join(json.dumps(record) + "\n" for record in kept), encoding="utf-8")
        temporary.replace(path)
