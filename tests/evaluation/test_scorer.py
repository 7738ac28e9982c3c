"""lm-eval's model `lamini` gives what lm-eval's own `hf` gives, request by request, and computes less."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from transformers import PreTrainedModel

from lamini.errors import UserError
from lamini.evaluation.scorer import Scorer, wrapper_of
from lamini.students.prompts import WRAPPERS
from tests.students import tiny

KINDS = ["t5", "t5-untied", "gpt2", "gpt-neo", "gpt-j", "pythia", "llama", "qwen3"]
QUESTIONS = [
    ("Question: Which is larger, 3 or 7?\nAnswer:", [" 3", " 7", " both of them", " 7 of course"]),
    ("Name the colour of the sky.\nAnswer:", [" Blue.", " Green.", " Blue and white.", " B"]),
    ("Is a whale a fish? Answer yes or no and say why. " * 6, ["No: it is a mammal.", "Yes", "No"]),
    ("Count from one to", [" five", " ten", " one two three four five"]),
    ("Name the colour of the stone", [" friend", " friends"]),
    ("", ["a", "Count from one"]),
]


def model_of(kind: str) -> tuple[PreTrainedModel, Any]:
    """A model with large random weights, in float64 since those multiply rounding, and its tokenizer."""
    if kind.startswith("t5"):
        tokenizer = tiny.t5_tokenizer()
        return tiny.lively(tiny.t5(len(tokenizer), tied=kind == "t5")).eval().double(), tokenizer
    tokenizer = tiny.gpt2_tokenizer()
    return tiny.lively(tiny.causal(kind, len(tokenizer), context=64)).eval().double(), tokenizer


def requests(wrap: Any = str) -> list[Instance]:
    """All answers to all questions, shuffled."""
    pairs = [(wrap(context), answer) for context, answers in QUESTIONS for answer in answers]
    random.Random(0).shuffle(pairs)
    return [Instance("loglikelihood", {}, pair, n, metadata=("quiz", n, 1)) for n, pair in enumerate(pairs)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("budget", [40, 4096])
def test_every_request_gets_what_stock_lm_eval_gives(kind: str, budget: int) -> None:
    model, tokenizer = model_of(kind)
    stock = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=4).loglikelihood(requests(), True)
    ours = Scorer(model, tokenizer=tokenizer, batch_tokens=budget)
    assert ours.obstacle is None
    found = ours.loglikelihood(requests())
    near = 1e-5 if kind in ("gpt-neo", "gpt-j") else 1e-9  # transformers has their attention in fp32
    assert [logprob for logprob, _ in found] == pytest.approx([logprob for logprob, _ in stock], abs=near)
    assert [greedy for _, greedy in found] == [greedy for _, greedy in stock]
    assert len({round(logprob, 3) for logprob, _ in found}) > 12  # the model tells them apart


@pytest.mark.parametrize("kind", ["t5", "gpt2"])
def test_a_context_is_read_once_and_logits_are_made_where_an_answer_is_predicted(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, tokenizer = model_of(kind)
    scorer = Scorer(model, tokenizer=tokenizer)
    read, heads = [], []
    reader = model.get_encoder() if kind == "t5" else model.base_model
    reader.register_forward_pre_hook(
        lambda module, given, named: read.append(named["attention_mask"].shape), with_kwargs=True
    )
    model.get_output_embeddings().register_forward_hook(lambda module, given, out: heads.append(len(out)))
    context, answers = QUESTIONS[0]
    quiz = [Instance("loglikelihood", {}, (context, answer), 0) for answer in answers]
    scorer.loglikelihood(quiz)
    ids = len(tokenizer(context)["input_ids"])
    tokens = sum(len(tokenizer(answer, add_special_tokens=False)["input_ids"]) for answer in answers)
    assert len(read) == 1 and read[0][0] == 1 and read[0][-1] <= ids + tokens
    assert sum(heads) <= tokens


def test_a_wrapper_is_put_around_every_context() -> None:
    model, tokenizer = model_of("gpt2")
    bare = Scorer(model, tokenizer=tokenizer).loglikelihood(requests(WRAPPERS["alpaca"]))
    wrapped = Scorer(model, tokenizer=tokenizer, wrapper="alpaca").loglikelihood(requests())
    assert wrapped == bare
    assert wrapped != Scorer(model, tokenizer=tokenizer).loglikelihood(requests())


def test_contexts_that_are_cut_are_counted() -> None:
    model, tokenizer = model_of("gpt2")
    scorer = Scorer(model, tokenizer=tokenizer)
    scorer.loglikelihood(requests())
    whole = [len(tokenizer(c + a)["input_ids"]) for c, answers in QUESTIONS for a in answers]
    assert scorer.cut == sum(length > 65 for length in whole) > 0


def test_answers_that_cannot_be_scored_are_named() -> None:
    model, tokenizer = model_of("gpt2")
    scorer = Scorer(model, tokenizer=tokenizer)
    empty = Instance("loglikelihood", {}, ("What?", ""), 0, metadata=("quiz", 7, 1))
    with pytest.raises(UserError, match="quiz, row 7: the answer '' has no tokens"):
        scorer.loglikelihood([empty])
    long = Instance("loglikelihood", {}, ("What?", " a" * 90), 0, metadata=("quiz", 8, 1))
    with pytest.raises(UserError, match="quiz, row 8: the answer has 90 tokens, the model takes 64"):
        scorer.loglikelihood([long])


def test_nan_is_an_error_that_names_the_request() -> None:
    model, tokenizer = model_of("gpt2")
    torch.nn.init.constant_(model.get_input_embeddings().weight, float("nan"))
    with pytest.raises(UserError, match="is NaN"):
        Scorer(model, tokenizer=tokenizer).loglikelihood(requests())


def test_a_model_that_trees_are_not_exact_with_is_scored_as_stock_does_it() -> None:
    from transformers import OPTConfig, OPTForCausalLM

    tokenizer = tiny.gpt2_tokenizer()
    torch.manual_seed(0)
    model = OPTForCausalLM(
        OPTConfig(
            vocab_size=len(tokenizer), hidden_size=48, num_hidden_layers=2, num_attention_heads=4,
            ffn_dim=64, max_position_embeddings=64, word_embed_proj_dim=48,
        )
    ).eval()  # fmt: skip
    scorer = Scorer(model, tokenizer=tokenizer, batch_size=4)
    assert scorer.obstacle is not None and "opt" in scorer.obstacle
    stock = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=4)
    assert scorer.loglikelihood(requests()) == stock.loglikelihood(requests(), True)


def test_the_wrapper_is_read_from_the_chat_template(tmp_path: Path) -> None:
    from lamini.students.prompts import chat_template

    tokenizer = tiny.gpt2_tokenizer()
    assert wrapper_of(tokenizer) == "bare"
    tokenizer.chat_template = chat_template(tokenizer, WRAPPERS["alpaca"], [], 0)
    assert wrapper_of(tokenizer) == "alpaca"
    tokenizer.chat_template = "{% for m in messages %}User: {{ m['content'] }}{% endfor %}"
    assert wrapper_of(tokenizer) == "bare"
