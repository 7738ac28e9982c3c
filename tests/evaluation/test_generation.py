"""Free answers to lm-eval's tasks: the wrapper, the end token, and the room that a context leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from lamini.evaluation.scorer import Scorer
from lamini.students.decoder_only import DecoderOnly
from lamini.students.encoder_decoder import EncoderDecoder
from lamini.students.export import export
from lamini.students.loading import blank, scale_head
from lamini.students.protocol import Student
from tests.students import tiny


def student_of(kind: str, context: int = 192) -> Student:
    if kind.startswith("t5"):
        tokenizer = tiny.t5_tokenizer()
        model = tiny.t5(len(tokenizer), tied=kind == "t5")
        if kind == "t5-untied":
            model = blank(model.config)
            scale_head(model)
        return EncoderDecoder(tokenizer, context, "bare", model)
    tokenizer = tiny.gpt2_tokenizer(bos=kind == "llama")
    model = tiny.causal(kind, len(tokenizer), context)
    model.generation_config.eos_token_id = model.config.eos_token_id = tokenizer.eos_token_id
    return DecoderOnly(tokenizer, context, "alpaca", model)


def asked(texts: list[str], **options: Any) -> list[Instance]:
    """Requests for greedy answers."""
    given = {"until": [], "do_sample": False, **options}
    return [Instance("generate_until", {}, (text, dict(given)), n) for n, text in enumerate(texts)]


def written(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Tokens that the model writes in each batch that it will be given."""
    widths: list[int] = []
    generate = scorer.model.generate

    def counted(input_ids: Any, **options: Any) -> Any:
        out = generate(input_ids=input_ids, **options)
        widths.append(out.shape[1] - input_ids.shape[1])
        return out

    monkeypatch.setattr(scorer.model, "generate", counted)
    return widths


@pytest.mark.parametrize("kind", ["t5", "t5-untied", "gpt2", "llama"])
def test_answers_stop_at_the_end_token_and_are_those_of_the_student(kind: str, tmp_path: Path) -> None:
    student = student_of(kind)
    tiny.overfit(student)
    instructions = [instruction for instruction, _ in tiny.PAIRS]
    ours = student.generate(instructions, 40)
    assert ours == [response for _, response in tiny.PAIRS]
    export(student, tmp_path / "export", {"name": "x", "init": "scratch", "data": "pairs"})
    scorer = Scorer(str(tmp_path / "export"), device="cpu", dtype="float32", batch_size=3)
    assert scorer.wrap.name == student.wrapper
    found = scorer.generate_until(asked(instructions, max_gen_toks=40))
    assert [text.strip() for text in found] == ours


def test_a_task_says_how_long_an_answer_may_be_not_the_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the export's own limit a prompt that fills the rest would run past the model's last position."""
    student = student_of("gpt2", context=64)
    tiny.lively(student.ready())
    export(student, tmp_path / "export", {"name": "x", "init": "scratch", "data": "pairs"})
    scorer = Scorer(str(tmp_path / "export"), device="cpu", dtype="float32", wrapper="bare")
    assert scorer.model.generation_config.max_new_tokens == 32
    widths = written(scorer, monkeypatch)
    scorer.generate_until(asked(["Count from one to five. " * 20], max_gen_toks=5))
    assert widths == [5]


@pytest.mark.parametrize("kind", ["t5", "gpt2"])
def test_an_answer_longer_than_the_context_is_given_half_of_it(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    student = student_of(kind, context=64)
    model = tiny.lively(student.ready()).eval()
    scorer = Scorer(model, tokenizer=student.tokenizer, max_length=64)
    requests = asked(["Name the colour of the sky.", "Count from one to five. " * 20], max_gen_toks=64)
    widths = written(scorer, monkeypatch)
    assert len(scorer.generate_until(requests)) == 2
    if kind == "gpt2":
        assert scorer.limited == 2
        assert widths == [32]
        with pytest.raises(AssertionError, match="must be less than"):
            HFLM(pretrained=model, tokenizer=student.tokenizer, max_length=64).generate_until(requests, True)
    else:
        assert scorer.limited == 0  # the decoder has a context of its own
    assert [request.args[1]["max_gen_toks"] for request in requests] == [64, 64]  # shared with other students


@pytest.mark.parametrize("kind", ["t5", "gpt2"])
def test_where_stock_lm_eval_answers_ours_is_the_same(kind: str) -> None:
    student = student_of(kind, context=64)
    model = tiny.lively(student.ready()).eval()
    requests = asked(
        ["Name the colour of the sky.", "Count from one to five. " * 20], max_gen_toks=40, until=["o"]
    )
    stock = HFLM(pretrained=model, tokenizer=student.tokenizer, max_length=64, batch_size=2)
    ours = Scorer(model, tokenizer=student.tokenizer, max_length=64, batch_size=2)
    assert ours.generate_until(requests) == stock.generate_until(requests, True)
    assert ours.limited == 0


@pytest.mark.parametrize("loaded", [False, True])
def test_a_head_of_its_own_stays_one(loaded: bool, tmp_path: Path) -> None:
    """lm-eval ties weights after loading, with a mapping that says of every T5 that its head is tied."""
    student = student_of("t5-untied")
    model = tiny.lively(student.ready()).eval()
    head = model.get_output_embeddings().weight.clone()
    assert not head.equal(model.get_input_embeddings().weight)
    model.save_pretrained(tmp_path)
    student.tokenizer.save_pretrained(tmp_path)
    given = str(tmp_path) if loaded else model
    scorer = Scorer(given, tokenizer=student.tokenizer, device="cpu", dtype="float32")
    assert scorer.model.get_output_embeddings().weight.equal(head)
    assert "tie_weights" not in vars(scorer.model)
