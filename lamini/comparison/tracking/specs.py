"""Workspace and report as JSON, as they would be sent: what a machine without a connection leaves behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lamini.runs import write_atomically


def write_workspace(workspace: Any, file: Path) -> Path:
    """The workspace's view.

    Raises:
        UserError: it cannot be written.
    """
    view = workspace._to_model()
    head = {"displayName": view.display_name, "project": view.project, "entity": view.entity}
    return _write(file, {**head, "spec": view.spec})


def write_report(report: Any, file: Path) -> Path:
    """The report's view.

    Raises:
        UserError: it cannot be written.
    """
    view = report._to_model()
    head = {"displayName": view.display_name, "description": view.description}
    place = {"project": view.project.name, "entity": view.project.entity_name}
    return _write(file, {**head, **place, "spec": view.spec})


def _write(file: Path, tree: dict[str, Any]) -> Path:
    """`spec` is a pydantic model with W&B's own names of fields."""
    spec = tree["spec"].model_dump(mode="json", by_alias=True, exclude_none=True)
    write_atomically(file, json.dumps({**tree, "spec": spec}, indent=1) + "\n")
    return file
