"""Local teachers: real tiny models of both architectures, in batches, greedy and drawn."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from lamini.errors import UserError
from lamini.students.decoder_only import DecoderOnly
from lamini.students.encoder_decoder import EncoderDecoder
from lamini.students.export import export
from lamini.students.protocol import Student
from lamini.teacher.drawing import Drawing
from lamini.teacher.layout import without_system
from lamini.teacher.local import LocalModel
from lamini.teacher.options import Transformers
from lamini.teacher.prices import Prices
from lamini.teacher.protocol import Answer, Message, Request, Sampling, Unanswerable
from tests.students import tiny

ASKED = [instruction for instruction, _ in tiny.PAIRS]
FREE = Sampling()
SYSTEM = Message("system", "Be brief.")
CHAT = (
    "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Tiny models gain nothing by threads, and lose much where the cores are taken."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def option(folder: Path | str, batch_size: int = 4, max_tokens: int = 12) -> Transformers:
    return Transformers(str(folder), "cpu", "float32", batch_size, max_tokens, Prices(0.0, 0.0))


def teacher(folder: Path, batch_size: int = 4, max_tokens: int = 12) -> LocalModel:
    chosen = option(folder, batch_size, max_tokens)
    chosen.check()
    built = chosen.build(folder / "log.sqlite", 60.0, 8)
    assert isinstance(built, LocalModel)
    return built


def answers(built: LocalModel, requests: list[Request], at_once: bool = True) -> list[Answer]:
    async def ask() -> list[Answer]:
        if at_once:
            return list(await asyncio.gather(*map(built.answer, requests)))
        return [await built.answer(request) for request in requests]

    return asyncio.run(ask())


def user(text: str, sampling: Sampling = FREE, sample: int = 0) -> Request:
    return Request((SYSTEM, Message("user", text)), sampling, sample)


def saved(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Path:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tokenizer = tiny.gpt2_tokenizer()
    model = tiny.lively(tiny.causal("gpt2", len(tokenizer), context=64))
    return saved(tmp_path_factory.mktemp("gpt2"), model, tokenizer)


@pytest.fixture(scope="module")
def t5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tokenizer = tiny.t5_tokenizer()
    return saved(tmp_path_factory.mktemp("t5"), tiny.lively(tiny.t5(len(tokenizer))), tokenizer)


@pytest.mark.parametrize("architecture", ["gpt2", "t5"])
def test_answers_do_not_depend_on_the_batch(architecture: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(architecture)
    requests = [user(text) for text in ASKED]
    alone = answers(teacher(folder, batch_size=1), requests, at_once=False)
    together = answers(teacher(folder, batch_size=5), requests)
    assert together == alone
    assert len({answer.text for answer in alone}) > 1
    assert all(answer.prompt_tokens and answer.model == str(folder) for answer in alone)


@pytest.mark.parametrize("architecture", ["decoder-only", "encoder-decoder"])
def test_a_herd_member_s_export_answers_as_the_student_does(architecture: str, tmp_path: Path) -> None:
    student: Student
    if architecture == "decoder-only":
        tokenizer = tiny.gpt2_tokenizer()
        student = DecoderOnly(tokenizer, 256, "alpaca", tiny.lively(tiny.causal("gpt2", len(tokenizer))))
    else:
        tokenizer = tiny.t5_tokenizer()
        student = EncoderDecoder(tokenizer, 64, "bare", tiny.lively(tiny.t5(len(tokenizer))))
    export(student, tmp_path / "export", {"name": "nano", "init": "scratch", "data": "oracle"})
    built = teacher(tmp_path / "export", max_tokens=16)
    assert built._layout.herd
    got = answers(built, [user(text) for text in ASKED])
    expected = student.generate(ASKED, 16)
    assert [answer.text for answer in got] == expected and len(set(expected)) > 1
    prompts = student.encode_prompts(ASKED)
    assert [answer.prompt_tokens for answer in got] == [len(prompt) for prompt in prompts]


def test_prompts_without_a_template_are_joined(gpt2: Path, t5: Path) -> None:
    messages = (SYSTEM, Message("user", "Name a colour."))
    for folder in (gpt2, t5):
        layout = teacher(folder)._layout
        assert layout.text(messages) == "Be brief.\n\nName a colour."
    assert layout.encode(messages)[-1] == 1  # T5's end token


def test_a_chat_template_writes_the_prompt(tmp_path: Path) -> None:
    tokenizer = tiny.gpt2_tokenizer(bos=True)
    tokenizer.chat_template = CHAT
    folder = saved(tmp_path, tiny.causal("gpt2", len(tokenizer)), tokenizer)
    layout = teacher(folder)._layout
    text = "<system>Be brief.<user>Name a colour.<assistant>"
    messages = (SYSTEM, Message("user", "Name a colour."))
    assert layout.text(messages) == text
    assert layout.encode(messages) == tokenizer(text, add_special_tokens=False)["input_ids"]
    refusing = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no') }}{% endif %}" + CHAT
    layout.tokenizer.chat_template = refusing
    layout.knows_system = layout._renders_system()
    assert layout.text(messages) == "<user>Be brief.\n\nName a colour.<assistant>"


def test_without_system() -> None:
    turns = without_system([SYSTEM, Message("user", "Name a colour.")])
    assert turns == [Message("user", "Be brief.\n\nName a colour.")]


def test_cut_answers_say_so_and_ends_are_not_counted(gpt2: Path) -> None:
    (cut,) = answers(teacher(gpt2), [user("say hi", Sampling(max_tokens=3))])
    assert (cut.finish, cut.response_tokens) == ("length", 3)
    built = teacher(gpt2)
    built._layout.ends = list(range(420))  # any token ends an answer
    (empty,) = answers(built, [user("say hi")])
    assert (empty.finish, empty.response_tokens, empty.text) == ("stop", 0, "")


def test_a_prompt_without_room_is_unanswerable_and_a_long_one_gets_less(gpt2: Path) -> None:
    built = teacher(gpt2)
    with pytest.raises(Unanswerable, match="too_long: .* context of .* is 64"):
        answers(built, [user("add 1 2 " * 60)])
    lengths = {n: len(built._layout.encode(user("z" * n).messages)) for n in range(60)}
    n = next(n for n, length in lengths.items() if length == 60)
    short, long = answers(built, [user("say hi"), user("z" * n)])
    assert (short.response_tokens, long.response_tokens, long.finish) == (12, 4, "length")


@pytest.mark.parametrize("architecture", ["gpt2", "t5"])
def test_drawn_answers_belong_to_their_request(architecture: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(architecture)
    drawn = Sampling(temperature=1.0, top_p=0.95)
    requests = [user(text, drawn, sample) for text in ASKED[:3] for sample in range(3)]
    together = answers(teacher(folder, batch_size=9), requests)
    alone = answers(teacher(folder, batch_size=1), requests[::-1], at_once=False)[::-1]
    assert together == alone
    assert len({answer.text for answer in together}) > 6
    mixed = answers(teacher(folder, batch_size=9), [*requests, user(ASKED[0]), user(ASKED[1], Sampling(0.0))])
    assert mixed[:9] == together


def test_the_largest_noisy_score_is_a_draw_of_softmax() -> None:
    logits = torch.tensor([2.0, 1.0, 0.0, -30.0])
    chosen = Drawing(list(range(20_000)), 2.0, 1.0)(torch.zeros(20_000, 1), logits.repeat(20_000, 1))
    counts = torch.bincount(chosen.argmax(dim=1), minlength=4) / 20_000
    assert torch.allclose(counts, torch.softmax(logits / 2.0, 0), atol=0.015)
    nucleus = Drawing(list(range(2000)), 2.0, 0.7)(torch.zeros(2000, 1), logits.repeat(2000, 1))
    assert set(nucleus.argmax(dim=1).tolist()) == {0, 1}


def test_several_greedy_samples_are_refused(gpt2: Path) -> None:
    with pytest.raises(UserError, match="sampling.temperature above 0"):
        answers(teacher(gpt2), [user("say hi", sample=1)])


def test_who_gives_up_waiting_does_not_hold_up_the_others(gpt2: Path) -> None:
    async def ask() -> list[Answer | BaseException]:
        built = teacher(gpt2, batch_size=2)
        tasks = [asyncio.create_task(built.answer(user(text))) for text in ASKED[:4]]
        await asyncio.sleep(0)
        tasks[1].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    got = asyncio.run(ask())
    assert isinstance(got[1], asyncio.CancelledError)
    assert [type(answer) for answer in got[:1] + got[2:]] == [Answer] * 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "./nowhere"}, "teacher.model=./nowhere must be a folder"),
        ({"model": " "}, "teacher.model is empty"),
        ({"device": "tpu"}, "teacher.device=tpu is unknown"),
        ({"precision": "fp4"}, "teacher.precision=fp4 is unknown"),
        ({"batch_size": 0}, "teacher.batch_size=0"),
        ({"max_tokens": -1}, "teacher.max_tokens=-1"),
        ({"prices": Prices(-1.0, None)}, "teacher.prices.prompt=-1.0"),
    ],
)
def test_bad_settings_are_refused_before_anything_loads(
    gpt2: Path, change: dict[str, object], words: str
) -> None:
    chosen = option(gpt2)
    for name, value in change.items():
        setattr(chosen, name, value)
    with pytest.raises(UserError, match=words):
        chosen.check()


def test_a_hub_id_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match="teacher.model=nobody/nothing is no folder here"):
        option("nobody/nothing").check()


def test_damaged_and_incomplete_weights(tmp_path: Path, gpt2: Path) -> None:
    for file in gpt2.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(UserError, match="does not load"):
        teacher(tmp_path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there(gpt2: Path) -> None:
    chosen = option(gpt2)
    chosen.device = "cuda"
    with pytest.raises(UserError, match="teacher.device=cuda"):
        chosen.build(gpt2 / "log", 1.0, 1)
