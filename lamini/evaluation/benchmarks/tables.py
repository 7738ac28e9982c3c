"""The table at the end: students beside the paper's columns and chance, then which differences are real.

A table that is wider than the terminal is broken into several, each with the students' names; nothing is left
out or cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from lamini.config import EvaluateConfig
from lamini.evaluation.benchmarks import results, significance
from lamini.evaluation.benchmarks.paper import published_of
from lamini.evaluation.options import Benchmarks
from lamini.evaluation.outcome import Outcome
from lamini.evaluation.subjects import Subject
from lamini.evaluation.summary import NOTE, failures, labels, marked, number
from lamini.report import console

MEANS = ("mean", "weighted mean")
PAIRS = 15  # shown whole; of more only each student and the next in rank
PADDING = 3  # what a column of the table takes beside its text
NARROWEST = 20  # columns of a terminal below which nothing is broken any further

Cells = Mapping[str, str]
"""Column -> text."""


def report(
    suite: Benchmarks, config: EvaluateConfig, subjects: Sequence[Subject], outcomes: Sequence[Outcome]
) -> None:
    """Print it all; students that failed have no line in the table but one below."""
    out = console()
    files = {
        subject: results.place(subject, suite.name, config.limit)
        for subject, outcome in zip(subjects, outcomes, strict=True)
        if outcome.status != "failed"
    }
    trees = {subject: results.read(file) for subject, file in files.items()}
    if trees:
        _show(suite, config, trees, out)
    failures(outcomes, out)
    if len(files) > 1:
        names = labels(list(files))
        named = {names[subject]: file for subject, file in files.items()}
        _pairs(significance.compare_files(named, config.seed), out)
    for file in files.values():
        out.print(f"results  {file}", soft_wrap=True, markup=False, style="dim")


def _show(
    suite: Benchmarks, config: EvaluateConfig, trees: Mapping[Subject, dict[str, Any]], out: Console
) -> None:
    names = labels(list(trees))
    lines = [line for subject, tree in trees.items() for line in student_lines(subject, names[subject], tree)]
    entries = [
        entry for tree in trees.values() for entry in results.shown(tree["tasks"], tree["groups"]).items()
    ]
    told = suite.chosen()
    columns = {name: (told[name].paper if name in told else None) or name for name, _ in entries}
    chance = {name: number(entry[entry["headline"]]["chance"]) for name, entry in entries}
    lines.append(("chance", chance, True))
    headlines = {name: entry["headline"] for name, entry in entries}
    lines.append(("headline", headlines, True))
    limit = suite.rows(config)
    title = f"{suite.name}, in percent" + (f", {limit:,} rows of each task" if limit else "")
    for view in tables(title, {**{name: name for name in MEANS}, **columns}, lines, out.width):
        out.print(view)
    if any(subject.scratch for subject in trees):
        out.print(NOTE, style="dim")
    if any(published_of(subject) for subject in trees):
        out.print(
            "paper: arXiv 2304.14402, by an lm-eval of April 2023, unlike today's (README, Evaluation)",
            style="dim",
        )


def student_lines(subject: Subject, label: str, tree: Mapping[str, Any]) -> Iterator[tuple[str, Cells, bool]]:
    """Name, cells and whether it is dim: the student, its other wrappers with the difference, the paper's."""
    parts = results.parts_of(tree)
    for wrapper, part in parts.items():
        name = marked(subject, label) if wrapper == tree["wrapper"] else f"  {wrapper}"
        if len(parts) > 1 and wrapper == tree["wrapper"]:
            name += f" ({wrapper})"
        yield name, _cells(part), False
        if "difference" in part:
            yield "  difference", _differences(part["difference"]), True
    model = published_of(subject)
    if model is not None:
        cells = {"mean": number(model.average)}
        columns = results.shown(tree["tasks"], tree["groups"])
        cells |= {
            name: number(model.scores[entry["paper"]])
            for name, entry in columns.items()
            if entry.get("paper") in model.scores
        }
        if len(cells) > 1:
            yield f"  paper: {model.name}", cells, True


def _cells(part: results.Part) -> Cells:
    """Means with their errors, headlines, and `failed` where a task did."""
    found = {name: number(value) for name, value in results.numbers(part).items()}
    for name in MEANS:
        error = (part[name.replace(" ", "_")] or {}).get("stderr")
        if error is not None:
            found[name] += f" ±{100 * error:.1f}"
    return {**found, **dict.fromkeys(part["failed"], "failed")}


def _differences(found: Mapping[str, Mapping[str, Any]]) -> Cells:
    return {name: _signed(one["value"], one["p"]) for name, one in found.items()}


def _signed(value: float, p: float) -> str:
    """In points, with a star where chance would rarely do it."""
    return f"{100 * value:+.1f}{'*' if p < significance.LEVEL else ''}"


def tables(
    title: str, columns: Mapping[str, str], lines: Sequence[tuple[str, Cells, bool]], width: int
) -> Iterator[Table]:
    """One table, or several of which each fits into `width`."""
    shown = {key: head for key, head in columns.items() if any(cells.get(key) for _, cells, _ in lines)}
    room = max(width, NARROWEST) - max(len(name) for name, _, _ in lines) - PADDING - 1
    blocks: list[list[str]] = [[]]
    used = 0
    for key, head in shown.items():
        size = max(len(head), *(len(cells.get(key, "")) for _, cells, _ in lines)) + PADDING
        if blocks[-1] and used + size > room:
            blocks.append([])
            used = 0
        blocks[-1].append(key)
        used += size
    for place, block in enumerate(blocks):
        view = Table(
            title=title if not place else None, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 1)
        )
        view.add_column("student", no_wrap=True)
        for key in block:
            view.add_column(columns[key], justify="right", no_wrap=True)
        for name, cells, dim in lines:
            view.add_row(name, *(cells.get(key, "") for key in block), style="dim" if dim else "")
        yield view


def _pairs(found: Sequence[significance.Comparison], out: Console) -> None:
    """Differences of the means in points, with what of it chance explains."""
    if not found:
        return
    shown = found if len(found) <= PAIRS else _neighbours(found)
    view = Table(title="Differences, row by row", title_justify="left", box=SIMPLE, padding=(0, 1, 0, 1))
    view.add_column("pair", overflow="fold")
    for column in ("mean", "p", "p (Holm)"):
        view.add_column(column, justify="right", no_wrap=True)
    view.add_column("tasks that differ, after Holm", overflow="fold")
    for one in shown:
        adjusted = one.holm_columns or {}
        parts = [
            f"{name} {_signed(column.value, 1)}"
            for name, column in one.columns.items()
            if adjusted.get(name, 1.0) < significance.LEVEL
        ]
        view.add_row(
            f"{one.second} - {one.first}", f"{100 * one.mean.value:+.1f} ±{100 * one.mean.stderr:.1f}",
            _p(one.mean.p), _p(one.holm), ", ".join(parts) or "none",
        )  # fmt: skip
    out.print(view)
    tests = sum(len(one.columns) for one in found)
    note = (
        "Paired on the same rows: McNemar's exact test by task where a row is right or wrong, else"
        f" permutations; Holm's method over {len(found)} pair(s) for the mean, over {tests} tests for tasks."
    )
    if len(shown) < len(found):
        note += f" Shown: {len(shown)} of {len(found)} pairs, each student and the next in rank."
    out.print(note, style="dim")


def _neighbours(found: Sequence[significance.Comparison]) -> list[significance.Comparison]:
    """The pairs of students that follow each other when ranked by who wins against how many."""
    wins: dict[str, int] = {}
    for one in found:
        wins.setdefault(one.first, 0)
        wins.setdefault(one.second, 0)
        wins[one.second if one.mean.value > 0 else one.first] += 1
    ranked = sorted(wins, key=lambda name: -wins[name])
    nexts = {frozenset(pair) for pair in zip(ranked, ranked[1:], strict=False)}
    return [one for one in found if frozenset((one.first, one.second)) in nexts]


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
