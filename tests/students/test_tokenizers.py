"""lamini.students.tokenizers: nothing is lost, digits stand alone, and AutoTokenizer reads the result."""

from __future__ import annotations

import os
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from transformers import AutoConfig, AutoTokenizer

from lamini.errors import UserError
from lamini.students import tokenizers
from lamini.students.tokenizers import (
    SPECIALS,
    load_tokenizer,
    sample_of,
    special_ids,
    train_tokenizer,
    trained_tokenizer,
)

DATA = Path(os.environ.get("LAMINI_DATA", Path(__file__).parents[3] / "shared" / "data"))
MODEL_TYPES = {"unigram": "t5", "byte-bpe": "gpt2", "bpe": "llama"}
AWKWARD = [
    "Hello world",
    "  two  spaces \n\n\ttab ",
    "3+45=48, {x} <0x0A> <pad",
    "a\r\nb\n\n1",
    "é ü 漢字 \U0001f600",
    "",
]


def texts(number: int = 300) -> list[str]:
    rng = random.Random(0)
    words = ["sort", "the", "words", "add", "what", "is", "capital", "of", "who", "list", "river"]
    return [f"{' '.join(rng.choices(words, k=8))} {rng.randrange(1000)}?\nüber" for _ in range(number)]


@pytest.fixture(scope="module", params=list(SPECIALS))
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / str(request.param)
    train_tokenizer(str(request.param), texts(), 600, folder)
    return folder


def test_no_text_is_lost(trained: Path) -> None:
    tokenizer = load_tokenizer(str(trained))
    for text in [*AWKWARD, *texts(20)]:
        ids = tokenizer(text).input_ids
        assert tokenizer.unk_token_id is None or tokenizer.unk_token_id not in ids
        assert tokenizer.decode(ids, skip_special_tokens=True) == text


def test_digits_stand_one_by_one(trained: Path) -> None:
    tokenizer = load_tokenizer(str(trained))
    pieces = tokenizer.convert_ids_to_tokens(tokenizer("what is 123 45", add_special_tokens=False).input_ids)
    assert [piece for piece in pieces if any(c.isdigit() for c in piece)] == list("12345")


@pytest.mark.parametrize("algorithm", sorted(SPECIALS))
def test_punctuation_stands_apart_from_words(algorithm: str, tmp_path: Path) -> None:
    lines = [f"Rosa, Nina. Who is {word}?" for word in ("tall", "small", "old") for _ in range(50)]
    tokenizer = train_tokenizer(algorithm, lines, 512, tmp_path)
    pieces = tokenizer.convert_ids_to_tokens(tokenizer(lines[0], add_special_tokens=False).input_ids)
    assert [piece for piece in pieces if set(piece) & set(",.?")] == [",", ".", "?"]


def test_special_tokens_are_the_family_s(trained: Path) -> None:
    tokenizer = load_tokenizer(str(trained))
    ids = tokenizer("what").input_ids
    assert {name: getattr(tokenizer, f"{name}_id") for name in SPECIALS[trained.name]} == special_ids(
        trained.name
    )
    if trained.name == "unigram":
        assert (tokenizer.pad_token_id, ids[-1], ids.count(1)) == (0, 1, 1)
    elif trained.name == "bpe":
        assert (tokenizer.pad_token_id, ids[0], ids.count(1)) == (None, 1, 1)
    else:
        assert (tokenizer.pad_token_id, ids.count(0)) == (None, 0)


def test_loads_beside_a_model_of_its_family(trained: Path, tmp_path: Path) -> None:
    """An export holds config.json too, from which AutoTokenizer may pick a class of its own."""
    tokenizer = load_tokenizer(str(trained))
    tokenizer.save_pretrained(tmp_path)
    AutoConfig.for_model(MODEL_TYPES[trained.name]).save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert [again(text).input_ids for text in AWKWARD] == [tokenizer(text).input_ids for text in AWKWARD]


def test_frequent_words_become_pieces(trained: Path) -> None:
    tokenizer = load_tokenizer(str(trained))
    assert len(tokenizer) <= 600
    assert len(tokenizer(" capital river", add_special_tokens=False).input_ids) <= 4


def test_same_texts_same_pieces(trained: Path, tmp_path: Path) -> None:
    train_tokenizer(trained.name, texts(), 600, tmp_path)
    assert (tmp_path / "tokenizer.json").read_bytes() == (trained / "tokenizer.json").read_bytes()


def test_rare_characters_become_bytes(tmp_path: Path) -> None:
    rare = "".join(map(chr, range(0x4E00, 0x4E00 + 1000)))  # more characters than pieces
    tokenizer = train_tokenizer("unigram", [*texts(), rare], 600, tmp_path)
    assert tokenizer.decode(tokenizer(rare).input_ids, skip_special_tokens=True) == rare


def test_learned_once_even_when_two_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    train = tokenizers.train_tokenizer
    monkeypatch.setattr(tokenizers, "train_tokenizer", lambda *a: (calls.append(1), train(*a))[1])
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(trained_tokenizer, "byte-bpe", texts(), 600, tmp_path) for _ in range(2)]
    folders = {job.result() for job in jobs}
    assert len(folders) == len(calls) == 1
    others = [("byte-bpe", texts(), 601), ("bpe", texts(), 600), ("byte-bpe", texts(301), 600)]
    for algorithm, corpus, vocabulary in others:
        folders.add(trained_tokenizer(algorithm, corpus, vocabulary, tmp_path))
    assert len(folders) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("unigram", ["a"], 300), "vocabulary=300 is too small: at least 512"),
        (("wordpiece", ["a"], 600), "tokenizer_algorithm=wordpiece is unknown"),
        (("bpe", [" ", ""], 600), "found no text"),
    ],
)
def test_bad_input_is_told(arguments: tuple[str, list[str], int], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        train_tokenizer(*arguments, tmp_path / "x")


def test_sample_takes_from_everywhere_and_keeps_the_order() -> None:
    corpus = [f"{number:04d}" for number in range(1000)]
    sample = sample_of(corpus, 400)
    assert len(sample) == 100
    assert sample == sorted(sample)
    assert 35 <= sum(text < "0500" for text in sample) <= 65
    assert sample_of(corpus, 4000) == corpus


def test_nothing_loadable_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"no tokenizer could be loaded from {tmp_path}"):
        load_tokenizer(str(tmp_path))


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no shared data in {DATA}")
def test_published_tokenizers_load() -> None:
    t5 = load_tokenizer(str(DATA / "tokenizers" / "t5"))
    assert (len(t5), t5("Hello world").input_ids) == (32100, [8774, 296, 1])
    gpt2 = load_tokenizer(str(DATA / "tokenizers" / "gpt2"))  # vocab.json and merges.txt only
    assert (len(gpt2), gpt2("Hello world").input_ids) == (50257, [15496, 995])
    assert (gpt2.eos_token_id, gpt2.pad_token_id) == (50256, None)
