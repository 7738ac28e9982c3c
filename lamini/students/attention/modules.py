"""Attention modules of transformers, and its GELU, with another way to compute, by replacing their class.

The weights, their names and all the rest of the modules stay; a student that is exported, or loaded by
plain transformers, is an ordinary model.

Names: B rows, H heads, Q queries, K keys, D width of a head, L longest pair, M distances told apart.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.attention.flex_attention import BlockMask
from torch.nn.functional import gelu, linear
from transformers.activations import NewGELUActivation
from transformers.models.gpt2.modeling_gpt2 import GPT2Attention
from transformers.models.gpt_neo.modeling_gpt_neo import GPTNeoSelfAttention
from transformers.models.gptj.modeling_gptj import GPTJAttention
from transformers.models.t5.modeling_t5 import T5Attention, T5DenseGatedActDense

from lamini.students.attention.attending import attend, by_kernel, lowest_type, merged
from lamini.students.attention.ranges import are_ranges, ranged_joint
from lamini.students.branches import is_distances, seen
from lamini.students.head import at_least_float32


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
        if (
            not cross
            and are_ranges(mask)
            and all(type(part) is nn.Linear for part in (self.q, self.k, self.v))
        ):
            return self.joint(hidden_states, mask, position_bias)
        if cross:
            position_bias = hidden_states.new_empty(0)  # a tensor, so that none is made; nothing reads it
        elif past_key_values is None:
            if position_bias is None:
                position_bias = self.shared_bias(hidden_states.shape[1], mask)
            kwargs["merged"] = True
        return super().forward(
            hidden_states, mask, key_value_states, position_bias, past_key_values, **kwargs
        )

    def joint(self, hidden_BTD: Tensor, ranges_114P: Tensor, table_HM: Tensor | None) -> tuple[Any, ...]:
        """Self-attention in a packed row, as T5Attention: queries, keys and values are one product.

        Three thirds of a matrix are multiplied slower than a whole one, forward and backward.
        """
        if table_HM is None:
            table_HM = self.bias_of_distances()
        weight = torch.cat([self.q.weight, self.k.weight, self.v.weight])
        joint_P3HD = linear(hidden_BTD, weight).view(-1, 3, self.n_heads, self.key_value_proj_dim)
        dropout = self.dropout if self.training else 0.0
        out_PHD = ranged_joint(joint_P3HD, ranges_114P, dropout, self.scaling, table_HM)
        return self.o(out_PHD.view(*hidden_BTD.shape[:-1], -1)), table_HM, None

    def shared_bias(self, length: int, mask: Any) -> Tensor:
        """What the layers of this stack add to their scores, in the form that the mask asks for."""
        if isinstance(mask, BlockMask) or are_ranges(mask):
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


class JointGPT2(GPT2Attention):
    """GPT-2's attention; in packed rows the gradient of its joint projection stays in one piece."""

    def forward(
        self,
        hidden_states: Any,
        past_key_values: Any = None,
        attention_mask: Any = None,
        *rest: Any,
        **more: Any,
    ) -> Any:
        """As GPT2Attention."""
        if not are_ranges(attention_mask):
            return super().forward(hidden_states, past_key_values, attention_mask, *rest, **more)
        joint_P3HD = self.c_attn(hidden_states).view(-1, 3, self.num_heads, self.head_dim)
        dropout = self.attn_dropout.p if self.training else 0.0
        out_PHD = ranged_joint(joint_P3HD, attention_mask, dropout, self.scaling)
        return self.resid_dropout(self.c_proj(out_PHD.view(*hidden_states.shape[:-1], -1))), None


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
        """As NewGELUActivation.

        Compiled, it is written with a sigmoid: (1 + tanh x) / 2 = sigmoid 2x, and the compiler's tanh takes
        longer than a GPU's memory does.
        """
        if not torch.compiler.is_compiling():
            return gelu(input, approximate="tanh")
        wide = input.to(at_least_float32(input.dtype))
        # sqrt(8 / pi); a name for it would become an input of the compiled code, and a kernel on the CPU.
        inner = 1.5957691216057308 * (wide + 0.044715 * wide * wide * wide)
        return (wide * torch.sigmoid(inner)).to(input.dtype)


class JointGatedT5(T5DenseGatedActDense):
    """T5's gated feed-forward layer; on CUDA gate and input are one product, as in `joint`."""

    def forward(self, hidden_states: Tensor) -> Tensor:
        """As T5DenseGatedActDense."""
        parts = (self.wi_0, self.wi_1)
        if not hidden_states.is_cuda or any(type(part) is not nn.Linear for part in parts):
            return cast(Tensor, super().forward(hidden_states))
        gate, plain = linear(hidden_states, torch.cat([part.weight for part in parts])).chunk(2, dim=-1)
        return self.wo(self.dropout(self.act(gate) * plain))
