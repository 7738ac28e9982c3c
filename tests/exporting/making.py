"""Tiny students to be exported, a converter for llama.cpp's and an interpreter for optimum's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from lamini.compose import compose
from lamini.config import ExportConfig
from lamini.evaluation.loading import layout, model_of
from lamini.evaluation.subjects import Subject, named
from lamini.students.export import export
from lamini.students.protocol import Student
from tests.evaluation.benchmarks import toys
from tests.evaluation.exported import CARD
from tests.evaluation.exported import student as tiny_student

CONVERTER = """
import argparse, json, sys
from pathlib import Path
import gguf
import numpy as np
from safetensors.numpy import load_file

words = argparse.ArgumentParser()
words.add_argument("model", type=Path)
words.add_argument("--outfile")
words.add_argument("--outtype", choices=["f32", "f16", "bf16", "q8_0"])
told = words.parse_args()
config = json.loads((told.model / "config.json").read_text())
if config["model_type"] != "gpt2":
    sys.exit("NotImplementedError: Architecture is not supported!")
writer = gguf.GGUFWriter(told.outfile, "gpt2")
writer.add_context_length(config["n_ctx"])
writer.add_embedding_length(config["n_embd"])
writer.add_feed_forward_length(4 * config["n_embd"])
writer.add_block_count(config["n_layer"])
writer.add_head_count(config["n_head"])
writer.add_layer_norm_eps(config["layer_norm_epsilon"])
names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GPT2, config["n_layer"])
for name, value in load_file(told.model / "model.safetensors").items():
    if name.endswith((".c_attn.weight", ".c_proj.weight", ".c_fc.weight")):
        value = value.T
    writer.add_tensor(names.get_name(name, (".weight", ".bias")), np.ascontiguousarray(value) * SCALE)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
"""


def converter(folder: Path, scale: str = "1") -> Path:
    """A folder like llama.cpp's, whose converter writes a GPT-2 times `scale`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "convert_hf_to_gguf.py").write_text(CONVERTER.replace("SCALE", f"np.float32({scale})"))
    return folder


def interpreter(folder: Path, body: str) -> Path:
    """A program in place of an environment's python: `body` sees the job as `job` and prints the answer."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "body.py").write_text(f"import json, sys\njob = json.load(open(sys.argv[3]))\n{body}\n")
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {folder / "body.py"} "$@"\n')
    python.chmod(0o755)
    return python


def herd(place: Path) -> Path:
    """A GPT-2 and a T5 as finished runs."""
    toys.run_folder(place / "herd", "a-gpt2", "gpt2")
    toys.run_folder(place / "herd", "b-t5", "t5")
    return place / "herd"


def run(place: Path, kind: str) -> tuple[Subject, Student]:
    """A tiny student of any kind, exported as training does, and loaded from there."""
    export(tiny_student(kind), place / kind / "export", CARD)
    (subject,) = named(str(place / kind / "export"), place / "bases")
    student = layout(subject, "auto")
    student.model = model_of(subject, "cpu", "fp32")
    return subject, student


def config(place: Path, *words: str) -> ExportConfig:
    """export.py's."""
    found: Any = compose(
        "export",
        [f"paths.output_dir={place}", "threads=1", "parity.max_new_tokens=8", "parity.limit=6", *words],
    )
    assert isinstance(found, ExportConfig)
    return found
