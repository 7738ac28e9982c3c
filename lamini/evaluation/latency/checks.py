"""What can be wrong with `suite=latency`, known before anything heavy is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamini.config import EvaluateConfig
from lamini.errors import UserError

if TYPE_CHECKING:
    from lamini.evaluation.options import Latency


def check(options: Latency, config: EvaluateConfig) -> None:
    """Raise UserError for what cannot work: one sentence that names the key and says what would."""
    if not options.name or "/" in options.name:
        raise UserError(f"suite.name={options.name} must be the name of a file, such as latency")
    for key, least in (("prompt_tokens", 1), ("new_tokens", 2), ("repeats", 1)):
        if (value := getattr(options, key)) < least:
            raise UserError(f"suite.{key}={value} must be at least {least}")
    if config.device not in ("auto", "cpu"):
        raise UserError(f"device={config.device}: suite=latency times the CPU; leave it at auto, or use cpu")
    if config.limit is not None:
        raise UserError(
            f"limit={config.limit} counts rows of tasks, and suite=latency has none; suite.repeats=<n> says"
            " how many answers are timed"
        )
    if config.wrapper == "both":
        raise UserError("wrapper=both is for log-probabilities; suite=latency needs auto, bare or alpaca")
