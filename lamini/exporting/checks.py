"""What can be wrong with a line of export.py, known before torch or any tool is imported."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from lamini.config import ExportConfig
from lamini.data.files import check as check_file
from lamini.errors import UserError
from lamini.evaluation.hub import stay_offline
from lamini.evaluation.subjects import Subject, check_places, named
from lamini.exporting.support import TARGETS, TRAINED, refusal
from lamini.runs import ensure_writable

CONVERTER = "convert_hf_to_gguf.py"
GGUF_TYPES = ("f32", "f16", "bf16", "q8_0")
QUANTIZATIONS = (
    "int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16", "float32",
)  # fmt: skip


def check(config: ExportConfig) -> None:
    """Raise UserError for what cannot work: one sentence that names the key and says what would."""
    wanted = targets(config.to)
    if not config.name or Path(config.name).name != config.name or config.name in (".", ".."):
        raise UserError(f"name={config.name} must be the name of a folder under paths.output_dir")
    _check_numbers(config)
    if config.parity.instructions is not None:
        check_file(config.parity.instructions, "parity.instructions")
    if config.data_dir is not None:
        stay_offline()
    for target in wanted:
        NEEDS[target](config)
    for subject, _ in work(config, lambda sentence: None):
        ensure_writable(subject.folder, "paths.output_dir")


def targets(to: Any) -> list[str]:
    """What `to` names.

    Raises:
        UserError: nothing, or something else.
    """
    words = [to] if isinstance(to, str) else to
    if not isinstance(words, list) or not words:
        raise UserError(f"to= says what students become: {', '.join(TARGETS)}, or several: to='[onnx,hub]'")
    for word in words:
        if word not in TARGETS:
            close = difflib.get_close_matches(str(word), TARGETS, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(TARGETS)}"
            raise UserError(f"to={word} is unknown; {hint}")
    return list(dict.fromkeys(words))


def work(config: ExportConfig, say: Callable[[str], None]) -> list[tuple[Subject, str]]:
    """Each student with each format that holds it; `say` is told what is left out, and why.

    Raises:
        UserError: as `named`, or nothing is left.
    """
    found = named(config.students, Path(config.paths.output_dir) / config.name, config.data_dir, say)
    check_places(found)
    left, out = [], []
    for subject in found:
        for target in targets(config.to):
            reason = subject.obstacle or refusal(target, model_type(subject))
            if target == "gguf" and not reason and trained_tokenizer(subject):
                reason = TRAINED
            if reason:
                out.append(f"{subject.name} to {target}: {reason}")
            else:
                left.append((subject, target))
    if not left:
        raise UserError(f"nothing can be exported: {'; '.join(dict.fromkeys(out))}")
    for sentence in out:
        say(f"left out: {sentence}")
    return left


def model_type(subject: Subject) -> str:
    """Of its config.json; of a hub id that is not here yet nobody knows, and "t5" is let through."""
    try:
        return str(json.loads((Path(subject.source).expanduser() / "config.json").read_text())["model_type"])
    except (OSError, ValueError, KeyError, TypeError):
        return "t5"


def trained_tokenizer(subject: Subject) -> bool:
    """Whether its run learned the tokenizer from its data."""
    try:
        config = yaml.safe_load((subject.folder / "config.yaml").read_text(encoding="utf-8"))
        return bool(config["tokenizer"] == "trained")
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return False


def _check_numbers(config: ExportConfig) -> None:
    for key in ("limit", "max_new_tokens"):
        if (value := getattr(config.parity, key)) < 1:
            raise UserError(f"parity.{key}={value} must be at least 1")
    if config.threads is not None and config.threads < 1:
        raise UserError(f"threads={config.threads} must be at least 1, or null for all cores")
    for name in ("gguf", "onnx", "ctranslate2"):
        if not 0 <= (value := getattr(config, name).least) <= 1:
            raise UserError(f"{name}.least={value} is a share: give a number from 0 to 1")


def _gguf(config: ExportConfig) -> None:
    if config.gguf.type not in GGUF_TYPES:
        raise UserError(f"gguf.type={config.gguf.type} is unknown; it can be {' '.join(GGUF_TYPES)}")
    if find_spec("gguf") is None:
        raise UserError("to=gguf reads its files with the package gguf: pip install 'lamini-herd[gguf]'")
    folder = config.gguf.converter
    if folder is None or not (Path(folder).expanduser() / CONVERTER).is_file():
        told = f"gguf.converter={folder} has no {CONVERTER}" if folder else "gguf.converter= is missing"
        raise UserError(
            f"{told}: llama.cpp's converter is no package; git clone https://github.com/ggml-org/llama.cpp,"
            " then gguf.converter=<that folder>, or LLAMA_CPP=<that folder> in the environment"
        )


def _onnx(config: ExportConfig) -> None:
    python = Path(config.onnx.python).expanduser()
    if not python.is_file():
        raise UserError(
            f"onnx.python={config.onnx.python} is not there: optimum-onnx wants an older transformers and so"
            " an environment of its own, which `make onnx` makes; or onnx.python=<the interpreter of yours>"
        )


def _ctranslate2(config: ExportConfig) -> None:
    if config.ctranslate2.quantization not in QUANTIZATIONS:
        raise UserError(
            f"ctranslate2.quantization={config.ctranslate2.quantization} is unknown; it can be"
            f" {' '.join(QUANTIZATIONS)}"
        )
    if find_spec("ctranslate2") is None:
        raise UserError("to=ctranslate2 needs the package: pip install 'lamini-herd[ctranslate2]'")


def _hub(config: ExportConfig) -> None:
    from lamini.exporting.hub import check_repo

    check_repo(config)


NEEDS: dict[str, Callable[[ExportConfig], None]] = {
    "gguf": _gguf, "onnx": _onnx, "ctranslate2": _ctranslate2, "hub": _hub,
}  # fmt: skip
