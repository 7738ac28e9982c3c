"""A subject becomes a student: its tokens first, its weights only when something has to be computed.

Base models and strangers from the hub are students too. The last model is kept, so that suites and probes
that follow each other on one subject load it once. It is let go before another one is loaded: two may not fit
into memory.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, GenerationConfig, PreTrainedConfig, PreTrainedModel

from lamini.children import cores
from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation.subjects import Subject
from lamini.students import locate
from lamini.students.decoder_only import DecoderOnly
from lamini.students.encoder_decoder import EncoderDecoder
from lamini.students.loading import first_line
from lamini.students.protocol import Student
from lamini.students.tokenizers import load_tokenizer
from lamini.teacher.weights import device_named, whole
from lamini.training.teachers.storing import digest_of

PRECISIONS: dict[str, torch.dtype | str] = {"auto": "auto", "fp32": torch.float32, "bf16": torch.bfloat16}
NO_LIMIT = 10**9  # tokenizers without a limit say 10^30
CONTEXT = 512  # of models that name no limit: T5's own (paper section 3)
WRITERS = ("CausalLM", "LMHead", "DoubleHeads", "Generation", "Seq2Seq")  # in names of models that write text

_kept: dict[tuple[Any, ...], PreTrainedModel] = {}  # at most one


class Foreign(EncoderDecoder):
    """An encoder-decoder other than T5 (mT5, BART): it answers, in the way its own files say it begins."""

    def ready(self) -> PreTrainedModel:
        """The model, whatever its type.

        Raises:
            UserError: as `Student.ready`.
        """
        return Student.ready(self)

    def greedy(self, max_new_tokens: int) -> GenerationConfig:
        """Greedy decoding from the model's own first tokens."""
        config, model = super().greedy(max_new_tokens), self.ready()
        for name in ("decoder_start_token_id", "forced_bos_token_id"):
            own = getattr(model.generation_config, name, None)
            own = getattr(model.config, name, None) if own is None else own
            if own is not None:
                setattr(config, name, own)
        return config


def student_of(config: EvaluateConfig, subject: Subject) -> Student:
    """The subject with its model on the device, ready to answer and to score.

    Raises:
        UserError: as `layout_of`; unknown device or precision, or weights that are cut short or missing.
    """
    student = layout_of(config, subject)
    torch.set_num_threads(config.threads or cores())
    if _key(config, subject) not in _kept:
        _kept.clear()
        model = model_of(subject, config.device, config.precision)
        _kept[_key(config, subject)] = model  # made anew: a hub's files are there only now
    student.model = _kept[_key(config, subject)]
    student.ready()
    return student


def model_of(subject: Subject, device: str, precision: str) -> PreTrainedModel:
    """The subject's weights on a device, kept by nobody here.

    Raises:
        UserError: unknown device or precision, or weights that are cut short or missing.
    """
    if precision not in PRECISIONS:
        raise UserError(f"precision={precision} is unknown; there are {', '.join(PRECISIONS)}")
    what = f"students={subject.source}"
    return whole(what, subject.source, PRECISIONS[precision], device_named(device, "device"))


def _key(config: EvaluateConfig, subject: Subject) -> tuple[Any, ...]:
    folder = _folder(subject.source)
    return subject.source, folder and _state(folder), config.device, config.precision


def layout_of(config: EvaluateConfig, subject: Subject) -> Student:
    """The subject without its model, in the wrapper that the configuration asks for: see `layout`."""
    return layout(subject, config.wrapper)


def layout(subject: Subject, wrapper: str) -> Student:
    """The subject without its model: tokens, wrapper, context.

    Raises:
        UserError: no tokenizer or config, a model that writes no text, or no single wrapper asked for.
    """
    what = f"students={subject.source}"
    try:
        shape = AutoConfig.from_pretrained(subject.source)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{what} has no config that transformers reads: {first_line(error)}") from error
    named = shape.architectures or []
    if named and not any(word in name for name in named for word in WRITERS):
        raise UserError(
            f"{what} is a {named[0]}, which writes no text; name a causal or a sequence-to-sequence model"
        )
    tokenizer = load_tokenizer(subject.source)
    if (
        not tokenizer.vocab_size
    ):  # where there are no files, transformers 5 makes an empty one of the model's type
        raise UserError(f"{what} has no tokenizer: tokenizer.json, or what its type needs, is missing")
    kind: type[Student] = DecoderOnly
    if shape.is_encoder_decoder:
        kind = EncoderDecoder if shape.model_type == "t5" else Foreign
    try:
        return kind(tokenizer, context_of(shape, tokenizer), wrapper_for(wrapper, subject, tokenizer))
    except UserError as error:
        raise UserError(f"{what}: {error}") from error


def context_of(shape: PreTrainedConfig, tokenizer: Any) -> int:
    """The smaller of the model's positions and the tokenizer's limit, which exports take from training."""
    limits = (getattr(shape, "max_position_embeddings", None), tokenizer.model_max_length)
    return min((int(limit) for limit in limits if limit and limit < NO_LIMIT), default=CONTEXT)


def wrapper_for(asked: str, subject: Subject, tokenizer: Any) -> str:
    """The name of the wrapper: the one asked for, that of its training, or that of its chat template.

    Raises:
        UserError: both are asked for, where one text has to be chosen.
    """
    if asked == "both":
        raise UserError("wrapper=both is for log-probabilities; answers need one: auto, bare or alpaca")
    if asked != "auto":
        return asked
    if subject.wrapper is not None:
        return subject.wrapper
    from lamini.evaluation.scorer import wrapper_of  # imports much, and is not needed for students of ours

    return wrapper_of(tokenizer)


def digest(config: EvaluateConfig, subject: Subject) -> str:
    """32 hex digits over weights and config: what caches go by. A hub's model is fetched for it.

    Raises:
        UserError: the model cannot be loaded from the hub.
    """
    folder = _folder(subject.source)
    if folder is None:
        student_of(config, subject)
        folder = _folder(subject.source)
    if folder is None:
        raise UserError(f"students={subject.source} was loaded but is not in {locate.cache_folder()}")
    return _digest(folder, _state(folder))


def _folder(source: str) -> Path | None:
    """Where the files of a folder or of a hub id are."""
    place = Path(source).expanduser()
    return place if place.is_dir() else locate.cached(source, "weights", locate.WEIGHTS)


def _state(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Which weights and configs are there, by name, size and time: another state is another model."""
    files = (file for file in sorted(folder.iterdir()) if file.suffix in (".safetensors", ".bin", ".json"))
    return tuple((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files)


@lru_cache(maxsize=64)
def _digest(folder: Path, state: tuple[Any, ...]) -> str:
    """A gigabyte takes a second, so each state of the files is read once in a process."""
    return digest_of(folder)
