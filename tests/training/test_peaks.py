"""Peaks by the names that the driver gives; fp32, CPUs and parts of a device have none."""

from __future__ import annotations

import pytest
import torch

from lamini.training import peaks


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NVIDIA H100 80GB HBM3", 989.4e12),
        ("NVIDIA H100 PCIe", 756.5e12),
        ("NVIDIA H200", 989.4e12),
        ("NVIDIA A100-SXM4-40GB", 312e12),
        ("NVIDIA L4", 121e12),
        ("NVIDIA L40S", 366.5e12),
        ("NVIDIA GeForce RTX 4090", 165.2e12),
        ("NVIDIA H20", None),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", None),
        ("Tesla T4", None),
    ],
)
def test_a_name_gives_the_peak(name: str, value: float | None) -> None:
    assert peaks.peak_of(name) == value


def test_only_half_precision_on_cuda_has_a_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H200")
    cuda = torch.device("cuda", 0)
    assert peaks.peak(cuda, "bf16-mixed") == peaks.peak(cuda, "16-mixed") == 989.4e12
    assert peaks.peak(cuda, "32-true") is None
    assert peaks.peak(torch.device("cpu"), "bf16-mixed") is None
