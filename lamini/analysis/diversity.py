"""Paper Table 2: lexical diversity of the instructions and of the responses of every set.

MATTR goes over all units of a set, its rows one after another: in the order of the data
(`diversity.order=file`, which is what gives the paper's number on Alpaca's instructions) or in a random
one. The order matters, because a window of 50 holds several short instructions and neighbours in a file are
often alike. The paper's mixture has a higher MATTR than any of its parts, which only a mixed order can
give; so `all` is mixed at random in both cases.

MTLD, distinct-n and the compression ratio are taken from whole rows drawn at random until
`diversity.sample` units are together: distinct-n of sets of different size cannot be compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lamini.analysis import lexical
from lamini.analysis.rows import ALL, COLUMNS, Rows, interleaved
from lamini.analysis.words import Vocabulary, numbered
from lamini.analysis.workers import each
from lamini.config import Diversity


def diversity(
    sets: list[Rows], options: Diversity, seed: int, processes: int
) -> dict[str, dict[str, dict[str, Any]]]:
    """Set (and `all`, where there are several) -> column -> units, sample, measures; null without a value."""
    streams = {rows.name: [rows] for rows in sets} | ({ALL: sets} if len(sets) > 1 else {})
    jobs = [(members, column, options, seed) for members in streams.values() for column in COLUMNS]
    sizes = [sum(rows.count for rows in members) for members, *_ in jobs]
    found = each(measured, jobs, sizes, processes, "diversity")
    return {name: dict(zip(COLUMNS, found[2 * n : 2 * n + 2], strict=True)) for n, name in enumerate(streams)}


def measured(members: list[Rows], column: str, options: Diversity, seed: int) -> dict[str, Any]:
    """All measures of one column of one set, or of the mixture of several."""
    total = [0]

    def pieces() -> Iterator[np.ndarray]:
        vocabulary = Vocabulary()
        for texts in _stream(members, column, options.order == "shuffled", seed):
            unit_W, _ = numbered(texts, options.units, vocabulary)
            total[0] += len(unit_W)
            yield unit_W

    mattr = lexical.mattr(pieces(), options.window)
    return {"units": total[0], "mattr": mattr, **_sampled(members, column, options, seed)}


def _stream(members: list[Rows], column: str, shuffled: bool, seed: int) -> Iterator[list[str]]:
    orders = [rows.shuffled(seed) for rows in members] if shuffled else None
    if len(members) > 1:
        return interleaved(members, column, seed, orders)
    return members[0].texts(column, orders[0] if orders else None)


def _sampled(members: list[Rows], column: str, options: Diversity, seed: int) -> dict[str, Any]:
    """What is taken from a sample: exactly `options.sample` units, but the texts compressed are whole."""
    limit = options.sample or float("inf")
    vocabulary, units, owners = Vocabulary(), [np.empty(0, np.int32)], [np.empty(0, np.int64)]
    chosen: list[str] = []
    held = 0
    for texts in _stream(members, column, True, seed):
        unit_W, count_N = numbered(texts, options.units, vocabulary)
        used = int(np.searchsorted(np.cumsum(count_N), limit - held, side="left")) + 1
        units.append(unit_W)
        owners.append(np.repeat(np.arange(len(count_N)) + len(chosen), count_N))
        chosen += texts[:used]
        held += len(unit_W)
        if held >= limit:
            break
    cut = min(held, limit)
    unit_W, text_W = np.concatenate(units)[: int(cut)], np.concatenate(owners)[: int(cut)]
    return {
        "sample": len(unit_W),
        "mtld": lexical.mtld(unit_W, options.threshold),
        "distinct_1": lexical.distinct(unit_W, text_W, 1),
        "distinct_2": lexical.distinct(unit_W, text_W, 2),
        "compression": lexical.compression(chosen),
    }
