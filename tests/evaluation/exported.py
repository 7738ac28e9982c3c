"""Tiny students as folders that evaluate.py can be given, and its configuration for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lamini.compose import compose
from lamini.config import EvaluateConfig
from lamini.evaluation.subjects import Subject
from lamini.students.decoder_only import DecoderOnly
from lamini.students.encoder_decoder import EncoderDecoder
from lamini.students.export import export
from lamini.students.protocol import Student
from tests.students import tiny

CARD = {"name": "tiny", "init": "scratch", "data": "oracle"}


def student(kind: str, wrapper: str = "bare", context: int = 256) -> Student:
    """A student with large random weights: one that gives different prompts different answers."""
    if kind == "t5":
        tokenizer = tiny.t5_tokenizer()
        return EncoderDecoder(tokenizer, context, wrapper, tiny.lively(tiny.t5(len(tokenizer))).eval())
    tokenizer = tiny.gpt2_tokenizer()
    return DecoderOnly(tokenizer, context, wrapper, tiny.lively(tiny.causal(kind, len(tokenizer))).eval())


def subject(place: Path, name: str, made: Student, wrapper: str | None = None) -> Subject:
    """The student exported under `place`/`name`, as `students=` would find it there."""
    export(made, place / name / "export", CARD)
    return Subject(name, str(place / name / "export"), place / name, wrapper)


def config(place: Path, *overrides: str) -> EvaluateConfig:
    """evaluate.py's, with all that is written below `place`."""
    words = ["students=none", f"paths.output_dir={place}", "device=cpu", "threads=1", *overrides]
    found: Any = compose("evaluate", words)
    assert isinstance(found, EvaluateConfig)
    return found
