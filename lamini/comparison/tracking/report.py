"""The book's overview as a W&B report: its texts and tables, and below them panels over the runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

from lamini.analysis.tables import Table, markdown
from lamini.comparison.blocks import Answers, Block, Chapter, Drawing, Listing, Missing, Text
from lamini.comparison.figures.palette import colour_of
from lamini.comparison.herd import Member
from lamini.comparison.tracking import panels
from lamini.comparison.tracking.workspace import families, groups, title

DRAWN = "The figures of this chapter stand in book.html; the panels below draw the runs themselves."


def report(members: Sequence[Member], overview: Chapter, project: str, entity: str, runs: bool) -> Any:
    """A wandb_workspaces.reports.v2.Report that is not saved yet.

    Args:
        members: of the herd.
        overview: the book's first chapter.
        project: of W&B.
        entity: its owner; "" where nobody is asked.
        runs: whether panels name the project's runs, which asks the server for the project.
    """
    import wandb_workspaces.reports.v2 as wr
    from wandb_workspaces.expr import And, Metric

    where: dict[str, Any] = {"entity": entity, "project": project} if runs else {}
    runset = wr.Runset(
        **where, name="herd", filters=And(Metric("Group").isin(groups(members))),
        groupby=["config.family", "config.size"], pinned_columns=panels.pinned(members),
        order=[_order(members)],
    )  # fmt: skip
    grid = [*panels.size_panels(members), *panels.score_panels(members), *panels.loss_panels()]
    blocks = [written for block in overview.blocks if (written := written_as(block)) is not None]
    drawn = [wr.P(DRAWN)] if any(isinstance(block, Drawing) for block in overview.blocks) else []
    return wr.Report(
        project=project, entity=entity, title=title(members), width="fluid",
        description="Students of one teacher side by side: family, size, data.",
        blocks=[wr.TableOfContents(), wr.H1(overview.title), *blocks, *drawn, wr.H1("Runs"),
                wr.PanelGrid(runsets=[runset], panels=grid, custom_run_colors=_colours(members))],
    )  # fmt: skip


def written_as(block: Block) -> Any:
    """A block of the book as one of W&B's; None for a figure."""
    import wandb_workspaces.reports.v2 as wr

    match block:
        case Text(text):
            return wr.MarkdownBlock(text)
        case Listing():
            return wr.MarkdownBlock(_table(block))
        case Answers(instruction, responses):
            lines = [f"- {_plain(who)}: {_plain(said)}" for who, said in responses]
            return wr.MarkdownBlock("\n".join([f"**{_plain(instruction)}**", *lines]))
        case Missing(what, command):
            return wr.MarkdownBlock(f"{what}: `{command}`")
        case Drawing():
            return None
        case _:
            assert_never(block)


def _table(listing: Listing) -> str:
    """A table under its title, with the signs at its cells and what they mean below it."""
    table, rows = listing.table, [list(row) for row in listing.table.rows]
    text = markdown(Table(table.name, table.title, table.columns, rows, list(table.notes)))
    signs = {mark.sign: mark.meaning for mark in listing.marks.values()}
    marked = [
        f"{_plain(sign)} {meaning}: " + ", ".join(_plain(str(rows[row][0])) for row in _marked(listing, sign))
        for sign, meaning in signs.items()
    ]
    return "\n\n".join([f"### {table.title}", text, *marked])


def _marked(listing: Listing, sign: str) -> list[int]:
    return sorted({row for (row, _), mark in listing.marks.items() if mark.sign == sign})


def _plain(text: str) -> str:
    """A user's text inside Markdown: nothing of it is a link, an image or HTML.

    >>> _plain("<b>![x](http://a)</b>")
    '\\\\<b\\\\>\\\\!\\\\[x\\\\](http://a)\\\\</b\\\\>'
    """
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>!#|~" else sign for sign in " ".join(text.split()))


def _order(members: Sequence[Member]) -> Any:
    import wandb_workspaces.reports.v2 as wr

    name, low_first = panels.leading(members)
    return wr.OrderBy(wr.SummaryMetric(name), ascending=low_first)


def _colours(members: Sequence[Member]) -> Any:
    """Family -> its colour in the book."""
    import wandb_workspaces.reports.v2 as wr

    known = families(members)
    return {
        wr.RunsetGroup("herd", (wr.RunsetGroupKey(wr.Config("family"), family),)): colour_of(family, known)
        for family in known
    }
