"""The Triton kernels of ranged attention, launched; the only module that imports them.

Names: as lamini/students/attention/ranges.py; N tiles of queries.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
from torch import Tensor

from lamini.students.attention import kernels
from lamini.students.attention.ranges import LOG2E

# Queries (M) and keys (N) of a tile, and how a tile is computed, by kernel.
FORWARD = {"M": 64, "N": 32, "num_warps": 4, "num_stages": 3}
QUERY = {"M": 64, "N": 32, "num_warps": 4, "num_stages": 3}
KEY = {"M": 32, "N": 64, "num_warps": 4, "num_stages": 3}


def forward(
    query_PHD: Tensor, key_PHD: Tensor, value_PHD: Tensor, out_PHD: Tensor, sums_HP: Tensor,
    ranges_4P: Tensor, table_HM: Tensor, seed_1: Tensor, scale: float, dropout: float, window: int,
) -> None:  # fmt: skip
    """Write attention's output and the logarithms to base 2 of the sums of its weights."""
    queries, heads, _ = query_PHD.shape
    states = [_dense(x) for x in (query_PHD, key_PHD, value_PHD)]
    constants = _constants(query_PHD, table_HM, dropout) | {"WINDOW": window}
    tiles = _tiles(FORWARD, constants)
    kernels.forward_kernel[(triton.cdiv(queries, tiles["M"]), heads)](
        *states, out_PHD, sums_HP, ranges_4P, table_HM, seed_1, *_strides(states),
        *_numbers(states, ranges_4P, scale, dropout),
        **constants, **tiles,
    )  # fmt: skip


def backward(
    grad_PHD: Tensor, query_PHD: Tensor, key_PHD: Tensor, value_PHD: Tensor, out_PHD: Tensor, sums_HP: Tensor,
    ranges_4P: Tensor, table_HM: Tensor, seed_1: Tensor, scale: float, dropout: float, window: int,
    grads: tuple[Tensor, ...],
) -> Tensor:  # fmt: skip
    """The gradient of the table; those of queries, keys and values are written to `grads`."""
    (queries, heads, _), keys = query_PHD.shape, len(key_PHD)
    states = [_dense(x) for x in (query_PHD, key_PHD, value_PHD)]
    out_PHD, grad_PHD = _dense(out_PHD), _dense(grad_PHD)
    dots_HP = torch.empty_like(sums_HP)
    numbers = (grads[0].stride(0), *_numbers(states, ranges_4P, scale, dropout))
    constants = _constants(query_PHD, table_HM, dropout) | {"WINDOW": window}
    tiles = _tiles(QUERY, constants)
    many = triton.cdiv(queries, tiles["M"])
    tables_NHM = (
        torch.zeros(many, *table_HM.shape, device=query_PHD.device) if constants["REACH"] else table_HM
    )
    kernels.query_kernel[(many, heads)](
        *states, out_PHD, grad_PHD, sums_HP, dots_HP, grads[0], tables_NHM, ranges_4P, table_HM, seed_1,
        *_strides([*states, out_PHD, grad_PHD]), *numbers, **constants, **tiles,
    )  # fmt: skip
    tiles = _tiles(KEY, constants)
    kernels.key_kernel[(triton.cdiv(keys, tiles["N"]), heads)](
        *states, grad_PHD, sums_HP, dots_HP, *grads[1:], ranges_4P, table_HM, seed_1,
        *_strides([*states, grad_PHD]), *numbers, **constants, **tiles,
    )  # fmt: skip
    return tables_NHM.sum(0) if constants["REACH"] else torch.empty_like(table_HM)


def _dense(states_PHD: Tensor) -> Tensor:
    """With the numbers of a head side by side."""
    return states_PHD if states_PHD.stride(2) == 1 else states_PHD.contiguous()


def _strides(states: list[Tensor]) -> list[int]:
    return [x.stride(axis) for x in states for axis in (0, 1)]


def _numbers(states: list[Tensor], ranges_4P: Tensor, scale: float, dropout: float) -> tuple[Any, ...]:
    """heads, queries, keys, positions, scale to base 2, dropout."""
    query_PHD, key_PHD, _ = states
    return query_PHD.shape[1], len(query_PHD), len(key_PHD), ranges_4P.shape[1], scale * LOG2E, dropout


def _constants(query_PHD: Tensor, table_HM: Tensor, dropout: float) -> dict[str, Any]:
    width = query_PHD.shape[2]
    return {
        "WIDTH": width, "PADDED": max(16, triton.next_power_of_2(width)),
        "REACH": table_HM.shape[1] // 2 if table_HM.numel() else 0, "DROPS": dropout > 0,
        "PRECISION": "ieee" if query_PHD.dtype == torch.float32 else "tf32",
    }  # fmt: skip


def _tiles(usual: dict[str, int], constants: dict[str, Any]) -> dict[str, int]:
    """Tiles for these constants, as measured on an H200: with a bias one tile at a time was fastest.

    The sum over diagonals wants square tiles; wide heads need much of the memory that tiles share.
    """
    tiles = dict(usual)
    if constants["REACH"] or constants["PADDED"] > 64:
        tiles["num_stages"] = 1
    if constants["REACH"] and usual is QUERY:
        tiles["N"] = tiles["M"]
    if constants["PADDED"] > 128:
        tiles |= {"M": 32, "N": 32}
    return tiles
