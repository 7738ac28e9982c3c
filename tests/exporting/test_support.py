"""Which family can be written where, and the reasons: frozen here, so that a change is made on purpose."""

from __future__ import annotations

import pytest
import yaml

from lamini.compose import CONF
from lamini.exporting.support import FORMATS, TYPES, refusal, table


def test_what_each_type_can_be_written_to() -> None:
    able = {kind: [name for name, can in row.items() if can] for kind, row in table().items()}
    assert able == {
        "t5": ["gguf", "onnx", "ctranslate2"],
        "gpt2": ["gguf", "onnx", "ctranslate2"],
        "gpt_neo": ["onnx"],
        "gptj": ["onnx", "ctranslate2"],
        "gpt_neox": ["onnx"],
        "llama": ["gguf", "onnx", "ctranslate2"],
        "qwen3": ["gguf", "onnx", "ctranslate2"],
    }


@pytest.mark.parametrize("file", sorted((CONF / "family").glob("*.yaml")), ids=lambda file: file.stem)
def test_every_family_of_ours_can_be_written_somewhere(file: object) -> None:
    kind = yaml.safe_load(file.read_text())["model_type"]  # type: ignore[attr-defined]
    assert kind in TYPES and any(refusal(name, kind) is None for name in FORMATS)


def test_reasons_name_the_way_out() -> None:
    assert refusal("gguf", "gptj") == (
        "llama.cpp has no GPT-J: its converter does not know the architecture; onnx and ctranslate2 hold it"
    )
    assert str(refusal("onnx", "bart")).startswith(
        "answers of model type bart are not compared there; of t5,"
    )


def test_the_list_of_ctranslate2_is_that_of_its_converters() -> None:
    loaders = pytest.importorskip("ctranslate2.converters.transformers")._MODEL_LOADERS
    from transformers import GPTNeoXConfig

    assert not hasattr(GPTNeoXConfig(), "rotary_pct"), "its converter asks for it"
    names = {
        "t5": "T5Config", "gpt2": "GPT2Config", "gpt_neo": "GPTNeoConfig", "gptj": "GPTJConfig",
        "llama": "LlamaConfig", "qwen3": "Qwen3Config",
    }  # fmt: skip
    assert {kind: name in loaders for kind, name in names.items()} == {
        kind: refusal("ctranslate2", kind) is None for kind in names
    }


def test_the_list_of_gguf_is_what_transformers_reads_back() -> None:
    from transformers.modeling_gguf_pytorch_utils import GGUF_SUPPORTED_ARCHITECTURES as read

    names = {"gpt_neo": "gptneo", "gpt_neox": "gptneox"}
    assert {kind for kind in TYPES if names.get(kind, kind) in read} == {
        kind for kind in TYPES if refusal("gguf", kind) is None
    }
