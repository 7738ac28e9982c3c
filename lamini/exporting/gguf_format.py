"""GGUF by llama.cpp's own converter, which is no package: it runs from its folder.

What it wrote is read back by transformers, which undoes the quantization: that compares the weights and the
shape of the model. llama.cpp's kernels and tokenizers are not asked; so students whose tokenizer was trained
here are refused, since llama.cpp knows the ways to cut text by name only.
"""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lamini.errors import UserError
from lamini.exporting.checks import CONVERTER
from lamini.exporting.formats import Format, Ids
from lamini.exporting.linked import linked, spelled
from lamini.exporting.onnx_format import last_words
from lamini.exporting.sentences import sentencepiece_of
from lamini.students.loading import auto_class, first_line
from lamini.students.protocol import Student

FILE = "model.gguf"


class GgufFormat(Format):
    """With the type of its weights."""

    name = "gguf"
    runtime = "transformers on the weights read back"

    def __init__(self, converter: str, type: str, least: float) -> None:
        """`converter` is llama.cpp's folder."""
        self.converter, self.type, self.least = Path(converter).expanduser(), type, least

    def options(self) -> dict[str, Any]:
        """The type of the weights."""
        return {"type": self.type}

    def write(self, student: Student, source: Path, folder: Path) -> dict[str, str]:
        """One file with weights, vocabulary and chat template.

        Raises:
            UserError: the converter fails, with its last words; or it wrote another architecture.
        """
        model = student.ready()
        more = {"config.json": spelled(source / "config.json")}
        if model.config.model_type == "t5" and not (source / "spiece.model").exists():
            more["spiece.model"] = sentencepiece_of(source / "tokenizer.json")
        with linked(source, more) as place:
            command = [
                sys.executable, str(self.converter / CONVERTER), str(place),
                "--outfile", str(folder / FILE), "--outtype", self.type,
            ]  # fmt: skip
            done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode or not (folder / FILE).is_file():
            raise UserError(f"llama.cpp's converter failed: {last_words(done.stderr)}")
        _check(folder / FILE, model.num_parameters())
        return {"gguf": version("gguf")}

    def answer(self, student: Student, folder: Path, prompts: Sequence[Ids], room: int) -> list[Ids]:
        """Greedy answers of the weights as they are in the file.

        Raises:
            UserError: transformers does not read it.
        """
        ours = student.ready()
        try:
            model = auto_class(ours.config).from_pretrained(
                str(folder), gguf_file=FILE, config=ours.config, dtype="float32"
            )
        except (OSError, ValueError, RuntimeError, KeyError, NotImplementedError) as error:
            raise UserError(f"transformers does not read the file: {first_line(error)}") from error
        other = copy.copy(student)
        other.model = model.eval()
        return [other.continued(other.ready(), [list(prompt)], room)[0] for prompt in prompts]


def _check(file: Path, parameters: int) -> None:
    """Whether the file holds as many numbers as the model: a tied table may be there once or twice."""
    from gguf import GGUFReader

    tensors = GGUFReader(file).tensors
    found = sum(int(tensor.n_elements) for tensor in tensors)
    if not tensors or found < 0.9 * parameters:
        raise UserError(f"{file} holds {found:,} numbers, and the student has {parameters:,}")
