"""Small students, teachers of other widths, weights and paddings of the vocabulary, and plain references."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedModel, T5Config, T5ForConditionalGeneration

from lamini.students.decoder_only import DecoderOnly
from lamini.students.encoder_decoder import EncoderDecoder
from lamini.students.protocol import Batch, Student
from lamini.training.objectives.forward_kl import ForwardKL
from lamini.training.objectives.jsd import JSD
from lamini.training.objectives.options import Distillation, Source
from lamini.training.objectives.reverse_kl import ReverseKL
from lamini.training.objectives.skewed_kl import Direction, SkewedKL
from lamini.training.teachers.fitting import around
from tests.students import tiny

KINDS = ["t5", "flan", "gpt2", "gpt-j"]  # scaled tied head, head of its own, tied head, biased head


def student_of(kind: str, padding: int = 5) -> Student:
    """A student whose vocabulary has `padding` ids more than its tokenizer."""
    if kind in ("t5", "flan"):
        tokenizer = tiny.t5_tokenizer()
        model = tiny.lively(tiny.t5(len(tokenizer) + padding, tied=kind == "t5"))
        return EncoderDecoder(tokenizer, 64, "bare", model)
    tokenizer = tiny.gpt2_tokenizer()
    model = tiny.lively(tiny.causal(kind, len(tokenizer) + padding))
    return DecoderOnly(tokenizer, 256, "alpaca", model)


def teacher_of(student: Student, padding: int = 13) -> Student:
    """Another, narrower model in the student's class, frozen."""
    size = len(student.tokenizer) + padding
    torch.manual_seed(3)
    model: PreTrainedModel
    if isinstance(student, EncoderDecoder):
        shape = T5Config(
            vocab_size=size, d_model=32, d_kv=8, d_ff=64, num_layers=1, num_heads=4, decoder_start_token_id=0
        )
        model = T5ForConditionalGeneration(shape)
    else:
        shape = GPT2Config(vocab_size=size, n_positions=256, n_embd=32, n_layer=1, n_head=4)
        model = GPT2LMHeadModel(shape)
    return around(student, tiny.lively(model).eval().requires_grad_(False))


def options(mix: float = 0.3, temperature: float = 1.7, top_k: int = 64) -> dict[str, Distillation]:
    shared = ("x", mix, Source.online, top_k, temperature)
    return {
        "forward_kl": ForwardKL(*shared),
        "reverse_kl": ReverseKL(*shared),
        "jsd": JSD(*shared, beta=0.3),
        "skewed_kl": SkewedKL(*shared, skew=0.1, direction=Direction.forward),
        "skewed_reverse_kl": SkewedKL(*shared, skew=0.1, direction=Direction.reverse),
    }


def kl(p: Tensor, q: Tensor) -> Tensor:
    return (p * torch.log(p / q)).sum(-1)


def divergence(name: str, p: Tensor, q: Tensor) -> Tensor:
    """The definition of the papers, for the parameters of `options`."""
    if name == "forward_kl":
        return kl(p, q)
    if name == "reverse_kl":
        return kl(q, p)
    if name == "jsd":
        m = 0.3 * p + 0.7 * q
        return 0.3 * kl(p, m) + 0.7 * kl(q, m)
    if name == "skewed_kl":
        return kl(p, 0.1 * p + 0.9 * q)
    return kl(q, 0.1 * q + 0.9 * p)


def logits(model: PreTrainedModel, batch: Batch) -> Tensor:
    """Hugging Face's own logits of the response tokens, (R, V), in the model's precision."""
    names = ("input_ids", "attention_mask", "decoder_input_ids", "position_ids")
    out: Tensor = model(**{name: batch[name] for name in names if name in batch}).logits
    return out[batch["labels"] != -100]


def gradient(parameters: Iterable[torch.nn.Parameter]) -> Tensor:
    return torch.cat([p.grad.double().flatten() for p in parameters if p.grad is not None])


def relative(ours: Tensor, theirs: Tensor) -> float:
    return float((ours.double() - theirs).norm() / theirs.norm())
