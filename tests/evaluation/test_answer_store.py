"""The store gives back what was put in, under its own setting, whatever happened in between."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamini.errors import UserError
from lamini.evaluation.answer_store import Answer, AnswerStore

ANSWERS = st.builds(
    Answer,
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(0, 512),
    st.booleans(),
    st.booleans(),
)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.text(), ANSWERS, max_size=8), st.dictionaries(st.text(), ANSWERS, max_size=8))
def test_what_is_put_in_comes_out_under_its_setting_alone(
    tmp_path_factory: pytest.TempPathFactory, first: dict[str, Answer], second: dict[str, Answer]
) -> None:
    path = tmp_path_factory.mktemp("store") / "answers.sqlite"
    with AnswerStore(path) as store:
        store.put({"weights": "a"}, first)
        store.put({"weights": "b"}, second)
    with AnswerStore(path) as store:
        asked = [*first, *second, "never asked"]
        assert store.get({"weights": "a"}, asked) == first
        assert store.get({"weights": "b"}, asked) == second
        assert store.get({"weights": "c"}, asked) == {}


def test_more_answers_than_one_query_takes(tmp_path: Path) -> None:
    answers = {f"question {n}": Answer(f"answer {n}", n, False, True) for n in range(1_201)}
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        store.put({}, answers)
        assert store.get({}, list(answers)) == answers


def test_an_answer_that_is_given_anew_takes_the_place_of_the_old(tmp_path: Path) -> None:
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        store.put({}, {"q": Answer("old", 1, False, True)})
        store.put({}, {"q": Answer("new", 2, True, False)})
        assert store.get({}, ["q"]) == {"q": Answer("new", 2, True, False)}


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    path.write_text("this was something else, long before it was taken for a store of answers " * 20)
    with pytest.raises(UserError, match="answers.sqlite is no intact store of answers .*remove it"):
        AnswerStore(path)
