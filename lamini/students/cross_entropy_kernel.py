"""The Triton kernel of lamini/students/cross_entropy.py."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def cross_entropy_kernel(LOGITS, LABELS, LOSSES, stride, vocabulary, columns, BLOCK: tl.constexpr):
    """A row's loss, and its logits replaced by softmax minus one-hot."""
    row = tl.program_id(0)
    logits = LOGITS + row.to(tl.int64) * stride
    label = tl.load(LABELS + row)
    at = tl.arange(0, BLOCK)
    most = -float("inf")
    total = 0.0
    for start in range(0, vocabulary, BLOCK):
        part = tl.load(logits + start + at, mask=start + at < vocabulary, other=-float("inf")).to(tl.float32)
        higher = tl.maximum(most, tl.max(part, 0))
        total = total * tl.exp(most - higher) + tl.sum(tl.exp(part - higher), 0)
        most = higher
    tl.store(LOSSES + row, most + tl.log(total) - tl.load(logits + label).to(tl.float32))
    tl.debug_barrier()  # the label's logit is read before it is written
    for start in range(0, columns, BLOCK):
        column = start + at
        part = tl.load(logits + column, mask=column < vocabulary, other=-float("inf")).to(tl.float32)
        slope = tl.exp(part - most) / total - tl.where(column == label, 1.0, 0.0)
        tl.store(logits + column, slope.to(LOGITS.dtype.element_ty), mask=column < columns)
