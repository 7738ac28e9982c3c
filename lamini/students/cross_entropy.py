"""Cross-entropy of a chunk's logits in one Triton kernel: a row is read twice and written once (CUDA).

Written out, the logits of a chunk travel to fp32 and back and are passed over seven times; on a GPU that
costs more than their products do. Liger's kernel (arXiv:2410.10989) works the same way.

Names: C response tokens of a chunk, V columns of its logits.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

BLOCK = 8192  # logits of a row that are read at a time


@cache
def available() -> bool:
    """Whether there is a Triton for the CUDA devices of this torch."""
    return find_spec("triton") is not None and torch.version.cuda is not None


def loss_and_gradient(logits_CV: Tensor, labels_C: Tensor, vocabulary: int) -> Tensor:
    """The chunk's summed loss; the logits become its gradient, zero in columns beyond the vocabulary."""
    from lamini.students.cross_entropy_kernel import cross_entropy_kernel

    losses_C = torch.empty(len(logits_CV), device=logits_CV.device)
    cross_entropy_kernel[(len(logits_CV),)](
        logits_CV,
        labels_C,
        losses_C,
        logits_CV.stride(0),
        vocabulary,
        logits_CV.shape[1],
        BLOCK=BLOCK,
        num_warps=16,
    )
    return losses_C.sum()
