"""The paper's table of hallucinations (section 6, Table 5) with our students in it.

Counts of hallucinations by category, ten questions each, lower is better. Every judge of a student has a row,
the one whose number counts first. `7/9` is of nine answers, where not ten were asked or judged. The paper's
rows are its own: its forty questions, judged by people.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from rich.table import Table

from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation.hallucination.agreement import Agreement, agreement
from lamini.evaluation.hallucination.counting import Count
from lamini.evaluation.hallucination.probe import FORMAT, suite_of
from lamini.evaluation.hallucination.results import JUDGES, RULES, TEACHER
from lamini.evaluation.outcome import Outcome
from lamini.evaluation.subjects import Subject
from lamini.evaluation.summary import NOTE, failures, labels, marked
from lamini.report import console

if TYPE_CHECKING:
    from lamini.evaluation.options import Hallucination

PAPER = Path(__file__).with_name("paper.yaml")


@lru_cache
def paper() -> dict[str, Any]:
    """Columns, questions of each, and rows: model -> counts."""
    tree: dict[str, Any] = yaml.safe_load(PAPER.read_text(encoding="utf-8"))
    return tree


def read(path: Path) -> dict[str, Any]:
    """The results of one student.

    Raises:
        UserError: the file cannot be read, or is of a later version.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); score this student again") from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise UserError(f"{path} is of another version; score this student again")
    return record


def report(
    options: Hallucination, config: EvaluateConfig, subjects: Sequence[Subject], outcomes: Sequence[Outcome]
) -> None:
    """Print table, agreement, notes, and what failed."""
    suite, out = suite_of(options, config), console()
    scored = [subject for subject, one in zip(subjects, outcomes, strict=True) if one.status != "failed"]
    records = [read(subject.result(suite)) for subject in scored]
    if records:
        names = labels(subjects)
        out.print(table(records, [marked(one, names[one]) for one in scored]))
    for line in notes(records, config.seed):
        out.print(line, soft_wrap=True, markup=False)
    if any(subject.scratch for subject in scored):
        out.print(NOTE, style="dim")
    failures(outcomes, out)


def table(records: Sequence[dict[str, Any]], names: Sequence[str]) -> Table:
    """Our students, then the paper's models where the categories are the paper's."""
    columns = _columns(records)
    view = Table(title="Hallucinations (lower is better)", title_justify="left")
    view.add_column("model", overflow="fold")
    view.add_column("judged by")
    for name in ("total", *columns, "95 % of total"):
        view.add_column(name.replace("_", " "), justify="right")
    for record, name in zip(records, names, strict=True):
        for judge in ordered(record):
            view.add_row(name, judge, *cells(record["judges"][judge], columns))
    if records and set(columns) == set(paper()["columns"]):
        view.add_section()
        for name, counts in paper()["rows"].items():
            values = dict(zip(paper()["columns"], counts, strict=True))
            whole = Count(sum(counts), len(counts) * paper()["questions"])
            view.add_row(
                name, "people (paper)", str(whole.hallucinated), *(str(values[one]) for one in columns),
                _range(whole.interval()),
            )  # fmt: skip
    return view


def ordered(record: dict[str, Any]) -> list[str]:
    """The judges of a student, the one whose number counts first."""
    others = [judge for judge in JUDGES if judge in record["judges"] and judge != record["judged_by"]]
    return [record["judged_by"], *others]


def cells(judge: dict[str, Any], columns: Sequence[str]) -> list[str]:
    """Total, categories and the interval of one row; empty where a category was not asked.

    `judge` is an entry of `judges` in the results.
    """
    ten = paper()["questions"]
    shown = [_shown(judge["total"], ten * len(columns))]
    shown += [_shown(judge["categories"].get(column), ten) for column in columns]
    return [*shown, _range(judge["total"]["interval"])]


def notes(records: Sequence[dict[str, Any]], seed: int) -> list[str]:
    """Who judged, how far judges agree over all students, what was set aside, what was empty."""
    lines = []
    alone = [record for record in records if list(record["judges"]) == [RULES]]
    if alone:
        lines.append(
            f"The rules alone judge {len(alone)} of {len(records)} student(s): no teacher=<teacher>, no"
            " suite.verdicts=<file> with them. Nothing here says how good the rules are."
        )
    for first, second in pairs(records):
        both = pooled(records, first, second, seed)
        if both.n:
            lines.append(f"{first} and {second} agree on {described(both)}")
    aside = sum(sum(r["judges"].get(TEACHER, {}).get("set_aside", {}).values()) for r in records)
    if aside:
        lines.append(f"{aside} answer(s) have no verdict of the teacher: set aside, in no count of its row")
    empty = sum(record["empty"] for record in records)
    if empty:
        lines.append(f"{empty} empty answer(s), counted as hallucinations by every judge and in no agreement")
    if records and set(_columns(records)) == set(paper()["columns"]):
        lines.append("The paper's rows are of its own forty questions, judged by people.")
    return lines


def pairs(records: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Every two judges that some student had both."""
    found = dict.fromkeys(key for record in records for key in record["agreement"])
    return [(first, second) for first, _, second in (key.partition(" and ") for key in found)]


def pooled(records: Sequence[dict[str, Any]], first: str, second: str, seed: int) -> Agreement:
    """Agreement of two judges over the answers of all students, empty ones left out."""
    answers = [one for record in records for one in record["answers"] if one["answer"].strip()]
    verdicts = [(one["verdicts"].get(first), one["verdicts"].get(second)) for one in answers]
    return agreement([one for one, _ in verdicts], [other for _, other in verdicts], seed)


def described(found: Agreement) -> str:
    """`92.5 % of 40 answers (95 %: 80.0-97.5), kappa 0.612 (0.3-0.8)`."""
    assert found.share is not None and found.share_interval is not None
    low, high = (f"{100 * end:.1f}" for end in found.share_interval)
    share = f"{100 * found.share:.1f} % of {found.n} answers (95 %: {low} to {high})"
    if found.kappa is None:
        return f"{share}; kappa is not defined where all verdicts are the same"
    if found.kappa_interval is None:
        return f"{share}, kappa {found.kappa:.2f}"
    low, high = (f"{end:.2f}" for end in found.kappa_interval)
    return f"{share}, kappa {found.kappa:.2f} ({low} to {high})"


def _columns(records: Sequence[dict[str, Any]]) -> list[str]:
    """All categories; in the paper's order where they are the paper's."""
    found = dict.fromkeys(
        name for record in records for name in record["judges"][record["judged_by"]]["categories"]
    )
    theirs: list[str] = paper()["columns"]
    return theirs if set(theirs) == set(found) else list(found)


def _shown(one: dict[str, Any] | None, usual: int) -> str:
    """The count alone where as many were judged as in the paper: `9`, else `8/9`."""
    if one is None or not one["judged"]:
        return "" if one is None else "-"
    return f"{one['hallucinated']}" if one["judged"] == usual else f"{one['hallucinated']}/{one['judged']}"


def _range(interval: Sequence[float] | None) -> str:
    return "" if interval is None else f"{100 * interval[0]:.0f}-{100 * interval[1]:.0f} %"
