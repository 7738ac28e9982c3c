"""Where metrics go: metrics.jsonl in the run folder always, and W&B or CSV beside it as the option says.

The options are dataclasses that say their keys and build a Lightning logger. W&B is never the only copy, and
without a key it writes offline and the line that uploads it is printed.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger


@dataclass
class Wandb:
    """Weights & Biases: one run per student, grouped by the herd's name."""

    project: str  # W&B project
    entity: str | None  # W&B team or user; null: the key's own
    mode: str  # online, offline, or auto: online with a key, else offline
    tags: list[str]  # added to family, size and init

    def build(self, folder: Path, run: dict[str, Any]) -> list[Logger]:
        """The logger; `run` has id, name, group, tags and config."""
        from pytorch_lightning.loggers import WandbLogger

        folder.mkdir(parents=True, exist_ok=True)
        return [
            WandbLogger(
                name=run["name"], id=run["id"], group=run["group"], project=self.project, entity=self.entity,
                tags=[*run["tags"], *self.tags], config=run["config"], save_dir=str(folder),
                offline=self.offline(), resume=None if self.offline() else "allow", reinit="finish_previous",
            )
        ]  # fmt: skip

    def offline(self) -> bool:
        """Whether nothing is to be sent: by choice, or because there is no key."""
        if self.mode == "auto":
            return (
                not (os.environ.get("WANDB_API_KEY") or _key_in_netrc())
                or os.environ.get("WANDB_MODE") == "offline"
            )
        return self.mode == "offline"


@dataclass
class Csv:
    """metrics.csv in the run folder."""

    def build(self, folder: Path, run: dict[str, Any]) -> list[Logger]:
        """The logger."""
        from pytorch_lightning.loggers import CSVLogger

        return [CSVLogger(str(folder), name="", version="csv")]


@dataclass
class Nothing:
    """metrics.jsonl alone."""

    def build(self, folder: Path, run: dict[str, Any]) -> list[Logger]:
        """No logger."""
        return []


def _key_in_netrc() -> bool:
    import netrc

    try:
        return netrc.netrc().authenticators("api.wandb.ai") is not None
    except (OSError, netrc.NetrcParseError):
        return False


class Metrics:
    """metrics.jsonl: one object a record with step, epoch, time, then names as W&B shows them.

    A resumed run first drops the records behind its checkpoint, so a step is never there twice.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def rewind(self, step: int) -> None:
        """Keep the records up to `step`; a line cut by a crash goes too."""
        kept = [record for record in self.read() if record["step"] <= step]
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text("".join(json.dumps(record) + "\n" for record in kept), encoding="utf-8")
        temporary.replace(self.path)

    def write(self, step: int, epoch: float, values: dict[str, float]) -> None:
        """Append one record."""
        record = {"step": step, "epoch": round(epoch, 6), "time": time.time(), **values}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def read(self) -> Iterable[dict[str, Any]]:
        """The complete records."""
        if not self.path.exists():
            return
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                return
