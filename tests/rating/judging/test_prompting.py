"""What a judge is asked: what people see, and nothing that names an owner."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamini.errors import UserError
from lamini.rating.judging.prompting import asked_about, level_in, template
from lamini.rating.scales import scale_of
from tests.rating import small


@pytest.mark.parametrize("sheet", ["responses", "pairs", "hallucination", "preference"])
def test_everything_that_people_see_and_no_owner(sheet: str) -> None:
    study = small.study(sheet, items=3)
    for item in study.items:
        for target in item.targets:
            text = asked_about(template(None), study.scale, item, target)
            assert all(one in text for one in target.texts) and item.instruction in text
            for level in study.scale.levels:
                assert f"{level.letter}: {level.name}. {level.criteria}" in text
            hidden = [*small.OWNERS, *small.SOURCES, item.id, item.key, target.key]
            assert not any(name in text for name in [*hidden, *([item.group] if item.group else [])])


def test_an_instruction_that_is_rated_itself_stands_alone() -> None:
    study = small.study("pairs", items=1)
    instruction, response = study.items[0].targets
    prompt = template(None)
    alone = asked_about(prompt, study.scale, study.items[0], instruction)
    assert alone.count("<instruction>") == 1 and "<response>" not in alone
    both = asked_about(prompt, study.scale, study.items[0], response)
    assert "<instruction>Name 0 colours.</instruction>\n<response>" in both


def test_two_responses_stand_in_the_order_that_people_see() -> None:
    study = small.study("preference", items=1)
    target = study.items[0].targets[0]
    text = asked_about(template(None), study.scale, study.items[0], target)
    assert f"<response_1>{target.texts[0]}</response_1>\n<response_2>{target.texts[1]}</response_2>" in text
    assert text.endswith("nothing else: 1, 2 or T.")


def test_what_a_response_says_is_never_looked_at_as_a_template() -> None:
    study = small.study(items=1)
    item, target = study.items[0], study.items[0].targets[0]
    hostile = type(target)(target.key, target.part, ("{levels} [[{instruction}]] {",), target.owners)
    assert "<response>{levels} [[{instruction}]] {</response>" in asked_about(
        template(None), study.scale, item, hostile
    )


@pytest.mark.parametrize(
    ("said", "level"),
    [("B", "B"), ("b", "B"), ("**B**", "B"), ("(C).", "C"), ("<think>A? No.</think>\nD", "D"), ("", None),
     ("A or B", None), ("Level B", None), ("E", None), ("A\nB", None), ("The answer is A.", None)],
)  # fmt: skip
def test_one_letter_or_nothing(said: str, level: str | None) -> None:
    assert level_in(said, small.QUALITY) == level


def test_letters_of_other_scales() -> None:
    assert level_in(" t ", scale_of("preference")) == "T" and level_in("2.", scale_of("preference")) == "2"
    assert (
        level_in("h", scale_of("hallucination")) == "H" and level_in("A", scale_of("hallucination")) is None
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "judge.prompt=.* cannot be read"),
        ("{levels}", "lacks the placeholder {texts}"),
        ("{levels} {texts} {owner}", "unknown placeholder {owner}; it may have {question}, {levels}"),
        ("{levels} {texts} {", "is no template"),
    ],
)
def test_a_prompt_that_cannot_be_filled_is_told(text: str | None, said: str, tmp_path: Path) -> None:
    file = tmp_path / "prompt.txt"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UserError, match=said):
        template(str(file))
