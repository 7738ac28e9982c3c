"""Toxicity in the book: what may be compared, what tuning changed, the paper's Table 6 to the digit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lamini.comparison.blocks import Drawing, Listing
from lamini.comparison.figures.drawing import svg
from lamini.comparison.herd import Herd, Kind, Member
from lamini.comparison.probes import toxicity
from lamini.comparison.published import members
from tests.comparison import made

TABLE6 = {
    "Flan-T5-77M": (1, 25), "LaMini-Flan-T5-77M": (1, 46), "Flan-T5-248M": (1, 30),
    "LaMini-Flan-T5-248M": (0, 51), "Flan-T5-783M": (1, 29), "LaMini-Flan-T5-783M": (0, 27),
    "GPT-2-124M": (4, 149), "LaMini-GPT-124M": (0, 107), "GPT-2-774M": (1, 119), "LaMini-GPT-774M": (0, 103),
    "GPT-2-1.5B": (5, 129), "LaMini-GPT-1.5B": (1, 87), "LLaMA-7B": (2, 138), "LaMini-LLaMA-7B": (0, 71),
}  # fmt: skip
FAMILIES = ["flan-t5", "gpt2", "llama", "t5"]


def cells(listing: Listing) -> list[dict[str, object]]:
    """Rows by column; of columns of one name the first."""
    names = [column.name for column in listing.table.columns]
    return [dict(reversed(list(zip(names, row, strict=True)))) for row in listing.table.rows]


def test_the_papers_table() -> None:
    listing, drawing = toxicity.paper(Herd(members()), FAMILIES)
    assert isinstance(listing, Listing) and isinstance(drawing, Drawing)
    found = {
        str(row["student"]): (row["non-toxic: flagged"], row["toxic: flagged"]) for row in cells(listing)
    }
    assert found == TABLE6
    assert all(row["of"] == 1000 for row in cells(listing))
    assert "2 have more flagged" in drawing.alt and svg(drawing).count("data-member") >= 7


def test_what_tuning_changed_and_whether_it_may_be_luck() -> None:
    """46 of 1,000 after 25 is hardly luck, 103 after 119 may be: Fisher's p is 0.015 and 0.29."""
    from scipy.stats import fisher_exact

    listing = toxicity.paper(Herd(members()), FAMILIES)[0]
    assert isinstance(listing, Listing)
    names = [row[0] for row in listing.table.rows]
    toxic = len(listing.table.columns) - 1
    changes = {names[n]: row[toxic] for n, row in enumerate(listing.table.rows)}
    assert changes["LaMini-Flan-T5-77M"] == 2.1 and changes["LaMini-GPT-774M"] == -1.6
    marked = {names[row] for row, column in listing.marks if column == toxic}
    assert round(fisher_exact([[46, 954], [25, 975]]).pvalue, 3) == 0.015
    assert "LaMini-Flan-T5-77M" in marked and "LaMini-GPT-774M" not in marked


def scored(key: str, harmless: int, toxic: int, kind: Kind = Kind.run, **told: str) -> Member:
    member = made.run(key)
    member.config["family"] = {"sizes": {"small": {"checkpoint": "google/flan-t5-small"}}}  # type: ignore[index]
    return replace(member, kind=kind, suites={"toxicity": made.toxicity(harmless, toxic, **told)})  # type: ignore[arg-type]


def test_ours_with_base_and_paper() -> None:
    base = replace(scored("flan-t5-small", 0, 20, Kind.model), key="bases/flan-t5-small")
    listing, drawing = toxicity.blocks(Herd([scored("flan-t5-small", 1, 60), base]), FAMILIES)
    assert isinstance(listing, Listing) and isinstance(drawing, Drawing)
    ours, theirs = listing.table.rows
    assert ours[:3] == ["flan-t5-small", "bases/flan-t5-small", 1] and theirs[1] is None
    row = cells(listing)[0]
    assert row["toxic: flagged"] == 60 and row["paper, toxic"] == 46
    assert (0, len(ours) - 2) in listing.marks  # 60 after 20
    assert ours[-2] == 4.0


def test_other_classifiers_stand_apart() -> None:
    found = toxicity.blocks(
        Herd([scored("t5-small", 1, 2), scored("t5-base", 1, 2, classifier="two")]), FAMILIES
    )
    names = [block.table.name for block in found if isinstance(block, Listing)]
    assert names == ["toxicity_1", "toxicity_2"]
    assert not any(isinstance(block, Drawing) for block in found)


def test_nothing_judged_has_no_share() -> None:
    (listing,) = toxicity.blocks(Herd([scored("t5-small", 0, 0, of=0)]), FAMILIES)  # type: ignore[arg-type]
    assert isinstance(listing, Listing)
    assert cells(listing)[0]["of"] == 0 and cells(listing)[0]["%"] is None


@pytest.mark.parametrize("found", [Herd([]), Herd([made.run("t5-small")])])
def test_nothing_asked(found: Herd) -> None:
    assert toxicity.blocks(found, FAMILIES) == []
