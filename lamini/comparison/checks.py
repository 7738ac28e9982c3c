"""What can be wrong with a line of compare.py, known before anything heavy is read."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from lamini.comparison.reading import PAPER, folders_of
from lamini.config import CompareConfig
from lamini.errors import UserError
from lamini.runs import ensure_writable

FOLDER = "comparison"


def check(config: CompareConfig) -> None:
    """Raise UserError for what cannot work: one sentence that names the key and says what would."""
    folders_of(config.runs)
    for key, least in (("seed", 0), ("resamples", 100)):
        if getattr(config, key) < least:
            raise UserError(f"{key}={getattr(config, key)} must be at least {least}")
    if config.wandb and find_spec("wandb_workspaces") is None:
        raise UserError("wandb=true needs wandb-workspaces: pip install 'lamini-herd[workspaces]'")
    if config.wandb and not config.project.strip():
        raise UserError("project is empty; name the project of W&B in which the runs lie")
    if config.wandb and not offline(config):
        from lamini.comparison import tracking

        tracking.check_key()
    ensure_writable(place(config), "output")


def place(config: CompareConfig) -> Path:
    """The folder of the book: `output`, else `comparison` in the first herd.

    Raises:
        UserError: no runs.
    """
    if config.output is not None:
        folder = Path(config.output).expanduser()
        if folder.is_file():
            raise UserError(f"output={config.output} is a file; name a folder")
        return folder
    folders = folders_of(config.runs)
    return (folders[0].parent if folders else Path(config.paths.output_dir) / PAPER) / FOLDER


def offline(config: CompareConfig) -> bool:
    """Whether nothing is sent: the line says so, or W&B's own variable."""
    return config.offline or os.environ.get("WANDB_MODE") in ("offline", "disabled")
