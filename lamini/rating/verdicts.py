"""People's verdicts on hallucination answers, for `evaluate.py suite=hallucination suite.verdicts=<file>`.

One verdict an answer: what most of the people who rated it say. A tie says nothing and is left out; a judge's
verdicts are not people's.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from lamini.rating.columns import Row, student_of
from lamini.rating.store import Store
from lamini.rating.writing import write_table

# Letter of the scale -> word of evaluation/hallucination/verdicts.py, whose package loads lm-eval: seconds.
VERDICT = {"R": "rejected", "H": "hallucinated"}
COLUMNS = ("student", "instruction_id", "verdict", "response")
TOLD = 5  # ties that are named


def write_verdicts(store: Store, file: Path) -> str:
    """Write them to `file`, in the study's order; returns what to tell about it.

    Raises:
        UserError: a file of something else is there, or the disk refuses.
    """
    found, tied, missing = verdicts(store)
    if found:
        write_table(file, found, COLUMNS)
    told = [f"{len(found)} verdicts{f', for suite.verdicts={file}' if found else ''}"]
    if tied:
        more = f" and {len(tied) - TOLD} more" if len(tied) > TOLD else ""
        told.append(f"left out as ties: {', '.join(tied[:TOLD])}{more}")
    if missing:
        told.append(f"{missing} answers without a verdict")
    return "; ".join(told)


def verdicts(store: Store) -> tuple[list[Row], list[str], int]:
    """The rows; the answers with a tie, as `student on instruction id`; how many nobody gave a verdict on."""
    people = {rater.id for rater in store.raters() if rater.kind == "person"}
    votes: dict[str, Counter[str]] = {}
    for rating in store.current():
        if rating.level is not None and rating.rater in people:
            votes.setdefault(rating.target, Counter())[VERDICT[rating.level]] += 1
    found, tied, missing = [], [], 0
    for item in store.study.items:
        for target in item.targets:
            student, first = student_of(target), votes.get(target.key, Counter()).most_common(2)
            if not first:
                missing += 1
            elif len(first) == 2 and first[0][1] == first[1][1]:
                tied.append(f"{student} on {item.id}")
            else:
                values = (student, item.id, first[0][0], target.texts[0])
                found.append(dict(zip(COLUMNS, values, strict=True)))
    return found, tied, missing
