"""The weights of a local teacher, or of whatever else answers: all or none, on a device that is there."""

from __future__ import annotations

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import AutoConfig, PreTrainedModel

from lamini.errors import UserError
from lamini.students.loading import auto_class, first_line

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
BROKEN = (OSError, ValueError, RuntimeError, KeyError, SafetensorError, StrictDataclassError)


def device_named(name: str, key: str = "teacher.device") -> torch.device:
    """The device; `auto` is the best there is.

    Raises:
        UserError: it is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(device for device, is_there in there.items() if is_there))
    if not there.get(name):
        raise UserError(f"{key}={name}: torch sees no such device; use cpu or auto")
    return torch.device(name)


def load(model: str, source: str, device: torch.device, precision: str) -> PreTrainedModel:
    """All weights of a checkpoint on the device; bfloat16 where `auto` finds a GPU that has it.

    Raises:
        UserError: they do not load, or some are missing: transformers would fill gaps with random numbers.
    """
    if precision == "auto":
        fast = device.type == "cuda" and torch.cuda.is_bf16_supported()
        precision = "bfloat16" if fast else "float32"
    return whole(f"teacher.model={model}", source, PRECISIONS[precision], device)


def whole(what: str, source: str, dtype: torch.dtype | str, device: torch.device) -> PreTrainedModel:
    """All weights of a checkpoint on the device, to be asked; `auto` keeps the precision of the files.

    Raises:
        UserError: they do not load, or some are missing; the sentence begins with `what`.
    """
    try:
        config = AutoConfig.from_pretrained(source)
        weights, report = auto_class(config).from_pretrained(
            source, config=config, dtype=dtype, output_loading_info=True
        )
    except BROKEN as error:
        raise UserError(f"{what} does not load: {first_line(error)}") from error
    # Shapes that do not fit are drawn at random too.
    missing = sorted(
        str(key) for kind in ("missing_keys", "mismatched_keys") for key in report.get(kind) or ()
    )
    if missing:
        raise UserError(f"{what} lacks {len(missing)} weights, such as {missing[0]}")
    loaded: PreTrainedModel = weights.to(device).eval()
    return loaded
