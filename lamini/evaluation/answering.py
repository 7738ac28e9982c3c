"""Greedy answers of one student to many instructions, each asked once: what is cached is not asked again.

Shared by answers for raters, by the probes, and by nobody who scores log-probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence

from lamini.config import EvaluateConfig
from lamini.evaluation.subjects import Subject


def answers(
    config: EvaluateConfig, subject: Subject, instructions: Sequence[str], max_new_tokens: int
) -> list[str]:
    """One answer an instruction, in order, special tokens and outer blanks removed.

    Raises:
        UserError: the student cannot be loaded, or an instruction leaves nothing to continue.
    """
    raise NotImplementedError
