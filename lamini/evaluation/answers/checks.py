"""What can be wrong with `suite=answers`, known before anything heavy is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation.answers.finished import check_files
from lamini.evaluation.answers.instructions import place_of, template_of
from lamini.evaluation.answers.selection import check as check_selection
from lamini.evaluation.answers.teachers import check as check_teacher

if TYPE_CHECKING:
    from lamini.evaluation.options import Answers


def check(options: Answers, config: EvaluateConfig) -> None:
    """Raise UserError for what cannot work: one sentence that names the key and says what would."""
    if not options.name or "/" in options.name:
        raise UserError(f"suite.name={options.name} must be the name of a file, such as answers")
    if options.max_new_tokens < 1:
        raise UserError(f"suite.max_new_tokens={options.max_new_tokens} must be at least 1")
    if config.limit is not None and config.limit < 1:
        raise UserError(f"limit={config.limit} must be at least 1, or null for all instructions")
    if config.wrapper == "both":
        raise UserError("wrapper=both is for log-probabilities; suite=answers needs auto, bare or alpaca")
    place_of(options.instructions, config.data_dir)
    template_of(options.template)
    check_selection(options.selection)
    check_files(options.add)
    if config.teacher is not None:
        check_teacher(config, options.system, options.sampling)
