"""Offline runs that nobody has uploaded yet, and the command that does it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lamini.comparison.herd import Member
from lamini.training.loggers import sync_line


def pending(folder: Path) -> list[Path]:
    """Offline runs in `<folder>/wandb` without W&B's mark that they were uploaded, the oldest first."""
    files = sorted((folder / "wandb").glob("offline-run-*/*.wandb"))
    return [file.parent for file in files if not file.with_name(f"{file.name}.synced").exists()]


def sync_lines(members: Iterable[Member], own: Path, project: str, entity: str | None) -> list[str]:
    """One command for all that is pending in run folders and then in `own`, where the scores lie.

    A folder `wandb` stands for all offline runs in it, so that the line stays short.
    """
    folders = [member.folder for member in members if member.folder is not None]
    waiting = [folder / "wandb" for folder in [*folders, own] if pending(folder)]
    return [sync_line(waiting, project, entity)] if waiting else []
