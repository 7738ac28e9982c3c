"""Loggers with a run of their own, as `fit` sees them: an id, tables of text, an end with a summary."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger, WandbLogger

from lamini.training.loggers import sync_line


class Tracked(Logger):
    """A Lightning logger whose run is ended by us, whatever happened to the student."""

    @property
    @abstractmethod
    def run_id(self) -> str:
        """The id under which its tracker knows the run."""

    @abstractmethod
    def table(self, name: str, columns: Sequence[str], rows: list[list[object]]) -> None:
        """Rows of text at the present step."""

    @abstractmethod
    def end(self, summary: Mapping[str, Any], done: bool) -> str | None:
        """Last numbers and the end of the run; returns what the user is to be told."""


class TrackedWandb(WandbLogger, Tracked):
    """W&B."""

    @property
    def run_id(self) -> str:
        """W&B's id: ours, or the agent's in a sweep."""
        return str(self.experiment.id)

    def table(self, name: str, columns: Sequence[str], rows: list[list[object]]) -> None:
        """A W&B table."""
        self.log_table(name, columns=list(columns), data=rows)

    def end(self, summary: Mapping[str, Any], done: bool) -> str | None:
        """Finish with the student's own exit code; offline, the line that uploads all attempts."""
        run: Any = self.experiment
        folder, offline = Path(run.dir).parent, run.offline
        run.summary.update(dict(summary))
        run.finish(exit_code=0 if done else 1)
        return sync_line(sorted(folder.parent.glob(f"offline-run-*-{run.id}*"))) if offline else None
