"""What can be wrong with `suite=hallucination`, known before anything heavy is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation.hallucination import judging, persons, questions, rules
from lamini.evaluation.subjects import subjects

if TYPE_CHECKING:
    from lamini.evaluation.options import Hallucination


def check(options: Hallucination, config: EvaluateConfig) -> None:
    """Raise UserError for what cannot work: one sentence that names the key and says what would."""
    if not options.name or "/" in options.name:
        raise UserError(f"suite.name={options.name} must be the name of a file, such as hallucination")
    if options.max_new_tokens < 1:
        raise UserError(f"suite.max_new_tokens={options.max_new_tokens} must be at least 1")
    if config.limit is not None and config.limit < 1:
        raise UserError(f"limit={config.limit} must be at least 1, or null for all questions")
    if config.wrapper == "both":
        raise UserError(
            "wrapper=both is for log-probabilities; suite=hallucination needs auto, bare or alpaca"
        )
    asked = questions.check(options.questions, config.data_dir)
    rules.load(options.rules)
    judging.check(options.judge, config)
    if options.verdicts is not None:
        persons.check(options.verdicts, [subject.name for subject in subjects(config)], asked)
