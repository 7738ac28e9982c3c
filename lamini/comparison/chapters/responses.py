"""What all students said to the same instructions, side by side, as raters saw it (paper section 4.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath

from lamini.comparison.blocks import Answers, Block, Chapter, Missing, Text
from lamini.comparison.herd import Herd, Kind

MOST = 12  # instructions: with 100 students and 300 characters a response, half a megabyte
LONGEST = 1500  # characters of a response

Row = Mapping[str, str]


def chapter(herd: Herd) -> Chapter:
    """A dozen instructions at most, spread over the sets, with every response there is."""
    return Chapter("responses", "Responses side by side", blocks(herd))


def blocks(herd: Herd) -> list[Block]:
    """What was left out is said first."""
    asked: dict[str, dict[tuple[str, str], list[Row]]] = {}
    for row in herd.answers:
        what = row["instruction_id"], row["instruction"]  # another herd's set may use the same ids
        asked.setdefault(_set(row), {}).setdefault(what, []).append(row)
    if not asked:
        folder = next((member.folder.parent for member in herd.members if member.folder), "outputs/herd")
        command = f"python evaluate.py suite=answers students={folder}"
        return [Missing("Nobody has answered a set of instructions yet.", command)]
    each = max(2, MOST // len(asked))
    chosen = [rows for own in asked.values() for rows in spread(_by_most(own), each)]
    order = {member.key: place for place, member in enumerate(herd.members)}
    return [_about(herd, chosen, sum(map(len, asked.values()))), *(_answers(rows, order) for rows in chosen)]


def _set(row: Row) -> str:
    """The suite that asked: files of answers are called like it; "" where no file says."""
    return PurePath(row.get("file", "")).stem


def spread(rows: Sequence[list[Row]], count: int) -> list[list[Row]]:
    """So many of them at equal distances, the first and the last among them.

    Of 0 to 10, four: 0, 3, 7, 10.
    """
    if len(rows) <= count:
        return list(rows)
    return [rows[round(place * (len(rows) - 1) / (count - 1))] for place in range(count)]


def _by_most(asked: Mapping[tuple[str, str], list[Row]]) -> list[list[Row]]:
    """The instructions of a set that as many answered as any, in its order."""
    answered = {key: len({row["student"] for row in rows}) for key, rows in asked.items()}
    most = max(answered.values())
    return [rows for key, rows in asked.items() if answered[key] == most]


def _about(herd: Herd, chosen: Sequence[Sequence[Row]], asked: int) -> Text:
    who = {row["student"] for rows in chosen for row in rows}
    silent = sum(member.kind is not Kind.published and member.key not in who for member in herd.members)
    cut = sum(len(row["response"]) > LONGEST for rows in chosen for row in rows)
    said = [f"{len(chosen)} of {asked:,} instructions, spread over those of each set that the most answered."]
    if silent:
        said.append(f"{silent:,} of {len(herd.members):,} members have answered none of them.")
    if cut:
        said.append(f"{cut:,} long responses end here after {LONGEST:,} characters.")
    return Text(" ".join([*said, "All of them stand in the files of answers that `evaluate.py` writes."]))


def _answers(rows: Sequence[Row], order: Mapping[str, int]) -> Answers:
    """Teachers and references first, then members in the order of the herd."""
    ordered = sorted(rows, key=lambda row: order.get(row["student"], -1))
    first = rows[0]
    about = ", ".join(part for part in (_set(first), first.get("app", ""), first["instruction_id"]) if part)
    return Answers(
        instruction=_cut(first["instruction"]),
        responses=[(row["student"], _cut(row["response"])) for row in ordered],
        about=about,
    )


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
