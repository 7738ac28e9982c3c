"""What a curation did: rows kept and dropped, and how well near-duplicates were found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from lamini.curation.agreement import Agreement

STEPS = ("length", "refusals", "echoes", "languages", "lossy", "exact", "near")
"""Reasons in the order of the steps: a row is dropped for the first that strikes."""


@dataclass
class Report:
    """Counts of one curation."""

    kept: Counter[str] = field(default_factory=Counter)  # source -> rows
    dropped: dict[str, Counter[str]] = field(default_factory=dict)  # source -> reason -> rows
    near: Agreement | None = None  # None where near-duplicates were not looked for

    def drop(self, source: str, reason: str) -> None:
        """Count a row that was dropped."""
        self.dropped.setdefault(source, Counter())[reason] += 1

    def as_dict(self) -> dict[str, Any]:
        """The counts as manifest.json holds them."""
        sources = sorted({*self.kept, *self.dropped})
        record: dict[str, Any] = {
            "rows": sum(self.kept.values()) + sum(sum(count.values()) for count in self.dropped.values()),
            "kept": sum(self.kept.values()),
            "sources": {
                source: {"kept": self.kept[source], "dropped": self._reasons(source)} for source in sources
            },
        }
        if self.near is not None:
            record["near_duplicates_checked"] = {
                "rows_drawn": self.near.drawn,
                "similar_pairs": self.near.similar,
                "found_pairs": self.near.both,
                "recall": self.near.recall,
                "sketch_precision": self.near.precision,
            }
        return record

    def _reasons(self, source: str) -> dict[str, int]:
        counts = self.dropped.get(source, Counter())
        return {step: counts[step] for step in STEPS if counts[step]}
