"""torch.compile of a student's body: encoder and decoder, or the model without its head.

Sizes are symbols in the compiled code, so one compilation serves batches of any shape: torch compiles
again for a row alone (a size of one is a case of its own) and for validation, which has no gradient, and
not per batch. The head stays as it is: it gets another number of response tokens each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn


def compile_body(parts: Sequence[nn.Module], backend: str = "inductor") -> None:
    """Compile a student's `body` in place: the modules, their weights and the names of these stay."""
    for part in parts:
        part.compile(dynamic=True, backend=backend)


def uncompiled(model: nn.Module) -> AbstractContextManager[Any]:
    """Run the model as it was written: answers grow by a token a time, which is no shape to compile for."""
    if any(module._compiled_call_impl is not None for module in model.modules()):
        return torch.compiler.set_stance("force_eager")
    return nullcontext()
