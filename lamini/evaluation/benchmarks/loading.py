"""A student as lm-eval's model: loaded whole or refused with a sentence, on the device asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import AutoConfig, PreTrainedModel, PreTrainedTokenizerBase

from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation.scorer import Scorer, wrapper_of
from lamini.evaluation.subjects import Subject
from lamini.students import locate
from lamini.students.loading import auto_class, first_line
from lamini.students.tokenizers import load_tokenizer

DTYPES: dict[str, Any] = {"auto": "auto", "fp32": torch.float32, "bf16": torch.bfloat16}
BROKEN = (OSError, ValueError, RuntimeError, KeyError, SafetensorError, StrictDataclassError)


def folder_of(subject: Subject) -> Path:
    """The folder with its files; those of a hub id that is not in the cache yet are fetched first.

    Raises:
        UserError: the hub does not have them.
    """
    folder = Path(subject.source)
    if folder.is_dir():
        return folder
    from huggingface_hub import HfApi, snapshot_download

    try:
        there = HfApi().list_repo_files(subject.source)
        weights = next((name for name in locate.WEIGHTS if name in there), None)
        if weights is None:
            raise UserError(f"{subject.source} has no weights on the hub ({' or '.join(locate.WEIGHTS)})")
        shards = f"{weights.split('.')[0]}-*{'.safetensors' if 'safetensors' in weights else '.bin'}"
        wanted = [weights, shards, "*.json", "*.txt", "*.model", "*.jinja"]
        return Path(snapshot_download(subject.source, allow_patterns=wanted))
    except OSError as error:
        raise UserError(f"{subject.source} cannot be fetched: {first_line(error)}") from error


def tokenizer_of(folder: Path) -> PreTrainedTokenizerBase:
    """Its tokenizer.

    Raises:
        UserError: none that loads.
    """
    return load_tokenizer(str(folder))


def wrapper_name(subject: Subject, tokenizer: PreTrainedTokenizerBase) -> str:
    """What the student was trained with: its run says so, else its chat template; bare without either."""
    return subject.wrapper or wrapper_of(tokenizer)


def scorer_of(config: EvaluateConfig, folder: Path, tokenizer: PreTrainedTokenizerBase) -> Scorer:
    """The student, ready to be asked, its wrapper still bare.

    Raises:
        UserError: weights that do not load, weights that are missing (transformers would draw them), a device
            that is not there.
    """
    device = device_of(config.device)
    try:
        model, report = auto_class(AutoConfig.from_pretrained(folder)).from_pretrained(
            folder, dtype=DTYPES[config.precision], output_loading_info=True
        )
    except BROKEN as error:
        raise UserError(f"{folder} does not load: {first_line(error)}") from error
    _check_whole(folder, report)
    return Scorer(_on(model, device), tokenizer=tokenizer, wrapper="bare", batch_tokens=config.batch_tokens)


def _check_whole(folder: Path, report: dict[str, Any]) -> None:
    for kind in ("missing_keys", "mismatched_keys"):
        if lost := sorted(str(key) for key in report.get(kind) or ()):
            raise UserError(f"{folder} lacks {len(lost)} weights of its model, e.g. {lost[0]}")


def _on(model: PreTrainedModel, device: torch.device) -> PreTrainedModel:
    moved: PreTrainedModel = model.to(device)  # type: ignore[arg-type]
    return moved.eval()


def device_of(name: str) -> torch.device:
    """The device of `device=`; auto takes a GPU where there is one.

    Raises:
        UserError: it is not there.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(device for device in ("cuda", "mps", "cpu") if there[device])
    if not there[name]:
        raise UserError(f"device={name}: torch sees none here; device=auto takes what there is")
    return torch.device(name)
