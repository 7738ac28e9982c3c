"""The summed loss of response tokens through the vocabulary projection, in three ways of equal value.

`plain` makes all logits at once, as torch would. `chunked` never does: it takes some response tokens,
turns their logits into the gradient of their loss (softmax minus one-hot) in the same buffer, multiplies it
with weight and states, and goes on. A batch costs one buffer and not three, nothing is computed twice, and
backward only multiplies finished gradients with the number that comes in. The idea is Malek's
(github.com/mgmalek/efficient_cross_entropy) and known from Liger's Triton kernels, which are the third way,
`liger`, on CUDA; this one is torch alone and runs everywhere. The price: gradients exist before anybody asks
for them, so they are computed only where autograd records, and cannot be differentiated again.

Precision. Logits and products are computed in the head's dtype or autocast's; log-softmax, loss and sums over
chunks in at least fp32. In fp16 small probabilities would vanish, for they would be rounded before the
gradient scaler's factor is known: there logits are computed again in backward, where the factor comes first.

Names: R response tokens, C response tokens of a chunk, D width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.utils.checkpoint import checkpoint

from lamini.errors import UserError
from lamini.students import cross_entropy, onednn

# Logits of a chunk, by device. On a CPU few stay nearer to its caches: of 8 to 64 MiB in fp32, around 32 were
# fastest; from 32 on, glibc asks the system for each buffer anew, and the head of GPT-2 took twice as long. A
# GPU only has to hold them: 512 MiB in bf16 on CUDA, elsewhere 128, and 256 more in fp32.
CHUNK_LOGITS = {"cpu": 7 * 2**20, "cuda": 2**28}
CHUNK_LOGITS_ELSEWHERE = 2**26
# Columns of logits are a multiple of this: on CUDA products with an odd number are several times slower.
ALIGNED = {"cpu": 1, "cuda": 64}


def summed_loss(head: nn.Linear, hidden_RD: Tensor, labels_R: Tensor, way: str = "chunked") -> Tensor:
    """Summed cross-entropy of all response tokens, a scalar in at least fp32; `way`: chunked, plain or liger.

    A head that is more than its weight and bias (an adapter, quantised or sharded weights, hooks) is called
    as it is, chunk by chunk, and again in backward.

    Raises:
        UserError: `liger` with such a head.
    """
    if way == "plain":
        return token_losses(head, hidden_RD, labels_R)
    if way == "liger":
        return _liger(head, hidden_RD, labels_R)
    early = torch.is_grad_enabled() and _compute_dtype(head.weight) != torch.float16
    if early and _is_bare(head):
        loss: Tensor = ChunkedLoss.apply(hidden_RD, head.weight, head.bias, labels_R)
        return loss
    return _recomputed(head, hidden_RD, labels_R)


def token_losses(head: nn.Linear, hidden_RD: Tensor, labels_R: Tensor) -> Tensor:
    """Summed cross-entropy with all logits at once, in at least fp32 whatever the head computes in."""
    logits_RV = head(hidden_RD)
    logits_RV = logits_RV.to(at_least_float32(logits_RV.dtype))
    return nn.functional.cross_entropy(logits_RV, labels_R, reduction="sum")


def _recomputed(head: nn.Linear, hidden_RD: Tensor, labels_R: Tensor) -> Tensor:
    """As `token_losses`, in chunks that keep no logits; backward calls the head again."""
    rows = chunk_rows(len(labels_R), head.weight.shape[0], hidden_RD.device.type)
    if len(labels_R) <= rows:
        return token_losses(head, hidden_RD, labels_R)
    chunks = zip(hidden_RD.split(rows), labels_R.split(rows), strict=True)
    parts = [checkpoint(token_losses, head, *chunk, use_reentrant=False) for chunk in chunks]
    return torch.stack(parts).sum()


def chunk_rows(tokens: int, vocabulary: int, device: str) -> int:
    """Response tokens of a chunk, so that all chunks are about equal and none has too many logits.

    Example: 5 tokens where two fit make chunks of 2, 2 and 1; 600 where 512 fit make two of 300.
    """
    most = max(1, CHUNK_LOGITS.get(device, CHUNK_LOGITS_ELSEWHERE) // vocabulary)
    return max(1, ceil(tokens / max(1, ceil(tokens / most))))


class ChunkedLoss(torch.autograd.Function):
    """ChunkedLoss.apply(hidden_RD, weight_VD, bias_V or None, labels_R): the loss, differentiable once.

    Raises:
        RuntimeError: in backward, a second time (gradients are scaled in place) or with create_graph.
    """

    @staticmethod
    def forward(
        ctx: Any, hidden_RD: Tensor, weight_VD: Tensor, bias_V: Tensor | None, labels_R: Tensor
    ) -> Tensor:
        dtype = _compute_dtype(weight_VD)
        grads: list[Tensor | None] = []
        for tensor, needed in zip((hidden_RD, weight_VD, bias_V), ctx.needs_input_grad, strict=False):
            grads += [
                torch.zeros_like(tensor, dtype=at_least_float32(dtype))
                if tensor is not None and needed
                else None
            ]
        ctx.dtypes = (hidden_RD.dtype, weight_VD.dtype, None if bias_V is None else bias_V.dtype)
        # Cast once for all chunks, not by autocast: its cache would keep a weight without a history.
        with torch.autocast(hidden_RD.device.type, enabled=False):
            bias_V = None if bias_V is None else bias_V.to(dtype)
            loss = _walk(hidden_RD.to(dtype), weight_VD.to(dtype), bias_V, labels_R, grads)
        ctx.save_for_backward(*grads)
        return loss

    @staticmethod
    def backward(ctx: Any, incoming: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():  # create_graph=True: the second derivative would come out as zero
            raise RuntimeError(
                "the chunked loss can be differentiated once only; trainer.head=plain can twice"
            )
        # In place: the weight's gradient is as large as the head. torch itself refuses a second time.
        pairs = zip(ctx.saved_tensors, ctx.dtypes, strict=True)
        return (*(None if grad is None else grad.mul_(incoming).to(dtype) for grad, dtype in pairs), None)


def _walk(
    hidden_RD: Tensor,
    weight_VD: Tensor,
    bias_V: Tensor | None,
    labels_R: Tensor,
    grads: Sequence[Tensor | None],
) -> Tensor:
    """The loss; the gradients of states, weight and bias are added to `grads` where there are any."""
    grad_RD, grad_VD, grad_V = grads
    vocabulary, wide = len(weight_VD), at_least_float32(weight_VD.dtype)
    rows = chunk_rows(len(labels_R), vocabulary, hidden_RD.device.type)
    weight_VD, bias_V = _aligned(weight_VD), None if bias_V is None else _aligned(bias_V)
    multiplies = onednn.available() and onednn.fits(hidden_RD, weight_VD)
    fused = hidden_RD.is_cuda and cross_entropy.available()
    buffer_CV = hidden_RD.new_empty(0 if multiplies else rows, len(weight_VD))
    shared = fused or wide == buffer_CV.dtype
    wide_CV = buffer_CV if shared else hidden_RD.new_empty(rows, len(weight_VD), dtype=wide)
    loss = hidden_RD.new_zeros((), dtype=wide)
    for begin in range(0, len(labels_R), rows):
        chunk = slice(begin, begin + rows)
        hidden_CD, labels_C1 = hidden_RD[chunk], labels_R[chunk, None]
        logits_CV, scores_CV = buffer_CV[: len(hidden_CD)], wide_CV[: len(hidden_CD)]
        if multiplies:
            logits_CV = scores_CV = onednn.multiply(hidden_CD, weight_VD, bias_V)
        elif bias_V is None:
            torch.mm(hidden_CD, weight_VD.T, out=logits_CV)
        else:
            torch.addmm(bias_V, hidden_CD, weight_VD.T, out=logits_CV)
        if fused:
            loss += cross_entropy.loss_and_gradient(logits_CV, labels_C1, vocabulary)
        else:
            logits_CV[:, vocabulary:] = -torch.inf  # no token: its probability and its gradient are zero
            loss += _loss_and_gradient(logits_CV, scores_CV, labels_C1)
        if grad_V is not None:
            grad_V += scores_CV[:, :vocabulary].sum(0, dtype=wide)
        if grad_RD is not None:
            grad_RD[chunk] = onednn.multiply(logits_CV, weight_VD.T) if multiplies else logits_CV @ weight_VD
        if grad_VD is not None:
            _add_product(grad_VD, logits_CV.T, hidden_CD, vocabulary)
    return loss


def _loss_and_gradient(logits_CV: Tensor, scores_CV: Tensor, labels_C1: Tensor) -> Tensor:
    """The chunk's summed loss; both buffers, which are one where the dtypes agree, become its gradient.

    Example: logits [ln 1, ln 2, ln 5] with label 2 give the loss -ln(5/8) and the gradient
    [1/8, 2/8, 5/8 - 1].
    """
    shared = scores_CV.dtype == logits_CV.dtype
    if not shared:
        scores_CV.copy_(logits_CV)
    torch.log_softmax(scores_CV, -1, out=scores_CV)  # every kernel has read a row before it writes there
    loss = -scores_CV.gather(1, labels_C1).sum()
    scores_CV.exp_()
    scores_CV.scatter_(1, labels_C1, scores_CV.gather(1, labels_C1) - 1)
    if not shared:
        logits_CV.copy_(scores_CV)
    return loss


def _add_product(sum_VD: Tensor, left_VC: Tensor, right_CD: Tensor, rows: int) -> None:
    """sum += the first `rows` of left @ right, without a product in between where the dtypes allow it."""
    if sum_VD.dtype == left_VC.dtype:
        sum_VD.addmm_(left_VC[:rows], right_CD)
    else:
        sum_VD += (left_VC @ right_CD)[:rows]


def _aligned(weight: Tensor) -> Tensor:
    """Zeros behind the vocabulary to a multiple of ALIGNED: GPT-2's 50,257 rows become 50,304 on CUDA."""
    missing = -len(weight) % ALIGNED.get(weight.device.type, 1)
    return pad(weight, (0, 0) * (weight.ndim - 1) + (0, missing)) if missing else weight


def _liger(head: nn.Linear, hidden_RD: Tensor, labels_R: Tensor) -> Tensor:
    """Liger's Triton kernels (as of liger-kernel 0.8), with sums over chunks in fp32."""
    if not _is_bare(head):
        raise UserError(
            "trainer.head=liger knows heads of a weight and a bias only; use trainer.head=chunked"
        )
    from liger_kernel.transformers import (  # type: ignore[import-not-found]  # an option, CUDA only
        LigerFusedLinearCrossEntropyLoss,
    )

    fused = LigerFusedLinearCrossEntropyLoss(reduction="sum", accum_dtype=torch.float32)
    loss: Tensor = fused(head.weight, hidden_RD, labels_R, head.bias)
    return loss


def _is_bare(head: nn.Linear) -> bool:
    """Whether the head is nothing but its weight and bias."""
    hooks = (head._forward_pre_hooks, head._forward_hooks, head._backward_pre_hooks, head._backward_hooks)
    return type(head) is nn.Linear and not any(hooks)


def _compute_dtype(weight_VD: Tensor) -> torch.dtype:
    """What a linear layer with this weight computes in: autocast's dtype or its own."""
    kind = weight_VD.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight_VD.dtype


def at_least_float32(dtype: torch.dtype) -> torch.dtype:
    """At least fp32."""
    return torch.promote_types(dtype, torch.float32)
