"""`mode=plan` measures: some real micro-batches of the run, forward, backward and the optimizer, for seconds.

Each student's probe is a process of its own, so that one that dies of memory is an answer and no accident.
What is too large to be tried in seconds keeps the forecast by arithmetic, and the plan says why.

Trade-off: the loop is bare. Lightning, validation and the answers that are shown in between come on top, some
percent for all but the tiniest students.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import count

import torch

from lamini.config import TrainConfig
from lamini.data.batches import padded
from lamini.data.datamodule import Step, make_step
from lamini.students.loading import adapted_outline
from lamini.students.protocol import Student
from lamini.training import memory
from lamini.training.building import equip
from lamini.training.devices import device_of, precision_of, set_threads
from lamini.training.objectives.objective import Objective
from lamini.training.planning import estimate
from lamini.training.planning.forecast import Measured
from lamini.training.prepare import Prepared, prepare, rebatched

SECONDS = 5.0  # of measuring, after the first micro-batch
PATIENCE = 10.0  # seconds that building the student and its first micro-batch may take, by arithmetic
INITIALISED = {"cpu": 3e7, "cuda": 1e9}  # weights a second drawn or read
MIXED = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


def probe(config: TrainConfig, micro_tokens: int) -> Measured:
    """What the run would take, from a few of its own micro-batches of at most `micro_tokens` positions.

    Raises:
        UserError: as `prepare` and `build_model`.
    """
    set_threads(config.trainer)
    device = device_of(config.trainer)
    prepared = rebatched(config, prepare(config), micro_tokens)
    model = adapted_outline(config, len(prepared.student.tokenizer))
    speed = estimate.multiplications(device)
    needed = estimate.memory(
        config, prepared, model, estimate.shape_of(config, prepared, model, micro_tokens)
    )
    room = memory.available(device)
    if room is not None and needed > room:
        return Measured(None, None, "estimated, not measured: a probe would not fit the memory that is free")
    tried = affordable(config, prepared, speed, device)
    if tried is None:
        return Measured(
            None,
            None,
            f"estimated, not measured: to build it and run one pair would take above {PATIENCE:.0f} s",
        )
    with device:  # random weights are drawn where they are used
        equip(config, prepared.student)
    built = prepared.student.ready()
    if precision_of(config.trainer) == "bf16-true":
        built = built.bfloat16()
    prepared.student.model = built.to(device)  # type: ignore[arg-type]
    objective = config.objective.trial(config, prepared, device).to(device)
    return measure(config, objective, rebatched(config, prepared, tried), micro_tokens, device)


def affordable(config: TrainConfig, prepared: Prepared, speed: float, device: torch.device) -> int | None:
    """The largest micro-batch, of the run's own size at most, that takes a second or two.

    None where building the student and running one pair would take longer than PATIENCE.
    """
    model = adapted_outline(config, len(prepared.student.tokenizer))
    teacher = config.objective.fits(config, prepared.student)
    rate = INITIALISED.get(device.type, INITIALISED["cpu"])
    building = (estimate.weights(model) + teacher / estimate.teacher_width(config)) / rate
    shape = estimate.shape_of(config, prepared, model, prepared.micro_tokens)
    shape = replace(shape, micro_batches=0)
    a_position = estimate.seconds(config, model, shape, speed, teacher) / shape.padded
    if building + prepared.longest * a_position > PATIENCE:
        return None
    return max(prepared.longest, min(prepared.micro_tokens, int(SECONDS / 3 / a_position)))


def measure(
    config: TrainConfig, objective: Objective, prepared: Prepared, micro_tokens: int, device: torch.device
) -> Measured:
    """Run micro-batches until the time is up, then the optimizer; scale to the run's own steps."""
    student = prepared.student
    optimizer = config.optimizer.build([*student.ready().parameters(), *objective.parameters()])
    seconds, positions, done = 0.0, 0, 0
    parts = micro_batches(config, prepared, objective)
    # The first call does things that no later one does.
    first = forward_and_backward(config, objective, student, next(parts), device)
    updating = _update(student, optimizer, device)  # makes the optimizer's state
    for part in parts:
        latest = forward_and_backward(config, objective, student, part, device)
        seconds, positions, done = seconds + latest, positions + part.padded_positions, done + 1
        if seconds + max(first, latest) > SECONDS:
            break
    updating = min(updating, _update(student, optimizer, device))
    whole = estimate.shape_of(config, prepared, student.ready(), micro_tokens)
    step = seconds / positions * whole.padded / config.trainer.devices + updating
    same = prepared.micro_tokens == micro_tokens
    return Measured(
        seconds=step * prepared.steps,
        memory=memory.peak(device) if same else None,
        note=f"time{' and memory' if same else ''} measured on {done} micro-batches of at most"
        f" {prepared.micro_tokens:,} positions",
    )


def micro_batches(config: TrainConfig, prepared: Prepared, objective: Objective) -> Iterator[Step]:
    """The run's micro-batches, a `Step` each, without end; the heaviest of the first step comes first."""
    tokens, student = prepared.train, prepared.student
    for number in count():
        rows_B = prepared.order.rows(number, config.batch_size)
        sides_BK = student.sides(tokens.prompt_lengths_N[rows_B], tokens.response_lengths_N[rows_B])
        plan = prepared.batching.plan(sides_BK, prepared.micro_tokens, 1, (config.seed, number))
        if number == 0:
            plan.sort(key=lambda rows: padded(sides_BK, rows), reverse=True)
        for rows in plan:
            yield make_step(student, tokens, [[rows_B[row] for row in rows]], extras=objective.extras)


def forward_and_backward(
    config: TrainConfig, objective: Objective, student: Student, part: Step, device: torch.device
) -> float:
    """Seconds that one micro-batch takes; the gradient is added to what is there."""
    began = _now(device)
    (batch,) = part.to(device).micro_batches
    with _computing(precision_of(config.trainer), device):
        loss = objective(student, batch)
    (loss / part.response_tokens).backward()
    return _now(device) - began


def _update(student: Student, optimizer: torch.optim.Optimizer, device: torch.device) -> float:
    """Seconds of one update."""
    began = _now(device)
    torch.nn.utils.clip_grad_norm_(student.ready().parameters(), 1.0)
    optimizer.step()
    return _now(device) - began


def _computing(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """As Lightning's precision plugins do it."""
    if precision in MIXED:
        return torch.autocast(device.type, MIXED[precision])
    return nullcontext()


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
