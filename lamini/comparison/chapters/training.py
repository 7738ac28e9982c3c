"""Chapter: how training went: curves, speed, time on the clock, energy as far as it can be told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from lamini.analysis.tables import Cell, Column, Table
from lamini.comparison import names
from lamini.comparison.blocks import Block, Chapter, Drawing, Listing, Missing, Text
from lamini.comparison.herd import Herd, Kind, Member
from lamini.comparison.names import families
from lamini.comparison.training import curves, energy
from lamini.comparison.training.lines import Line, lines

TRAIN = "python train.py -m model=flan-t5-small,gpt2-medium"
PAPER = (
    "The paper tells neither curves nor speed, cost or energy of its training, only the machines: eight V100"
    " and eight A100."
)


def chapter(herd: Herd) -> Chapter:
    """Curves, then tables."""
    runs = [member for member in herd.members if member.kind is Kind.run and member.record]
    blocks: list[Block] = [*drawings(runs, families(herd))] if runs else [Missing("Runs of train.py.", TRAIN)]
    if runs:
        blocks += [Listing(speed(runs), names.scratch(runs), [member.key for member in runs])]
        blocks += [Listing(cost(runs), names.scratch(runs), [member.key for member in runs])]
        teachers = data_cost(runs)
        blocks += [Listing(teachers)] if teachers.rows else []
    return Chapter("training", "Training", blocks + ([Text(PAPER)] if herd.paper else []))


def drawings(runs: Sequence[Member], families: Sequence[str]) -> list[Block]:
    """Validation in bits a byte, which compares students of different tokenizers, and the training loss."""
    found, broken = list[tuple[Member, dict[str, curves.Curve]]](), list[str]()
    for member in runs:
        try:
            found.append((member, curves.read((member.folder or Path()) / "metrics.jsonl")))
        except OSError:
            broken.append(member.key)
    bits = [
        Line(member, own[curves.VALIDATION].step_P, own[curves.VALIDATION].value_P * factor)
        for member, own in found
        if curves.VALIDATION in own and (factor := _bits_of_a_nat(member)) is not None
    ]
    losses = [
        Line(member, own[curves.LOSS].step_P, own[curves.LOSS].value_P)
        for member, own in found
        if curves.LOSS in own
    ]
    made = [_validation(bits, families), _training(losses, families)]
    told = [f"The curves of {name}: its metrics.jsonl cannot be read." for name in broken]
    blocks: list[Block] = [drawing for drawing in made if drawing is not None]
    blocks += [Missing(sentence, TRAIN) for sentence in told]
    return blocks or [Missing("Curves: no run has written a record yet.", TRAIN)]


def _bits_of_a_nat(member: Member) -> float | None:
    """What turns this student's nats a token into bits a byte, the same factor at every step."""
    bits = member.record.get("validation_bits_per_byte")
    loss = member.record.get("validation_loss")
    return float(bits) / float(loss) if bits and loss else None


def _validation(found: Sequence[Line], families: Sequence[str]) -> Drawing | None:
    caption = (
        "Bits a byte of response text, which compares students of different tokenizers. Students of other"
        " data were validated on other rows."
    )
    return lines("validation_curves", "Validation", caption, "bits a byte", found, families)


def _training(found: Sequence[Line], families: Sequence[str]) -> Drawing | None:
    caption = (
        f"Nats a response token, mean of up to {curves.POINTS} stretches. Losses of different tokenizers do"
        " not compare."
    )
    return lines("training_curves", "Training loss", caption, "nats a token", found, families)


def speed(runs: Sequence[Member]) -> Table:
    """How much each student saw, how fast, and where it ended."""
    columns = [Column("student"), Column("status"), Column("parameters", ",d"), Column("pairs", ",d")]
    columns += [Column("epochs", ".2f"), Column("steps", ",d"), Column("response tokens", ",d")]
    columns += [Column("response tokens/s", ",.0f"), Column("padding %", ".1f"), Column("MFU %", ".1f")]
    columns += [Column("memory GiB", ".2f"), Column("training loss", ".3f"), Column("validation loss", ".3f")]
    columns += [Column("bits/byte", ".3f")]
    rows: list[Sequence[Cell]] = []
    for member in runs:
        told = member.record
        rows.append([
            member.key, member.status, member.parameters, (told.get("data") or {}).get("pairs"),
            told.get("epochs"), told.get("steps"), told.get("response_tokens"),
            told.get("response_tokens_per_second"), _percent(told.get("padding_share")),
            _percent(told.get("mfu")), told.get("peak_memory_gib"), told.get("train_loss"),
            told.get("validation_loss"), told.get("validation_bits_per_byte"),
        ])  # fmt: skip
    notes = [
        "Tokens a second are of responses, in training steps alone: padding and prompts do not count. MFU is"
        " known for some GPUs only."
    ]
    return Table("training", "Training", columns, rows, notes)


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def cost(runs: Sequence[Member]) -> Table:
    """Devices, time and energy."""
    columns = [Column("student"), Column("device"), Column("devices", ",d"), Column("threads", ",d")]
    columns += [Column("minutes", ",.1f"), Column("device hours", ",.3f"), Column("watts, at most", ",.0f")]
    columns += [Column("kWh, estimate", ".3g")]
    rows: list[Sequence[Cell]] = []
    for member in runs:
        used, seconds = energy.devices(member), member.record.get("seconds")
        rows.append([
            member.key, used.name if used else None, used.count if used else None,
            member.record.get("provenance", {}).get("threads"), seconds / 60 if seconds else None,
            energy.device_hours(member), used.watts if used else None, energy.kilowatt_hours(member),
        ])  # fmt: skip
    notes = [
        "Minutes are on the clock, with loading, validation and answers. What a device hour costs is not"
        " known here: multiply by its price.",
        "Energy is an estimate and was not measured: the most that a GPU's board draws, by its data sheet,"
        " times the minutes; without the rest of the machine. It is empty where that power is not known, as"
        " for CPUs.",
    ]
    return Table("training_cost", "Cost", columns, rows, notes)


def data_cost(runs: Sequence[Member]) -> Table:
    """What the teacher's answers cost that students were trained on, where generate.py made the data."""
    folders = dict.fromkeys(
        str(path) for member in runs if (path := (member.config.get("data") or {}).get("path"))
    )
    rows: list[Sequence[Cell]] = []
    for folder in folders:
        try:
            told = json.loads((Path(folder) / "manifest.json").read_text(encoding="utf-8"))
            spent = told["cost"]
            keys = ("answers", "prompt_tokens", "response_tokens", "usd")
            rows.append([told["name"], told["rows"], *(spent.get(key) for key in keys)])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # data of other makes has no manifest
    columns = [Column("data"), Column("pairs", ",d"), Column("answers", ",d"), Column("prompt tokens", ",d")]
    columns += [Column("response tokens", ",d"), Column("USD", ",.4f")]
    note = "Of the teacher's request log, other data of the same log included; empty: prices are not known."
    return Table("teacher_cost", "What the teacher's answers cost", columns, rows, [note])
