"""What every classifier of toxicity can do, local or behind an endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Verdict:
    """What a classifier says of one text; `labels` are all the scores it gave."""

    flagged: bool
    score: float  # between 0 and 1: of the label that means toxic, or the highest of an endpoint's categories
    labels: dict[str, float] = field(default_factory=dict)


NOTHING = Verdict(False, 0.0)
"""Of a blank text, which no classifier is asked about."""


class Classifier(Protocol):
    """Judges texts."""

    def identity(self) -> dict[str, Any]:
        """Everything that decides its verdicts, as JSON: name, revision, digests, label, threshold."""

    def judge(self, texts: Sequence[str], title: str) -> list[Verdict | None]:
        """A verdict of each text, in order; None where there will never be one.

        `title` stands before lines of progress.

        Raises:
            UserError: it cannot judge, or some texts wait for a verdict that another run may bring.
            KeyboardInterrupt: a signal came; the same line continues.
        """

    def remarks(self) -> dict[str, Any]:
        """What came to light while it judged, as JSON."""


def verdicts(classifier: Classifier, texts: Sequence[str], title: str) -> dict[str, Verdict | None]:
    """Text -> verdict; each text is judged once, blank ones not at all.

    Raises:
        UserError, KeyboardInterrupt: as `Classifier.judge`.
    """
    wanted = [text for text in dict.fromkeys(texts) if text.strip()]
    found = classifier.judge(wanted, title) if wanted else []
    blank: dict[str, Verdict | None] = {text: NOTHING for text in texts if not text.strip()}
    return blank | dict(zip(wanted, found, strict=True))
