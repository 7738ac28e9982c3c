"""What a device could compute at most: the divisor of MFU. Unknown devices have none, and no MFU is told."""

from __future__ import annotations

import re

import torch

# Dense bf16 products with fp32 sums, operations a second. The data sheets of NVIDIA print twice as much, with
# sparsity, for all but the A100 and GeForce; fp16 is equally fast on these. More special names come first.
# H100, H200, GH200: "H100 Tensor Core GPU" and "H200 Tensor Core GPU" data sheets (SXM 1,979 / 2; PCIe
# 1,513 / 2; NVL 1,671 / 2). B200: "Blackwell architecture technical brief". A100: its data sheet. L4, L40S,
# A10: their data sheets (242 / 2, 733 / 2, 250 / 2). GeForce: appendices A of the Ada (40) and Ampere (30)
# GPU architecture whitepapers, "BF16 with FP32 accumulate".
PEAKS = (
    ({"H100", "PCIe"}, 756.5e12),
    ({"H100", "NVL"}, 835.5e12),
    ({"H100"}, 989.4e12),
    ({"H200"}, 989.4e12),
    ({"GH200"}, 989.4e12),
    ({"B200"}, 2250e12),
    ({"A100"}, 312e12),
    ({"L40S"}, 366.5e12),
    ({"L4"}, 121e12),
    ({"A10"}, 125e12),
    ({"GeForce", "4090"}, 165.2e12),
    ({"GeForce", "3090"}, 71e12),
)


def peak(device: torch.device, precision: str) -> float | None:
    """Operations a second that the device could do in this precision; None where that is not known.

    Full fp32 runs on other units than the table's, so it has no entry; nor have CPUs.
    """
    if device.type != "cuda" or precision.startswith("32"):
        return None
    return peak_of(torch.cuda.get_device_name(device))


def peak_of(name: str) -> float | None:
    """The peak of a device of this name, such as `NVIDIA H100 80GB HBM3`; None for a part of one (MIG)."""
    words = set(re.split(r"[\s-]+", name))
    if "MIG" in words:
        return None
    return next((value for needed, value in PEAKS if needed <= words), None)
