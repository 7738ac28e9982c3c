"""compare.py wandb=true: scores in the runs' summaries, a workspace, a report; or files that say it."""

from __future__ import annotations

from pathlib import Path

from lamini.comparison.blocks import Chapter
from lamini.comparison.herd import Herd, Kind, Member
from lamini.comparison.tracking import summaries
from lamini.comparison.tracking.connecting import owner, refusals
from lamini.comparison.tracking.pending import sync_lines
from lamini.comparison.tracking.report import report
from lamini.comparison.tracking.specs import write_report, write_workspace
from lamini.comparison.tracking.workspace import workspace
from lamini.errors import UserError


def show(
    herd: Herd, *, project: str, entity: str | None, out: Path, offline: bool, overview: Chapter | None = None
) -> list[str]:
    """Put the herd into W&B, or beside the book; returns the lines that tell the user where.

    Args:
        herd: what is compared; the paper's numbers stay out of W&B.
        project: of W&B.
        entity: team or user; None is the key's own.
        out: folder of the book.
        offline: files and a `wandb sync` line instead of requests.
        overview: the chapter that the report mirrors; None: made of the herd.

    Raises:
        UserError: no wandb-workspaces, no key, a wrong one, W&B refuses, or `out` cannot be written.
    """
    _installed()
    members = [member for member in herd.members if member.kind is not Kind.published]
    if not members:
        return ["W&B: no runs to show; train.py makes some, the paper's numbers are in the book"]
    chapter = overview or _overview(herd)
    if offline:
        return _files(members, chapter, project, entity, out)
    return _online(members, chapter, project, owner(entity, project), out)


def _online(members: list[Member], chapter: Chapter, project: str, entity: str, out: Path) -> list[str]:
    with refusals():
        told = summaries.add(members, out, project, entity, offline=False)
        shown = workspace(members, project, entity).save()
        written = report(members, chapter, project, entity, runs=True).save()
    lines = [f"W&B workspace: {shown.url}", f"W&B report: {written.url}"]
    lines += [f"W&B: last numbers and scores of {len(told)} runs added"] if told else []
    waiting = sync_lines(members, out, project, entity)
    return lines + [f"W&B: not uploaded yet: {line}" for line in waiting]


def _files(members: list[Member], chapter: Chapter, project: str, entity: str | None, out: Path) -> list[str]:
    out.mkdir(parents=True, exist_ok=True)
    with refusals():
        summaries.add(members, out, project, entity, offline=True)
    shown = write_workspace(workspace(members, project, entity or ""), out / "workspace.json")
    written = write_report(report(members, chapter, project, entity or "", runs=False), out / "report.json")
    later = "without offline=true and with a key in WANDB_API_KEY the same line puts them up"
    lines = [f"W&B offline: {shown} and {written}; {later}"]
    return lines + [f"W&B runs: {line}" for line in sync_lines(members, out, project, entity)]


def _overview(herd: Herd) -> Chapter:
    from lamini.comparison.chapters import overview

    return overview.chapter(herd)


def _installed() -> None:
    try:
        import wandb_workspaces  # noqa: F401
    except ImportError as error:
        raise UserError(
            "wandb=true needs wandb-workspaces; pip install 'lamini-herd[workspaces]', or wandb=false"
        ) from error
