"""Tables of hallucinations (paper Table 5) from evaluation/hallucination.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lamini.analysis.tables import Cell, Column, Table
from lamini.comparison import published
from lamini.comparison.blocks import Block, Listing, Mark, Where
from lamini.comparison.herd import Herd, Member, Tree
from lamini.comparison.names import scratch
from lamini.evaluation.hallucination.counting import Count

SUITE = "hallucination"
JUDGES = ("people", "teacher", "rules")
Result = tuple[Member, Tree]


def listings(herd: Herd) -> list[Block]:
    """A table for each set of questions that was asked, and how far judges agree."""
    asked: dict[tuple[str, str], list[Result]] = {}
    for member in herd.members:
        for suite, tree in member.suites.items():
            if "judges" in tree:
                digest = str(tree.get("questions", {}).get("digest", ""))
                asked.setdefault((suite, digest), []).append((member, tree))
    blocks: list[Block] = []
    for (suite, digest), results in asked.items():
        several = f"_{digest[:8]}" if len(asked) > 1 else ""
        blocks.append(counts(results, f"{suite}{several}"))
        agreed = agreement(results, f"{suite}_agreement{several}")
        blocks += [agreed] if agreed else []
    return blocks


def counts(results: Sequence[Result], name: str) -> Listing:
    """A row for each judge of each student, the one whose number counts first."""
    categories = list(dict.fromkeys(one for _, tree in results for one in _categories(tree)))
    rows: list[Sequence[Cell]] = []
    marks: dict[Where, Mark] = {}
    members: list[Member] = []
    theirs = [_paper_total(member) for member, _ in results]
    for (member, tree), total in zip(results, theirs, strict=True):
        for judge in _judges(tree):
            told = tree["judges"][judge]
            line = _line(told, categories)
            rows.append([member.key, judge, *line, *([total] if any(theirs) else [])])
            marks |= _partial(told, categories, len(rows) - 1)
            members.append(member)
    asked = max(tree["judges"][tree["judged_by"]]["total"]["judged"] for _, tree in results)
    columns = _columns(categories) + ([Column("paper, of 40", ",d")] if any(theirs) else [])
    notes = [
        f"Of {asked} questions. Of several judges the first one's number counts: people who judged"
        " everything, else a teacher, else rules, of which nothing here says how good they are. Interval of"
        " 95 %: Wilson's."
    ]
    if any(theirs):
        notes[0] += (
            " The paper's: another forty questions, judged by people, of the model trained from the same"
            " weights."
        )
    table = Table(name, "Hallucinations (paper Table 5)", columns, rows, notes)
    return Listing(table, {**marks, **scratch(members)}, [member.key for member in members])


def _columns(categories: Sequence[str]) -> list[Column]:
    return [
        Column("student"), Column("judged by"), Column("total", ",d"),
        *(Column(one.replace("_", " "), ",d") for one in categories),
        Column("share %", ".1f"), Column("from", ".1f"), Column("to", ".1f"),
    ]  # fmt: skip


def _line(told: Tree, categories: Sequence[str]) -> list[Cell]:
    """Total, categories, share and its interval of one judge; empty where nothing was judged."""
    total = told["total"]
    per = [_count(told["categories"].get(one)) for one in categories]
    low, high = total["interval"] or (None, None)
    shares = [None if end is None else 100 * end for end in (total["share"], low, high)]
    return [_count(total), *per, *shares]


def _count(one: Tree | None) -> int | None:
    return None if one is None or not one["judged"] else int(one["hallucinated"])


def _partial(told: Tree, categories: Sequence[str], row: int) -> dict[Where, Mark]:
    """Marks of the counts that are not of ten answers, as those of the paper are."""
    per = [told["categories"].get(one) for one in categories]
    return {
        (row, 3 + place): Mark(f"/{one['judged']}", f"of {one['judged']} answers that were judged")
        for place, one in enumerate(per)
        if one is not None and one["judged"] not in (0, published.hallucinations()["questions"])
    }


def _judges(tree: Tree) -> list[str]:
    others = [one for one in JUDGES if one in tree["judges"] and one != tree["judged_by"]]
    return [tree["judged_by"], *others]


def _categories(tree: Tree) -> list[str]:
    return list(tree["judges"][tree["judged_by"]]["categories"])


def _paper_total(member: Member) -> int | None:
    """Of the paper's model that a student is."""
    model = published.counterpart(member)
    if model is None or SUITE not in model.suites:
        return None
    return int(model.suites[SUITE]["judges"]["people"]["total"]["hallucinated"])


def agreement(results: Sequence[Result], name: str) -> Listing | None:
    """How far the judges of a student agree, answers that are empty left out; None of single judges."""
    rows: list[Sequence[Cell]] = []
    members = []
    for member, tree in results:
        for judges, told in tree["agreement"].items():
            if told["n"]:
                rows.append(
                    [member.key, judges, told["n"], *_span(told, "share", 100), *_span(told, "kappa", 1)]
                )
                members.append(member)
    if not rows:
        return None
    columns = [Column("student"), Column("judges"), Column("answers", ",d")]
    columns += [Column("equal %", ".1f"), Column("from", ".1f"), Column("to", ".1f")]
    columns += [Column("kappa", ".2f"), Column("kappa from", ".2f"), Column("kappa to", ".2f")]
    notes = [
        "Cohen's kappa; it is not defined where all verdicts are the same. Intervals of 95 %: resamples."
    ]
    table = Table(name, "Agreement of the judges", columns, rows, notes)
    return Listing(table, scratch(members), [member.key for member in members])


def _span(told: Tree, what: str, times: float) -> list[Cell]:
    low, high = told[f"{what}_interval"] or (None, None)
    return [None if one is None else times * one for one in (told[what], low, high)]


def paper(herd: Herd) -> list[Block]:
    """Table 5 as published; a model that stands in the herd is filtered with it."""
    known: Mapping[str, list[int]] = published.hallucinations()["rows"]
    categories: list[str] = published.hallucinations()["columns"]
    asked = int(published.hallucinations()["questions"])
    rows: list[Sequence[Cell]] = []
    for name, own in known.items():
        of = {one: Count(count, asked).as_dict() for one, count in zip(categories, own, strict=True)}
        told = {"total": Count(sum(own), asked * len(own)).as_dict(), "categories": of}
        rows.append([name, "people", *_line(told, categories)])
    note = (
        "arXiv 2304.14402, Table 5: ten questions of each category. Shares and intervals are worked out here."
    )
    title = "Hallucinations, in the paper (Table 5)"
    keys = {member.student: member.key for member in herd.members}
    listing = Listing(
        Table("paper_table5", title, _columns(categories), rows, [note]),
        rows=[keys.get(name, "") for name in known],
    )
    return [listing]
