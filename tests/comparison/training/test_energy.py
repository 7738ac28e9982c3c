"""Energy: a table of names, a product, and nothing where nothing is known."""

from __future__ import annotations

from typing import Any

import pytest

from lamini.comparison.herd import Member
from lamini.comparison.training import energy
from tests.comparison.made import PROVENANCE, run


@pytest.mark.parametrize(
    ("name", "watts"),
    [
        ("NVIDIA H100 80GB HBM3", 700),
        ("NVIDIA H100 PCIe", 350),
        ("NVIDIA H100 NVL", 400),
        ("NVIDIA H200", 700),
        ("NVIDIA A100-SXM4-40GB", 400),
        ("NVIDIA A100-PCIE-40GB", 250),
        ("NVIDIA A100 80GB PCIe", 300),
        ("Tesla V100-SXM2-32GB", 300),
        ("NVIDIA L4", 72),
        ("NVIDIA L40S", 350),
        ("NVIDIA GeForce RTX 4090", 450),
        ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", None),
        ("NVIDIA Quadro 9999", None),
    ],
)
def test_names_as_drivers_have_them(name: str, watts: float | None) -> None:
    assert energy.watts(name) == watts


def on(gpus: list[str], devices: int, seconds: float | None = 1800.0, accelerator: str = "auto") -> Member:
    member = run("gpt2-small", seconds=seconds)
    member.record["provenance"] = {**PROVENANCE, "hardware": {"gpus": gpus}}  # type: ignore[index]
    member.config["trainer"] = {"accelerator": accelerator, "devices": devices}  # type: ignore[index]
    return member


def test_the_worked_example() -> None:
    member = on(["NVIDIA H100 PCIe", "NVIDIA H100 PCIe"], 2)
    assert energy.kilowatt_hours(member) == pytest.approx(0.35)
    assert energy.device_hours(member) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "told", [{"gpus": [], "devices": 1}, {"gpus": ["NVIDIA L4"], "devices": 1, "accelerator": "cpu"}]
)
def test_a_cpu_has_hours_and_no_energy(told: dict[str, Any]) -> None:
    member = on(**told)
    used = energy.devices(member)
    assert used is not None and used.name == "CPU"
    assert energy.kilowatt_hours(member) is None and energy.device_hours(member) == 0.5


def test_nothing_is_made_up() -> None:
    assert energy.kilowatt_hours(on(["NVIDIA L4"], 1, seconds=None)) is None
    assert energy.devices(Member("torn", run("a-b").kind, None, {})) is None
