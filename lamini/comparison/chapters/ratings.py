"""Chapter: what people make of the students' responses (paper section 4.2, Figure 5)."""

from __future__ import annotations

from lamini.analysis.tables import Table
from lamini.comparison import rated
from lamini.comparison.bars import bars_of
from lamini.comparison.blocks import Block, Chapter, Listing, Missing, Text
from lamini.comparison.herd import Herd
from lamini.comparison.names import keys
from lamini.rating.summary.figure import Bar, Bars
from lamini.rating.summary.paper import published

SHEETS = ("responses", "preference")
LEVELS = (
    "A: valid and satisfying",
    "B: minor errors",
    "C: major errors",
    "D: invalid",
)
COMMAND = "python rate.py answers=<herd>/answers/<set>.parquet, then the same line with mode=summary"


def chapter(herd: Herd) -> Chapter:
    """Our studies, then the paper's Figure 5."""
    studies = rated.of_sheet(herd, *SHEETS)
    blocks = [block for tree in studies for block in rated.study(herd, tree)]
    if not studies:
        blocks.append(Missing("ratings of this herd's responses", COMMAND))
    return Chapter("ratings", "Human ratings", blocks + (figure5(herd) if herd.paper else []))


def figure5(herd: Herd) -> list[Block]:
    """What the paper's people said: bars and numbers."""
    told = published("responses", "response")
    bars = Bars(
        "How people rated responses to 114 instructions (paper Figure 5)",
        "Share of the 114 responses; their number stands in the bars. In the order of the paper's figure.",
        LEVELS,
        {"": [Bar(owner, tuple(map(float, counts))) for owner, counts in told.items()]},
    )
    alt = f"Stacked bars of {len(told)} models by levels A to D, from gpt-3.5-turbo with 91 A to GPT-2-xl with none."
    lines = [rated.published_line(owner, counts) for owner, counts in told.items()]
    note = (
        "arXiv 2304.14402, Figure 5: eight people, each response rated once, so that it has no agreement. Intervals"
        " of 95 % are Wilson's, worked out here; a model's name says what it was called there."
    )
    title = "Responses, in the paper (Figure 5)"
    table = Table("paper_figure5", title, rated.level_columns("ABCD"), lines, [note])
    return [
        Text(
            "In the paper people see it differently from the benchmarks: Flan-T5-large scores best there and has"
            " 28 of 114 responses rated A or B; tuned on the teacher's answers it has 70."
        ),
        bars_of(herd, bars, "paper_figure5", alt),
        Listing(table, rows=keys(herd, list(told))),
    ]
