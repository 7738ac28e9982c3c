"""A student as lm-eval's model: loaded whole or refused with a sentence, on the device asked for."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedTokenizerBase

from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation.loading import PRECISIONS
from lamini.evaluation.scorer import Scorer, wrapper_of
from lamini.evaluation.subjects import Subject
from lamini.students import locate
from lamini.students.loading import first_line
from lamini.students.tokenizers import load_tokenizer
from lamini.teacher.weights import device_named, whole


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
    device = device_named(config.device, "device")
    model = whole(str(folder), str(folder), PRECISIONS[config.precision], device)
    return Scorer(model, tokenizer=tokenizer, wrapper="bare", batch_tokens=config.batch_tokens)
