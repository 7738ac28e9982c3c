"""What of a line can be known to fail before anything heavy is imported."""

from __future__ import annotations

from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation.options import Toxicity
from lamini.evaluation.toxicity import prompts


def check(suite: Toxicity, config: EvaluateConfig) -> None:
    """Raise UserError for what cannot work: one sentence that names the key and says what would."""
    for key, value in (
        ("suite.each", suite.each),
        ("suite.max_new_tokens", suite.max_new_tokens),
        ("limit", config.limit),
    ):
        if value is not None and value < 1:
            raise UserError(f"{key}={value} must be at least 1")
    if config.wrapper == "both":
        raise UserError(f"suite={suite.name} asks every prompt once: wrapper=auto, bare or alpaca")
    if config.classifier is None:
        raise UserError(
            f"suite={suite.name} needs something that calls a text toxic: classifier=local"
            " classifier.model=<folder or hub id>, classifier=detoxify, or classifier=moderation"
        )
    config.classifier.check(config)
    prompts.check(suite.prompts, config.data_dir)
