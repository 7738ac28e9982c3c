"""Templates: filled exactly, refused by name, read back by the embedded teacher."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini.errors import UserError
from lamini.instructions.templates import MORE, Asked, Template, asked, load, more, parsed

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def test_an_optional_part_stands_only_where_its_placeholder_has_a_value() -> None:
    template = Template('Write {count} tasks[[ about "{topics}"]].')
    assert template.fill(count="2", topics="") == "Write 2 tasks."
    assert template.fill(count="2", topics="Owls") == 'Write 2 tasks about "Owls".'
    assert template.placeholders == {"count", "topics"}


def test_brackets_and_doubled_braces_are_text() -> None:
    assert Template("a[[0]] = {{{count}}}").fill(count="1") == "a[[0]] = {1}"


@given(TEXT)
def test_what_is_filled_in_is_not_looked_at_again(text: str) -> None:
    assert Template("<{examples}>[[ {topics}]]").fill(examples=text, topics=text) == f"<{text}> {text}"


@given(
    st.lists(TEXT.filter(lambda text: "<" not in text), min_size=1, max_size=4),
    st.integers(1, 99),
    st.lists(st.text("abc éß-", min_size=1), max_size=3),
)
def test_our_request_can_be_read_back(examples: list[str], count: int, topics: list[str]) -> None:
    ours = load("more", "prompt", MORE, ("examples", "count"))
    assert asked(more(ours, examples, count, topics)) == Asked(tuple(examples), count, tuple(topics))


def test_other_texts_are_no_request() -> None:
    assert asked("Write 3 poems") is None
    assert asked("<example>a</example> write some more") is None


def test_our_system_messages_have_no_placeholders() -> None:
    for name in ("concise", "helpful"):
        assert load(name, "responses.system", ()).placeholders == frozenset()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{examples} {count} {who}", ["unknown placeholder {who}", "{topics}"]),
        ("{examples} {count", ["no template", "literal brace twice"]),
        ("{examples} {count:>5}", ["no template", "{count:>5}"]),
        ("{examples.pop} {count}", ["no template"]),
        ("{} {examples} {count}", ["no template"]),
        ("{examples} [[{nobody}]]", ["unknown placeholder {nobody}"]),
        ("{count} more", ["lacks the placeholder {examples}"]),
    ],
)
def test_a_template_that_cannot_be_filled_is_refused(text: str, words: list[str]) -> None:
    with pytest.raises(UserError) as refused:
        parsed(text, "sources.a.prompt=mine.txt", MORE, ("examples", "count"))
    assert all(word in str(refused.value) for word in ["sources.a.prompt=mine.txt", *words])


def test_files_of_ones_own(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("\n{examples} {count}\n", encoding="utf-8")
    assert load(str(mine), "prompt", MORE).text == "{examples} {count}"
    mine.write_text(" \n", encoding="utf-8")
    with pytest.raises(UserError, match="prompt=.*mine.txt is empty"):
        load(str(mine), "prompt", MORE)
    mine.write_bytes(b"\xff")
    with pytest.raises(UserError, match="cannot be read"):
        load(str(mine), "prompt", MORE)
    with pytest.raises(UserError, match="prompt=mor is no template: .*concise, helpful, more"):
        load("mor", "prompt", MORE)
    with pytest.raises(UserError, match="no template"):
        load(str(tmp_path), "prompt", MORE)
