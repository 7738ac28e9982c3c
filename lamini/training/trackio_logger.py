"""logger=trackio: runs in a local SQLite file (or a Hugging Face Space), shown by `trackio show`.

Everything lies in TRACKIO_DIR (trackio's own default: under the Hugging Face cache). Trackio finds a run by
its name, so the name carries the end of the run's id: the attempts of a run meet, two runs never do.
"""

from __future__ import annotations

from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamini.errors import UserError

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger


@dataclass
class Trackio:
    """Trackio: one run per student, grouped by the herd's name."""

    project: str  # Trackio project
    space_id: str | None  # Hugging Face Space that shows it; null: this machine only
    tags: list[str]  # added to family, size and init

    def check(self) -> None:
        """Raise UserError where trackio is not installed."""
        if find_spec("trackio") is None:
            raise UserError(
                "logger=trackio needs trackio; pip install 'lamini-herd[trackio]' in another environment"
            )

    def build(self, folder: Path, run: dict[str, Any]) -> list[Logger]:
        """The logger of a started run; `run` has id, name, group, tags and config.

        Raises:
            UserError: trackio is not installed, or refuses.
        """
        self.check()
        import trackio

        from lamini.training.tracked_trackio import TrackedTrackio

        config = {**run["config"], "tags": [*run["tags"], *self.tags]}
        try:
            with redirect_stdout(StringIO()):  # it tells how to open it, for every student anew
                started = trackio.init(
                    self.project, name=f"{run['name']} {run['id'][-8:]}", group=run["group"], config=config,
                    resume="allow", space_id=self.space_id, embed=False,
                )  # fmt: skip
        except (ValueError, OSError) as error:
            raise UserError(
                f"logger=trackio: {error}; logger=wandb, offline, csv or none are others"
            ) from error
        return [TrackedTrackio(started)]
