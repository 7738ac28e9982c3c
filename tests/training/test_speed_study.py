"""The study of training speed: its arithmetic is that of a hand computation, and what was not run says so."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

STUDY = Path(__file__).resolve().parents[2] / "experiments" / "training-speed"
NAMES = ("clock", "rows", "shapes", "padding", "lengths", "scoring", "rendering")


@pytest.fixture(scope="module")
def study() -> Iterator[SimpleNamespace]:
    """Its modules, imported as neighbours, as they are when the scripts run; other studies share names."""
    before = {name: sys.modules.pop(name) for name in NAMES if name in sys.modules}
    sys.path.insert(0, str(STUDY))
    try:
        found: dict[str, ModuleType] = {name: importlib.import_module(name) for name in NAMES}
        yield SimpleNamespace(**found)
    finally:
        sys.path.remove(str(STUDY))
        for name in NAMES:
            sys.modules.pop(name, None)
        sys.modules.update(before)


def test_padding_of_a_batch_is_its_longest_side_times_its_rows(study: SimpleNamespace) -> None:
    sides = np.array([[3, 1], [9, 1], [4, 2]])
    assert study.padding.share(sides, [np.array([0, 2]), np.array([1])]) == pytest.approx(2 / 22)
    assert study.padding.share(sides, [np.array([0]), np.array([1]), np.array([2])]) == 0
    assert [len(batch) for batch in study.padding.cut(np.arange(5), 2)] == [2, 2, 1]


def test_lengths_follow_table_1(study: SimpleNamespace) -> None:
    prompt, response = study.lengths.lengths(200_000, 10_000)
    assert prompt.mean() == pytest.approx(50.62, rel=0.02)
    assert response.mean() - 1 == pytest.approx(32.86, rel=0.02)
    longer, _ = study.lengths.lengths(1000, 256, wrapper=36)
    assert longer.min() > 36 and longer.max() <= 256 + 36


def test_held_out_loss_is_the_mean_over_tokens(study: SimpleNamespace) -> None:
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=20, n_embd=16, n_layer=1, n_head=2, n_positions=16))
    pairs = [study.rows.Pair([3, 4], [5, 1]), study.rows.Pair([6], [7, 8, 9, 1])]
    sums = []
    for pair in pairs:
        logits = model.eval()(torch.tensor([pair.prompt + pair.response])).logits[0].log_softmax(-1)
        start = len(pair.prompt) - 1
        sums += [-logits[start + n, token].item() for n, token in enumerate(pair.response)]
    assert study.scoring.held_out_loss(model, pairs, pad=1) == pytest.approx(sum(sums) / 6, rel=1e-5)


def test_what_was_not_run_says_so(study: SimpleNamespace) -> None:
    text = study.rendering.render({})
    assert text.count("Not run.") == len(study.rendering.PARTS)
