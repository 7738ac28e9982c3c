"""What blind guessing gets on a task: picking any choice, or always the most common answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from lm_eval.api.metrics import mean
from lm_eval.api.task import Task

PICKED = ("acc", "acc_norm", "acc_bytes")  # metrics that are 1 where a right choice is picked
PROBED = 1_000  # rows, evenly spread, of a task that scores choices by a function of its own


def chance(task: Task, metric: str = "acc") -> float | None:
    """Expected value of a metric if each choice is picked as often as any other.

    1 / choices for accuracies, averaged over the rows. Of a task with its own scoring (ReCoRD's f1:
    overlap of each entity with the right ones) all choices of up to `PROBED` rows are scored. None where
    there are no choices, and for metrics that are no mean over rows, such as the f1 of a class.
    """
    if not _chooses(task):
        return None
    if callable(task.config.process_results):
        return _probed(task, metric)
    if metric not in PICKED:
        return None
    shares = [len(golds) / count for count, golds in _answers(task)]
    return sum(shares) / len(shares)


def majority(task: Task) -> float | None:
    """Accuracy of always choosing what is right most often; None unless all rows have the same choices."""
    if not _chooses(task) or not isinstance(task.config.doc_to_choice, list | dict):
        return None
    counts = Counter(gold for _, golds in _answers(task) for gold in golds)
    return max(counts.values(), default=0) / len(task.eval_docs)


def _chooses(task: Task) -> bool:
    return getattr(task, "OUTPUT_TYPE", None) == "multiple_choice" and hasattr(task, "doc_to_choice")


def _answers(task: Any) -> Iterator[tuple[int, set[int]]]:
    """Number of choices and the right ones, row by row, as lm-eval's process_results finds them."""
    for row in task.eval_docs:
        choices = task.doc_to_choice(row)
        gold = task.doc_to_text(row) if task.multiple_input else task.doc_to_target(row)
        golds = set()
        for one in gold if isinstance(gold, list) else [gold]:
            index = choices.index(one) if isinstance(one, str) and one in choices else one
            if isinstance(index, int) and 0 <= index < len(choices):
                golds.add(index)
        yield len(choices), golds


def _probed(task: Any, metric: str) -> float | None:
    """Mean over rows and choices of what the task's own scoring gives where that choice is the likeliest."""
    if task.aggregation().get(metric) is not mean:
        return None
    rows = task.eval_docs
    probed = range(0, len(rows), max(1, len(rows) // PROBED))
    total = 0.0
    for row in (rows[number] for number in probed):
        count = len(task.doc_to_choice(row))
        for picked in range(count):
            results = [(0.0 if choice == picked else -1e9, False) for choice in range(count)]
            total += float(task.process_results(row, results)[metric]) / count
    return total / len(probed)
