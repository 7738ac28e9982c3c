"""What a line is about to do: students, rows, steps, memory and time expected.

The forecast is arithmetic (parameters, tokens, bytes a value) times one measured constant, the matrix
multiplications a second that this device does right now. It is meant to tell minutes from days and a fit
from a misfit, not to be exact: within about a factor of two on a quiet machine.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PretrainedConfig

from lamini.config import TrainConfig
from lamini.data.stats import padding_share
from lamini.errors import UserError
from lamini.runs import RunFolder, State
from lamini.students.loading import architecture_of, count_parameters
from lamini.training.backends import attention_of, check_compile
from lamini.training.devices import check_device, precision_of
from lamini.training.optimizers import AdamW
from lamini.training.prepare import Prepared, prepare, student_class

PROCESS = 0.7 * 2**30  # bytes of a Python process with torch, transformers and Lightning loaded
ACTIVATIONS = 20  # values of the hidden size kept per layer and token for the backward pass, with attention
EFFICIENCY = 0.5  # of the measured matrix multiplications that a training step reaches
OVERHEAD = 0.0008  # seconds a layer and micro-batch: kernel launches, which rule tiny students


@dataclass(frozen=True)
class Forecast:
    """One line of the plan."""

    run: str
    student: str  # its family
    architecture: str
    init: str
    parameters: int
    pairs: int  # of an epoch
    steps: int
    tokens: int  # real ones, prompt and response, over the whole run
    memory: float  # bytes
    seconds: float
    note: str
    warnings: tuple[str, ...]


def plan_all(jobs: list[tuple[TrainConfig, Path]]) -> list[Forecast]:
    """The forecast of every job of a line; builds the token caches they will share.

    Raises:
        UserError: whatever would stop one of them: data, precision, a folder with other data.
    """
    speed = multiplications()
    forecasts = []
    for config, folder in jobs:
        if len(jobs) > 1:
            print(f"preparing {folder.name} ...", flush=True)
        forecasts.append(forecast(config, folder, speed))
    return forecasts


def forecast(config: TrainConfig, folder: Path, speed: float) -> Forecast:
    """What `config` would do in `folder` on a device of `speed` floating-point operations a second."""
    student_class(config).check_precision(precision_of(config.trainer))
    check_device(config.trainer)
    attention_of(config.trainer, student_class(config))
    check_compile(config.trainer)
    prepared = prepare(config)
    done, note = _standing(config, folder, prepared)
    parameters = count_parameters(config, len(prepared.student.tokenizer))
    tokens = _tokens(prepared, config.batch_size)
    return Forecast(
        run=folder.name, student=config.family.name, architecture=prepared.student.architecture,
        init=config.init.value, parameters=parameters, pairs=prepared.pairs, steps=prepared.steps,
        tokens=tokens, memory=_memory(config, prepared, parameters),
        seconds=_seconds(config, prepared, tokens, speed) * (1 - done), note=note,
        warnings=_notes(folder, prepared),
    )  # fmt: skip


def _notes(folder: Path, prepared: Prepared) -> tuple[str, ...]:
    """What there is to say beside the numbers."""
    said = (f"{folder.name}: {prepared.batching_note}",) if prepared.batching_note else ()
    return (*prepared.warnings, *said)


def _standing(config: TrainConfig, folder: Path, prepared: Prepared) -> tuple[float, str]:
    """The share of the run that the folder holds already, and a note about it.

    Raises:
        UserError: it was trained on other rows than the same configuration finds now.
    """
    run = RunFolder(folder)
    state, record = run.state(config), run.record()
    if state is State.new:
        return 0.0, ""
    before = (record.get("data") or {}).get("fingerprint", prepared.fingerprint)
    if before != prepared.fingerprint:
        raise UserError(
            f"{folder} was trained on other rows (fingerprint {before}, now {prepared.fingerprint});"
            " choose another name=<name>, or force=true to replace it"
        )
    if state is State.done:
        return 1.0, "done, will be skipped"
    return record["steps"] / prepared.steps, f"continues after step {record['steps']}"


def multiplications(size: int = 768) -> float:
    """Floating-point operations a second of a square matrix product, the best of a few runs."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    matrix = torch.randn(
        size, size, device=device, dtype=torch.bfloat16 if device == "cuda" else torch.float32
    )
    best = float("inf")
    for _ in range(6):
        start = time.perf_counter()
        product = matrix @ matrix
        product[0, 0].item()
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def _tokens(prepared: Prepared, batch_size: int) -> int:
    """Real tokens of the whole run."""
    stats = prepared.stats
    return round((stats.mean_prompt + stats.mean_response) * prepared.steps * batch_size)


def _seconds(config: TrainConfig, prepared: Prepared, tokens: int, speed: float) -> float:
    """Six operations a weight and computed token, forward and backward; the head at responses only."""
    size, budget = len(prepared.student.tokenizer), config.size.micro_tokens
    shape = architecture_of(config, size)
    response = prepared.stats.mean_response / (prepared.stats.mean_prompt + prepared.stats.mean_response)
    padding = padding_share(
        prepared.order,
        prepared.train,
        config.batch_size,
        budget,
        prepared.student.sides,
        prepared.batching,
        steps=(0,),
    )
    head = shape.vocab_size * shape.hidden_size
    body = max(count_parameters(config, size) - head, 0)
    operations = 6 * tokens * (body / (1 - padding) + response * head)
    micro_batches = max(prepared.steps, tokens / (1 - padding) / budget)
    return float(operations / (EFFICIENCY * speed) + micro_batches * _layers(shape) * OVERHEAD)


def _layers(shape: PretrainedConfig) -> int:
    return int(shape.num_hidden_layers) + int(getattr(shape, "num_decoder_layers", None) or 0)


def _memory(config: TrainConfig, prepared: Prepared, parameters: int) -> float:
    """Bytes of weights, gradients, optimizer state, one micro-batch's activations and logits, the process."""
    shape = architecture_of(config, len(prepared.student.tokenizer))
    states = 8 if isinstance(config.optimizer, AdamW) else 1
    average = max(1.0, _tokens(prepared, config.batch_size) / prepared.steps)
    micro = min(config.size.micro_tokens, average)
    width = 4 if precision_of(config.trainer).startswith("32") else 2
    activations = micro * _layers(shape) * shape.hidden_size * ACTIVATIONS * width
    logits = 3 * 4 * micro * 0.5 * shape.vocab_size
    return float(PROCESS + parameters * (8 + states) + activations + logits)
