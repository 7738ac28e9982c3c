"""All students of a job, one after another: what one of them cannot do does not stop the others."""

from __future__ import annotations

import sys

from lamini.config import EvaluateConfig, EvaluateMode
from lamini.errors import UserError
from lamini.evaluation.outcome import Outcome
from lamini.evaluation.prefetching.collecting import prefetch
from lamini.evaluation.subjects import subjects


def evaluate(config: EvaluateConfig) -> int:
    """Score every student, print the table, and return the exit status: 0, or 1 where one failed."""
    if config.mode is EvaluateMode.prefetch:
        return prefetch(config)
    outcomes = []
    for subject in subjects(config):
        try:
            outcomes.append(config.suite.score(config, subject))
        except UserError as error:
            print(f"{subject.name}: {error}", file=sys.stderr, flush=True)
            outcomes.append(Outcome(subject.name, "failed", error=str(error)))
    return 1 if any(outcome.status == "failed" or outcome.failed for outcome in outcomes) else 0
