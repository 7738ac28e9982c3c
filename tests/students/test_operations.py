"""Operations by formula against those that PyTorch counts while one pair runs, forward and backward."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import PreTrainedModel

from lamini.students.decoder_only import DecoderOnly
from lamini.students.encoder_decoder import EncoderDecoder
from lamini.students.operations import causal, of_head, of_matrices
from lamini.students.protocol import Student
from tests.students import tiny

PROMPT, RESPONSE = 37, 23


def decoder_only(kind: str) -> tuple[Student, PreTrainedModel, float]:
    """A student, and the pairs of positions that its attention computes although a mask hides them."""
    tokenizer = tiny.gpt2_tokenizer()
    model = tiny.causal(kind, len(tokenizer))
    positions = PROMPT + RESPONSE - 1
    windows = [None, 8] if kind == "gpt-neo" else [None, None]
    hidden = 2 * positions**2 - causal(np.array([positions]), windows)
    return DecoderOnly(tokenizer, 256, "bare", model), model, hidden


def encoder_decoder(tied: bool) -> tuple[Student, PreTrainedModel, float]:
    tokenizer = tiny.t5_tokenizer()
    model = tiny.t5(len(tokenizer), tied)
    hidden = 2 * (RESPONSE**2 - causal(np.array([RESPONSE]), [None]))
    return EncoderDecoder(tokenizer, 256, "bare", model), model, hidden


def counted(student: Student) -> float:
    """What PyTorch counts for one pair: all matrix products, masked ones too."""
    generator = np.random.default_rng(0)
    batch = student.collate(
        [generator.integers(3, 60, PROMPT).tolist()], [generator.integers(3, 60, RESPONSE).tolist()]
    )
    student.head_loss = "plain"  # products with a buffer to write to are not counted
    with FlopCounterMode(display=False) as counter:
        student.loss(batch)[0].backward()
    return float(counter.get_total_flops())


@pytest.mark.parametrize("kind", ["gpt2", "gpt-neo", "gpt-j", "pythia", "llama", "qwen3", "t5", "flan-t5"])
def test_the_formula_is_what_is_counted_less_what_a_mask_hides(kind: str) -> None:
    build = (lambda: encoder_decoder(kind == "t5")) if "t5" in kind else (lambda: decoder_only(kind))
    student, model, hidden = build()
    model.set_attn_implementation("eager")  # its products are counted one by one
    config = model.config
    width = config.num_heads * config.d_kv if "t5" in kind else config.hidden_size
    ours = student.operations(model)(np.array([PROMPT]), np.array([RESPONSE]))
    # Beside products of matrices only rotary angles are counted: less than a thousandth.
    assert ours + 12 * width * hidden == pytest.approx(counted(student), rel=1e-3)


def test_pairs_add_up_and_weights_need_no_memory() -> None:
    student, model, _ = decoder_only("gpt2")
    operations = student.operations(model)
    prompt_N, response_N = np.array([5, 9]), np.array([3, 7])
    apart = sum(operations(prompt_N[i : i + 1], response_N[i : i + 1]) for i in range(2))
    assert operations(prompt_N, response_N) == pytest.approx(apart)
    with torch.device("meta"):
        empty = type(model)(model.config)
    assert student.operations(empty)(prompt_N, response_N) == operations(prompt_N, response_N)


def test_a_frozen_weight_costs_four_and_the_head_is_no_part_of_the_body() -> None:
    _, model, _ = decoder_only("gpt2")
    body = 12 * 48**2 * 2  # attention 4 and feed-forward 8 squares of the width, two layers
    assert of_matrices(model, lambda name: True) == 6 * body
    assert of_head(model) == 6 * 48 * model.config.vocab_size
    model.requires_grad_(False)
    assert of_matrices(model, lambda name: True) == 4 * body


def test_causal_pairs_as_in_the_example() -> None:
    assert causal(np.array([4]), [None]) == 10
    assert causal(np.array([4]), [2]) == 7
    assert causal(np.array([4, 1]), [None, 2]) == 10 + 1 + 7 + 1
