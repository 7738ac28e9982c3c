"""Attention over ranges of keys, in Triton: forward, and backward in two kernels.

A query looks at the keys [first, end) of its own; keys know the queries that look at them in the same form.
Both rise along the positions, so a tile of queries needs the keys from its first query's first to its last
query's end: the pairs of a packed row cost what they need and a margin, however long the row is. The method
is FlashAttention-2's (arXiv:2307.08691): scores exist in tiles only, and again in backward.

With a bias by distance its gradient is a sum over the diagonals of all tiles: each tile of queries has a
table of its own for it.

Names: M queries of a tile, N keys of a tile, D width of a head. Scores are in powers of two.
"""

from __future__ import annotations

import triton
import triton.language as tl

LOG2 = tl.constexpr(0.6931471805599453)
LOG2E = tl.constexpr(1.4426950408889634)


@triton.jit
def _loaded(STATES, at, head, stride, stride_head, count, WIDTH: tl.constexpr, PADDED: tl.constexpr):
    """Rows `at` of one head (.., D); zeros beyond `count` and beyond the head's width."""
    width = tl.arange(0, PADDED)
    rows = STATES + at.to(tl.int64)[:, None] * stride + head * stride_head + width[None, :]
    if PADDED == WIDTH:
        return tl.load(rows, mask=at[:, None] < count, other=0.0)
    return tl.load(rows, mask=(at[:, None] < count) & (width[None, :] < WIDTH), other=0.0)


@triton.jit
def _store(STATES, at, head, stride, count, values, WIDTH: tl.constexpr, PADDED: tl.constexpr):
    """Write rows `at` of one head; heads stand side by side."""
    width = tl.arange(0, PADDED)
    rows = STATES + at.to(tl.int64)[:, None] * stride + head * WIDTH + width[None, :]
    inside = at[:, None] < count
    if PADDED != WIDTH:
        inside = inside & (width[None, :] < WIDTH)
    tl.store(rows, values.to(STATES.dtype.element_ty), mask=inside)


@triton.jit
def _bias(TABLE, head, distance, REACH: tl.constexpr):
    """The bias of distances (key - query), to base 2; a head's row of the table holds -REACH to REACH."""
    near = tl.minimum(tl.maximum(distance, -REACH), REACH) + REACH
    return tl.load(TABLE + head * (2 * REACH + 1) + near) * LOG2E


@triton.jit
def _add_diagonals(TABLE, slope_MM, apart, REACH: tl.constexpr, M: tl.constexpr):
    """Add a tile's slopes to a row of the table by distance; its first key is `apart` from its first query.

    Each row is turned to the left by its place, so that a column holds two diagonals, M apart:
        a b      a b
        c d      d c   whose distances are 0 1 and 0 -1
    """
    at = tl.arange(0, M)
    turned_MM = (at[None, :] + at[:, None]) % M
    slope_MM = tl.gather(slope_MM, turned_MM, 1)
    upper_MM = at[None, :] + at[:, None] < M
    upper_M = tl.sum(tl.where(upper_MM, slope_MM, 0.0), 0)
    lower_M = tl.sum(tl.where(upper_MM, 0.0, slope_MM), 0)
    distance_M = apart + at
    tl.atomic_add(TABLE + tl.minimum(tl.maximum(distance_M, -REACH), REACH) + REACH, upper_M)
    tl.atomic_add(TABLE + tl.minimum(tl.maximum(distance_M - M, -REACH), REACH) + REACH, lower_M)


@triton.jit
def _kept(SEED, query, key, head, queries, dropout):
    """What dropout does to a weight: 0, or 1 over the share that is kept."""
    number = (head * queries + query) * 8191 + key
    return tl.where(tl.rand(tl.load(SEED), number) >= dropout, 1.0 / (1.0 - dropout), 0.0)


@triton.jit
def _bounds(RANGES, first_at, last_at, positions):
    """From where to where the tile that begins and ends at these positions looks."""
    return tl.load(RANGES + first_at), tl.load(RANGES + positions + last_at)


@triton.jit(do_not_specialize=["queries", "keys", "positions"])
def forward_kernel(
    QUERY, KEY, VALUE, OUT, SUMS, RANGES, TABLE, SEED,
    query_stride, query_head, key_stride, key_head, value_stride, value_head,
    heads, queries, keys, positions, scale, dropout,
    WIDTH: tl.constexpr, PADDED: tl.constexpr, M: tl.constexpr, N: tl.constexpr,
    REACH: tl.constexpr, WINDOW: tl.constexpr, DROPS: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Attention of one tile of queries and one head, and the logarithm of its sums."""
    tile, head = tl.program_id(0) * M, tl.program_id(1)
    query_M = tile + tl.arange(0, M)
    inside_M = query_M < queries
    first_M = tl.load(RANGES + query_M, mask=inside_M, other=0)
    end_M = tl.load(RANGES + positions + query_M, mask=inside_M, other=0)
    if WINDOW > 0:
        first_M = tl.maximum(first_M, query_M - WINDOW + 1)
    begin, end = _bounds(RANGES, tile, tl.minimum(tile + M, queries) - 1, positions)
    if WINDOW > 0:
        begin = tl.maximum(begin, tile - WINDOW + 1)
    query_MD = _loaded(QUERY, query_M, head, query_stride, query_head, queries, WIDTH, PADDED)
    most_M = tl.full([M], -float("inf"), tl.float32)
    sum_M = tl.zeros([M], tl.float32)
    out_MD = tl.zeros([M, PADDED], tl.float32)
    for start in range(begin, end, N):
        key_N = start + tl.arange(0, N)
        key_ND = _loaded(KEY, key_N, head, key_stride, key_head, keys, WIDTH, PADDED)
        score_MN = tl.dot(query_MD, tl.trans(key_ND), input_precision=PRECISION) * scale
        if REACH > 0:
            score_MN += _bias(TABLE, head, key_N[None, :] - query_M[:, None], REACH)
        seen_MN = (key_N[None, :] >= first_M[:, None]) & (key_N[None, :] < end_M[:, None])
        score_MN = tl.where(seen_MN, score_MN, -float("inf"))
        higher_M = tl.maximum(most_M, tl.max(score_MN, 1))
        level_M = tl.where(higher_M == -float("inf"), 0.0, higher_M)  # a query that has seen no key yet
        weight_MN = tl.exp2(score_MN - level_M[:, None])
        fade_M = tl.exp2(most_M - level_M)
        sum_M = sum_M * fade_M + tl.sum(weight_MN, 1)
        out_MD *= fade_M[:, None]
        if DROPS:
            weight_MN *= _kept(SEED, query_M[:, None], key_N[None, :], head, queries, dropout)
        value_ND = _loaded(VALUE, key_N, head, value_stride, value_head, keys, WIDTH, PADDED)
        out_MD = tl.dot(weight_MN.to(value_ND.dtype), value_ND, out_MD, input_precision=PRECISION)
        most_M = higher_M
    sum_M = tl.where(sum_M == 0.0, 1.0, sum_M)
    most_M = tl.where(most_M == -float("inf"), 0.0, most_M)
    _store(OUT, query_M, head, heads * WIDTH, queries, out_MD / sum_M[:, None], WIDTH, PADDED)
    tl.store(SUMS + head * queries + query_M, most_M + tl.log2(sum_M), mask=inside_M)


@triton.jit(do_not_specialize=["queries", "keys", "positions"])
def query_kernel(
    QUERY, KEY, VALUE, OUT, GRAD, SUMS, DOTS, GRAD_QUERY, GRAD_TABLE, RANGES, TABLE, SEED,
    query_stride, query_head, key_stride, key_head, value_stride, value_head, out_stride, out_head,
    grad_stride, grad_head, into_stride, heads, queries, keys, positions, scale, dropout,
    WIDTH: tl.constexpr, PADDED: tl.constexpr, M: tl.constexpr, N: tl.constexpr,
    REACH: tl.constexpr, WINDOW: tl.constexpr, DROPS: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The gradient of one tile of queries; what the other kernels need of it is left in DOTS."""
    tile, head = tl.program_id(0) * M, tl.program_id(1)
    query_M = tile + tl.arange(0, M)
    inside_M = query_M < queries
    first_M = tl.load(RANGES + query_M, mask=inside_M, other=0)
    end_M = tl.load(RANGES + positions + query_M, mask=inside_M, other=0)
    if WINDOW > 0:
        first_M = tl.maximum(first_M, query_M - WINDOW + 1)
    begin, end = _bounds(RANGES, tile, tl.minimum(tile + M, queries) - 1, positions)
    if WINDOW > 0:
        begin = tl.maximum(begin, tile - WINDOW + 1)
    query_MD = _loaded(QUERY, query_M, head, query_stride, query_head, queries, WIDTH, PADDED)
    grad_MD = _loaded(GRAD, query_M, head, grad_stride, grad_head, queries, WIDTH, PADDED)
    out_MD = _loaded(OUT, query_M, head, out_stride, out_head, queries, WIDTH, PADDED)
    dot_M = tl.sum(out_MD.to(tl.float32) * grad_MD.to(tl.float32), 1)
    tl.store(DOTS + head * queries + query_M, dot_M, mask=inside_M)
    sum_M = tl.load(SUMS + head * queries + query_M, mask=inside_M, other=0.0)
    into_MD = tl.zeros([M, PADDED], tl.float32)
    for start in range(begin, end, N):
        key_N = start + tl.arange(0, N)
        key_ND = _loaded(KEY, key_N, head, key_stride, key_head, keys, WIDTH, PADDED)
        value_ND = _loaded(VALUE, key_N, head, value_stride, value_head, keys, WIDTH, PADDED)
        score_MN = tl.dot(query_MD, tl.trans(key_ND), input_precision=PRECISION) * scale
        if REACH > 0:
            score_MN += _bias(TABLE, head, key_N[None, :] - query_M[:, None], REACH)
        seen_MN = (key_N[None, :] >= first_M[:, None]) & (key_N[None, :] < end_M[:, None])
        weight_MN = tl.where(seen_MN, tl.exp2(score_MN - sum_M[:, None]), 0.0)
        toward_MN = tl.dot(grad_MD, tl.trans(value_ND), input_precision=PRECISION)
        if DROPS:
            toward_MN *= _kept(SEED, query_M[:, None], key_N[None, :], head, queries, dropout)
        slope_MN = weight_MN * (toward_MN - dot_M[:, None])
        if REACH > 0:
            _add_diagonals(
                GRAD_TABLE + (tl.program_id(0) * heads + head) * (2 * REACH + 1),
                slope_MN,
                start - tile,
                REACH,
                M,
            )
        into_MD = tl.dot(slope_MN.to(key_ND.dtype), key_ND, into_MD, input_precision=PRECISION)
    _store(GRAD_QUERY, query_M, head, into_stride, queries, into_MD * (scale * LOG2), WIDTH, PADDED)


@triton.jit(do_not_specialize=["queries", "keys", "positions"])
def key_kernel(
    QUERY, KEY, VALUE, GRAD, SUMS, DOTS, GRAD_KEY, GRAD_VALUE, RANGES, TABLE, SEED,
    query_stride, query_head, key_stride, key_head, value_stride, value_head,
    grad_stride, grad_head, into_stride, heads, queries, keys, positions, scale, dropout,
    WIDTH: tl.constexpr, PADDED: tl.constexpr, M: tl.constexpr, N: tl.constexpr,
    REACH: tl.constexpr, WINDOW: tl.constexpr, DROPS: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The gradients of one tile of keys and values; scores stand here with the keys as rows."""
    tile, head = tl.program_id(0) * N, tl.program_id(1)
    key_N = tile + tl.arange(0, N)
    begin, end = _bounds(RANGES + 2 * positions, tile, tl.minimum(tile + N, keys) - 1, positions)
    if WINDOW > 0:
        end = tl.minimum(end, tile + N - 1 + WINDOW)
    key_ND = _loaded(KEY, key_N, head, key_stride, key_head, keys, WIDTH, PADDED)
    value_ND = _loaded(VALUE, key_N, head, value_stride, value_head, keys, WIDTH, PADDED)
    into_key_ND = tl.zeros([N, PADDED], tl.float32)
    into_value_ND = tl.zeros([N, PADDED], tl.float32)
    for start in range(begin, end, M):
        query_M = start + tl.arange(0, M)
        inside_M = query_M < queries
        first_M = tl.load(RANGES + query_M, mask=inside_M, other=0)
        end_M = tl.load(RANGES + positions + query_M, mask=inside_M, other=0)
        if WINDOW > 0:
            first_M = tl.maximum(first_M, query_M - WINDOW + 1)
        query_MD = _loaded(QUERY, query_M, head, query_stride, query_head, queries, WIDTH, PADDED)
        grad_MD = _loaded(GRAD, query_M, head, grad_stride, grad_head, queries, WIDTH, PADDED)
        sum_M = tl.load(SUMS + head * queries + query_M, mask=inside_M, other=0.0)
        dot_M = tl.load(DOTS + head * queries + query_M, mask=inside_M, other=0.0)
        score_NM = tl.dot(key_ND, tl.trans(query_MD), input_precision=PRECISION) * scale
        if REACH > 0:
            score_NM += _bias(TABLE, head, key_N[:, None] - query_M[None, :], REACH)
        seen_NM = (key_N[:, None] >= first_M[None, :]) & (key_N[:, None] < end_M[None, :])
        weight_NM = tl.where(seen_NM, tl.exp2(score_NM - sum_M[None, :]), 0.0)
        toward_NM = tl.dot(value_ND, tl.trans(grad_MD), input_precision=PRECISION)
        kept_NM = weight_NM
        if DROPS:
            factor_NM = _kept(SEED, query_M[None, :], key_N[:, None], head, queries, dropout)
            kept_NM = weight_NM * factor_NM
            toward_NM *= factor_NM
        into_value_ND = tl.dot(kept_NM.to(grad_MD.dtype), grad_MD, into_value_ND, input_precision=PRECISION)
        slope_NM = weight_NM * (toward_NM - dot_M[None, :])
        into_key_ND = tl.dot(slope_NM.to(query_MD.dtype), query_MD, into_key_ND, input_precision=PRECISION)
    _store(GRAD_KEY, key_N, head, into_stride, keys, into_key_ND * (scale * LOG2), WIDTH, PADDED)
    _store(GRAD_VALUE, key_N, head, into_stride, keys, into_value_ND, WIDTH, PADDED)
