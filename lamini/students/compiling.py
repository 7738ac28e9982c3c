"""torch.compile of a student's transformer blocks, one by one.

Blocks are alike, so the code of the first serves the others, and a model of 48 layers is compiled as fast as
one of two; what lies between them is little. Sizes are symbols in the compiled code, so one compilation
serves batches of any shape: torch compiles again for a row alone (a size of one is a case of its own) and for
validation, which has no gradient, and not per batch. The head stays as it is: it gets another number of
response tokens each time.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from lamini.students.blocks import blocks_of


def compile_blocks(model: PreTrainedModel, backend: str = "inductor") -> None:
    """Compile the blocks in place: the modules, their weights and the names of these stay.

    Numbers of modules (epsilon, scale, dropout) are constants for this process: with `dynamic` torch takes
    them for inputs, and computes with them in kernels of the CPU, which wait for a C++ compiler.
    """
    torch._dynamo.config.specialize_float = True
    for block in blocks_of(model):
        block.compile(dynamic=True, backend=backend)


def uncompiled(model: nn.Module) -> AbstractContextManager[Any]:
    """Run the model as it was written: answers grow by a token a time, which is no shape to compile for."""
    if any(module._compiled_call_impl is not None for module in model.modules()):
        return torch.compiler.set_stance("force_eager")
    return nullcontext()
