"""Languages of short texts; what is not sure, or no language, stays."""

from __future__ import annotations

import gzip
import json
import sys

import pytest

from lamini.curation.languages import Languages
from lamini.errors import UserError
from tests.data.toys import shared_data

pytest.importorskip("py3langid", reason="needs the extra `curation`")

OTHERS = {
    "de": (
        "Schreibe eine kurze Geschichte über einen Hund.",
        "Es war einmal ein Hund, der gern im Garten lag.",
    ),
    "fr": ("Quelle est la capitale de l'Espagne ?", "La capitale de l'Espagne est Madrid."),
    "es": (
        "Explica qué es la fotosíntesis.",
        "Es el proceso con el que las plantas convierten luz en energía.",
    ),
    "it": ("Qual è la capitale della Germania?", "La capitale della Germania è Berlino."),
    "ru": ("Напиши короткий рассказ о собаке.", "Жила-была собака."),
    "zh": ("写一个关于狗的短故事。", "从前有一只狗。"),
    "ja": ("犬についての短い物語を書いてください。", "昔々、犬がいました。"),
    "ko": ("강아지에 대한 짧은 이야기를 써 주세요.", "옛날 옛적에 강아지가 살았어요."),
}


@pytest.fixture(scope="module")
def english() -> Languages:
    return Languages(["en"])


@pytest.mark.parametrize("code", OTHERS)
def test_another_language_is_found_and_stays_when_wanted(code: str, english: Languages) -> None:
    found = english.other(*OTHERS[code])
    assert found is not None and found.startswith(f"{code} (")
    assert Languages(["en", code]).other(*OTHERS[code]) is None


@pytest.mark.parametrize(
    ("instruction", "response"),
    [("12 + 30 =", "42"), ("x = [i**2 for i in range(10)]", "[0, 1, 4]"), ("ok", "ok"), ("", "")],
)
def test_what_is_no_language_or_not_sure_stays(instruction: str, response: str, english: Languages) -> None:
    assert english.other(instruction, response) is None


def test_languages_that_look_alike_share_the_probability_and_stay(english: Languages) -> None:
    assert english.other("Skriv en kort fortelling om en hund.", "Det var en gang en hund.") is None


def test_english_seeds_are_english(english: Languages) -> None:
    with (shared_data() / "train" / "seed_tasks.jsonl").open() as lines:
        rows = [json.loads(line) for line in lines]
    found = [english.other(row["instruction"], row["instances"][0]["output"]) for row in rows]
    assert len(found) == 175 and sum(name is not None for name in found) <= 1


def test_less_than_one_in_a_thousand_alpaca_pairs_counts_as_foreign(english: Languages) -> None:
    with gzip.open(shared_data() / "train" / "alpaca.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line, _ in zip(lines, range(4000), strict=False)]
    found = [english.other(row["instruction"], row["output"]) for row in rows]
    assert sum(name is not None for name in found) <= 4


def test_unknown_codes_are_refused() -> None:
    with pytest.raises(UserError, match=r"curation\.languages names english; known are .*\ben\b"):
        Languages(["english"])


def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "py3langid", None)
    with pytest.raises(UserError, match=r"pip install 'lamini-herd\[curation\]'"):
        Languages(["en"])
