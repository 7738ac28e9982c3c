"""Chapter: what people make of the students' responses (paper section 4.2, Figure 5)."""

from __future__ import annotations

from lamini.analysis.tables import Table
from lamini.comparison.blocks import Block, Chapter, Listing, Missing, Text
from lamini.comparison.herd import Herd
from lamini.comparison.names import folders, member_of
from lamini.comparison.ratings import figure5, rated, rated_tables
from lamini.comparison.ratings.bars import bars_of
from lamini.rating.summary.figure import Bar, Bars

SHEETS = ("responses", "preference")
LEVELS = ("A: valid and satisfying", "B: minor errors", "C: major errors", "D: invalid")
ANSWERS = (
    "outputs/bases/answers/answers114.parquet"  # where evaluate.py puts them unless it is told otherwise
)


def chapter(herd: Herd) -> Chapter:
    """Our studies, then the paper's Figure 5."""
    studies = rated.of_sheet(herd, *SHEETS)
    blocks = [block for tree in studies for block in rated.study(herd, tree)]
    if not studies:
        blocks.append(unrated(herd))
    return Chapter("ratings", "Human ratings", blocks + (paper(herd) if herd.paper else []))


def unrated(herd: Herd) -> Missing:
    """What makes ratings: answers, raters, and a summary of what they said."""
    line = f"python evaluate.py students={folders(herd)} suite=answers114 && python rate.py answers={ANSWERS}"
    return Missing(
        "Ratings of this herd's responses; mode=summary at the end of the line sums them up.", line
    )


def paper(herd: Herd) -> list[Block]:
    """What the paper's people said: bars and numbers."""
    told = figure5.counts()
    bars = Bars(
        "How people rated responses to 114 instructions (paper Figure 5)",
        "Share of the 114 responses; their number stands in the bars. In the order of the paper's figure.",
        LEVELS,
        {"": [Bar(owner, tuple(map(float, counts))) for owner, counts in told.items()]},
    )
    alt = f"Stacked bars of {len(told)} models by levels A to D: gpt-3.5-turbo has 91 A, GPT-2-xl has none."
    lines = [rated_tables.published_line(owner, counts) for owner, counts in told.items()]
    note = (
        "arXiv 2304.14402, Figure 5: eight people, each response rated once, so that it has no agreement."
        " Intervals of 95 % are Wilson's, worked out here; a model's name says what it was called there."
    )
    title = "Responses, in the paper (Figure 5)"
    table = Table("paper_figure5_counts", title, rated_tables.level_columns("ABCD"), lines, [note])
    members = {owner: member_of(herd, figure5.called(owner)) for owner in told}
    keys = {owner: member.key if member else "" for owner, member in members.items()}
    return [
        Text(
            "In the paper people see it differently from the benchmarks: Flan-T5-large scores best there and"
            " has 28 of 114 responses rated A or B; tuned on the teacher's answers it has 70."
        ),
        bars_of(bars, "paper_figure5", alt, keys),
        Listing(table, rows=list(keys.values())),
    ]
