"""`size.micro_tokens=null`: how many positions a micro-batch may have, found where the student will train.

On a CUDA device by trying: the longest pairs, forward and backward, twice as many positions each time until
memory is full, and then a fifth less than what went well. Elsewhere by arithmetic, because a process that
takes too much of the host's memory is killed without a word. What was found stands in run.json: another size
adds the same gradients in another order, so a run that is continued keeps the size it began with.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

import numpy as np
import torch

from lamini.config import TrainConfig
from lamini.data.batches import padded
from lamini.data.datamodule import Extras, Step, make_step
from lamini.errors import UserError
from lamini.students.loading import adapted_outline
from lamini.students.protocol import Student
from lamini.training import memory
from lamini.training.objectives.objective import Objective
from lamini.training.planning import estimate
from lamini.training.planning.probe import forward_and_backward
from lamini.training.prepare import Prepared, rebatched

MARGIN = 0.8  # of what went well: other batches have other shapes, and memory falls into pieces
MOST = {"cuda": 65_536, "cpu": 8_192, "mps": 16_384}  # larger ones are not faster


def settled(
    config: TrainConfig,
    prepared: Prepared,
    device: torch.device,
    known: int | None,
    say: Callable[[str], None],
) -> Prepared:
    """The run with micro-batches as large as memory allows where the configuration leaves that open.

    `known` is what an earlier start of the same run found. The student has its model, on `device`; its
    weights stay as they are.

    Raises:
        UserError: not even the longest pair fits.
    """
    if config.size.micro_tokens is not None:
        return prepared
    if known is not None:
        say(f"size.micro_tokens: {known}, as this run began")
        return rebatched(config, prepared, known)
    if tries(device):
        objective = config.objective.trial(config, prepared, device).to(device)
        found = by_trying(
            lambda size: _fits(config, objective, prepared, size, device),
            prepared.longest,
            _largest(config, prepared, device),
        )
        say(f"size.micro_tokens: {found}, found by trying")
    else:
        found, why = by_arithmetic(config, prepared, device)
        say(f"size.micro_tokens: {found}, {why}")
    return rebatched(config, prepared, found)


def tries(device: torch.device) -> bool:
    """Whether running out of memory on this device is an exception that can be caught."""
    return device.type == "cuda"


def by_trying(fits: Callable[[int], bool], smallest: int, largest: int) -> int:
    """The size to use, at least `smallest` and at most `largest`, where `fits` says what memory holds.

    With smallest=100, largest=10,000 and memory for 1,100: 100, 200, 400, 800 fit, 1,600 does not; between
    them 1,200 does not and 1,000 does; a fifth less are 800.

    Raises:
        UserError: not even `smallest` fits.
    """
    if not fits(smallest):
        raise UserError(
            f"the device's memory does not hold one pair of {smallest} positions; lower context, or use"
            " optimizer=adafactor, trainer.gradient_checkpointing=true or a smaller student"
        )
    good = smallest
    while 2 * good <= largest:
        if not fits(2 * good):
            return max(smallest, int(MARGIN * _between(fits, good, 2 * good)))
        good *= 2
    return good


def _between(fits: Callable[[int], bool], good: int, bad: int) -> int:
    """The largest of the quarters between a size that fits and one that does not that still fits."""
    for _ in range(2):
        middle = (good + bad) // 2
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good


def by_arithmetic(config: TrainConfig, prepared: Prepared, device: torch.device) -> tuple[int, str]:
    """The largest size whose estimated memory is free, and why it is that."""
    largest = max(prepared.longest, _largest(config, prepared, device))
    free = memory.available(device)
    if free is None:
        return largest, "since this system does not say what memory is free"
    model = adapted_outline(config, len(prepared.student.tokenizer))
    size = largest
    while size > prepared.longest:
        shape = estimate.shape_of(config, prepared, model, size)
        if estimate.memory(config, prepared, model, shape) <= MARGIN * free:
            break
        size = max(prepared.longest, size * 3 // 4)
    limit = (
        "as more would not be faster" if size == largest else f"as {free / 2**30:.1f} GiB of memory are free"
    )
    return size, limit


def _largest(config: TrainConfig, prepared: Prepared, device: torch.device) -> int:
    """No more than is useful, and no more than a whole step has."""
    longest = np.sort(_sides(prepared).sum(axis=1))[-config.batch_size :]
    return min(MOST.get(device.type, MOST["cpu"]), int(longest.sum()))


def _sides(prepared: Prepared) -> np.ndarray:
    tokens = prepared.train
    return prepared.student.sides(tokens.prompt_lengths_N, tokens.response_lengths_N)


def _fits(
    config: TrainConfig, objective: Objective, prepared: Prepared, size: int, device: torch.device
) -> bool:
    """Whether memory holds the longest pairs of `size` positions, beside gradients and optimizer state."""
    student, extras = prepared.student, objective.extras
    weights = list(student.ready().parameters())
    state = sum(weight.numel() * weight.element_size() for weight in weights if weight.requires_grad)
    reserved = None
    try:
        reserved = torch.empty(int(state * config.optimizer.STATE), dtype=torch.uint8, device=device)
        for _ in range(2):  # the second time gradients are there
            forward_and_backward(config, objective, student, _longest(prepared, size, extras), device)
        return True
    except torch.OutOfMemoryError:
        return False
    finally:
        del reserved
        _clean(student, device)


def _clean(student: Student, device: torch.device) -> None:
    student.ready().zero_grad(set_to_none=True)
    gc.collect()  # an exception's traceback holds what it was about
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _longest(prepared: Prepared, size: int, extras: Extras | None) -> Step:
    """The heaviest micro-batch of the longest pairs that `size` positions hold."""
    sides_NK = _sides(prepared)
    order_N = np.argsort(-sides_NK.sum(axis=1), kind="stable")
    some_B = order_N[: max(1, int((np.cumsum(sides_NK[order_N].sum(axis=1)) <= size).sum()))]
    plan = prepared.batching.plan(sides_NK[some_B], size, 1, (0, 0))
    rows = max(plan, key=lambda rows: padded(sides_NK[some_B], rows))
    return make_step(prepared.student, prepared.train, [[some_B[row] for row in rows]], extras=extras)
