"""lm-eval judges answers that are there already: one task at a time, so that one that fails fails alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.metrics import mean
from lm_eval.api.model import LM
from lm_eval.evaluator import evaluate

from lamini.evaluation.benchmarks.prepared import Prepared, quietly
from lamini.evaluation.benchmarks.store import Answer
from lamini.evaluation.outcome import TaskError

BOOTSTRAP = 1000  # resamples for the standard error of metrics that have no formula

Metrics = dict[str, dict[str, Any]]
"""acc, or "exact_match,flexible-extract" -> value, stderr, n."""


@dataclass
class Judged:
    """What lm-eval says of one task."""

    metrics: Metrics
    headline: str
    share: bool  # the headline lies between 0 and 1 and more is better: it may be averaged
    samples: list[dict[str, Any]]  # lm-eval's, of the headline's filter, by row
    outcomes: list[float] | None  # of the headline, by row; None where it is no mean over rows
    cut: int  # contexts that were longer than the model


class Replay(LM):
    """A model that knows its answers to the requests of a task."""

    def __init__(self, task: Prepared, answers: Mapping[str, Answer]) -> None:
        super().__init__()
        self.answers = answers
        self.keys = {id(one): keys for one, keys in zip(task.requests(), task.keys, strict=True)}

    def _told(self, requests: list[Instance]) -> list[Any]:
        """lm-eval repeats a request as often as the task wants answers to it."""
        seen: dict[int, int] = {}
        told = []
        for request in requests:
            keys, number = self.keys[id(request)], seen.get(id(request), 0)
            seen[id(request)] = number + 1
            told.append(self.answers[keys[number % len(keys)]].value)
        return told

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        """See lm-eval."""
        return self._told(requests)

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        """See lm-eval."""
        return self._told(requests)

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """See lm-eval."""
        return self._told(requests)


def judge(prepared: Prepared, answers: Mapping[str, Answer]) -> Judged:
    """Metrics of one task by lm-eval's own `evaluate`.

    Raises:
        TaskError: the task's headline is none of its metrics.
    """
    name, task = prepared.name, prepared.task
    os.environ.setdefault("DISABLE_MULTIPROC", "1")  # bootstrap here, not in a pool that imports all again
    with quietly(), prepared.standing():
        found: Any = evaluate(
            lm=Replay(prepared, answers), task_dict={"tasks": {name: task}, "groups": {}},
            limit=prepared.limit, bootstrap_iters=BOOTSTRAP, log_samples=True,
        )  # fmt: skip
    metrics = metrics_in(found["results"][name], found["n-samples"][name]["effective"])
    headline = _headline(prepared, metrics)
    samples = [one for one in found["samples"][name] if one["filter"] == _filter(headline)]
    metric = headline.partition(",")[0]
    cut = sum(answers[key].cut for keys in prepared.keys for key in keys)
    better = found["higher_is_better"][name].get(metric, True)
    return Judged(
        metrics, headline, bool(better) and 0 <= metrics[headline]["value"] <= 1, samples,
        _outcomes(prepared, metric, samples), cut,
    )  # fmt: skip


def metrics_in(results: Mapping[str, Any], n: int) -> Metrics:
    """lm-eval's "acc,none" and "acc_stderr,none" as one entry `acc`."""
    metrics = {}
    for key, value in results.items():
        metric, _, filtered = key.partition(",")
        if not filtered or metric.endswith("_stderr") or not isinstance(value, int | float):
            continue
        error = results.get(f"{metric}_stderr,{filtered}")
        name = metric if filtered == "none" else key
        stderr = float(error) if isinstance(error, int | float) else None
        metrics[name] = {"value": float(value), "stderr": stderr, "n": n}
    return metrics


def _headline(prepared: Prepared, metrics: Metrics) -> str:
    """The metric that was asked for, under its first filter; the first of all where none was."""
    wanted = prepared.told.metric
    for name in metrics:
        if wanted is None or wanted in (name, name.partition(",")[0]):
            return name
    raise TaskError(
        prepared.name, f"{prepared.name} has no metric {wanted}; it has: {', '.join(metrics) or 'none'}"
    )


def _filter(headline: str) -> str:
    return headline.partition(",")[2] or "none"


def _outcomes(prepared: Prepared, metric: str, samples: list[dict[str, Any]]) -> list[float] | None:
    """The headline's own numbers, where its value is their mean."""
    if prepared.task.aggregation().get(metric) is not mean:
        return None
    if not all(isinstance(sample.get(metric), int | float) for sample in samples):
        return None
    return [float(sample[metric]) for sample in samples]
