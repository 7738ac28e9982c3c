"""The transformer blocks of a model: what is sharded, and compiled, one by one."""

from __future__ import annotations

from torch import nn
from transformers import PreTrainedModel


def blocks_of(model: PreTrainedModel) -> list[nn.Module]:
    """All blocks, from below; transformers knows their classes, since they must not be split over devices."""
    kinds = set(model._no_split_modules or ())
    return [module for module in model.modules() if type(module).__name__ in kinds]
