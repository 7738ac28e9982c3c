"""Sums in chunks: all rows once, whatever the chunk, and never rows of different tokens side by side."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lamini.training.objectives import chunks


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 100])
def test_all_rows_once(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(chunks, "CHUNK_LOGITS", rows * 5)
    left = torch.arange(14.0).reshape(7, 2).requires_grad_()
    right = torch.arange(7.0)
    seen: list[int] = []

    def product(a: Tensor, b: Tensor) -> Tensor:
        seen.append(len(a))
        return (a.sum(-1) * b).sum()

    total = chunks.summed(product, 5, left, right)
    assert total.item() == (left.sum(-1) * right).sum().item() and sum(seen) == 7 and max(seen) <= rows
    total.backward()
    assert left.grad is not None and torch.equal(left.grad, right[:, None].expand(7, 2))


def test_different_numbers_of_tokens_are_refused() -> None:
    with pytest.raises(AssertionError, match=r"differ in their response tokens: \[3, 4\]"):
        chunks.summed(lambda a, b: a.sum(), 5, torch.zeros(3, 2), torch.zeros(4))
