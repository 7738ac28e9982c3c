"""What a line is about to do: students, rows, steps, padding, memory and time expected.

A start that trains says what costs nothing to know (estimate.py). `mode=plan` also lays the three batchings
side by side, and a probe of each student (probe.py) follows it.
"""

from __future__ import annotations

from pathlib import Path

import torch

from lamini.config import Mode, TrainConfig
from lamini.data.batching import LITTLE, Batching, Bucketed, Packed, Plain
from lamini.data.stats import padding_share
from lamini.errors import UserError
from lamini.runs import RunFolder, State
from lamini.students.loading import adapted_outline, count_parameters
from lamini.training import memory
from lamini.training.backends import attention_of, check_compile
from lamini.training.devices import check_device, device_of, precision_of, uses_cuda
from lamini.training.planning import estimate, room
from lamini.training.planning.forecast import Forecast
from lamini.training.planning.micro_tokens import by_arithmetic, tries
from lamini.training.prepare import Prepared, prepare, rebatched, student_class


def plan_all(jobs: list[tuple[TrainConfig, Path]], elsewhere: bool = False) -> list[Forecast]:
    """The forecast of every job of a line; builds the token caches they will share.

    `elsewhere`: they will train on machines that may have what this one lacks, and look for it themselves.

    Raises:
        UserError: whatever would stop one of them: data, precision, a folder with other data.
    """
    forecasts, speeds = [], dict[torch.device, float]()
    for config, folder in jobs:
        if len(jobs) > 1:
            print(f"preparing {folder.name} ...", flush=True)
        if not elsewhere:
            check_machine(config)
        device = device_of(config.trainer)
        if device not in speeds:
            speeds[device] = estimate.multiplications(device)
        forecasts.append(forecast(config, folder, speeds[device]))
    needed = sum(
        room.disk_bytes(config, item.parameters)
        for (config, _), item in zip(jobs, forecasts, strict=True)
        if item.left
    )
    full = room.disk_warning([folder for _, folder in jobs], needed)
    return [item.saying(full) for item in forecasts] if full else forecasts


def check_machine(config: TrainConfig) -> None:
    """Raise UserError where this machine cannot do what the configuration asks of it."""
    student_class(config).check_precision(precision_of(config.trainer))
    check_device(config.trainer)
    config.adapter.check_device(uses_cuda(config.trainer))
    attention_of(config.trainer, student_class(config))
    check_compile(config.trainer)


def forecast(config: TrainConfig, folder: Path, speed: float) -> Forecast:
    """What `config` would do in `folder` on a device of `speed` floating-point operations a second."""
    prepared = prepare(config)
    done, note = _standing(config, folder, prepared)
    prepared, said = _sized(config, folder, prepared)
    teacher = config.objective.fits(config, prepared.student)
    parameters = count_parameters(config, len(prepared.student.tokenizer))
    model = adapted_outline(config, len(prepared.student.tokenizer))
    shape = estimate.shape_of(config, prepared, model, prepared.micro_tokens)
    needed = estimate.memory(config, prepared, model, shape) + teacher
    tight = _tight(config, folder, needed, prepared.micro_tokens) if done < 1 else None
    said_all = (said, prepared.batching_note, config.objective.remark())
    notes = (f"{folder.name}: {text}" for text in said_all if text)
    stats = prepared.stats
    return Forecast(
        run=folder.name, student=config.family.name, architecture=prepared.student.architecture,
        init=config.init.value, parameters=parameters, pairs=prepared.pairs, steps=prepared.steps,
        tokens=round((stats.mean_prompt + stats.mean_response) * prepared.steps * config.batch_size),
        memory=needed,
        seconds=estimate.seconds(config, model, shape, speed, teacher) * prepared.steps * (1 - done),
        note=note, warnings=(*prepared.warnings, *notes, *([tight] if tight else [])),
        micro_tokens=prepared.micro_tokens, batching=type(prepared.batching).__name__.lower(),
        padding=_padding(config, prepared, shape), left=1 - done,
        device=device_of(config.trainer).type, fills=_fills(config, folder),
    )  # fmt: skip


def _tight(config: TrainConfig, folder: Path, needed: float, micro_tokens: int) -> str | None:
    """What to say where the student does not fit; on the host, its ranks share one memory."""
    device = device_of(config.trainer)
    free = memory.available(device)
    if free is not None and device.type != "cuda":
        free //= config.trainer.devices
    return room.memory_warning(config, folder.name, needed, free, micro_tokens)


def _sized(config: TrainConfig, folder: Path, prepared: Prepared) -> tuple[Prepared, str]:
    """The run with the size of its micro-batches, as far as it is known before, and what there is to say."""
    if config.size.micro_tokens is not None:
        return prepared, ""
    if known := _known(config, folder):
        return rebatched(config, prepared, known), f"size.micro_tokens: {known}, as this run began"
    device = device_of(config.trainer)
    found, why = by_arithmetic(config, prepared, device)
    if tries(device):
        why = "by arithmetic; it is found by trying when the training starts"
    return rebatched(config, prepared, found), f"size.micro_tokens: about {found}, {why}"


def _known(config: TrainConfig, folder: Path) -> int | None:
    """The size that a run which is continued began with."""
    return None if config.force else RunFolder(folder).record().get("micro_tokens")


def _fills(config: TrainConfig, folder: Path) -> bool:
    """Whether it will try how much its device holds, which leaves nothing for others."""
    return (
        config.size.micro_tokens is None and not _known(config, folder) and tries(device_of(config.trainer))
    )


def _padding(config: TrainConfig, prepared: Prepared, shape: estimate.Shape) -> dict[str, float | None]:
    """Share of padding of the chosen batching, and with mode=plan of the other two beside it."""
    chosen = type(prepared.batching).__name__.lower()
    own: dict[str, float | None] = {chosen: 1 - shape.positions / shape.padded}
    if config.mode is not Mode.plan:
        return own
    options = (Packed(None, getattr(config.batching, "padding", LITTLE)), Bucketed(), Plain())
    return {type(option).__name__.lower(): _share(config, prepared, option) for option in options} | own


def _share(config: TrainConfig, prepared: Prepared, batching: Batching) -> float | None:
    """None where the student or its longest pair cannot be packed."""
    if isinstance(batching, Packed) and (
        prepared.student.packing_obstacle(config.family.model_type)
        or prepared.longest > prepared.micro_tokens
    ):
        return None
    return padding_share(
        prepared.order, prepared.train, config.batch_size, prepared.micro_tokens, prepared.student.sides,
        batching, steps=(0,),
    )  # fmt: skip


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
