"""Attention modules of transformers, and its GELU, with another way to compute, by replacing their class.

The weights, their names and all the rest of the modules stay; a student that is exported, or loaded by
plain transformers, is an ordinary model.

Names: B rows, H heads, Q queries, K keys, D width of a head, L longest pair, M distances told apart.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask
from torch.nn.functional import gelu
from transformers.activations import NewGELUActivation
from transformers.models.gpt_neo.modeling_gpt_neo import GPTNeoSelfAttention
from transformers.models.gptj.modeling_gptj import GPTJAttention
from transformers.models.t5.modeling_t5 import T5Attention

from lamini.students.attention.attending import attend, by_kernel, lowest_type, merged
from lamini.students.branches import is_distances, seen


class SharedBiasT5(T5Attention):
    """T5's attention, with bias and mask merged once for all layers of a stack and none for cross-attention.

    The first layer makes what is added to the scores, the stack hands it from layer to layer, as it
    does with the bias. transformers merges bias and mask in every layer anew, and makes a bias of
    zeros for cross-attention.
    """

    def forward(
        self,
        hidden_states: Tensor,
        mask: Any = None,
        key_value_states: Tensor | None = None,
        position_bias: Tensor | None = None,
        past_key_values: Any = None,
        **kwargs: Any,
    ) -> Any:
        """As T5Attention."""
        cross = key_value_states is not None
        if cross:
            position_bias = hidden_states.new_empty(0)  # a tensor, so that none is made; nothing reads it
        elif past_key_values is None:
            if position_bias is None:
                position_bias = self.shared_bias(hidden_states.shape[1], mask)
            kwargs["merged"] = True
        return super().forward(
            hidden_states, mask, key_value_states, position_bias, past_key_values, **kwargs
        )

    def shared_bias(self, length: int, mask: Any) -> Tensor:
        """What the layers of this stack add to their scores, in the form that the mask asks for."""
        if isinstance(mask, BlockMask):
            return self.bias_of_distances()
        if is_distances(mask):
            return merged(self.bias_back(mask.long()), seen(mask), self.is_causal)
        if by_kernel(mask):  # lengths of pairs: the bias of the longest, of which the others take a part
            length, mask = int(mask.max()), None
        bias_1HLL = self.compute_bias(length, length)
        # In the type of the scores once, and not in each layer.
        return merged(bias_1HLL, mask, self.is_causal).to(lowest_type(bias_1HLL))

    def bias_of_distances(self) -> Tensor:
        """The bias of the distances -M to M (key - query), which holds for all beyond too: (H, 2M + 1)."""
        reach, weight = self.relative_attention_max_distance, self.relative_attention_bias.weight
        return self.bias_at(torch.arange(-reach, reach + 1, device=weight.device)).T.contiguous()

    def bias_back(self, back_B1QK: Tensor) -> Tensor:
        """The bias of keys so far back (B, H, Q, K)."""
        return self.bias_at(-back_B1QK[:, 0]).permute(0, 3, 1, 2)

    def bias_at(self, distance: Tensor) -> Tensor:
        """The bias of distances (key - query), with a last dimension for the heads."""
        bucket = self._relative_position_bucket(
            distance,
            bidirectional=not self.is_decoder,
            num_buckets=self.relative_attention_num_buckets,
            max_distance=self.relative_attention_max_distance,
        )
        return cast(Tensor, self.relative_attention_bias(bucket))


class SdpaGPTNeo(GPTNeoSelfAttention):
    """GPT-Neo's attention: scores are not scaled, every second layer looks back `window_size` positions.

    The window follows from positions in the row, so a packed row may be longer than the model's context;
    transformers' own needs a mask of all positions of the context, and ends there.
    """

    def _attn(
        self, query: Tensor, key: Tensor, value: Tensor, attention_mask: Any = None
    ) -> tuple[Tensor, None]:
        window = self.config.window_size if self.attention_type == "local" else None
        dropout = self.attn_dropout.p if self.training else 0.0
        out_BQHD = attend(query, key, value, attention_mask, True, dropout, 1.0, None, window)
        return out_BQHD.transpose(1, 2), None


class SdpaGPTJ(GPTJAttention):
    """GPT-J's attention."""

    def _attn(
        self, query: Tensor, key: Tensor, value: Tensor, attention_mask: Any = None
    ) -> tuple[Tensor, None]:
        dropout = self.attn_dropout.p if self.training else 0.0
        out_BQHD = attend(query, key, value, attention_mask, True, dropout)
        return out_BQHD.transpose(1, 2), None


class FusedGELU(NewGELUActivation):
    """GELU by tanh (GPT-2, GPT-Neo, GPT-J, T5 v1.1) in one kernel; transformers' formula is eight."""

    def forward(self, input: Tensor) -> Tensor:
        """As NewGELUActivation."""
        return gelu(input, approximate="tanh")
