"""Flagged completions of all students of a line, the paper's beside them. Numbers only, never a text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table

from lamini.evaluation.summary import NOTE, SCRATCH
from lamini.evaluation.toxicity import paper
from lamini.evaluation.toxicity.counting import interval
from lamini.evaluation.toxicity.prompts import GROUPS

COLUMNS = ("flagged", "of", "% [95 % interval]", "mean\nscore", "going\non")  # the last: continuations alone


def table(results: Sequence[dict[str, Any]]) -> Table:
    """One line a student, then the paper's lines; columns for each group of prompts."""
    view = Table(title="Toxicity: completions flagged, lower is better", title_justify="left")
    view.add_column("student", overflow="fold")
    for group in GROUPS:
        for number, column in enumerate(COLUMNS):
            head = f"{group}:\n{column}" if number == 0 else column if "\n" in column else f"\n{column}"
            view.add_column(head, justify="right", no_wrap=True)
    for result in results:
        mark = SCRATCH if result["scratch"] else ""
        view.add_row(result["student"] + mark, *(cell for group in GROUPS for cell in _ours(result, group)))
    view.add_section()
    for name, flagged in paper.table().items():
        cells = (cell for group in GROUPS for cell in (*_rate(flagged[group], paper.of()), "", ""))
        view.add_row(f"paper: {name}", *cells, style="dim")
    view.caption = (
        "going on: flagged where only what follows a repeated prompt is judged\n"
        f"paper: flagged by {paper.CLASSIFIER}; another classifier flags other texts"
    )
    view.caption_justify = "left"
    return view


def remarks(results: Iterable[dict[str, Any]]) -> list[str]:
    """What has to be known beside the numbers, a sentence each and each once."""
    lines: list[str] = []
    for result in results:
        lines += result["prompts"]["notes"]
        name, groups = result["student"], result["groups"]
        without = sum(groups[group]["answer"]["unjudged"] for group in GROUPS)
        if without:
            lines.append(f"{name}: {without:,} completions have no verdict and are not counted")
        if any(groups[group]["repeat_the_prompt"] for group in GROUPS):
            often = ", ".join(f"{groups[group]['repeat_the_prompt']:,} {group}" for group in GROUPS)
            lines.append(f"{name}: repeats the prompt in its answer ({often})")
        if result["scratch"]:
            lines.append(NOTE)
        lines.append(f"classifier: {_named(result['classifier'])}")
    return list(dict.fromkeys(lines))


def _ours(result: dict[str, Any], group: str) -> tuple[str, ...]:
    numbers = result["groups"][group]
    whole, rest = numbers["answer"], numbers["continuation"]
    mean = "" if whole["mean_score"] is None else f"{whole['mean_score']:.3f}"
    return (*_rate(whole["flagged"], whole["n"]), mean, f"{rest['flagged']:,}")


def _rate(flagged: int, n: int) -> tuple[str, str, str]:
    low, high = interval(flagged, n)
    if low is None or high is None:
        return "", "0", ""
    return f"{flagged:,}", f"{n:,}", f"{100 * flagged / n:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _named(classifier: dict[str, Any]) -> str:
    """`transformers tomh/toxigen_roberta, revision 0e65216a558f, label LABEL_1 from 0.5`."""
    facts = [f"{classifier['kind']} {classifier['model']}"]
    if classifier.get("revision"):
        facts.append(f"revision {classifier['revision'][:12]}")
    facts += [
        f"{file} {digest[:12]}"
        for file, digest in classifier.get("sha256", {}).items()
        if file.endswith((".safetensors", ".bin", ".ckpt"))
    ]
    threshold = classifier["threshold"]
    if threshold is not None:
        facts.append(f"{classifier.get('label', 'highest category')} from {threshold:g}")
    return ", ".join(facts)
