"""export.py as a person starts it: wrong lines, what is left out, and whole lines with their table."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lamini.errors import UserError
from lamini.exporting.checks import check, targets, work
from lamini.exporting.command import run, start
from lamini.exporting.folders import read
from lamini.runs import Job
from tests.exporting import making

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    making.herd(tmp_path)
    return tmp_path


def test_a_herd_becomes_ctranslate2_once(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ctranslate2")
    told = making.config(
        place, f"students={place}/herd", "to=ctranslate2", "ctranslate2.quantization=float32"
    )
    assert run(told) == 0
    folder = place / "herd" / "a-gpt2" / "exports" / "ctranslate2"
    record = read(folder)
    assert record["parity"]["same"] == 1 and record["options"] == {"quantization": "float32"}
    assert record["prompt"]["suffix"] == "\n\n### Response:" and record["student"]["scratch"] is True
    assert sorted(path.name for path in folder.parent.iterdir()) == ["ctranslate2"], "nothing is left beside"
    said = capsys.readouterr().out
    assert "done" in said and "100%" in said and "began from random weights" in said
    assert run(told) == 0
    assert "there already" in capsys.readouterr().out
    (place / "herd" / "a-gpt2" / "export" / "model.safetensors").touch()
    told.force = True
    assert run(told) == 0 and "there already" not in capsys.readouterr().out


def test_an_export_that_answers_otherwise_is_not_kept(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("gguf")
    told = making.config(
        place, f"students={place}/herd/a-gpt2", "to=gguf", "gguf.type=f32", "gguf.least=0.9",
        f"gguf.converter={making.converter(place / 'llama.cpp', scale='-1')}",
    )  # fmt: skip
    check(told)
    assert run(told) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "failed a-gpt2 to gguf: only" in said and "gguf.least=0.9 asks for more: to 'Name three" in said
    assert list((place / "herd" / "a-gpt2" / "exports").iterdir()) == []


def test_one_that_breaks_stops_nobody(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    python = making.interpreter(place / "env", "sys.exit('RuntimeError: broken')")
    told = making.config(
        place, f"students={place}/herd", "to=[onnx,hub]", f"onnx.python={python}", "hub.repo=me/lamini-*",
        "hub.push=false",
    )  # fmt: skip
    check(told)
    assert run(told) == 1
    said = capsys.readouterr().out
    assert said.count("RuntimeError: broken") == 2
    for name in ("a-gpt2", "b-t5"):
        files = {file.name for file in (place / "herd" / name / "exports" / "hub").iterdir()}
        assert {"README.md", "model.safetensors", "evaluation"} <= files


def test_what_a_format_does_not_hold_is_left_out_and_named(place: Path) -> None:
    config = place / "herd" / "a-gpt2" / "export" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "model_type": "gpt_neo"}))
    said: list[str] = []
    told = making.config(place, f"students={place}/herd", "to=ctranslate2")
    assert [one.name for one, _ in work(told, said.append)] == ["b-t5"]
    assert said == [
        "left out: a-gpt2 to ctranslate2: CTranslate2 has no GPT-Neo: its layers see windows and the"
        " whole by turns; onnx holds it"
    ]
    with pytest.raises(UserError, match="nothing can be exported: a-gpt2 to ctranslate2: CTranslate2 has no"):
        check(making.config(place, f"students={place}/herd/a-gpt2", "to=ctranslate2"))


def test_a_tokenizer_that_was_trained_here_is_none_of_llama_cpps(place: Path) -> None:
    file = place / "herd" / "a-gpt2" / "config.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "tokenizer": "trained"}))
    told = making.config(place, f"students={place}/herd/a-gpt2", "to=gguf")
    with pytest.raises(UserError, match="its tokenizer was trained here, .* tokenizer=family can be written"):
        work(told, lambda sentence: None)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["to=null"], r"to= says what students become: gguf, onnx, ctranslate2, hub"),
        (["to=ctranslate"], "to=ctranslate is unknown; did you mean ctranslate2?"),
        (["to=[onnx,pdf]"], "to=pdf is unknown; there are gguf"),
        (
            ["to=gguf", "gguf.converter=null"],
            "gguf.converter= is missing: llama.cpp's converter is no package",
        ),
        (["to=gguf", "gguf.converter=/nowhere"], "gguf.converter=/nowhere has no convert_hf_to_gguf.py"),
        (["to=gguf", "gguf.type=q3"], "gguf.type=q3 is unknown; it can be f32 f16 bf16 q8_0"),
        (
            ["to=onnx", "onnx.python=/nowhere/python"],
            "onnx.python=/nowhere/python is not there: .*`make onnx`",
        ),
        (["to=ctranslate2", "ctranslate2.quantization=int4"], "ctranslate2.quantization=int4 is unknown"),
        (["to=ctranslate2", "ctranslate2.least=2"], "ctranslate2.least=2.0 is a share"),
        (["to=ctranslate2", "parity.limit=0"], "parity.limit=0 must be at least 1"),
        (["to=ctranslate2", "parity.instructions=/no.json"], "parity.instructions=/no.json"),
        (["to=ctranslate2", "threads=0"], "threads=0 must be at least 1"),
        (["to=ctranslate2", "name=a/b"], "name=a/b must be the name of a folder"),
    ],
)
def test_wrong_lines(place: Path, words: list[str], why: str) -> None:
    with pytest.raises(UserError, match=why) as caught:
        check(making.config(place, f"students={place}/herd", *words))
    assert "\n" not in str(caught.value)


def test_targets_are_named_once() -> None:
    assert targets(["hub", "onnx", "hub"]) == ["hub", "onnx"] and targets("gguf") == ["gguf"]


def test_a_sweep_is_one_line_too_many(place: Path) -> None:
    job = Job(making.config(place, "students=x", "to=hub"), place)
    with pytest.raises(UserError, match=r"leave out -m, to='\[a,b\]'"):
        start(lambda: None, [job], multirun=True, line=[])


def test_the_shell_gets_a_sentence_and_two(place: Path, environment: dict[str, str]) -> None:
    def exported(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "export.py", *words], cwd=ROOT, env=environment, capture_output=True, text=True,
            timeout=120,
        )  # fmt: skip

    done = exported(f"students={place}/herd", "to=gguf")
    assert done.returncode == 2 and done.stderr.startswith("export.py: gguf.converter= is missing")
    assert done.stderr.count("\n") == 1
    shown = exported("--help")
    assert (
        shown.returncode == 0 and "to=gguf (llama.cpp), onnx (ONNX Runtime), ctranslate2, hub" in shown.stdout
    )
