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
from torch.utils.flop_counter import FlopCounterMode
from transformers import GPT2Config, GPT2LMHeadModel, T5Config, T5ForConditionalGeneration

STUDY = Path(__file__).resolve().parents[2] / "experiments" / "training-speed"
NAMES = ("clock", "rows", "shapes", "padding", "operations", "lengths", "scoring", "rendering")


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


def counted(model: torch.nn.Module, **inputs: torch.Tensor) -> int:
    """torch's own count of one forward pass; SDPA's kernel on a CPU is not counted by it, so eager."""
    with FlopCounterMode(display=False) as counter:
        model(**inputs)
    return int(counter.get_total_flops())


def test_operations_of_gpt2_are_torchs(study: SimpleNamespace) -> None:
    config = GPT2Config(vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=32, n_inner=40)
    config._attn_implementation = "eager"
    model = GPT2LMHeadModel(config)
    prompt, response, tokens = 5, 4, 8
    whole = counted(model, input_ids=torch.ones(1, tokens, dtype=torch.long))
    hidden = 2 * (tokens - response) * 16 * 50  # the head at positions without a label
    future = 2 * 2 * 16 * tokens * (tokens - 1)  # pairs of positions that causal attention hides, two layers
    needed = study.operations.needed(config, np.array([prompt]), np.array([response]))
    assert needed == 3 * (whole - hidden - future)


def test_operations_of_t5_are_torchs(study: SimpleNamespace) -> None:
    config = T5Config(
        vocab_size=50, d_model=16, d_kv=6, d_ff=24, num_layers=2, num_decoder_layers=1, num_heads=2,
        feed_forward_proj="gated-gelu",
    )  # fmt: skip
    config._attn_implementation = "eager"
    model = T5ForConditionalGeneration(config)
    prompt, response = 7, 4
    whole = counted(
        model, input_ids=torch.ones(1, prompt, dtype=torch.long),
        decoder_input_ids=torch.ones(1, response, dtype=torch.long),
    )  # fmt: skip
    future = 2 * 12 * response * (response - 1)
    assert study.operations.needed(config, np.array([prompt]), np.array([response])) == 3 * (whole - future)


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
