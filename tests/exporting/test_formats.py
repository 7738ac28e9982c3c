"""Each format writes a student that answers the same; what a tool cannot do is told in its own last words."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from lamini.errors import UserError
from lamini.exporting.ct2_format import CTranslate2Format
from lamini.exporting.formats import Format
from lamini.exporting.gguf_format import GgufFormat
from lamini.exporting.linked import older
from lamini.exporting.onnx_format import OnnxFormat
from lamini.exporting.running import ask
from tests.exporting import making


def written(made: Format, place: Path, kind: str) -> tuple[Any, Path, Any]:
    """The student, the folder, and how its answers compare."""
    subject, student = making.run(place, kind)
    folder = place / "out"
    folder.mkdir()
    made.write(student, Path(subject.source), folder)
    return student, folder, ask(making.config(place), subject, student, made, folder)


@pytest.mark.parametrize("kind", ["t5", "gpt2", "gpt-j", "llama", "qwen3"])
def test_ctranslate2_answers_the_same(tmp_path: Path, kind: str) -> None:
    pytest.importorskip("ctranslate2")
    student, folder, parity = written(CTranslate2Format("float32", 1.0, 1), tmp_path, kind)
    assert (parity.same, parity.tokens) == (1, 1), parity.first
    assert student.architecture and (folder / "model.bin").is_file()
    told = json.loads((folder / "config.json").read_text())
    assert all(isinstance(value, str) for key, value in told.items() if key.endswith("_token"))


def test_eight_bits_are_a_quarter(tmp_path: Path) -> None:
    pytest.importorskip("ctranslate2")
    made, sizes = making.run(tmp_path, "gpt2"), {}
    for kind in ("float32", "int8"):
        folder = tmp_path / kind
        folder.mkdir()
        CTranslate2Format(kind, 0.0, 1).write(made[1], Path(made[0].source), folder)
        sizes[kind] = (folder / "model.bin").stat().st_size
    assert sizes["int8"] < 0.4 * sizes["float32"]


def test_the_tokenizer_travels_and_old_and_new_transformers_know_its_class(tmp_path: Path) -> None:
    pytest.importorskip("ctranslate2")
    student, folder, _ = written(CTranslate2Format("float32", 1.0, 1), tmp_path, "gpt2")
    told = json.loads((folder / "tokenizer_config.json").read_text())
    assert told["tokenizer_class"] == "PreTrainedTokenizerFast" and "backend" not in told
    found = AutoTokenizer.from_pretrained(folder)
    text = student.wrap("Name one colour.")
    assert found(text)["input_ids"] == student.tokenizer(text)["input_ids"]


def test_gguf_by_a_converter_is_read_back_and_answers_the_same(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    made = GgufFormat(str(making.converter(tmp_path / "llama.cpp")), "f32", 1.0)
    _, folder, parity = written(made, tmp_path, "gpt2")
    assert (parity.same, parity.tokens) == (1, 1), parity.first
    assert (folder / "model.gguf").read_bytes()[:4] == b"GGUF"


def test_a_wrong_gguf_is_found_by_its_answers(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    made = GgufFormat(str(making.converter(tmp_path / "llama.cpp", scale="-1")), "f32", 1.0)
    assert written(made, tmp_path, "gpt2")[2].same < 0.5


def test_what_the_converter_says_last_is_told(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    made = GgufFormat(str(making.converter(tmp_path / "llama.cpp")), "f32", 1.0)
    with pytest.raises(UserError, match="converter failed: NotImplementedError: Architecture"):
        written(made, tmp_path, "llama")


def test_onnx_jobs_as_the_environment_gets_them(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    body = f"""
open({str(log)!r}, "a").write(json.dumps(job) + "\\n")
if job["job"] == "write":
    config = json.load(open(job["source"] + "/config.json"))
    assert config["rope_theta"] == 10000.0 and "rope_parameters" not in config
    open(job["folder"] + "/model.onnx", "w").write("x")
    print("a line of a library"); print(json.dumps({{"optimum-onnx": "0.1"}}))
else:
    print(json.dumps([[5, 6]] * len(job["prompts"])))
"""
    subject, student = making.run(tmp_path, "llama")
    made = OnnxFormat(str(making.interpreter(tmp_path / "env", body)), 1.0, 3)
    folder = tmp_path / "out"
    folder.mkdir()
    assert made.write(student, Path(subject.source), folder) == {"optimum-onnx": "0.1"}
    assert made.answer(student, folder, [[1, 2], [3]], 7) == [[5, 6], [5, 6]]
    first, second = (json.loads(line) for line in log.read_text().splitlines())
    assert first["task"] == "text-generation-with-past" and (folder / "tokenizer.json").is_file()
    assert (second["prompts"], second["room"], second["threads"]) == ([[1, 2], [3]], 7, 3)
    assert (second["seq2seq"], second["end"]) == (False, student.end)


def test_an_environment_that_breaks_says_why(tmp_path: Path) -> None:
    subject, student = making.run(tmp_path, "gpt2")
    python = making.interpreter(tmp_path / "env", "sys.exit('ModuleNotFoundError: No module named optimum')")
    with pytest.raises(UserError, match="env/python failed: ModuleNotFoundError: No module named optimum"):
        OnnxFormat(str(python), 1.0, 1).write(student, Path(subject.source), tmp_path)


def test_older_spellings() -> None:
    told = {"model_type": "gpt_neox", "rope_parameters": {"rope_theta": 1e4, "partial_rotary_factor": 0.25}}
    assert older(told) == {
        "model_type": "gpt_neox", "rotary_emb_base": 1e4, "rotary_pct": 0.25, "rope_scaling": None,
    }  # fmt: skip
    long = {
        "model_type": "llama",
        "rope_parameters": {"rope_theta": 5e5, "rope_type": "llama3", "factor": 8.0},
    }
    assert older(long)["rope_scaling"] == {"rope_type": "llama3", "factor": 8.0}
    assert older({"model_type": "t5", "d_model": 8}) == {"model_type": "t5", "d_model": 8}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["t5", "gpt2", "gpt-neo", "gpt-j", "pythia", "llama", "qwen3"])
def test_onnx_answers_the_same(tmp_path: Path, kind: str) -> None:
    python = os.environ.get("LAMINI_ONNX_PYTHON", ".venv-onnx/bin/python")
    if not Path(python).is_file():
        pytest.skip("no environment with optimum-onnx here (make onnx)")
    _, folder, parity = written(OnnxFormat(python, 1.0, 1), tmp_path, kind)
    assert (parity.same, parity.tokens) == (1, 1), parity.first
    assert list(folder.glob("*.onnx"))
