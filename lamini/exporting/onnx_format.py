"""ONNX by optimum-onnx, which wants a transformers before 5: its own interpreter runs onnx_worker.py.

The folder answers with `ORTModelForCausalLM` or `ORTModelForSeq2SeqLM`, decoder caches included, and any
tokenizer that reads tokenizer.json.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lamini.errors import UserError
from lamini.exporting.folders import add_tokenizer
from lamini.exporting.formats import Format, Ids
from lamini.exporting.linked import linked, older
from lamini.students.protocol import Student

WORKER = Path(__file__).with_name("onnx_worker.py")
TASKS = {"encoder-decoder": "text2text-generation-with-past", "decoder-only": "text-generation-with-past"}


class OnnxFormat(Format):
    """In full precision."""

    name = "onnx"
    runtime = "ONNX Runtime on the CPU"

    def __init__(self, python: str, least: float, threads: int) -> None:
        """`python` is the interpreter with optimum-onnx."""
        self.python, self.least, self.threads = Path(python).expanduser(), least, threads

    def options(self) -> dict[str, Any]:
        """None that change the files."""
        return {"precision": "float32"}

    def write(self, student: Student, source: Path, folder: Path) -> dict[str, str]:
        """The model's files, tokenizer and configs.

        Raises:
            UserError: the worker fails; with its last words.
        """
        config = json.loads((source / "config.json").read_text(encoding="utf-8"))
        spelled = {"config.json": json.dumps(older(config)).encode()}
        task = TASKS[student.architecture]
        with linked(source, spelled, ("*.safetensors", "*.json")) as old:
            job = {"job": "write", "source": str(old), "folder": str(folder), "task": task}
            versions: dict[str, str] = self._run(job)
        add_tokenizer(student, folder)
        return versions

    def answer(self, student: Student, folder: Path, prompts: Sequence[Ids], room: int) -> list[Ids]:
        """Greedy answers of ONNX Runtime.

        Raises:
            UserError: the worker fails; with its last words.
        """
        greedy = student.greedy(room)
        found: list[Ids] = self._run(
            {
                "job": "answer", "folder": str(folder), "seq2seq": student.architecture == "encoder-decoder",
                "prompts": [list(prompt) for prompt in prompts], "room": room, "end": student.end,
                "pad": student.pad, "start": greedy.decoder_start_token_id, "threads": self.threads,
            }
        )  # fmt: skip
        return found

    def _run(self, job: dict[str, Any]) -> Any:
        with tempfile.TemporaryDirectory() as place:
            file = Path(place) / "job.json"
            file.write_text(json.dumps(job), encoding="utf-8")
            # -I: neither our PYTHONPATH nor this folder, whose modules it must not meet.
            done = subprocess.run(
                [str(self.python), "-I", str(WORKER), str(file)], capture_output=True, text=True,
                env={**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"},
            )  # fmt: skip
        if done.returncode:
            raise UserError(f"optimum-onnx in {self.python} failed: {last_words(done.stderr)}")
        return json.loads(done.stdout.rstrip().splitlines()[-1])


def last_words(said: str) -> str:
    """What a tool said last, in one line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return " / ".join(lines[-1:]) if lines else "it said nothing"
