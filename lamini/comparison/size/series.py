"""What a curve is drawn through: students that differ in size alone, or in the amount of their data alone.

A run's folder is named after what its sweep varies (`t5-nano,limit=1200,seed=2`), and its data have a
fingerprint. Runs of one herd, family and data whose names say nothing else are one series over size; runs of
one student that vary an amount of data alone are one over data. Seeds of one place are points of it. Models
that were only scored, and the paper's, are series by the first part of their names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lamini.comparison.herd import Herd, Kind, Member
from lamini.comparison.replicates import Row, rows

AMOUNTS = ("limit", "pairs")  # keys, or ends of keys, that say how much data and not which
UNTUNED = "untuned"
SCRATCH = "scratch"


@dataclass(frozen=True)
class Series:
    """Rows in the order of their sizes, or of their amounts of data. `tuned`: they learned from the pairs."""

    label: str
    family: str
    tuned: bool
    rows: Sequence[Row]


def families_of(herd: Herd) -> list[str]:
    """Of the whole herd, so that a family has one colour in every figure."""
    return sorted({member.family for member in herd.members})


def parameters(row: Row) -> int:
    """Of all its members; 0 where nobody knows."""
    return row.members[0].parameters or 0


def pairs(member: Member) -> int | None:
    """How many a run learned from."""
    found = member.record.get("data", {}).get("pairs")
    return int(found) if found else None


def by_size(members: Iterable[Member]) -> list[Series]:
    """Every family with its sizes, those of unknown size left out."""
    known = [member for member in members if member.parameters]
    return _grouped(known, lambda member: (*_where(member), member.data, *_varied(member)), parameters)


def by_data(members: Iterable[Member]) -> list[Series]:
    """Every student that was trained on three or more amounts of the same data."""
    known = [member for member in members if member.kind is Kind.run and pairs(member)]
    found = _grouped(known, lambda member: (*_where(member), member.student, *_kind_of_data(member)), amount)
    return [one for one in found if len({amount(row) for row in one.rows}) > 2]


def by_both(members: Iterable[Member]) -> list[Series]:
    """Every family in which both size and amount of data vary."""
    known = [member for member in members if member.kind is Kind.run and pairs(member) and member.parameters]
    found = _grouped(known, lambda member: (*_where(member), *_kind_of_data(member)), amount)
    return [
        one for one in found
        if len({amount(row) for row in one.rows}) > 2 and len({parameters(row) for row in one.rows}) > 2
    ]  # fmt: skip


def amount(row: Row) -> int:
    """Pairs that a row's runs learned from."""
    return pairs(row.members[0]) or 0


def tuned(member: Member) -> bool:
    """Whether it learned from instructions and responses; of a model only scored, its name says so."""
    if member.kind is Kind.run:
        return True
    name = member.student.lower()
    return name.startswith("lamini") or "alpaca" in name


def stem(name: str) -> str:
    """A published name without its size: LaMini-T5-61M -> LaMini-T5, Alpaca-7B -> Alpaca."""
    head, _, tail = name.rpartition("-")
    return head if head and tail[:1].isdigit() else name


def varied(member: Member) -> dict[str, str]:
    """What a run's name says beside its student: `t5-nano,data=alpaca,seed=2` -> {data: alpaca, seed: 2}."""
    if member.kind is not Kind.run or member.folder is None:
        return {}
    found: dict[str, str] = {}
    last = ""
    for word in member.folder.name.split(",")[1:]:
        key, equals, value = word.partition("=")
        if equals:
            last, found[key] = key, value
        elif last:  # a list has commas of its own
            found[last] += f",{word}"
    return found


def is_amount(key: str) -> bool:
    """Whether a key says how much data: limit, data.pairs, data.sources.alpaca.limit."""
    return key.rpartition(".")[2] in AMOUNTS


def _varied(member: Member) -> tuple[str, ...]:
    return tuple(f"{key}={value}" for key, value in varied(member).items() if key != "seed")


def _kind_of_data(member: Member) -> tuple[str, ...]:
    return tuple(word for word in _varied(member) if not is_amount(word.partition("=")[0]))


def _where(member: Member) -> tuple[str, ...]:
    """What keeps series apart: origin of the weights, family, herd."""
    if member.kind is not Kind.run:
        known = member.family if member.kind is Kind.model else stem(member.student)
        return member.kind.value, known, member.family, str(tuned(member))
    herd = str(member.folder.resolve().parent) if member.folder else ""
    return member.kind.value, member.family, str(member.scratch), herd


def _grouped(
    members: Sequence[Member], key: Callable[[Member], tuple[object, ...]], order: Callable[[Row], int]
) -> list[Series]:
    found: dict[tuple[object, ...], list[Member]] = {}
    for member in members:
        found.setdefault(key(member), []).append(member)
    names: dict[str, int] = {}
    result = []
    for own in found.values():
        label = _label(own)
        names[label] = names.get(label, 0) + 1
        label = label if names[label] == 1 else f"{label} ({names[label]})"
        result.append(Series(label, own[0].family, tuned(own[0]), sorted(rows(own), key=order)))
    return result


def _label(own: Sequence[Member]) -> str:
    """`flan-t5, untuned`, `t5, data=alpaca, scratch`, `LaMini-T5`: what its members have in common."""
    first = own[0]
    if first.kind is Kind.published:
        return stem(first.student)
    shared = [word for word in _varied(first) if all(word in _varied(other) for other in own)]
    students = {member.student for member in own}
    name = students.pop() if len(students) == 1 else first.family
    origin = [UNTUNED] if not tuned(first) else [SCRATCH] if first.scratch else []
    return ", ".join([name, *shared, *origin])
