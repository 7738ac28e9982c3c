"""A run of trackio's as a Lightning logger."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import trackio

from lamini.training.tracked import Tracked


class TrackedTrackio(Tracked):
    """Trackio."""

    def __init__(self, run: Any) -> None:
        """`run` has been started."""
        super().__init__()
        self.run = run
        self.step = 0  # of the last record: tables belong to it

    @property
    def name(self) -> str:
        """The project."""
        return str(self.run.project)

    @property
    def version(self) -> str:
        """The run."""
        return str(self.run.name)

    @property
    def run_id(self) -> str:
        """Trackio's own."""
        return str(self.run.id)

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """None beside the config it was started with."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """One record."""
        self.step = self.step if step is None else step
        self.run.log(dict(metrics), step=self.step)

    def table(self, name: str, columns: Sequence[str], rows: list[list[object]]) -> None:
        """A table at the last step."""
        self.run.log({name: trackio.Table(columns=list(columns), data=rows)}, step=self.step)

    def end(self, summary: Mapping[str, Any], done: bool) -> str | None:
        """The last numbers as a record: trackio has no summary."""
        numbers = {f"summary/{name}": one for name, one in summary.items() if isinstance(one, int | float)}
        with redirect_stdout(StringIO()):
            self.run.log(numbers, step=self.step)
            trackio.finish()  # not the run's own: at exit it would be ended, and told, once more
        return f"trackio show --project {self.run.project}"
