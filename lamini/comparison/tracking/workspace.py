"""The workspace: runs grouped by family and size in the book's colours, and the panels that matter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamini.comparison.figures.palette import colour_of
from lamini.comparison.herd import Kind, Member
from lamini.comparison.tracking import panels
from lamini.comparison.tracking.summaries import group


def workspace(members: Sequence[Member], project: str, entity: str) -> Any:
    """A wandb_workspaces.Workspace that is not saved yet; building it needs no connection."""
    import wandb_workspaces.workspaces as ws

    sections = {
        "Scores": panels.score_panels(members),
        "Size": panels.size_panels(members),
        "Losses": panels.loss_panels(),
        "Speed and cost": panels.cost_panels(),
        "Configurations and answers": panels.difference_panels(members),
    }
    return ws.Workspace(
        name=title(members), entity=entity, project=project,
        sections=[
            ws.Section(name=name, panels=found, is_open=number < 3)
            for number, (name, found) in enumerate(sections.items())
            if found
        ],
        settings=ws.WorkspaceSettings(x_axis=panels.STEP, max_runs=100),
        runset_settings=_runs(members),
    )  # fmt: skip


def title(members: Sequence[Member]) -> str:
    """Of workspace and report."""
    return f"LaMini: {', '.join(groups(members))}"[:128]


def groups(members: Sequence[Member]) -> list[str]:
    """Names of the herds."""
    return sorted({group(one) for one in members if one.kind is not Kind.published})


def families(members: Sequence[Member]) -> list[str]:
    """In alphabetical order, by which they have their colours."""
    return sorted({member.family for member in members})


def _runs(members: Sequence[Member]) -> Any:
    """Which runs, in what order, under what columns and colours."""
    import wandb_workspaces.workspaces as ws
    from wandb_workspaces.expr import And

    column, low_first = panels.leading(members)
    known = families(members)
    return ws.RunsetSettings(
        filters=And(ws.Metric("Group").isin(groups(members))),
        groupby=[ws.Config("family"), ws.Config("size")],
        order=[ws.Ordering(ws.Summary(column), ascending=low_first)],
        group_colors={family: colour_of(family, known) for family in known},
        pinned_columns=panels.pinned(members),
    )
