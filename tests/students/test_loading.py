"""lamini.students.loading: first losses, tied and untied heads, and what is refused."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM

from lamini.config import Init, Paths, TrainConfig
from lamini.errors import UserError
from lamini.students.loading import (
    architecture_of,
    build_model,
    build_tokenizer,
    count_parameters,
)
from tests.students.configs import config_of

V = 2048
LLAMA = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2, "vocab_size": V}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2}
TINY: dict[str, tuple[str, str, dict[str, Any]]] = {
    "t5-tied": ("t5", "nano", {"tie_word_embeddings": True}),
    "t5-untied": ("t5", "nano", {}),
    "flan-t5-wide": ("flan-t5", "small", {"vocab_size": V, "num_layers": 1, "num_decoder_layers": 1}),
    "gpt2": ("gpt2", "nano", {}),
    "gpt-neo": (
        "gpt-neo",
        "125M",
        {
            "vocab_size": V,
            "hidden_size": 128,
            "intermediate_size": 256,
            "num_layers": 2,
            "num_heads": 4,
            "attention_types": [[["global", "local"], 1]],
        },
    ),
    "gpt-j": (
        "gpt-j",
        "6B",
        {
            "vocab_size": V,
            "n_embd": 128,
            "n_inner": 256,
            "n_layer": 2,
            "n_head": 4,
            "rotary_dim": 16,
        },
    ),
    "llama": ("llama", "nano", {}),
    "pythia": ("pythia", "70M", {**LLAMA, "num_attention_heads": 4}),
    "smollm2": ("smollm2", "135M", {**LLAMA, **HEADS}),
    "qwen3": ("qwen3", "0.6B", {**LLAMA, **HEADS, "head_dim": 32}),
}


def tiny(name: str, **values: Any) -> TrainConfig:
    family, size, architecture = TINY[name]
    values = {"init": Init.scratch, "tokenizer": "trained", "architecture": architecture} | values
    return config_of(family, size, **values)


def first_loss(model: Any) -> float:
    generator = torch.Generator().manual_seed(1)
    ids_BT = torch.randint(3, V, (8, 32), generator=generator)
    labels_BT = ids_BT
    if model.config.is_encoder_decoder:
        labels_BT = torch.randint(3, V, (8, 32), generator=generator)
    with torch.no_grad():
        return float(model.eval()(input_ids=ids_BT, labels=labels_BT).loss)


@pytest.mark.parametrize("name", TINY)
def test_scratch_starts_at_ln_vocabulary(name: str) -> None:
    config = tiny(name)
    model = build_model(config, V)
    assert abs(first_loss(model) - math.log(V)) < 0.5
    assert sum(p.numel() for p in model.parameters()) == count_parameters(config, V)
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_a_decoder_deeper_than_its_encoder_is_refused() -> None:
    config = tiny("t5-tied")
    config.architecture = {**config.architecture, "num_layers": 1, "num_decoder_layers": 2}
    with pytest.raises(UserError, match="num_decoder_layers=2 must not exceed architecture.num_layers=1"):
        build_model(config, V)


@pytest.mark.parametrize("name", ["t5-tied", "t5-untied"])
def test_t5_heads_survive_saving(name: str, tmp_path: Path) -> None:
    model: Any = build_model(tiny(name), V)
    untied = name == "t5-untied"
    for again in range(2):
        assert (model.lm_head.weight is not model.shared.weight) == untied
        assert model.encoder.embed_tokens.weight is model.shared.weight
        assert model.decoder.embed_tokens.weight is model.shared.weight
        assert model.config.scale_decoder_outputs == (not untied)
        assert sum(p.numel() for p in model.parameters()) == 1_444_224 + untied * V * 128
        before = model.state_dict()
        model.save_pretrained(tmp_path / str(again))
        loaded = AutoModelForSeq2SeqLM.from_pretrained(tmp_path / str(again))
        assert all(torch.equal(loaded.state_dict()[key], before[key]) for key in before)
        assert first_loss(loaded) == first_loss(model)
        own = tiny(name, init=Init.pretrained, checkpoint=str(tmp_path / str(again)))
        own.architecture = {}
        model = build_model(own, V)
        assert model.config.tie_word_embeddings == (not untied)


def test_seed_decides_the_weights() -> None:
    first, same, other = (build_model(tiny("t5-untied", seed=seed), V).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert not torch.equal(first["lm_head.weight"], other["lm_head.weight"])


def test_ids_come_from_the_trained_tokenizer() -> None:
    gpt2 = architecture_of(tiny("gpt2"), V)
    assert (gpt2.vocab_size, gpt2.bos_token_id, gpt2.eos_token_id) == (V, None, 0)
    llama = architecture_of(tiny("smollm2"), V)  # byte-bpe: no <s>
    assert (llama.bos_token_id, llama.eos_token_id, llama.pad_token_id) == (None, 0, None)
    t5 = architecture_of(tiny("t5-tied"), V)
    assert (t5.pad_token_id, t5.eos_token_id, t5.decoder_start_token_id) == (0, 1, 0)
    published = architecture_of(config_of("gpt2", "small", init=Init.scratch), V)
    assert (published.vocab_size, published.eos_token_id) == (50257, 50256)


def test_aliases_and_nested_fields_override() -> None:
    override = {"hidden_size": 64, "num_attention_heads": 2}
    gpt2 = architecture_of(tiny("gpt2", architecture=override), V)
    assert (gpt2.n_embd, gpt2.n_head, gpt2.n_layer) == (64, 2, 4)
    llama = architecture_of(tiny("llama", architecture={"rope_parameters": {"rope_theta": 5e5}}), V)
    assert llama.rope_parameters == {"rope_type": "default", "rope_theta": 5e5}


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("gpt2", {"architecture": {"n_layers": 3}}, "architecture.n_layers .* near ones: n_layer"),
        ("llama", {"architecture": {"rope_theta": 3}}, "rope_theta is no field of LlamaConfig"),
        ("gpt2", {"architecture": {"n_layer": "many"}}, "n_layer"),
        ("gpt2", {"architecture": {"n_head": 3}}, "architecture: .*divisible"),
        ("gpt2", {"architecture": {"vocab_size": 100}}, "vocabulary of 100, its tokenizer 2048"),
        ("gpt2", {"context": 2000}, "context=2000 is longer than the 1024 positions of gpt2-nano"),
        ("gpt2", {"init": Init.pretrained, "architecture": {"n_layer": 2}}, "add init=scratch"),
    ],
)
def test_what_is_refused(name: str, values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        build_model(tiny(name, **values), V)


def test_t5_has_any_length() -> None:
    assert architecture_of(tiny("t5-tied", context=5000), V).d_model == 128


def test_checkpoints_that_do_not_fit(tmp_path: Path) -> None:
    build_model(tiny("gpt2"), V).save_pretrained(tmp_path)
    own = {"init": Init.pretrained, "architecture": {}, "checkpoint": str(tmp_path)}
    assert count_parameters(tiny("gpt2", **own), V) == 1_186_560
    with pytest.raises(UserError, match="holds a gpt2 model, but family llama is llama"):
        build_model(tiny("llama", **own), V)
    with pytest.raises(UserError, match="vocabulary of 2048, its tokenizer 2049"):
        build_model(tiny("gpt2", **own), V + 1)
    (tmp_path / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(UserError, match="does not load"):
        build_model(tiny("gpt2", **own), V)


def test_incomplete_weights_are_refused(tmp_path: Path) -> None:
    model = build_model(tiny("gpt2"), V)
    state = {key: value for key, value in model.state_dict().items() if ".h.1." not in key}
    model.save_pretrained(tmp_path, state_dict=state)
    own = tiny("gpt2", init=Init.pretrained, architecture={}, checkpoint=str(tmp_path))
    with pytest.raises(UserError, match=r"lacks 12 weights, e.g. transformer\.h\.1\."):
        build_model(own, V)


def test_trained_tokenizer_fills_the_student(tmp_path: Path) -> None:
    paths = Paths("outputs", str(tmp_path), None)
    texts = [f"what is {number} and more?" for number in range(200)]
    config = tiny("t5-tied", vocabulary=600, paths=paths)
    tokenizer = build_tokenizer(config, lambda: iter(texts))
    assert build_model(config, len(tokenizer)).config.vocab_size == len(tokenizer) <= 600
    [folder] = (path for path in (tmp_path / "tokenizers").iterdir() if path.is_dir())
    given = tiny("t5-tied", tokenizer=str(folder))
    assert build_tokenizer(given, lambda: iter(())).get_vocab() == tokenizer.get_vocab()
    assert architecture_of(given, len(tokenizer)).eos_token_id == 1


def test_trained_tokenizer_is_refused_where_it_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="vocabulary=<pieces> is needed: gpt2-nano"):
        build_tokenizer(tiny("gpt2"), lambda: iter(["a"]))
    with pytest.raises(UserError, match="tokenizer=trained needs init=scratch"):
        build_tokenizer(tiny("gpt2", init=Init.pretrained), lambda: iter(["a"]))


@pytest.mark.slow
def test_a_published_size_starts_in_seconds() -> None:
    begin = time.monotonic()
    build_model(config_of("gpt2", "medium", init=Init.scratch), 50257)
    assert time.monotonic() - begin < 30
