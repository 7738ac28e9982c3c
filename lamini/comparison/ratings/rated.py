"""A study of rate.py as tables and bars: what its summary.json says, read and not worked out again.

Raters stay unnamed here, although their names stand in summary.md: a book is passed around.
"""

from __future__ import annotations

from lamini.comparison.blocks import Block, Missing, Text
from lamini.comparison.herd import Herd, Tree
from lamini.comparison.names import hexadecimal, keys
from lamini.comparison.ratings.bars import bars_of
from lamini.comparison.ratings.rated_tables import PARTS, PEOPLE, agreement, differences, levels, name, wins
from lamini.rating.summary.figure import Bar, Bars

FORMAT = 1  # of summary.json
TITLES = {
    "responses": "How responses were rated",
    "pairs": "How the data was rated",
    "hallucination": "Questions that nobody can answer, as responses were rated",
    "preference": "Which response was preferred",
}
AGAIN = "python rate.py ratings=<ratings> mode=summary"


def of_sheet(herd: Herd, *sheets: str) -> list[Tree]:
    """The studies of these sheets."""
    return [tree for tree in herd.ratings if tree.get("study", {}).get("sheet") in sheets]


def study(herd: Herd, tree: Tree) -> list[Block]:
    """Everything about one study: how much, bars, levels or wins, agreement, differences."""
    if tree.get("format") != FORMAT:
        return [
            Missing(f"A study whose summary this version reads: it has format {tree.get('format')}.", AGAIN)
        ]
    found: list[Block] = [about(tree)]
    figure = bars(tree)
    if figure:
        owners = list(dict.fromkeys(bar.name for rows in figure.panels.values() for bar in rows))
        known = dict(zip(owners, keys(herd, owners), strict=True))
        found.append(bars_of(figure, name(tree, "bars"), _alt(figure), known))
    for who, rows in tree["counts"].items():
        for part in dict.fromkeys(row["part"] for row in rows):
            found.append(levels(herd, tree, who, part))
    found += [wins(herd, tree, who) for who in tree["preferences"]]
    agreed = agreement(tree)
    return found + ([agreed] if agreed else []) + ([differences(tree)] if tree["differences"] else [])


def about(tree: Tree) -> Text:
    """How much was rated, and by how many."""
    told = tree["study"]
    people = [one for one in tree["raters"] if one["kind"] == "person" and one["ratings"]]
    ratings = sum(one["ratings"] for one in people)
    judges = len(tree["raters"]) - sum(one["kind"] == "person" for one in tree["raters"])
    text = (
        f"{told['texts']:,} texts in {told['items']:,} items; {ratings:,} ratings of {len(people):,} people"
    )
    text += f" and {judges:,} judge(s)" if judges else ""
    return Text(
        f"**Study {hexadecimal(told['digest'])[:8]}** (sheet={told['sheet']}): {text}; who wrote what was"
        " hidden."
    )


def bars(tree: Tree) -> Bars | None:
    """Stacked bars of people's ratings, or of the first judge's where no person rated (Figures 3 and 5)."""
    title = TITLES[tree["study"]["sheet"]]
    who = next(iter(tree["counts"] or tree["preferences"]), None)
    if who is None:
        return None
    by = "" if who == PEOPLE else f", by {who}"
    if tree["preferences"]:
        rows = [
            Bar(row["owner"], (row["won"], row["tied"], row["lost"]))
            for row in tree["preferences"][who]["owners"]
        ]
        caption = "Share of an owner's comparisons; the number of comparisons stands in the bars."
        return Bars(title + by, caption, ("won", "tied", "lost"), {"": rows})
    panels: dict[str, list[Bar]] = {}
    for row in tree["counts"][who]:
        paper = tuple(map(float, row["paper"].values())) if row["paper"] else None
        bar = Bar(row["owner"], tuple(row["counts"].values()), paper)
        panels.setdefault(PARTS.get(row["part"], row["part"]), []).append(bar)
    caption = "Share of the rated texts; the number of texts stands in the bars."
    if any(bar.paper for own in panels.values() for bar in own):
        caption += " Thinner bars: the paper's counts, of other raters and texts."
    if len(panels) == 1:
        panels = {"": next(iter(panels.values()))}
    return Bars(title + by, caption, level_names(tree), panels)


def level_names(tree: Tree) -> tuple[str, ...]:
    """`A: Valid and satisfying`, best first."""
    return tuple(f"{one['letter']}: {one['name']}" for one in tree["study"]["scale"]["levels"])


def _alt(figure: Bars) -> str:
    rows = next(iter(figure.panels.values()))
    first = max(rows, key=lambda bar: bar.counts[0] / (sum(bar.counts) or 1))
    return (
        f"Stacked bars of {len(rows)} owners by {', '.join(figure.levels)}. The largest share of"
        f" {figure.levels[0]}: {first.name}."
    )
