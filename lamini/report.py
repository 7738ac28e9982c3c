"""What a line prints about its runs: the plan before, the table after. Imports nothing heavy."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from lamini.runs import RunFolder

WIDTH = 150  # of tables that do not go to a terminal
PLANNED = ("parameters", "pairs", "steps", "tokens", "padding", "memory", "time")
BATCHINGS = ("packed", "bucketed", "plain")
MEASURED = ("loss", "bits/byte", "tokens/s", "MFU", "GiB", "minutes")
BASELINES = ("untrained", "majority", "nearest_neighbour")  # not the same for every student: the first known


def console() -> Console:
    """A console as wide as the terminal, or wide enough for every column where there is none."""
    return Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False, soft_wrap=False)


def plan(forecasts: Sequence[Any]) -> None:
    """What is about to run: one line a student, then the sums."""
    view = _table("Plan", "run", "student", "init", *PLANNED, "note")
    for item in forecasts:
        numbers = (
            count(item.parameters), f"{item.pairs:,}", f"{item.steps:,}", count(item.tokens),
            _percent(item.padding.get(item.batching)), f"{item.memory / 2**30:.1f} GiB",
            duration(item.seconds),
        )  # fmt: skip
        view.add_row(item.run, item.architecture, item.init, *numbers, item.note)
    out = console()
    out.print(view)
    total = duration(sum(item.seconds for item in forecasts))
    measured = sum(item.measured for item in forecasts)
    how = (
        "measured" if measured == len(forecasts) else f"measured for {measured}" if measured else "estimated"
    )
    out.print(f"{len(forecasts)} student(s), about {total} one after the other ({how})", style="dim")
    if any(len(item.padding) > 1 for item in forecasts):
        out.print(_batchings(forecasts))
    for warning in dict.fromkeys(text for item in forecasts for text in item.warnings):
        out.print(f"note: {warning}", style="yellow")


def _batchings(forecasts: Sequence[Any]) -> Table:
    """Share of padding of each way to make micro-batches; the chosen one is marked."""
    view = _table("Padding", "run", "positions of a micro-batch", *BATCHINGS)
    for item in forecasts:
        shares = (_percent(item.padding.get(name)) or "-" for name in BATCHINGS)
        chosen = (
            f"{share} *" if name == item.batching else share
            for name, share in zip(BATCHINGS, shares, strict=True)
        )
        view.add_row(item.run, f"{item.micro_tokens:,}", *chosen)
    view.caption = "* what the run uses"
    return view


def table(folders: Sequence[Path]) -> list[str]:
    """Print how every run of the line ended and return their statuses."""
    records = [RunFolder(folder).record() for folder in folders]
    statuses = [_status(folder, record) for folder, record in zip(folders, records, strict=True)]
    axes = list(dict.fromkeys(axis for record in records for axis in record.get("held_out") or {}))
    view = _table("Herd", "run", "status", "init", *MEASURED, *(axis.replace("_", " ") for axis in axes))
    for folder, record, status in zip(folders, records, statuses, strict=True):
        view.add_row(
            folder.name, status, record.get("init", ""), *_measured(record), *_scores(record, "student", axes)
        )
    for name in BASELINES:
        rows = (_scores(record, name, axes) for record in records)
        known = next((row for row in rows if any(row)), None)
        if known:
            view.add_row(name.replace("_", " "), *[""] * (2 + len(MEASURED)), *known, style="dim")
    out = console()
    out.print(view)
    for folder, record, status in zip(folders, records, statuses, strict=True):
        error = f"  {record['error']}" if record.get("error") and status != "done" else ""
        out.print(f"{status:>11}  {folder}{error}", soft_wrap=True, markup=False)
    return statuses


def _table(title: str, *columns: str) -> Table:
    view = Table(title=title, title_justify="left")
    for column in columns:
        left = column in {"run", "student", "status", "init", "note"}
        view.add_column(column, justify="left" if left else "right", overflow="fold" if left else "ellipsis")
    return view


def _measured(record: dict[str, Any]) -> tuple[str, ...]:
    """What stands under MEASURED; empty where the run has not come that far."""
    minutes = record["seconds"] / 60 if record.get("seconds") else None
    return (
        _number(record.get("validation_loss"), 3),
        _number(record.get("validation_bits_per_byte"), 3),
        _number(record.get("response_tokens_per_second"), 0),
        _percent(record.get("mfu")),
        _number(record.get("peak_memory_gib"), 1),
        _number(minutes, 1),
    )


def _scores(record: dict[str, Any], who: str, axes: Sequence[str]) -> list[str]:
    """The share of right answers of `who` on each axis."""
    held_out = record.get("held_out") or {}
    return [_percent(held_out.get(axis, {}).get(who)) for axis in axes]


def _status(folder: Path, record: dict[str, Any]) -> str:
    """`running` in run.json without a living lock means that the process was killed; a search prunes."""
    status = "pruned" if record.get("pruned") else str(record.get("status", "not run"))
    return "killed" if status == "running" and not RunFolder(folder).running() else status


def count(number: float) -> str:
    """1234567 -> '1.2M'."""
    for unit, size in (("B", 1e9), ("M", 1e6), ("K", 1e3)):
        if number >= size:
            return f"{number / size:.1f}{unit}"
    return f"{number:.0f}"


def duration(seconds: float) -> str:
    """90 -> '1.5 min'."""
    for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"
