"""One student sharded over its devices (FSDP2): each holds a part of every weight, gradient and moment.

Every transformer block is a unit whose weights are gathered when it computes and given back after; what lies
outside the blocks (embeddings, last norm, head) is the root unit. The root's weights are there only while the
root's forward runs, and a student calls encoder, decoder and head by themselves: so everything that computes
with a sharded student runs `inside` it. Gradients are averaged and scattered with each micro-batch and not
once a step: to wait would keep the whole gradient on every device, which is what sharding is there to avoid.
Weights travel as they are stored; bf16-mixed is autocast as on one device, so the numbers are the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import MethodType
from typing import Any, TypeVar, cast

import torch
from pytorch_lightning.strategies import ModelParallelStrategy
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor
from transformers import PreTrainedModel

from lamini.config import Strategy, Trainer
from lamini.students.blocks import blocks_of

T = TypeVar("T")


def strategy_of(trainer: Trainer) -> str | ModelParallelStrategy:
    """Lightning's strategy: DDP where nothing is said. A sharded student is saved as a whole one is."""
    if trainer.devices == 1:
        return "auto"
    if trainer.strategy is not Strategy.fsdp:
        return "ddp"
    return ModelParallelStrategy(
        data_parallel_size=trainer.devices, tensor_parallel_size=1, save_distributed_checkpoint=False
    )


def shard(model: PreTrainedModel, mesh: DeviceMesh) -> None:
    """Shard `model` in place: every block by itself, then what is left."""
    # T5's blocks hand on their position bias, a view; nothing adds to it in place, as the tests show.
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view tensor")
    for block in blocks_of(model):
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)
    model.inside = MethodType(_inside, model)  # type: ignore[assignment]
    register_fsdp_forward_method(model, "inside")


def sharded(model: PreTrainedModel) -> bool:
    """Whether `shard` was here: nothing may then be computed on some ranks only."""
    return isinstance(model, FSDPModule)


def inside(model: PreTrainedModel, compute: Callable[..., T], *arguments: Any) -> T:
    """`compute(*arguments)` while the weights outside the blocks are there; for whole students too."""
    if not sharded(model):
        return compute(*arguments)
    return cast(T, cast(Any, model).inside(compute, *arguments))


def _inside(model: PreTrainedModel, compute: Callable[..., T], *arguments: Any) -> T:
    return compute(*arguments)


def total_norm(parameters: list[torch.nn.Parameter]) -> torch.Tensor:
    """Norm of all gradients; of sharded ones over all shards."""
    norm = torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    return norm.full_tensor() if isinstance(norm, DTensor) else norm


def whole(model: PreTrainedModel, build: Callable[[], PreTrainedModel]) -> PreTrainedModel:
    """A sharded `model` as a whole one on the first rank's CPU: the weights in a new one of `build`.

    All ranks must call it; those above the first keep what they have.
    """
    if not sharded(model):
        return model
    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    state = get_model_state_dict(model, options=options)
    if not state:
        return model
    new = build()
    new.to(cast(Any, next(iter(state.values()))).dtype)
    new.load_state_dict(state)
    return new
