"""`mode=verify`: on the user's own model and data, are the numbers what they claim to be?

The properties that the training engine stands on, measured on the first pairs of the run in fp32 and printed
as a table: one batch computed in several ways, short runs that are stopped, shared and continued, the same
steps by a plain Hugging Face loop beside ours.
"""

from __future__ import annotations

import copy

import torch
from rich.table import Table

from lamini.config import TrainConfig
from lamini.report import console
from lamini.training.building import equip
from lamini.training.devices import device_of, set_threads
from lamini.training.prepare import Prepared, prepare
from lamini.training.quiet import quiet
from lamini.training.verification import batches, peer, runs
from lamini.training.verification.batches import Check
from lamini.training.verification.peer import Curve


def verify_all(configs: list[TrainConfig]) -> bool:
    """Check every student of the line, print what was found, and say whether all of it holds."""
    found: list[Check] = []
    for number, config in enumerate(configs, 1):
        name = f"{config.family.name}-{config.size.name}"
        print(f"[{number}/{len(configs)}] {name}: verifying ...", flush=True)
        checks, curve = verify(name, config)
        found += checks
        console().print(_curve(curve))
    console().print(_table(found))
    return all(check.holds for check in found)


def verify(name: str, config: TrainConfig) -> tuple[list[Check], Curve]:
    """The checks of one student, and its first steps beside a plain loop's."""
    quiet()
    config = _single(config)
    set_threads(config.trainer)
    device, prepared = device_of(config.trainer), prepare(config)
    found = [*_on_one_batch(name, config, prepared, device), *runs.checks(name, config, prepared, device)]
    curve = peer.curve(name, config, prepared, device)
    return [*found, curve.check], curve


def _single(config: TrainConfig) -> TrainConfig:
    """The same student on one device in fp32, whatever the run will use: the claims are about fp32."""
    config = copy.deepcopy(config)
    config.trainer.devices, config.trainer.precision = 1, "32-true"
    return config


def _on_one_batch(name: str, config: TrainConfig, prepared: Prepared, device: torch.device) -> list[Check]:
    torch.manual_seed(config.seed)
    equip(config, prepared.student)
    prepared.student.ready().to(device)  # type: ignore[arg-type]
    return list(batches.checks(name, config, prepared))


def _table(found: list[Check]) -> Table:
    table = Table(title="Verify", title_justify="left")
    for column in ("student", "check", "difference", "allowed", ""):
        table.add_column(column, justify="right" if column in {"difference", "allowed"} else "left")
    for check in found:
        verdict = "holds" if check.holds else "[red]FAILS[/red]"
        table.add_row(check.run, check.name, f"{check.difference:.2e}", f"{check.allowed:.0e}", verdict)
    return table


def _curve(curve: Curve) -> Table:
    table = Table(title=f"{curve.run}: loss of the first steps", title_justify="left")
    for column in ("step", "ours", "plain Hugging Face loop", "difference"):
        table.add_column(column, justify="right")
    for step, (ours, plain) in enumerate(zip(curve.ours, curve.plain, strict=True), 1):
        table.add_row(str(step), f"{ours:.6f}", f"{plain:.6f}", f"{ours - plain:+.1e}")
    return table
