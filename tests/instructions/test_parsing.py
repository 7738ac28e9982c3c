"""What teachers really write: every text has the items a person would take from it, and counts for the rest."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini.instructions.lists import BULLET, NUMBER, PREFIX
from lamini.instructions.parsing import ESCAPED, TAG, WRAPPER, parse

SHOWN = ["Write a poem about rain.", "Which is larger: 3 or 5?", "Translate: good night"]

MESSY = {
    "as asked": ("<example>Sing</example>\n<example>Dance</example>", ["Sing", "Dance"], {}),
    "on one line": ("<example>Sing</example> <example>Dance</example>", ["Sing", "Dance"], {}),
    "chatter around": (
        "Sure! Here are 2 tasks:\n\n<example>Sing</example>\n<example>Dance</example>\n\nLet me know!",
        ["Sing", "Dance"],
        {"outside": 2},
    ),
    "numbers before the tags": (
        "1. <example>Sing</example>\n2. <example>Dance</example>\n10) <example>Hum</example>",
        ["Sing", "Dance", "Hum"],
        {},
    ),
    "labels before the tags": (
        "Example 1: <example>Sing</example>\n**Example 2:** <example>Dance</example>\n- <example>Hum</example>",
        ["Sing", "Dance", "Hum"],
        {},
    ),
    "numbers inside the tags": ("<example>1. Sing</example>\n<example>2. Dance</example>", ["Sing", "Dance"], {}),
    "a number that belongs to the item": (
        "<example>3. What comes after 3.?</example>\n<example>Dance</example>",
        ["3. What comes after 3.?", "Dance"],
        {},
    ),
    "bullets inside the tags": ("<example>- Sing</example><example>- Dance</example>", ["Sing", "Dance"], {}),
    "no closing tags": ("<example>Sing\n<example>Dance\n<example>Hum", ["Sing", "Dance", "Hum"], {}),
    "no closing tags, farewell": (
        "<example>Sing\n<example>Dance\n\nI hope these help!",
        ["Sing", "Dance"],
        {"outside": 1},
    ),
    "the last closing tag is missing": ("<example>Sing</example>\n<example>Dance", ["Sing", "Dance"], {}),
    "opening tags that close": ("<example>Sing<example>\n<example>Dance<example>", ["Sing", "Dance"], {}),
    "closing tags that open": ("</example>Sing</example>\n</example>Dance</example>", ["Sing", "Dance"], {}),
    "the first opening tag is missing": (
        "Here you are:\n\nSing</example>\n<example>Dance</example>",
        ["Sing", "Dance"],
        {"outside": 1},
    ),
    "nested tags": (
        "<example><example>Sing</example></example>\n<example>Dance</example>",
        ["Sing", "Dance"],
        {},
    ),
    "wrapped in examples": (
        "<examples>\n<example>Sing</example>\n<example>Dance</example>\n</examples>",
        ["Sing", "Dance"],
        {},
    ),
    "other case and spaces": (
        "<Example> Sing </Example>\n<EXAMPLE>Dance</EXAMPLE>\n< example >Hum< / example >",
        ["Sing", "Dance", "Hum"],
        {},
    ),
    "numbered tags": (
        "<example 1>Sing</example 1>\n<example2>Dance</example2>\n<example #3>Hum</example>",
        ["Sing", "Dance", "Hum"],
        {},
    ),
    "attributes": ('<example id="1">Sing</example>\n<example lang="en">Dance</example>', ["Sing", "Dance"], {}),
    "self-closing": ("<example>Sing<example/>\n<example>Dance<example />", ["Sing", "Dance"], {}),
    "escaped tags": (
        "&lt;example&gt;Sing&lt;/example&gt;\n&lt;example&gt;What does &lt;b&gt; do?&lt;/example&gt;",
        ["Sing", "What does <b> do?"],
        {},
    ),
    "backslashes": (r"\<example\>Sing\</example\>" "\n" r"\<example\>Dance\</example\>", ["Sing", "Dance"], {}),
    "a fence around": ("```xml\n<example>Sing</example>\n<example>Dance</example>\n```", ["Sing", "Dance"], {}),
    "a fence around, the end missing": ("```\n<example>Sing</example>\n<example>Dance\n```", ["Sing", "Dance"], {}),
    "echoes": (
        "<example>write a poem about  rain</example>\n<example>Translate: good night</example>\n"
        "<example>Sing</example>",
        ["Sing"],
        {"echo": 2},
    ),
    "empty items": (
        "<example></example><example>...</example>\n<example> \n</example><example>Sing</example>",
        ["Sing"],
        {"empty": 3},
    ),
    "the tags named": (
        "Here are the tasks, each wrapped in <example> and </example> tags:\n<example>Sing</example>",
        ["Sing"],
        {"mention": 1, "outside": 2},
    ),
    "Instruction:": (
        "<example>Instruction: Sing</example>\n<example>**Task 2:** Dance</example>",
        ["Sing", "Dance"],
        {},
    ),
    "code with angle brackets": (
        "<example>Fix this: vector<int> v; if (a < b && c > d) return <T>x;</example>\n"
        "<example>What does <div class='a'> mean?</example>",
        ["Fix this: vector<int> v; if (a < b && c > d) return <T>x;", "What does <div class='a'> mean?"],
        {},
    ),
    "code in a fence": (
        "<example>Explain:\n```python\nfor x in y:\n    print(x)\n```</example>\n<example>Sing</example>",
        ["Explain:\n```python\nfor x in y:\n    print(x)\n```", "Sing"],
        {},
    ),
    "paragraphs in items": (
        "<example>Read this.\n\nA long text.\n\nWho wrote it?</example>\n<example>And this.\n\nMore.",
        ["Read this.\n\nA long text.\n\nWho wrote it?", "And this.\n\nMore."],
        {},
    ),
    "lists in items": (
        "<example>Sort:\n1. pear\n2. apple</example>\n<example>Which?\n- a\n- b</example>",
        ["Sort:\n1. pear\n2. apple", "Which?\n- a\n- b"],
        {},
    ),
    "Chinese": ("<example>写一首关于春天的诗。</example>\n<example>什么是光合作用？</example>",
                ["写一首关于春天的诗。", "什么是光合作用？"], {}),
    "Arabic": ("<example>اكتب قصيدة عن المطر</example>", ["اكتب قصيدة عن المطر"], {}),
    "German with an echo in other case": (
        "Gern!\n<example>Übersetze ins Englische: Straße</example>\n<example>TRANSLATE: GOOD NIGHT</example>",
        ["Übersetze ins Englische: Straße"],
        {"outside": 1, "echo": 1},
    ),
    "wide brackets": ("＜example＞唱歌＜／example＞\n＜example＞跳舞＜／example＞", ["唱歌", "跳舞"], {}),
    "tags in another language": (
        "Aquí tienes:\n<ejemplo>Canta</ejemplo>\n<ejemplo>Baila</ejemplo>",
        ["Canta", "Baila"],
        {"outside": 1},
    ),
    "other tags": ("1. <task>Sing</task>\n2. <task>Dance</task>", ["Sing", "Dance"], {}),
    "a numbered list": ("Here you go:\n\n1. Sing\n2. Dance\n3. Hum", ["Sing", "Dance", "Hum"], {"outside": 1}),
    "a numbered list, farewell": ("1) Sing\n2) Dance\n\nEnjoy!", ["Sing", "Dance"], {"outside": 1}),
    "a numbered list with lists inside": (
        "1. Sort:\n1. pear\n5. fig\n2. Dance\n3. Hum",
        ["Sort:\n1. pear\n5. fig", "Dance", "Hum"],
        {},
    ),
    "a list of examples": ("Example 1: Sing\nExample 2: Dance", ["Sing", "Dance"], {}),
    "a numbered list in bold": ("**1.** Sing\n**2.** Dance", ["Sing", "Dance"], {}),
    "bullets": ("- Sing\n- Dance at 3.5 times the speed", ["Sing", "Dance at 3.5 times the speed"], {}),
    "a Chinese list": ("1、唱歌\n2、跳舞", ["唱歌", "跳舞"], {}),
    "prose": ("I am sorry, but I cannot help with that.", [], {"outside": 1}),
    "nothing": (" \n", [], {}),
    "thinking": (
        "<think>They want <example>bad</example> tasks.</think>\n<example>Sing</example>",
        ["Sing"],
        {},
    ),
    "Windows lines": ("<example>Sing\r\nloud</example>\r\n<example>Dance</example>", ["Sing\nloud", "Dance"], {}),
    "broken characters": ("<example>Sing \ud800</example><example>Dance</example>", ["Dance"], {"broken": 1}),
}  # fmt: skip


@pytest.mark.parametrize("name", MESSY)
def test_messy(name: str) -> None:
    text, items, discarded = MESSY[name]
    parsed = parse(text, SHOWN)
    assert list(parsed.items) == items
    assert {reason: count for reason, count in parsed.discarded.items() if count} == discarded


CUT = {
    "half an item": ("<example>Sing</example>\n<example>Name a", ["Sing"], {"cut": 1}),
    "half a closing tag": ("<example>Sing</example>\n<example>Dance</exam", ["Sing"], {"cut": 1}),
    "half an opening tag": ("<example>Sing</example>\n<exa", ["Sing"], {}),
    "whole items": ("<example>Sing</example>\n<example>Dance</example>\n", ["Sing", "Dance"], {}),
    "no closing tags": ("<example>Sing\n<example>Dance\n<example>Hu", ["Sing", "Dance"], {"cut": 1}),
    "a numbered list": ("1. Sing\n2. Dance\n3. Hu", ["Sing", "Dance"], {"cut": 1}),
    "a thought": ("<think>First, <example>a</example>", [], {}),
    "just opened": ("<example>Sing</example>\n<example>", ["Sing"], {}),
    "just opened, no closing tags": ("<example>Sing\n<example>", ["Sing"], {}),
}


@pytest.mark.parametrize("name", CUT)
def test_the_last_item_of_a_cut_answer(name: str) -> None:
    text, items, discarded = CUT[name]
    parsed = parse(text, SHOWN, cut=True)
    assert list(parsed.items) == items
    assert {reason: count for reason, count in parsed.discarded.items() if count} == discarded


def test_half_a_closing_tag_of_an_answer_that_stopped_by_itself() -> None:
    assert parse("<example>Sing</example>\n<example>Dance</exam").items == ("Sing", "Dance")


def test_a_label_that_the_examples_have_too_belongs_to_the_kind() -> None:
    text = "<example>Task: Sing</example>"
    assert parse(text, ["Task: Run"]).items == ("Task: Sing",)
    assert parse(text, ["Run"]).items == ("Sing",)


def test_the_worked_example() -> None:
    text = (
        "Sure! Here are 3 tasks:\n1. <example>Sing</example>\n2. <EXAMPLE 2>Name a tree\n"
        "<example>Sort: 3 1 2</example>\n<example>Write about"
    )
    parsed = parse(text, ["Sort: 3 1 2"], cut=True)
    assert parsed.items == ("Sing", "Name a tree")
    assert parsed.discarded == {"outside": 1, "echo": 1, "cut": 1}


def _plain(text: str) -> bool:
    marked = (TAG, WRAPPER, ESCAPED)
    labelled = (NUMBER, BULLET, PREFIX)
    return (
        any(character.isalnum() for character in text)
        and not any(mark.search(text) for mark in marked)
        and not any(label.match(text) for label in labelled)
        and not (text.count("```") % 2 and text.endswith("```"))
        and not text.endswith("<")
    )


ITEM = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"], exclude_characters="\r"),
        st.sampled_from("<>/\n &;`1.-*example"),
    ),
    min_size=1,
).map(str.strip)


@given(
    st.lists(ITEM.filter(_plain), min_size=1, max_size=8),
    st.sampled_from(["", "\n", "\n\n", " "]),
    st.booleans(),
)
def test_a_well_formed_list_comes_back_exactly(items: list[str], between: str, cut: bool) -> None:
    text = between.join(f"<example>{item}</example>" for item in items)
    parsed = parse(text, cut=cut)
    assert list(parsed.items) == items
    assert not parsed.discarded.total()


@given(
    st.lists(
        st.sampled_from(["<example>", "</example>", "Sing", "\n", "1. ", "- ", " and ", "<", "```", "&lt;"])
    )
)
def test_any_mixture_of_tags_is_read(parts: list[str]) -> None:
    for cut in (False, True):
        items = parse("".join(parts), cut=cut).items
        assert all(item.strip() and not TAG.search(item) for item in items)


@pytest.mark.parametrize("piece", ["\n", " ", "*", "<", "<example>", "</example", "1. ", "- \n", "< ", "example ", "&lt;",
                                   "a\n\n", "`", "<think>", "\n# ", "_ "])  # fmt: skip
@pytest.mark.parametrize("before", ["", "<example>Sing</example>", "<"])
def test_a_teacher_that_repeats_itself_costs_no_time(piece: str, before: str) -> None:
    start = time.perf_counter()
    parse(before + piece * 20_000, SHOWN, cut=True)
    assert time.perf_counter() - start < 2
