"""Hallucinations counted: per category and in all, with Wilson's interval of the share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lamini.evaluation.hallucination.questions import Question, categories
from lamini.evaluation.hallucination.verdicts import HALLUCINATED

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Count:
    """Hallucinations among the answers that were judged."""

    hallucinated: int
    judged: int

    @property
    def share(self) -> float | None:
        """Between 0 and 1; None where nothing was judged."""
        return self.hallucinated / self.judged if self.judged else None

    def interval(self) -> tuple[float, float] | None:
        """Wilson's interval of the share, which holds for small counts and for 0 and all of them.

        >>> [round(end, 3) for end in Count(9, 10).interval()]
        [0.596, 0.982]
        """
        from scipy.stats import binomtest  # 0.5 s

        if not self.judged:
            return None
        ends = binomtest(self.hallucinated, self.judged).proportion_ci(CONFIDENCE, method="wilson")
        return float(ends.low), float(ends.high)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "hallucinated": self.hallucinated,
            "judged": self.judged,
            "share": self.share,
            "interval": self.interval(),
        }


def count(verdicts: Sequence[str | None]) -> Count:
    """None is an answer without a verdict.

    >>> count(["hallucinated", "rejected", None])
    Count(hallucinated=1, judged=2)
    """
    given = [verdict for verdict in verdicts if verdict is not None]
    return Count(sum(verdict == HALLUCINATED for verdict in given), len(given))


def by_category(questions: Sequence[Question], verdicts: Sequence[str | None]) -> dict[str, Count]:
    """category -> its count, in the order of the questions."""
    pairs = list(zip(questions, verdicts, strict=True))
    return {
        name: count([verdict for question, verdict in pairs if question.category == name])
        for name in categories(questions)
    }
