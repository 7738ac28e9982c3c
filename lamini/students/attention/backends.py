"""The choices of `trainer.attention`, put into a model.

    eager   transformers' own, scores and mask written out: the reference
    sdpa    torch's scaled_dot_product_attention, for every family
    split   each pair of a packed row by itself: no mask, no work between pairs (CPU)
    adaptive  split where the pairs are long enough for it, else sdpa (CPU)
    flex    FlexAttention: blocks of a packed row that hold no pair are skipped, T5's bias is computed (CUDA)
    flash   FlashAttention told where pairs begin, half precision (CUDA)
    triton  our own kernels for ranges of keys, T5's bias and dropout among them (CUDA)

Which one a model has stands in its configuration, where transformers looks too, so masks and attention
cannot disagree. The name leaves no trace in an exported student. Only packed rows differ: rows of one
pair and answers go through scaled_dot_product_attention, but for `eager` and T5 under `flex`. All but
`eager` compute GELU by tanh in one kernel, too.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from transformers import AttentionInterface, PretrainedConfig, PreTrainedModel
from transformers.activations import NewGELUActivation
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask
from transformers.models.gpt2.modeling_gpt2 import GPT2Attention
from transformers.models.gpt_neo.modeling_gpt_neo import GPTNeoSelfAttention
from transformers.models.gptj.modeling_gptj import GPTJAttention
from transformers.models.t5.modeling_t5 import T5Attention, T5DenseGatedActDense

from lamini.errors import UserError
from lamini.students.attention.attending import attend, by_kernel
from lamini.students.attention.modules import (
    FusedGELU,
    JointGatedT5,
    JointGPT2,
    SdpaGPTJ,
    SdpaGPTNeo,
    SharedBiasT5,
)
from lamini.students.branches import is_distances, seen

BACKENDS = ("sdpa", "eager", "split", "adaptive", "flex", "flash", "triton")
PREFIX = "lamini_"  # of the names that transformers knows ours by

# What transformers offers eagerly only, or with work that repeats in every layer.
OWN: dict[type[nn.Module], type[nn.Module]] = {
    T5Attention: SharedBiasT5,
    GPT2Attention: JointGPT2,
    GPTNeoSelfAttention: SdpaGPTNeo,
    GPTJAttention: SdpaGPTJ,
    NewGELUActivation: FusedGELU,
    T5DenseGatedActDense: JointGatedT5,
}
STOCK = {own: stock for stock, own in OWN.items()}

DROPOUTS = ("attn_pdrop", "attention_dropout", "dropout_rate")  # config fields of attention's dropout


def use(model: PreTrainedModel, attention: str) -> None:
    """Let `model` attend by one of BACKENDS from now on; weights and results stay what they are.

    Raises:
        UserError: `flex`, where the model drops attention weights.
    """
    if attention == "flex" and dropout_of(model.config):
        raise UserError(
            f"trainer.attention=flex cannot drop attention weights, as this student does"
            f" ({dropout_of(model.config)}): use trainer.attention=sdpa, or a student without dropout"
        )
    swap = STOCK if attention == "eager" else OWN
    for module in model.modules():
        if type(module) in swap:
            module.__class__ = swap[type(module)]
        if isinstance(module, PreTrainedModel):
            module.config._attn_implementation = "eager" if attention == "eager" else PREFIX + attention


def in_use(model: PreTrainedModel) -> str:
    """The backend of this model: one of BACKENDS."""
    return str(model.config._attn_implementation).removeprefix(PREFIX)


def dropout_of(config: PretrainedConfig) -> float:
    """Share of attention weights that are dropped in training."""
    return next((float(getattr(config, name)) for name in DROPOUTS if hasattr(config, name)), 0.0)


def attention(
    module: nn.Module,
    query_BHQD: Tensor,
    key_BHKD: Tensor,
    value_BHKD: Tensor,
    attention_mask: Any,
    dropout: float = 0.0,
    scaling: float | None = None,
    position_bias: Tensor | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """What models call that look their attention up by name (T5, GPT-2, Pythia, LLaMA, Qwen)."""
    states = (query_BHQD, key_BHKD, value_BHKD)
    if position_bias is not None and not position_bias.numel():
        position_bias = None  # T5's cross-attention has none
    merged = kwargs.pop("merged", False)
    if not (merged or by_kernel(attention_mask)):
        if is_distances(attention_mask):
            attention_mask = seen(attention_mask)
        found = sdpa_attention_forward(
            module, *states, attention_mask, dropout=dropout, scaling=scaling, position_bias=position_bias,
            **kwargs,
        )  # fmt: skip
        return found[0], None
    causal = bool(getattr(module, "is_causal", True))
    return attend(*states, attention_mask, causal, dropout, scaling, position_bias), None


for name in BACKENDS:
    AttentionInterface.register(PREFIX + name, attention)
    AttentionMaskInterface.register(PREFIX + name, sdpa_mask)
