"""CTranslate2: one model.bin with 8-bit weights, fast on CPUs, for encoder-decoders and decoders.

Its converter reads the Hugging Face folder, its runtime works on tokens: text stays the tokenizer's matter.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lamini.errors import UserError
from lamini.exporting.folders import add_tokenizer
from lamini.exporting.formats import Format, Ids
from lamini.exporting.linked import linked, spelled
from lamini.students.loading import first_line
from lamini.students.protocol import Student

Tokens = list[list[str]]


class CTranslate2Format(Format):
    """With a quantization."""

    name = "ctranslate2"
    runtime = "CTranslate2 on the CPU"

    def __init__(self, quantization: str, least: float, threads: int) -> None:
        """`quantization` as ctranslate2 calls it."""
        self.quantization, self.least, self.threads = quantization, least, threads

    def options(self) -> dict[str, Any]:
        """The quantization."""
        return {"quantization": self.quantization}

    def write(self, student: Student, source: Path, folder: Path) -> dict[str, str]:
        """model.bin, vocabulary and tokenizer.

        Raises:
            UserError: its converter refuses the model.
        """
        from ctranslate2.converters import TransformersConverter

        try:
            with linked(source, {"config.json": spelled(source / "config.json")}) as place:
                TransformersConverter(str(place)).convert(
                    str(folder), quantization=self.quantization, force=True
                )
        except (ValueError, RuntimeError, KeyError, AttributeError, NotImplementedError, OSError) as error:
            raise UserError(f"CTranslate2's converter: {first_line(error)}") from error
        _complete(folder / "config.json", student)
        add_tokenizer(student, folder)
        return {"ctranslate2": version("ctranslate2")}

    def answer(self, student: Student, folder: Path, prompts: Sequence[Ids], room: int) -> list[Ids]:
        """Greedy answers of the runtime.

        Raises:
            UserError: it does not read the folder.
        """
        tokens: Tokens = [list(student.tokenizer.convert_ids_to_tokens(list(prompt))) for prompt in prompts]
        how = {"device": "cpu", "intra_threads": self.threads}
        try:
            return ANSWERS[student.architecture](student, str(folder), tokens, room, how)
        except (ValueError, RuntimeError) as error:
            raise UserError(f"CTranslate2 does not read what it wrote: {first_line(error)}") from error


def _complete(file: Path, student: Student) -> None:
    """Tokens that a tokenizer does not have (GPT-2 trained here has no unknown one) are null, which the
    runtime does not read; they never occur, so the end token stands in."""
    config = json.loads(file.read_text(encoding="utf-8"))
    end = str(student.tokenizer.convert_ids_to_tokens(student.end))
    fixed = {key: end if value is None and key.endswith("_token") else value for key, value in config.items()}
    file.write_text(json.dumps(fixed, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _translated(student: Student, folder: str, tokens: Tokens, room: int, how: dict[str, Any]) -> list[Ids]:
    import ctranslate2

    found = ctranslate2.Translator(folder, **how).translate_batch(
        tokens, beam_size=1, max_decoding_length=room, max_input_length=0, return_end_token=True
    )
    tokenizer: Any = student.tokenizer
    return [list(tokenizer.convert_tokens_to_ids(one.hypotheses[0])) for one in found]


def _continued(student: Student, folder: str, tokens: Tokens, room: int, how: dict[str, Any]) -> list[Ids]:
    import ctranslate2

    found = ctranslate2.Generator(folder, **how).generate_batch(
        tokens, beam_size=1, sampling_topk=1, max_length=room, include_prompt_in_result=False,
        return_end_token=True,
    )  # fmt: skip
    return [list(one.sequences_ids[0]) for one in found]


ANSWERS: dict[str, Callable[[Student, str, Tokens, int, dict[str, Any]], list[Ids]]] = {
    "encoder-decoder": _translated, "decoder-only": _continued,
}  # fmt: skip
