"""A subject becomes a student with the right class, wrapper and context, or one sentence says why not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from transformers import BartConfig, BartForConditionalGeneration, BertConfig, BertForMaskedLM

from lamini.errors import UserError
from lamini.evaluation import loading
from lamini.evaluation.loading import Foreign, digest, layout_of, student_of
from lamini.evaluation.subjects import Subject
from tests.evaluation import exported
from tests.students import tiny


@pytest.mark.parametrize("kind", ["t5", "gpt2", "llama"])
def test_an_export_answers_as_its_student_did(kind: str, tmp_path: Path) -> None:
    wrapper = "bare" if kind == "t5" else "alpaca"
    made = exported.student(kind, wrapper, context=128)
    subject = exported.subject(tmp_path, kind, made)
    loaded = student_of(exported.config(tmp_path), subject)
    assert (type(loaded), loaded.wrapper, loaded.context) == (type(made), wrapper, 128)
    questions = [question for question, _ in tiny.PAIRS]
    assert loaded.generate(questions, 12) == made.generate(questions, 12)


def test_a_wrapper_that_is_named_wins_over_training_and_template(tmp_path: Path) -> None:
    subject = exported.subject(tmp_path, "gpt2", exported.student("gpt2", "alpaca"))
    trained = Subject(subject.name, subject.source, subject.folder, "bare")
    assert layout_of(exported.config(tmp_path), subject).wrapper == "alpaca"  # its chat template
    assert layout_of(exported.config(tmp_path), trained).wrapper == "bare"
    assert layout_of(exported.config(tmp_path, "wrapper=alpaca"), trained).wrapper == "alpaca"
    with pytest.raises(UserError, match="wrapper=both is for log-probabilities"):
        layout_of(exported.config(tmp_path, "wrapper=both"), subject)
    with pytest.raises(UserError, match="wrapper=vicuna is unknown"):
        layout_of(exported.config(tmp_path, "wrapper=vicuna"), subject)


def test_the_last_model_is_kept_and_one_only(tmp_path: Path) -> None:
    first = exported.subject(tmp_path, "a", exported.student("gpt2"))
    second = exported.subject(tmp_path, "b", exported.student("t5"))
    config = exported.config(tmp_path)
    model = student_of(config, first).model
    assert student_of(config, first).model is model
    student_of(config, second)
    assert len(loading._kept) == 1
    assert student_of(config, first).model is not model


@pytest.mark.parametrize(("precision", "dtype"), [("auto", torch.float32), ("bf16", torch.bfloat16)])
def test_weights_have_the_precision_that_was_asked_for(
    precision: str, dtype: torch.dtype, tmp_path: Path
) -> None:
    subject = exported.subject(tmp_path, "a", exported.student("gpt2"))
    model = student_of(exported.config(tmp_path, f"precision={precision}"), subject).ready()
    assert model.dtype == dtype and not model.training


def test_the_digest_follows_the_weights(tmp_path: Path) -> None:
    made = exported.student("gpt2")
    subject, config = exported.subject(tmp_path, "a", made), exported.config(tmp_path)
    before = digest(config, subject)
    assert digest(config, subject) == before
    copied = shutil.copytree(subject.source, tmp_path / "elsewhere")
    assert digest(config, Subject("other", str(copied), tmp_path, None)) == before
    with torch.no_grad():
        made.ready().get_input_embeddings().weight[0, 0] += 1
    assert digest(config, exported.subject(tmp_path, "a", made)) != before


def bart(folder: Path) -> Subject:
    torch.manual_seed(0)
    tokenizer = tiny.t5_tokenizer()
    model = BartForConditionalGeneration(
        BartConfig(
            vocab_size=len(tokenizer), d_model=48, encoder_layers=1, decoder_layers=1,
            encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=64, decoder_ffn_dim=64,
            max_position_embeddings=64, pad_token_id=0, bos_token_id=1, eos_token_id=1,
            decoder_start_token_id=1, forced_eos_token_id=None,
        )
    )  # fmt: skip
    tiny.lively(model).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Subject("bart", str(folder), folder, None)


def test_another_encoder_decoder_answers_as_plain_transformers_does(tmp_path: Path) -> None:
    student = student_of(exported.config(tmp_path), bart(tmp_path / "bart"))
    assert isinstance(student, Foreign) and student.context == 64
    model, expected = student.ready(), []
    for question, _ in tiny.PAIRS:
        ids = student.tokenizer(question, return_tensors="pt")["input_ids"]
        out = model.generate(ids, max_new_tokens=10, num_beams=1, do_sample=False)
        expected.append(student.tokenizer.decode(out[0], skip_special_tokens=True).strip())
    assert student.generate([question for question, _ in tiny.PAIRS], 10) == expected
    assert len(set(expected)) > 1


def test_a_model_that_writes_no_text_is_refused(tmp_path: Path) -> None:
    tokenizer = tiny.gpt2_tokenizer()
    shape = BertConfig(
        vocab_size=len(tokenizer), hidden_size=48, num_hidden_layers=1, num_attention_heads=4,
        intermediate_size=64,
    )  # fmt: skip
    BertForMaskedLM(shape).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(UserError, match="is a BertForMaskedLM, which writes no text"):
        layout_of(exported.config(tmp_path), Subject("bert", str(tmp_path), tmp_path, None))


def test_what_does_not_load_is_one_sentence_that_names_it(tmp_path: Path) -> None:
    config = exported.config(tmp_path)
    short = exported.subject(tmp_path, "short", exported.student("gpt2"))
    weights = Path(short.source) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(UserError, match=f"students={short.source} does not load"):
        student_of(config, short)
    bare = exported.subject(tmp_path, "bare", exported.student("gpt2"))
    for file in Path(bare.source).glob("*token*"):
        file.unlink()
    with pytest.raises(UserError, match=f"students={bare.source} has no tokenizer"):
        student_of(config, bare)
    with pytest.raises(UserError, match="has no config that transformers reads"):
        student_of(config, Subject("empty", str(tmp_path), tmp_path, None))
    fine = exported.subject(tmp_path, "fine", exported.student("gpt2"))
    with pytest.raises(UserError, match="precision=fp8 is unknown"):
        student_of(exported.config(tmp_path, "precision=fp8"), fine)
    with pytest.raises(UserError, match="device=tpu: torch sees no such device"):
        student_of(exported.config(tmp_path, "device=tpu"), fine)
