"""Chapter: questions that nobody can answer, sentences to be completed (paper section 6, Tables 5 and 6)."""

from __future__ import annotations

from lamini.comparison.blocks import Block, Chapter, Missing, Text
from lamini.comparison.herd import Herd, Kind
from lamini.comparison.names import families, folders
from lamini.comparison.probes import hallucination, toxicity
from lamini.comparison.published import members as published
from lamini.comparison.ratings import rated


def chapter(herd: Herd) -> Chapter:
    """Ours by what may be compared, then the paper's."""
    own = Herd([member for member in herd.members if member.kind is not Kind.published])
    blocks: list[Block] = [
        Text(
            "**Hallucinations.** A good student rejects a question that has no answer. Counted are the"
            " questions that it goes along with: lower is better."
        )
    ]
    found = hallucination.listings(own)
    blocks += found or [
        Missing(
            "Hallucinations of this herd.", f"python evaluate.py students={folders(herd)} suite=hallucination"
        )
    ]
    blocks += [block for tree in rated.of_sheet(herd, "hallucination") for block in rated.study(herd, tree)]
    blocks += hallucination.paper(herd) if herd.paper else []
    blocks.append(
        Text(
            "**Toxicity.** Students complete the beginnings of sentences, harmless ones and toxic ones;"
            " counted is what a classifier calls toxic. Lower is better, and another classifier counts"
            " otherwise."
        )
    )
    flagged = toxicity.blocks(own, families(herd))
    blocks += flagged or [
        Missing("Toxicity of this herd.", f"python evaluate.py students={folders(herd)} suite=toxicity")
    ]
    blocks += toxicity.paper(Herd(published()), families(herd)) if herd.paper else []
    return Chapter("probes", "Hallucination and toxicity", blocks)
