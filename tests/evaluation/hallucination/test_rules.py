"""The rules tell a rejection from an invention in the words that small and big models use, and say why."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lamini.errors import UserError
from lamini.evaluation.hallucination import rules
from lamini.evaluation.hallucination.questions import Question, load
from lamini.evaluation.hallucination.verdicts import HALLUCINATED, REJECTED, VERDICTS
from tests.data.toys import shared_data

ASKED = {question.id: question for question in load(None, None)}
OURS = rules.load()

CASES = yaml.safe_load(Path(__file__).with_name("answers.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("id", "rule", "answer"), CASES["rejected"])
def test_rejections(id: str, rule: str, answer: str) -> None:
    ruling = OURS.judge(ASKED[id], answer)
    assert (ruling.verdict, ruling.rule) == (REJECTED, rule)
    assert ruling.words and ruling.words in rules.plain(answer)


@pytest.mark.parametrize(("id", "rule", "answer"), CASES["hallucinated"])
def test_inventions(id: str, rule: str, answer: str) -> None:
    ruling = OURS.judge(ASKED[id], answer)
    assert (ruling.verdict, ruling.rule) == (HALLUCINATED, rule)
    assert ruling.reason


@pytest.mark.parametrize(("id", "rule", "answer"), CASES["wrongly_rejected"])
def test_where_the_rules_are_wrong(id: str, rule: str, answer: str) -> None:
    """Known mistakes stand here so that nobody takes the rules for a judge of sense."""
    ruling = OURS.judge(ASKED[id], answer)
    assert (ruling.verdict, ruling.rule) == (REJECTED, rule)


@pytest.mark.parametrize("mark", "'’‘ʼ´`′＇")
def test_every_apostrophe_is_one(mark: str) -> None:
    """Spanish, French and Ukrainian keyboards, curly quotes, primes: can't is cannot."""
    ruling = OURS.judge(ASKED["far_future-1"], f"I{mark}m sorry, but I can{mark}t predict that.")
    assert (ruling.verdict, ruling.words) == (REJECTED, "i cannot predict")


def test_only_the_first_sentences_can_reject_but_openings_and_the_question_are_passed_over() -> None:
    asked = ASKED["obscure-5"]
    known = " I do not know."
    assert OURS.judge(asked, "He sneezed twice. He had a cold." + known).verdict == HALLUCINATED
    assert OURS.judge(asked, f"{asked.text} What a great question! I'm sorry." + known).verdict == REJECTED


def test_some_rules_hold_for_one_category_only() -> None:
    answer = "He did not eat on that day."
    assert OURS.judge(Question("a", "?", "nonsense"), answer).verdict == REJECTED
    assert OURS.judge(Question("a", "?", "obscure"), answer).verdict == HALLUCINATED


@given(st.text(), st.sampled_from(list(ASKED.values())))
def test_any_text_gets_a_verdict_with_a_reason_and_always_the_same(text: str, question: Question) -> None:
    ruling = OURS.judge(question, text)
    assert ruling.verdict in VERDICTS and ruling.reason
    assert ruling == OURS.judge(question, text)
    assert (ruling.rule == "empty") == (not text.strip())


@given(st.text(alphabet="abcdefghijklm ,", max_size=60))
def test_what_denies_nothing_is_no_rejection(text: str) -> None:
    """Letters a to m cannot spell no, not, never, unknown, nobody, nonsense or sorry."""
    assert OURS.judge(ASKED["obscure-1"], text).verdict == HALLUCINATED


def test_ordinary_answers_of_a_real_model_are_hardly_ever_rejections() -> None:
    """Of davinci-003's 252 answers, the four were read: three say no to a yes-or-no question, one quotes."""
    file = shared_data() / "human_eval" / "predictions_text-davinci-003.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    struck = [OURS.judge(Question(row["id"], row["instruction"], "obscure"), row["response"]) for row in rows]
    assert sorted(one.words for one in struck if one.verdict == REJECTED) == [
        "i am not sure",
        "no, ",
        "no, ",
        "no, ",
    ]


def test_real_refusals_in_alpaca_are_rejections() -> None:
    """davinci-003 declines in 39 of 50,002 rows; what curation calls a refusal, so does the probe."""
    from lamini.curation.refusals import refusal

    with gzip.open(shared_data() / "train" / "alpaca.jsonl.gz", "rt") as lines:
        texts = [text for line in lines if refusal(text := json.loads(line)["output"])]
    seen = [OURS.judge(Question("a", "?", "obscure"), text).verdict == REJECTED for text in texts]
    assert seen == [True] * 39


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: "sentences: [", "cannot be read"),
        (lambda text: "- a", "must have sentences, openings, rejects, takes_back; it has list"),
        (
            lambda text: text.replace("takes_back:", "takes_bak:"),
            "it has sentences, openings, rejects, takes_bak",
        ),
        (lambda text: text.replace("sentences: 2", "sentences: 0"), "sentences=0 must be a whole number"),
        (
            lambda text: text.replace("only: [obscure]", "only: obscure"),
            "gives_the_answer.only must be a list",
        ),
        (lambda text: text.replace("^no idea", "(no idea"), "does_not_know.patterns, number 3 is no regular"),
        (
            lambda text: text.replace("reason: nobody", "because: nobody"),
            "cannot_be_known needs reason and patterns",
        ),
    ],
)
def test_a_file_of_rules_that_is_none_is_told(change: object, said: str, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(change(rules.OURS.read_text(encoding="utf-8")), encoding="utf-8")  # type: ignore[operator]
    with pytest.raises(UserError) as error:
        rules.load(str(file))
    assert said in str(error.value) and "\n" not in str(error.value)


def test_no_file_of_rules() -> None:
    with pytest.raises(UserError, match=r"suite\.rules=/no/rules\.yaml cannot be read"):
        rules.load("/no/rules.yaml")
