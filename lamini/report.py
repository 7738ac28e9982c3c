"""What a line prints about its runs: the plan before, the table after. Reads run.json, imports nothing heavy."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from lamini.runs import RunFolder

WIDTH = 150  # of tables that do not go to a terminal


def console() -> Console:
    """A console as wide as the terminal, or wide enough for every column where there is none."""
    return Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False, soft_wrap=False)


def plan(forecasts: Sequence[Any]) -> None:
    """What is about to run: one line a student, then the sums."""
    table = Table(title="Plan", title_justify="left")
    for column in (
        "run",
        "student",
        "init",
        "parameters",
        "pairs",
        "steps",
        "tokens",
        "memory",
        "time",
        "note",
    ):
        table.add_column(column, justify="left" if column in {"run", "student", "init", "note"} else "right")
    for item in forecasts:
        table.add_row(
            item.run, item.architecture, item.init, count(item.parameters), f"{item.pairs:,}", f"{item.steps:,}",
            count(item.tokens), f"{item.memory / 2**30:.1f} GiB", duration(item.seconds), item.note,
        )  # fmt: skip
    out = console()
    out.print(table)
    total = sum(item.seconds for item in forecasts)
    out.print(f"{len(forecasts)} student(s), about {duration(total)} one after the other", style="dim")
    for warning in dict.fromkeys(text for item in forecasts for text in item.warnings):
        out.print(f"note: {warning}", style="yellow")


def table(folders: Sequence[Path]) -> list[str]:
    """Print how every run of the line ended and return their statuses."""
    records = [RunFolder(folder).record() for folder in folders]
    statuses = [_status(folder, record) for folder, record in zip(folders, records, strict=True)]
    axes = list(dict.fromkeys(axis for record in records for axis in record.get("held_out") or {}))
    view = Table(title="Herd", title_justify="left")
    view.add_column("run", overflow="fold")
    for column in (
        "status",
        "init",
        "loss",
        "bits/byte",
        "tokens/s",
        "minutes",
        *(axis.replace("_", " ") for axis in axes),
    ):
        view.add_column(column, justify="left" if column in {"status", "init"} else "right")
    for folder, record, status in zip(folders, records, statuses, strict=True):
        scores = [_percent((record.get("held_out") or {}).get(axis, {}).get("student")) for axis in axes]
        view.add_row(
            folder.name, status, record.get("init", ""), _number(record.get("validation_loss"), 3),
            _number(record.get("validation_bits_per_byte"), 3), _number(record.get("response_tokens_per_second"), 0),
            _number((record.get("seconds") or 0) / 60, 1), *scores,
        )  # fmt: skip
    for name in ("untrained", "majority", "nearest_neighbour"):
        rows = [[(r.get("held_out") or {}).get(axis, {}).get(name) for axis in axes] for r in records]
        best = next((row for row in rows if any(value is not None for value in row)), None)
        if best:
            view.add_row(name.replace("_", " "), *[""] * 6, *map(_percent, best), style="dim")
    out = console()
    out.print(view)
    for folder, record, status in zip(folders, records, statuses, strict=True):
        error = f"  {record['error']}" if record.get("error") and status != "done" else ""
        out.print(f"{status:>11}  {folder}{error}", soft_wrap=True)
    return statuses


def _status(folder: Path, record: dict[str, Any]) -> str:
    """`running` in run.json without a living lock means that the process was killed."""
    status = str(record.get("status", "not run"))
    return "killed" if status == "running" and not RunFolder(folder).running() else status


def killed(folder: Path, number: int) -> None:
    """Say that a student's process died, and by which signal."""
    hint = " (out of memory?)" if number == 9 else ""
    print(f"{folder.name}: killed by signal {number}{hint}; the same line continues it", flush=True)


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
