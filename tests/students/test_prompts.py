"""Wrappers, and the chat template as a second spelling of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, GPT2TokenizerFast, PreTrainedTokenizerFast

from lamini.errors import UserError
from lamini.students.decoder_only import DecoderOnly
from lamini.students.encoder_decoder import EncoderDecoder
from lamini.students.prompts import chat_template, wrapper_named
from tests.students import tiny

TOKENIZERS = {
    "bytes": tiny.gpt2_tokenizer(),
    "bytes-bos": tiny.gpt2_tokenizer(bos=True),
    "first": tiny.llama_tokenizer("first"),
    "always": tiny.llama_tokenizer("always"),
    "normaliser": tiny.llama_tokenizer("normaliser"),
}
STUDENTS = {
    (name, wrapper): DecoderOnly(tokenizer, 4096, wrapper)
    for name, tokenizer in TOKENIZERS.items()
    for wrapper in ("alpaca", "bare")
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


def chat_ids(student: DecoderOnly, *turns: str) -> list[int]:
    roles = ["user", "assistant"]
    messages = [{"role": roles[i % 2], "content": turn} for i, turn in enumerate(turns)]
    template = chat_template(student.tokenizer, student.wrap, student.start, student.end)
    ids = student.tokenizer.apply_chat_template(
        messages, chat_template=template, add_generation_prompt=len(turns) == 1, return_dict=False
    )
    return list(ids)


def test_alpaca_is_alpacas_own_prompt() -> None:
    assert wrapper_named("alpaca")("Say hi.") == (
        "Below is an instruction that describes a task. Write a response that appropriately "
        "completes the request.\n\n### Instruction:\nSay hi.\n\n### Response:"
    )
    assert wrapper_named("bare")("Say hi.") == "Say hi."


def test_unknown_wrapper_lists_the_known() -> None:
    with pytest.raises(UserError, match="chatml is unknown; it can be bare or alpaca"):
        wrapper_named("chatml")


@pytest.mark.parametrize("key", STUDENTS)
@pytest.mark.parametrize("text", ["Say hi.", "two\n\nparagraphs\n", '"quoted" \\ {{ x }} {% y %}'])
def test_chat_prompt_has_the_ids_of_training(key: tuple[str, str], text: str) -> None:
    student = STUDENTS[key]
    assert chat_ids(student, text) == student.encode_prompts([text])[0]


@settings(max_examples=60, deadline=None)
@given(text=TEXT)
def test_any_instruction_has_the_ids_of_training(text: str) -> None:
    for name in TOKENIZERS:
        student = STUDENTS[name, "alpaca"]
        assert chat_ids(student, text) == student.encode_prompts([text])[0]


@settings(max_examples=60, deadline=None)
@given(text=TEXT, first=st.characters(categories=["L", "N", "Zs"]), rest=TEXT)
def test_assistants_turn_has_the_ids_of_training(text: str, first: str, rest: str) -> None:
    """Byte-level, whatever does not begin with punctuation; `chat_template` has the exceptions."""
    for name in ("bytes", "bytes-bos"):
        student = STUDENTS[name, "alpaca"]
        (row,) = student.encode([text], [first + rest])
        assert row is not None
        assert chat_ids(student, text, first + rest) == row.prompt + row.response


@pytest.mark.parametrize("key", STUDENTS)
def test_assistants_turn_has_the_text_of_training(key: tuple[str, str]) -> None:
    student = STUDENTS[key]
    template = chat_template(student.tokenizer, student.wrap, student.start, student.end)
    text = student.tokenizer.apply_chat_template(
        [{"role": "user", "content": "Smile. "}, {"role": "assistant", "content": ")"}],
        chat_template=template,
        tokenize=False,
    )
    start = "".join(student.tokenizer.convert_ids_to_tokens(student.start))
    gap = " " if key[0] == "first" else ""
    assert text == f"{start}{gap}{student.wrap('Smile. ')}){student.tokenizer.eos_token}"


def test_the_documented_exception_is_real() -> None:
    """A response of punctuation stands in one piece with the colon, so that BPE may join them."""
    tokenizer = tiny.gpt2_tokenizer()
    assert tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str("Response:)") == [
        ("Response", (0, 8)),
        (":)", (8, 10)),
    ]


@pytest.mark.parametrize("name", ["bytes-bos", "first", "always", "normaliser"])
def test_start_token_stands_once(name: str) -> None:
    student = STUDENTS[name, "alpaca"]
    assert len(student.start) == 1
    assert chat_ids(student, "Say hi.").count(student.start[0]) == 1


def real(name: str) -> Path:
    folder = Path(os.environ.get("LAMINI_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not (folder / "tokenizers" / name).is_dir():
        pytest.skip(f"no real tokenizers at {folder} (set LAMINI_DATA)")
    return folder / "tokenizers" / name


def test_real_gpt2_tokenizer() -> None:
    folder = real("gpt2")
    tokenizer = GPT2TokenizerFast.from_pretrained(folder)
    student = DecoderOnly(tokenizer, 512, "alpaca")
    (row,) = student.encode(["Hello world"], ["Hello world"])
    assert row is not None
    assert row.response == [15496, 995, 50256]  # of OpenAI's own encoder
    assert row.prompt[-8:] == [198, 15496, 995, 198, 198, 21017, 18261, 25]
    assert student.tail == [198, 198, 21017, 18261, 25]
    assert chat_ids(student, "Hello world", "Hello world") == row.prompt + row.response


def test_real_t5_tokenizer_gives_what_plain_use_gives() -> None:
    tokenizer = AutoTokenizer.from_pretrained(real("t5"))
    student = EncoderDecoder(tokenizer, 512, "bare")
    (row,) = student.encode(["Hello world"], ["Hello world"])
    assert row is not None
    assert row.prompt == row.response == [8774, 296, 1] == tokenizer("Hello world")["input_ids"]


def test_other_roles_are_refused() -> None:
    student = STUDENTS["bytes", "alpaca"]
    template = chat_template(student.tokenizer, student.wrap, student.start, student.end)
    with pytest.raises(Exception, match="user and assistant only"):
        student.tokenizer.apply_chat_template([{"role": "system", "content": "x"}], chat_template=template)


def test_tokenizer_that_cannot_carry_the_wrapper_is_refused() -> None:
    class Deaf(PreTrainedTokenizerFast):
        def apply_chat_template(self, *args: object, **kwargs: object) -> list[int]:
            return [7]

    tokenizer = Deaf(tokenizer_object=tiny.gpt2_tokenizer().backend_tokenizer, eos_token="!")
    with pytest.raises(UserError, match="other tokens for wrapper bare"):
        chat_template(tokenizer, wrapper_named("bare"), [], 1)
