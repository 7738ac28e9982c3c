"""The parts of attention: windows, merged bias, pairs by themselves."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from lamini.students.attention.attending import attend, band, merged
from lamini.students.attention.modules import SharedBiasT5
from tests.students import tiny


def test_the_window_is_the_worked_example() -> None:
    assert band(3, 4, 2, torch.device("cpu")).int().tolist() == [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]


def test_a_bias_keeps_its_values_where_a_query_may_look() -> None:
    bias = torch.arange(6.0).view(1, 1, 2, 3)
    lowest = torch.finfo(torch.float32).min
    assert merged(bias, None, causal=False) is bias
    assert merged(bias, None, causal=True).tolist() == [[[[0, 1, lowest], [3, 4, 5]]]]
    seen = torch.tensor([[[[True, False, True]]]])
    assert merged(bias, seen, causal=True).tolist() == [[[[0, lowest, 2], [3, lowest, 5]]]]


def test_pairs_by_themselves_share_keys_in_groups() -> None:
    torch.manual_seed(0)
    query, key, value = torch.randn(2, 4, 5, 8), torch.randn(2, 2, 5, 8), torch.randn(2, 2, 5, 8)
    lengths = torch.tensor([[[[2, 3, 5], [2, 3, 5]]]])
    out = attend(query, key, value, lengths, causal=True)
    assert out.shape == (2, 5, 4, 8)
    part = F.scaled_dot_product_attention(
        query[:1, :, 2:], key[:1, :, 2:], value[:1, :, 2:], is_causal=True, enable_gqa=True
    )
    assert torch.allclose(out[0, 2:], part[0].transpose(0, 1), atol=1e-6)


def test_the_bias_of_distances_holds_every_bias_of_positions() -> None:
    """Beyond the longest distance that T5 tells apart too: here 128 of 300 positions."""
    model = tiny.t5(40)
    for stack in (model.encoder, model.decoder):
        module = stack.block[0].layer[0].SelfAttention
        module.__class__ = SharedBiasT5
        table, bias = module.bias_of_distances(), module.compute_bias(300, 300)[0]
        position = torch.arange(300)
        distance = (position[None] - position[:, None]).clamp(-128, 128) + 128
        assert table.shape == (4, 257) and torch.equal(table[:, distance], bias)
