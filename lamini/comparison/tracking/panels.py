"""What is plotted in workspace and report: scores, size, losses, cost. Names are those of runs' summaries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamini.comparison.herd import Member
from lamini.comparison.tracking.scored import names

STEP = "trainer/global_step"
LOWER = ("validation_bits_per_byte", "validation_loss")  # compared where there is no score; lower is better


def leading(members: Sequence[Member]) -> tuple[str, bool]:
    """The column by which the herd is ordered, and whether low comes first."""
    means = [name for name in names(members) if name.endswith("/mean")]
    return (means[0], False) if means else (LOWER[0], True)


def pinned(members: Sequence[Member]) -> list[str]:
    """Columns of the runs' table, as W&B addresses them."""
    facts = [f"config:{name}.value" for name in ("family", "size", "parameters", "init")]
    means = [f"summary:{name}" for name in names(members) if name.endswith("/mean")]
    last = [f"summary:{name}" for name in (*LOWER, "response_tokens_per_second", "seconds")]
    return ["run:displayName", "run:state", *facts, *means, *last]


def score_panels(members: Sequence[Member]) -> list[Any]:
    """Bars of each mean, then of each task and probe."""
    import wandb_workspaces.reports.v2 as wr

    return [wr.BarPlot(title=name, metrics=[name], max_bars_to_show=100) for name in names(members)]


def size_panels(members: Sequence[Member]) -> list[Any]:
    """Score against parameters, in the way of the paper's Figure 4, and what a score costs."""
    import wandb_workspaces.reports.v2 as wr

    name, _ = leading(members)
    sizes = wr.ScatterPlot(
        title=f"{name} against parameters", x=wr.Config("parameters"), y=wr.SummaryMetric(name), log_x=True
    )
    cost = wr.ScatterPlot(
        title=f"{name} against seconds of training", x=wr.SummaryMetric("seconds"), y=wr.SummaryMetric(name)
    )
    return [sizes, cost]


def loss_panels() -> list[Any]:
    """Curves, grouped as the table is."""
    import wandb_workspaces.reports.v2 as wr

    curves = [
        wr.LinePlot(title=name, x=STEP, y=[name], max_runs_to_show=100)
        for name in ("validation/loss", "train/loss", "train/learning_rate")
    ]
    return [*curves, *(wr.BarPlot(title=name, metrics=[name], max_bars_to_show=100) for name in LOWER)]


def cost_panels() -> list[Any]:
    """Speed, memory, time."""
    import wandb_workspaces.reports.v2 as wr

    speed = wr.LinePlot(
        title="response tokens a second", x=STEP, y=["train/response_tokens_per_second"], max_runs_to_show=100
    )
    bars = ("response_tokens_per_second", "seconds", "peak_memory_gib", "mfu", "padding_share")
    return [speed, *(wr.BarPlot(title=name, metrics=[name], max_bars_to_show=100) for name in bars)]


def difference_panels(members: Sequence[Member]) -> list[Any]:
    """Configurations side by side, the same as lines, and answers to read."""
    import wandb_workspaces.reports.v2 as wr

    name, _ = leading(members)
    facts: list[Any] = [wr.Config(fact) for fact in ("family", "parameters", "optimizer.lr", "batch_size")]
    ends = [wr.SummaryMetric(end) for end in dict.fromkeys((LOWER[0], name))]
    columns = [wr.ParallelCoordinatesPlotColumn(axis) for axis in (*facts, *ends)]
    return [
        wr.RunComparer(diff_only="split"),
        wr.ParallelCoordinatesPlot(title="what came of it", columns=columns),
        wr.WeavePanelSummaryTable(table_name="validation/answers"),
    ]
