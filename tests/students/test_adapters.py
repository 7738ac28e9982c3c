"""Low-rank matrices: what they leave alone, what they add, and how they disappear before the export."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, BitsAndBytesConfig, PreTrainedModel

from lamini.compose import compose
from lamini.config import Strategy
from lamini.errors import UserError
from lamini.students import adapters
from lamini.students.adapters import Lora, QLora, merge
from lamini.students.decoder_only import DecoderOnly
from lamini.students.encoder_decoder import EncoderDecoder
from lamini.students.protocol import Student
from tests.students import tiny

KINDS = ["t5", "gpt2", "gpt-neo", "gpt-j", "llama"]
TARGETS = [None, ["all-linear"]]


def student_of(kind: str) -> Student:
    if kind == "t5":
        tokenizer = tiny.t5_tokenizer()
        return EncoderDecoder(tokenizer, 64, "bare", tiny.t5(len(tokenizer), tied=False))
    tokenizer = tiny.gpt2_tokenizer()
    return DecoderOnly(tokenizer, 256, "alpaca", tiny.causal(kind, len(tokenizer)))


def stir(model: PreTrainedModel, std: float = 0.3) -> None:
    """As if trained: at first B is zero."""
    torch.manual_seed(2)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=std)


@pytest.mark.parametrize("targets", TARGETS, ids=["null", "all-linear"])
@pytest.mark.parametrize("kind", KINDS)
def test_at_first_nothing_changes_and_only_the_matrices_learn(kind: str, targets: list[str] | None) -> None:
    student = student_of(kind)
    batch = tiny.batch_of(student, tiny.PAIRS)
    before = student.loss(batch)[0]
    frozen = {id(parameter) for parameter in student.ready().parameters()}
    Lora(4, 8, 0.0, targets).attach(student.ready())
    total, _ = student.loss(batch)
    torch.testing.assert_close(total, before, rtol=1e-6, atol=0.0)
    total.backward()
    for name, parameter in student.ready().named_parameters():
        assert ("lora_" in name) == parameter.requires_grad == (id(parameter) not in frozen), name
        assert (parameter.grad is not None) == parameter.requires_grad, name


@pytest.mark.parametrize("targets", TARGETS, ids=["null", "all-linear"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_merged_model_is_a_plain_one_of_the_same_loss(kind: str, targets: list[str] | None) -> None:
    student = student_of(kind)
    plain = copy.deepcopy(student.ready())
    untrained = student.loss(tiny.batch_of(student, tiny.PAIRS))[0]
    Lora(4, 8, 0.0, targets).attach(student.ready())
    stir(student.ready())
    batch = tiny.batch_of(student, tiny.PAIRS)
    before = student.loss(batch)[0]
    merge(student.ready())
    assert student.ready().state_dict().keys() == plain.state_dict().keys()
    assert not hasattr(student.ready(), "peft_config")
    assert all(parameter.requires_grad for parameter in student.ready().parameters())
    after = student.loss(batch)[0]
    torch.testing.assert_close(after, before, rtol=1e-5, atol=0.0)
    assert (after - untrained).abs() > 1e-4 * untrained


def test_what_is_added_is_b_times_a_times_alpha_over_r() -> None:
    """GPT-2's weight lies the other way round: (in, out)."""
    model = tiny.causal("gpt2", 64)
    weight = model.transformer.h[0].attn.c_attn.weight.detach().double()
    Lora(4, 12, 0.0, ["c_attn"]).attach(model)
    stir(model)
    layer = model.transformer.h[0].attn.c_attn
    a, b = (matrix["default"].weight.detach().double() for matrix in (layer.lora_A, layer.lora_B))
    merge(model)
    expected = weight + (b @ a).T * 12 / 4
    torch.testing.assert_close(
        model.transformer.h[0].attn.c_attn.weight.double(), expected, rtol=0, atol=1e-7
    )


@pytest.mark.parametrize(
    ("kind", "targets", "words"),
    [
        ("gpt2", ["q_proj"], "adapter.targets=.'q_proj'.: Target modules .* not found"),
        ("gpt2", ["wte"], "names the embeddings or the head"),
        ("t5", ["q", "lm_head"], "names the embeddings or the head"),
    ],
)
def test_targets_that_cannot_work_are_refused(kind: str, targets: list[str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Lora(4, 8, 0.0, targets).attach(student_of(kind).ready())


@pytest.mark.parametrize(("adapter", "library"), [("lora", "peft"), ("qlora", "bitsandbytes")])
def test_a_missing_library_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, adapter: str, library: str
) -> None:
    config = compose("train", ["model=gpt2-small", f"adapter={adapter}"])
    monkeypatch.setattr(adapters, "find_spec", lambda name: None if name == library else object())
    with pytest.raises(UserError, match=rf"adapter={adapter} needs {library}: .*lamini-herd\[{adapter}\]"):
        config.adapter.check(config)


def test_four_bits_need_published_weights_a_cuda_device_and_whole_layers() -> None:
    config = compose("train", ["model=gpt2-small", "adapter=qlora"])
    with pytest.raises(UserError, match="adapter=qlora needs a CUDA device; adapter=lora works"):
        config.adapter.check_device(False)
    config.adapter.check_device(True)
    config.trainer.strategy = Strategy.fsdp
    with pytest.raises(UserError, match="adapter=qlora cannot be sharded: set trainer.strategy=ddp"):
        config.adapter.check(config)
    scratch = compose("train", ["model=gpt2-nano", "adapter=qlora"])
    with pytest.raises(UserError, match="adapter=qlora needs init=pretrained"):
        scratch.adapter.check(scratch)


@pytest.mark.parametrize("kind", ["t5", "gpt2", "llama"])
def test_four_bits_are_merged_as_what_they_stand_for(tmp_path: Path, kind: str) -> None:
    """bitsandbytes computes on CPUs too, though slowly: enough to compare, the exported folder included."""
    pytest.importorskip("bitsandbytes")
    student = student_of(kind)
    tiny.lively(student.ready()).save_pretrained(tmp_path / "published")
    auto = AutoModelForSeq2SeqLM if kind == "t5" else AutoModelForCausalLM
    four = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.float32,
    )  # fmt: skip
    student.model = auto.from_pretrained(
        tmp_path / "published", quantization_config=four, device_map={"": "cpu"}, dtype=torch.float32
    )
    QLora(4, 8, 0.0, ["all-linear"]).attach(student.ready())
    stir(student.ready())
    student.ready().train()  # bitsandbytes repacks weights for CPUs in evaluation mode; no dropout here
    batch = tiny.batch_of(student, tiny.PAIRS)
    before = student.loss(batch)[0]
    merge(student.ready())
    torch.testing.assert_close(student.loss(batch)[0], before, rtol=1e-5, atol=0.0)
    student.ready().save_pretrained(tmp_path / "merged")
    student.model = auto.from_pretrained(tmp_path / "merged")
    assert not hasattr(student.ready().config, "quantization_config")
    torch.testing.assert_close(student.loss(batch)[0], before, rtol=1e-5, atol=0.0)
