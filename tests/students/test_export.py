"""Exported folders answer with plain transformers exactly as the student does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from huggingface_hub import ModelCard
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer, pipeline

from lamini.errors import UserError
from lamini.students.decoder_only import DecoderOnly
from lamini.students.encoder_decoder import EncoderDecoder
from lamini.students.export import export
from lamini.students.protocol import Student
from tests.students import tiny

ASKED = [instruction for instruction, _ in tiny.PAIRS]
CARD = {"name": "gpt2-nano", "init": "scratch", "data": "oracle"}


def causal_student(kind: str = "gpt2", wrapper: str = "alpaca", bos: bool = False) -> DecoderOnly:
    tokenizer = tiny.gpt2_tokenizer(bos)
    return DecoderOnly(tokenizer, 256, wrapper, tiny.lively(tiny.causal(kind, len(tokenizer))).eval())


@pytest.mark.parametrize("kind", ["gpt2", "gpt-neo", "llama"])
@pytest.mark.parametrize("bos", [False, True])
def test_pipeline_answers_as_the_student_does(kind: str, bos: bool, tmp_path: Path) -> None:
    student = causal_student(kind, bos=bos)
    export(student, tmp_path / "export", CARD)
    expected = student.generate(ASKED, 16)
    assert len(set(expected)) > 1
    ask = pipeline("text-generation", model=str(tmp_path / "export"), device="cpu")
    chats = [[{"role": "user", "content": text}] for text in ASKED]
    for size in (1, 4):
        answers = ask(chats, max_new_tokens=16, batch_size=size)
        got = [answer[0]["generated_text"][-1]["content"].strip() for answer in answers]
        assert got == expected
    wrapped = [student.wrap(text) for text in ASKED]
    texts = ask(wrapped, max_new_tokens=16, return_full_text=False)
    assert [text[0]["generated_text"].strip() for text in texts] == expected


def test_defaults_of_the_folder_are_greedy_and_fit_the_context(tmp_path: Path) -> None:
    student = causal_student()
    assert student.model is not None
    student.model.config.task_specific_params = {"text-generation": {"do_sample": True, "max_length": 50}}
    student.model.generation_config.do_sample = True
    export(student, tmp_path / "export", CARD)
    assert "task_specific_params" not in (tmp_path / "export/config.json").read_text()
    ask = pipeline("text-generation", model=str(tmp_path / "export"), device="cpu")
    chat = [{"role": "user", "content": ASKED[0]}]
    answer = ask(chat)[0]["generated_text"][-1]["content"].strip()
    assert answer == student.generate([ASKED[0]], 128)[0]
    assert ask.model.generation_config.max_new_tokens == 128
    assert student.model.generation_config.do_sample is True


@pytest.mark.parametrize("tied", [True, False])
def test_seq2seq_answers_as_the_student_does(tied: bool, tmp_path: Path) -> None:
    tokenizer = tiny.t5_tokenizer()
    model = tiny.lively(tiny.t5(len(tokenizer), tied)).eval()
    if not tied:
        model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight))
        model.config.tie_word_embeddings = False
    student = EncoderDecoder(tokenizer, 64, "bare", model)
    export(student, tmp_path / "export", CARD)
    loaded = AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "export")
    plain = AutoTokenizer.from_pretrained(tmp_path / "export")
    expected = student.generate(ASKED, 16)
    assert len(set(expected)) > 1
    batch = plain(ASKED, return_tensors="pt", padding=True)
    texts = plain.decode(loaded.generate(**batch, max_new_tokens=16), skip_special_tokens=True)
    assert [text.strip() for text in texts] == expected
    assert loaded.generation_config.max_new_tokens == 64


def test_weights_survive_as_safetensors(tmp_path: Path) -> None:
    student = causal_student()
    export(student, tmp_path / "export", CARD)
    assert (tmp_path / "export/model.safetensors").is_file()
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "export")
    assert student.model is not None
    for name, value in student.model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)


def test_students_tokenizer_is_left_alone(tmp_path: Path) -> None:
    student = causal_student()
    export(student, tmp_path / "export", CARD)
    assert student.tokenizer.chat_template is None
    assert student.tokenizer.padding_side == "right"


def test_model_card_states_origin_licence_and_results(tmp_path: Path) -> None:
    student = causal_student()
    facts = {
        "name": "gpt2-medium",
        "init": "pretrained",
        "base_model": "openai-community/gpt2-medium",
        "licence": "mit",
        "data": "MBZUAI/LaMini-instruction",
        "results": {"hellaswag acc_norm": 0.25},
        "details": {"Steps": 10},
    }
    export(student, tmp_path / "export", facts)
    card = ModelCard.load(tmp_path / "export/README.md")
    assert card.data.base_model == "openai-community/gpt2-medium"
    assert card.data.license == "mit"
    assert card.data.eval_results[0].metric_value == 0.25
    assert "trained-from-scratch" not in card.data.tags
    for fact in ("| hellaswag acc_norm | 0.25 |", "| Steps | 10 |", "| Prompt wrapper | alpaca |"):
        assert fact in card.text
    export(student, tmp_path / "export", CARD)
    card = ModelCard.load(tmp_path / "export/README.md")
    assert "trained-from-scratch" in card.data.tags
    assert card.data.base_model is None
    assert "Trained from scratch" in card.text and "not stated" in card.text


def test_replacing_leaves_one_folder_and_no_stale_file(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "export"
    export(causal_student(), folder, CARD)
    (folder / "stale").touch()
    export(causal_student("llama"), folder, CARD)
    assert [path.name for path in folder.parent.iterdir()] == ["export"]
    assert not (folder / "stale").exists()
    assert AutoModelForCausalLM.from_pretrained(folder).config.model_type == "llama"


def test_failure_leaves_the_old_folder_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export(causal_student(), tmp_path / "export", CARD)
    before = sorted(path.name for path in (tmp_path / "export").iterdir())

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ModelCard, "save", full)
    with pytest.raises(UserError, match="No space left"):
        export(causal_student("llama"), tmp_path / "export", CARD)
    assert [path.name for path in tmp_path.iterdir()] == ["export"]
    assert sorted(path.name for path in (tmp_path / "export").iterdir()) == before


def test_what_cannot_be_exported_says_so(tmp_path: Path) -> None:
    tokenizer = tiny.word_tokenizer(pad=True)
    students: list[tuple[Student, str]] = [
        (DecoderOnly(tokenizer, 16, "bare"), "give it a model"),
        (EncoderDecoder(tokenizer, 16, "bare", tiny.t5(9)), "does not end a text"),
    ]
    for student, message in students:
        with pytest.raises(UserError, match=message):
            export(student, tmp_path / "export", CARD)
    assert not list(tmp_path.iterdir())
