"""Attention by our own Triton kernels: each query of a packed row looks at a range of keys (CUDA).

A pair stands in one piece, so what a query may look at is a range: from the first key of its pair to the
last, or in causal attention to itself. Ranges cost no positions between pairs, need no wait for the device,
and leave T5's bias of distances to the kernel, which FlashAttention does not have.

Names: B rows, H heads, T positions of a row, P positions of all rows, D width of a head, M longest distance
that is told apart.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.functional import pad

LOG2E = 1.4426950408889634  # the kernels' scores are in powers of two
CAPABILITY = (8, 0)  # Ampere: the first with matrix units for bf16


@cache
def available() -> bool:
    """Whether the CUDA device can run it; Triton comes with torch where torch has CUDA."""
    if find_spec("triton") is None or torch.version.hip is not None:
        return False
    return torch.cuda.get_device_capability() >= CAPABILITY


def key_ranges(query_BQ: Tensor, key_BK: Tensor, causal: bool = False) -> Tensor:
    """What each query looks at and what each key is looked at by: int32 (1, 1, 4, P).

    The segments number the pairs of a row from 1, with 0 at padding, which is a pair of its own behind the
    others. Positions are those of all rows one after another, and ranges begin at the first and end before
    the second number: rows of keys for queries, then of queries for keys. Segments 1 1 2 0, causal:
        0 0 2 3     1 2 3 4
        0 1 2 3     2 2 3 4
    """
    many = max(query_BQ.shape[1], key_BK.shape[1]) + 1
    queries_P, keys_P = (_numbered(ids_BT, many) for ids_BT in (query_BQ, key_BK))
    sides = []
    for own_P, other_P in ((queries_P, keys_P), (keys_P, queries_P)):
        sides += [torch.searchsorted(other_P, own_P, right=last, out_int32=True) for last in (False, True)]
    if causal:
        at_P = torch.arange(len(queries_P), device=query_BQ.device, dtype=torch.int32)
        sides[1], sides[2] = at_P + 1, at_P
    longest = max(len(queries_P), len(keys_P))
    return torch.stack([pad(side, (0, longest - len(side))) for side in sides])[None, None]


def are_ranges(mask: Any) -> bool:
    """Whether a mask is of `key_ranges`; FlashAttention's begins are as wide in number, but two."""
    return isinstance(mask, Tensor) and mask.dtype == torch.int32 and mask.shape[2] == 4


def _numbered(ids_BT: Tensor, many: int) -> Tensor:
    """A number for each pair of all rows, rising along the positions (P,)."""
    last_BT = torch.where(ids_BT == 0, many, ids_BT)
    rows_B1 = torch.arange(len(ids_BT), device=ids_BT.device)[:, None]
    return (last_BT + rows_B1 * (many + 1)).flatten()


def ranged(
    query_BHTD: Tensor,
    key_BHTD: Tensor,
    value_BHTD: Tensor,
    ranges_114P: Tensor,
    dropout: float = 0.0,
    scale: float | None = None,
    table_HM: Tensor | None = None,
    window: int | None = None,
) -> Tensor:
    """Attention's output (B, T, H, D). `table_HM` is added by distance (key - query), -M to M."""
    batch, heads, length, width = query_BHTD.shape
    type_ = value_BHTD.dtype  # rotary positions leave float32 under autocast
    groups = heads // key_BHTD.shape[1]
    if groups > 1:
        key_BHTD, value_BHTD = (x.repeat_interleave(groups, dim=1) for x in (key_BHTD, value_BHTD))
    states = [x.transpose(1, 2).flatten(0, 1).to(type_) for x in (query_BHTD, key_BHTD, value_BHTD)]
    scale = width**-0.5 if scale is None else scale
    besides = _besides(value_BHTD, ranges_114P, table_HM, dropout)
    out_PHD, _ = OPERATORS.ranged_attention(*states, *besides, scale, dropout, window or 0)
    return cast(Tensor, out_PHD).view(batch, length, heads, width)


def ranged_joint(
    joint_P3HD: Tensor,
    ranges_114P: Tensor,
    dropout: float = 0.0,
    scale: float | None = None,
    table_HM: Tensor | None = None,
) -> Tensor:
    """As `ranged`, of queries, keys and values side by side (P, H, D): their gradient is one tensor, too."""
    scale = joint_P3HD.shape[3] ** -0.5 if scale is None else scale
    out_PHD, _ = OPERATORS.joint_attention(
        joint_P3HD, *_besides(joint_P3HD, ranges_114P, table_HM, dropout), scale, dropout
    )
    return cast(Tensor, out_PHD)


def _besides(
    states: Tensor, ranges_114P: Tensor, table_HM: Tensor | None, dropout: float
) -> tuple[Tensor, ...]:
    """Ranges, table and the seed of dropout."""
    table_HM = torch.zeros(0, device=states.device) if table_HM is None else table_HM.float()
    seed_1 = torch.randint(2**31 - 1, (1,), device=states.device) if dropout else ranges_114P.new_zeros(1)
    return ranges_114P[0, 0], table_HM, seed_1


def _outputs(query_PHD: Tensor) -> tuple[Tensor, Tensor]:
    positions, heads, width = query_PHD.shape
    out_PHD = query_PHD.new_empty(positions, heads, width)
    return out_PHD, query_PHD.new_empty(heads, positions, dtype=torch.float32)


def _attention(
    query_PHD: Tensor, key_PHD: Tensor, value_PHD: Tensor, ranges_4P: Tensor, table_HM: Tensor,
    seed_1: Tensor, scale: float, dropout: float, window: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    from lamini.students.attention.launching import forward

    states, outputs = (query_PHD, key_PHD, value_PHD), _outputs(query_PHD)
    forward(*states, *outputs, ranges_4P, table_HM, seed_1, scale, dropout, window)
    return outputs


def _attention_backward(
    grad_PHD: Tensor, query_PHD: Tensor, key_PHD: Tensor, value_PHD: Tensor, ranges_4P: Tensor,
    table_HM: Tensor, seed_1: Tensor, out_PHD: Tensor, sums_HP: Tensor, scale: float, dropout: float,
    window: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    from lamini.students.attention.launching import backward

    states = (query_PHD, key_PHD, value_PHD)
    grads = tuple(x.new_empty(x.shape) for x in states)
    saved = (*states, out_PHD, sums_HP, ranges_4P, table_HM, seed_1)
    table = backward(grad_PHD, *saved, scale, dropout, window, grads)
    return grads[0], grads[1], grads[2], table


def _joint(
    joint_P3HD: Tensor, ranges_4P: Tensor, table_HM: Tensor, seed_1: Tensor, scale: float, dropout: float
) -> tuple[Tensor, Tensor]:
    from lamini.students.attention.launching import forward

    query_PHD, key_PHD, value_PHD = joint_P3HD.unbind(1)
    outputs = _outputs(query_PHD)
    forward(query_PHD, key_PHD, value_PHD, *outputs, ranges_4P, table_HM, seed_1, scale, dropout, 0)
    return outputs


def _joint_backward(
    grad_PHD: Tensor, joint_P3HD: Tensor, ranges_4P: Tensor, table_HM: Tensor, seed_1: Tensor,
    out_PHD: Tensor, sums_HP: Tensor, scale: float, dropout: float,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    from lamini.students.attention.launching import backward

    grad_P3HD = joint_P3HD.new_empty(joint_P3HD.shape)
    query_PHD, key_PHD, value_PHD = joint_P3HD.unbind(1)
    states = (query_PHD, key_PHD, value_PHD, out_PHD, sums_HP, ranges_4P, table_HM, seed_1)
    return grad_P3HD, backward(grad_PHD, *states, scale, dropout, 0, grad_P3HD.unbind(1))


def _attention_like(query_PHD: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    return _outputs(query_PHD)


def _joint_like(joint_P3HD: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    return _outputs(joint_P3HD[:, 0])


def _attention_backward_like(grad_PHD: Tensor, *saved: Any) -> tuple[Tensor, ...]:
    return (*(x.new_empty(x.shape) for x in saved[:3]), torch.empty_like(saved[4]))


def _joint_backward_like(grad_PHD: Tensor, *saved: Any) -> tuple[Tensor, ...]:
    return saved[0].new_empty(saved[0].shape), torch.empty_like(saved[2])


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    tensors = [x for x in inputs if isinstance(x, Tensor)]
    ctx.save_for_backward(*tensors, *output)
    ctx.numbers = inputs[len(tensors) :]


def _attention_gradient(ctx: Any, grad_PHD: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
    *grads, grad_HM = OPERATORS.ranged_attention_backward(grad_PHD, *ctx.saved_tensors, *ctx.numbers)
    return (*grads, None, grad_HM, None, None, None, None)


def _joint_gradient(ctx: Any, grad_PHD: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
    grad_P3HD, grad_HM = OPERATORS.joint_attention_backward(grad_PHD, *ctx.saved_tensors, *ctx.numbers)
    return grad_P3HD, None, grad_HM, None, None, None


def _defined() -> torch.library.Library:
    """The four as operators of torch, which its compiler takes as they are.

    Not by `torch.library.custom_op`: what it looks at in every call takes longer than short kernels do.
    """
    library = torch.library.Library("lamini", "DEF")
    besides = "Tensor ranges, Tensor table, Tensor seed"
    three, joint = "Tensor query, Tensor key, Tensor value", "Tensor joint"
    function: Any
    like: Any
    for name, states, more, function, like in (
        ("ranged_attention", three, ", int window", _attention, _attention_like),
        ("joint_attention", joint, "", _joint, _joint_like),
    ):
        library.define(f"{name}({states}, {besides}, float scale, float dropout{more}) -> (Tensor, Tensor)")
        library.impl(name, function, "CompositeExplicitAutograd")
        torch.library.register_fake(f"lamini::{name}", like, lib=library)
    for name, states, more, results, function, like in (
        ("ranged", three, ", int window", 4, _attention_backward, _attention_backward_like),
        ("joint", joint, "", 2, _joint_backward, _joint_backward_like),
    ):
        library.define(
            f"{name}_attention_backward(Tensor grad, {states}, {besides}, Tensor out, Tensor sums,"
            f" float scale, float dropout{more}) -> ({', '.join(['Tensor'] * results)})"
        )
        library.impl(f"{name}_attention_backward", function, "CompositeExplicitAutograd")
        torch.library.register_fake(f"lamini::{name}_attention_backward", like, lib=library)
    gradients = {"ranged_attention": _attention_gradient, "joint_attention": _joint_gradient}
    for name, gradient in gradients.items():
        torch.library.register_autograd(f"lamini::{name}", gradient, setup_context=_keep, lib=library)
    return library


LIBRARY = _defined()  # the operators live as long as it does
OPERATORS: Any = torch.ops.lamini
