"""Memory and time by arithmetic: the shapes of a student and of its real batches, times measured constants.

Every start prints these, since they cost nothing; `mode=plan` puts a probe's measurements in their place
where one can be made. Meant to tell minutes from days and a fit from a misfit: within about a factor of two
on a quiet machine. A test holds the memory to it.

Suffixes: B pairs of a step, K sides of a pair.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedModel

from lamini.config import TrainConfig
from lamini.data.batches import padded
from lamini.students.head import chunk_rows
from lamini.training.backends import attention_of
from lamini.training.devices import device_of, precision_of
from lamini.training.prepare import Prepared
from lamini.training.teachers.fitting import dtype_of

PROCESS = 0.6 * 2**30  # bytes of a Python process with torch, transformers and Lightning loaded
ACTIVATIONS = 28  # values of the hidden size kept per layer and position for the backward pass
BY_TILES = ("triton", "flash", "flex")
SCORES = 2  # values kept per head and pair of positions of a row where attention has a mask or a bias
LOGITS = 3  # copies of a logit at the same time, in fp32
EFFICIENCY = 0.5  # of the measured matrix multiplications that a training step reaches
OVERHEAD = 0.0008  # seconds a layer and micro-batch: kernel launches, which rule tiny students


@dataclass(frozen=True)
class Shape:
    """What a step of a run looks like: its first one, which is as good as any."""

    micro_batches: int
    positions: int  # real ones
    padded: int  # all that are computed
    operations: float  # that real tokens need
    heaviest: np.ndarray  # rows of the micro-batch with the most positions, their length on each side (1+K,)


def shape_of(config: TrainConfig, prepared: Prepared, model: PreTrainedModel, micro_tokens: int) -> Shape:
    """The run's first step, cut into micro-batches of at most `micro_tokens`."""
    tokens, student = prepared.train, prepared.student
    rows_B = prepared.order.rows(0, config.batch_size)
    prompt_B, response_B = tokens.prompt_lengths_N[rows_B], tokens.response_lengths_N[rows_B]
    sides_BK = student.sides(prompt_B, response_B)
    plan = prepared.batching.plan(sides_BK, micro_tokens, config.trainer.devices, (config.seed, 0))
    costs = [padded(sides_BK, rows) for rows in plan]
    fullest = plan[int(np.argmax(costs))]
    lengths_K = np.max([sides_BK[row].sum(axis=0) for row in fullest], axis=0)
    return Shape(
        micro_batches=len(plan),
        positions=int(sides_BK.sum()),
        padded=sum(costs),
        operations=student.operations(model)(prompt_B, response_B),
        heaviest=np.array([len(fullest), *lengths_K]),
    )


def seconds(
    config: TrainConfig, model: PreTrainedModel, shape: Shape, speed: float, teacher: float = 0
) -> float:
    """Of one optimizer step, where `speed` is what the device multiplies a second.

    `teacher` is the bytes of an open teacher that reads every batch, forward only: a third of the work.
    """
    asked = 1 + teacher / teacher_width(config) / (3 * weights(model))
    computed = asked * shape.operations * shape.padded / shape.positions
    launches = shape.micro_batches * sum(_depths(model)) * OVERHEAD
    return float((computed / (EFFICIENCY * speed) + launches) / config.trainer.devices)


def memory(config: TrainConfig, prepared: Prepared, model: PreTrainedModel, shape: Shape) -> float:
    """Bytes of weights, gradients, optimizer state, one micro-batch's activations and logits, the process."""
    cuda = device_of(config.trainer).type == "cuda"
    return standing(config, model) + passing(config, prepared, model, shape) + (0 if cuda else PROCESS)


def standing(config: TrainConfig, model: PreTrainedModel) -> float:
    """Bytes that are there all the time: weights, gradients, state, copies in half precision."""
    precision = precision_of(config.trainer)
    width = 2 if precision == "bf16-true" else 4
    trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    every = weights(model)
    copies = 2 * every if precision.endswith("-mixed") else 0
    return float(every * width + trained * width * (1 + config.optimizer.STATE) + copies)


def passing(config: TrainConfig, prepared: Prepared, model: PreTrainedModel, shape: Shape) -> float:
    """Bytes of the heaviest micro-batch between its forward and its backward pass."""
    width = 4 if precision_of(config.trainer).startswith("32") else 2
    rows, lengths_K = int(shape.heaviest[0]), shape.heaviest[1:]
    hidden, heads = model.config.hidden_size, model.config.num_attention_heads
    if attention_of(config.trainer, type(prepared.student)) in BY_TILES:
        heads = 0  # scores exist in tiles only
    kept = 0.0
    for length, depth in zip(lengths_K.tolist(), _depths(model), strict=True):
        layer = rows * length * (hidden * ACTIVATIONS + heads * length * SCORES)
        if config.trainer.gradient_checkpointing:
            kept += layer + depth * rows * length * hidden  # one layer at a time, the others' inputs
        else:
            kept += depth * layer
    stats = prepared.stats
    responses = rows * lengths_K.sum() * stats.mean_response / (stats.mean_prompt + stats.mean_response)
    return float(kept * width + _logits(config, model, responses))


def weights(model: PreTrainedModel) -> int:
    """All of them, trained or not, shared ones once."""
    return sum(weight.numel() for weight in model.parameters())


def teacher_width(config: TrainConfig) -> int:
    """Bytes of an open teacher's weight."""
    return int(dtype_of(precision_of(config.trainer)).itemsize)


def _logits(config: TrainConfig, model: PreTrainedModel, responses: float) -> float:
    """Bytes of the head: logits, all of them or a chunk's, and with those the gradient of its weights."""
    vocabulary = model.config.vocab_size
    if config.trainer.head == "plain":
        return responses * vocabulary * LOGITS * 4
    rows = chunk_rows(max(1, round(responses)), vocabulary, device_of(config.trainer).type)
    return (rows * LOGITS + model.config.hidden_size) * vocabulary * 4


def multiplications(device: torch.device, size: int = 768) -> float:
    """Floating-point operations a second of a square matrix product, the best of a few runs."""
    cuda = device.type == "cuda"
    size = 4 * size if cuda else size
    matrix = torch.randn(size, size, device=device, dtype=torch.bfloat16 if cuda else torch.float32)
    best = float("inf")
    for _ in range(6):
        start = time.perf_counter()
        product = matrix @ matrix
        product[0, 0].item()
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def _depths(model: PreTrainedModel) -> list[int]:
    """Layers on each side of the student."""
    second = getattr(model.config, "num_decoder_layers", None)
    return [int(model.config.num_hidden_layers), *([int(second)] if second else [])]
