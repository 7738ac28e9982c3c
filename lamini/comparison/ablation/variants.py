"""Runs of one student that differ in something beside the seed: which data, how many, which wrapper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lamini.comparison.ablation import table4
from lamini.comparison.herd import Herd, Kind, Member
from lamini.comparison.replicates import Row, rows
from lamini.comparison.size.series import varied

UNTUNED = "untuned"
WHOLE = "lamini"  # the mixture of all sources


@dataclass(frozen=True)
class Variants:
    """Label of what varies -> its runs, which are seeds of one row; the untuned model among them if
    scored."""

    student: str
    scratch: bool
    found: dict[str, Row]

    @property
    def reference(self) -> str:
        """What the others are held against: the whole mixture, else the untuned model, else the first."""
        return next((name for name in (WHOLE, UNTUNED) if name in self.found), next(iter(self.found)))


def variants(herd: Herd, members: Sequence[Member]) -> list[Variants]:
    """Every student of which at least two variants were trained."""
    students: dict[tuple[str, bool], list[Member]] = {}
    for member in members:
        if member.kind is Kind.run:
            students.setdefault((member.student, member.scratch), []).append(member)
    result = []
    for (student, scratch), own in students.items():
        found = _labelled(own)
        if len(found) < 2:
            continue
        base = herd.base_of(own[0])
        untuned = {UNTUNED: Row(base.key, [base])} if base in members and base is not None else {}
        result.append(Variants(student, scratch, untuned | found))
    return result


def _labelled(members: Sequence[Member]) -> dict[str, Row]:
    """Rows by what their names say; where two say the same, by their herd, their data, or their own key."""
    own = rows(members)
    herds = {member.folder.resolve().parent for member in members if member.folder}
    labels = [label(row.members[0]) for row in own]
    found: dict[str, Row] = {}
    for row, name in zip(own, labels, strict=True):
        if labels.count(name) > 1:
            folder = row.members[0].folder
            name = f"{folder.resolve().parent.name}: {name}" if len(herds) > 1 and folder else row.key
        found[name if name not in found else row.key] = row
    return found


def label(member: Member) -> str:
    """`alpaca` for data=alpaca, `alpaca, limit=300`, `wrapper=bare`; else from which sources its pairs
    came."""
    words = {key: value for key, value in varied(member).items() if key != "seed"}
    data = words.pop("data", "")
    told = ", ".join([*([data] if data else []), *(f"{key}={value}" for key, value in words.items())])
    return told or _sources(member)


def _sources(member: Member) -> str:
    counted = member.record.get("data", {}).get("sources") or {}
    names = [name for name, pairs in counted.items() if pairs]
    if 0 < len(names) <= 3:
        return "+".join(names)
    return f"data {member.data[:8]}" if member.data else "as it is"


def labels_of(found: Iterable[Variants]) -> list[str]:
    """All labels: those of the paper's Table 4 in its order, then the others as they first stand."""
    paper = table4.facts()["columns"]
    names = dict.fromkeys(name for one in found for name in one.found)
    return sorted(names, key=lambda name: paper.index(name) if name in paper else len(paper))
