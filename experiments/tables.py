"""The results of a herd in Markdown: the same tables for every study, so that studies can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lamini.errors import UserError

BEGIN, END = "<!-- results -->", "<!-- /results -->"

COLUMNS = (
    "student", "parameters", "pairs", "epochs", "steps", "validation loss", "unigram entropy", "bits/byte",
    "unigram bits/byte", "tokens/s", "minutes",
)  # fmt: skip


def sections(students: list[dict[str, Any]], made_by: dict[str, Any], left_out: list[str]) -> list[str]:
    """The parts of the results section, in Markdown."""
    missing = f"Not finished and left out: {', '.join(left_out)}." if left_out else ""
    explained = (
        "Loss and unigram entropy in nats a response token of the validation pairs, end token included; bits"
        " a byte of response text compare students with different tokenizers."
    )
    held_out = [held_out_table(students)] if any(student["held_out"] for student in students) else []
    picture = "![Validation bits per byte by optimizer step](curves.svg)"
    return [*held_out, table(COLUMNS, map(row_of, students)), explained, picture, where(made_by), missing]


def where(made_by: dict[str, Any], seeds: Sequence[int] = ()) -> str:
    """Machine, versions and commit of a run's `provenance` in a sentence; `seeds` where there are several."""
    hardware, versions = made_by["hardware"], made_by["versions"]
    dirty = " with uncommitted changes" if made_by["git_dirty"] else ""
    seed = f"seeds {', '.join(map(str, seeds))}" if seeds else f"seed {made_by['seed']}"
    return (
        f"{hardware['cores']} cores ({hardware['machine']}), {made_by['threads']} threads a student, torch"
        f" {versions['torch']}, {seed}, commit {str(made_by['git_commit'])[:10]}{dirty}."
    )


def place(readme: Path, text: str) -> str:
    """The README with `text` between its markers.

    Raises:
        UserError: it has not one of each.
    """
    whole = readme.read_text(encoding="utf-8")
    if whole.count(BEGIN) != 1 or whole.count(END) != 1:
        raise UserError(f"{readme} needs one {BEGIN} and one {END}, to put the results between")
    return f"{whole.split(BEGIN)[0]}{BEGIN}\n{text}\n{END}{whole.split(END)[1]}"


def row_of(student: dict[str, Any]) -> list[str]:
    """A student's cells, in the order of COLUMNS."""
    return [
        student["run"], f"{student['parameters']:,}", f"{student['pairs']:,}", f"{student['epochs']:.2f}",
        f"{student['steps']:,}", f"{student['validation_loss']:.3f}", f"{student['unigram_entropy']:.3f}",
        f"{student['validation_bits_per_byte']:.3f}", f"{student['unigram_bits_per_byte']:.3f}",
        f"{student['response_tokens_per_second']:,.0f}", f"{student['minutes']:.1f}",
    ]  # fmt: skip


def held_out_table(students: list[dict[str, Any]]) -> str:
    """Exact match per axis: every student, then the best that each baseline reached beside any of them."""
    axes = list(students[0]["held_out"])
    rows = [[s["run"], *(_percent(s["held_out"][axis]["student"]) for axis in axes)] for s in students]
    for name in ("untrained", "majority", "nearest_neighbour"):
        best = [_percent(max(s["held_out"][axis][name] for s in students)) for axis in axes]
        rows.append([name.replace("_", " "), *best])
    sizes = students[0]["held_out"]
    return table(["exact match", *(f"{axis.replace('_', ' ')} ({sizes[axis]['n']})" for axis in axes)], rows)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, text to the left and numbers to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
