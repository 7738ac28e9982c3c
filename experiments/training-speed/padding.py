"""Padding on all Alpaca rows: this project's batchings beside the peers', by pairs a batch and token budget.

    python experiments/training-speed/padding.py

Padding is the share of computed positions that hold no token. Peers batch by pairs, not by tokens: for a
budget they get as many pairs as fill it on average. Ours plan each step's pairs: 16, or 1,024 (the paper's
batch) with micro-batches of the budget. TRL joins packed rows without padding, since it needs kernels that
take their ends; told is then how much of its rows is left empty.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import rows
from rendering import record
from shapes import SHAPES, Shape, student_of

BUDGETS = (2048, 8192, 32768)
STEP, PAPER = 16, 1024  # pairs
GROUP = 1000  # rows that TRL packs together: the default of datasets' map
OURS = ("plain", "bucketed", "packed")


def share(sides_NK: np.ndarray, batches: list[np.ndarray]) -> float:
    """Share of padding where each batch is padded to its longest row, each side apart.

    Pairs (3, 1), (9, 1), (4, 2) in the batches {0, 2} and {1}: 2 * (4 + 2) + 9 + 1 = 22 positions for 20
    tokens, a share of 1/11.
    """
    computed = sum(len(batch) * int(sides_NK[batch].max(axis=0).sum()) for batch in batches)
    return 1 - int(sides_NK.sum()) / computed


def cut(order_N: np.ndarray, size: int) -> list[np.ndarray]:
    """Batches of `size` of an order: 5 in twos are 2, 2, 1."""
    return [order_N[first : first + size] for first in range(0, len(order_N), size)]


def random_batches(sides_NK: np.ndarray, size: int) -> list[np.ndarray]:
    """As the Hugging Face trainer draws them by default."""
    return cut(np.random.default_rng(0).permutation(len(sides_NK)), size)


def grouped_batches(sides_NK: np.ndarray, size: int) -> list[np.ndarray]:
    """As its `train_sampling_strategy="group_by_length"` does: by the length of `input_ids` alone."""
    import torch
    from transformers.trainer_pt_utils import get_length_grouped_indices

    generator = torch.Generator().manual_seed(0)
    order = get_length_grouped_indices(sides_NK[:, 0].tolist(), size, generator=generator)
    return cut(np.array(order), size)


def trl_empty(sides_NK: np.ndarray, row: int) -> str:
    """How much of TRL's packed rows of `row` positions is left empty."""
    try:
        from trl import pack_dataset
    except ImportError:
        return "not run"
    from datasets import Dataset

    ids = [{"input_ids": [0] * int(length)} for length in sides_NK.sum(axis=1)]
    packed = pack_dataset(Dataset.from_list(ids), row, "bfd", {"batch_size": GROUP})
    return f"0.0% (rows {1 - int(sides_NK.sum()) / (row * len(packed)):.1%} empty)"


def planned(
    name: str, student: Any, prompt_N: np.ndarray, response_N: np.ndarray, budget: int, pairs: int
) -> float:
    """Share of padding of this project's batching `name`: the one place that calls its planning."""
    from lamini.compose import compose
    from lamini.data.batches import padded

    batching = compose("train", ["model=t5-nano", f"batching={name}"]).batching
    sides_NK = student.sides(prompt_N, response_N)
    computed = 0
    for number, rows_B in enumerate(random_batches(sides_NK, pairs)):
        plan = batching.plan(sides_NK[rows_B], budget, 1, (42, number))
        computed += sum(padded(sides_NK[rows_B], part) for part in plan)
    return 1 - int(sides_NK.sum()) / computed


def columns(mean: float) -> Iterator[tuple[str, int, int, int]]:
    """Label, pairs of a peer's batch, our pairs a step and our budget, for each column of the table."""
    yield f"{STEP} pairs", STEP, STEP, BUDGETS[0]
    for budget in BUDGETS:
        yield f"{budget:,} tokens", max(1, round(budget / mean)), PAPER, budget


def shares(shape: Shape, pairs: list[rows.Pair]) -> dict[str, dict[str, float | str]]:
    """Batching -> column -> share of padding."""
    student = student_of(shape, rows.TOKENIZERS)
    prompt_N = np.array([len(pair.prompt) for pair in pairs])
    response_N = np.array([len(pair.response) for pair in pairs])
    sides_NK = np.stack([prompt_N, response_N], axis=1)
    if student.architecture == "decoder-only":
        sides_NK = sides_NK.sum(axis=1, keepdims=True)
    peers: dict[str, Callable[[np.ndarray, int], list[np.ndarray]]] = {
        "Hugging Face, random": random_batches, "Hugging Face, grouped by length": grouped_batches,
    }  # fmt: skip
    found: dict[str, dict[str, float | str]] = {}
    for label, size, step, budget in columns(float(sides_NK.sum() / len(sides_NK))):
        for name, batches in peers.items():
            found.setdefault(name, {})[label] = share(sides_NK, batches(sides_NK, size))
        if student.architecture == "decoder-only":
            row = 1024 if size == STEP else budget
            found.setdefault("TRL, packed", {})[label] = trl_empty(sides_NK, row)
        for name in OURS:
            found.setdefault(f"this project, {name}", {})[label] = planned(
                name, student, prompt_N, response_N, budget, step
            )
    return found


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description="Share of padding on Alpaca's rows.")
    parser.add_argument("--rows", type=int, help="the first so many; without it all")
    parser.add_argument("--dry", action="store_true", help="print, and record nothing")
    options = parser.parse_args()
    reason = rows.missing()
    if reason:
        print(f"skipped: {reason}")
        return
    texts = rows.texts()[: options.rows]
    found = {}
    for shape in SHAPES.values():
        pairs = [pair for pair in rows.encoded(student_of(shape, rows.TOKENIZERS), texts) if pair is not None]
        found[shape.name] = shares(shape, pairs)
    numbers = {"rows": len(texts), "shares": found}
    if options.dry:
        from rendering import padding

        print(padding(numbers))
    else:
        print(record("padding", numbers))


if __name__ == "__main__":
    main()
