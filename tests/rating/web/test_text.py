"""A text on the page is what was written: no letter is lost, and nothing in it is markup of the page's."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lamini.rating.web.text import LONGEST, shown
from lamini.web.text import visible

TAGS = {
    "p", "span", "strong", "em", "code", "pre", "figure", "figcaption", "ul", "ol", "li",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
MARKDOWN = st.lists(
    st.sampled_from(
        ["*", "**", "_", "`", "```", "```py", "\n", "\n\n", "    ", "- ", "7) ", "# ",
         "| a | b |\n|---|---|\n",
         "| 1 | 2 |", "|", "word", " ", "2", "<b>", "</script>", "&lt;", "[x](http://h)",
         "![i](http://h)", "\\",
         "\u202e", "\u05e9\u05dc\u05d5\u05dd", "\u4e2d", "\x00", "\r", '"', "'", "=", "> ", "---", "\t", "+ "]
    ),
    max_size=40,
).map("".join)  # fmt: skip


class Seen(HTMLParser):
    """What a browser makes of some HTML: tags, attributes, text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.text = ""
        self.feed(str(html))  # Markup would escape what is added to it
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= set(attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


@given(st.one_of(MARKDOWN, st.text(max_size=200)))
@example("| a | b |\n|---|---|\n| 1 | 2 | 3 |")
@example("1. one\n1. one\n7. seven")
@settings(deadline=None, max_examples=300)
def test_no_letter_is_lost_and_no_tag_is_foreign(text: str) -> None:
    one = shown(text)
    for html in filter(None, (one.html, one.written)):
        seen = Seen(html)
        assert seen.tags <= TAGS
        assert {name for name, _ in seen.attributes} <= {"class"}
        assert {value for _, value in seen.attributes} <= {"plain", "nothing", "heading", "mark", "code"}
        if text.strip():
            assert letters(seen.text) == letters(visible(text))


@given(st.text(alphabet="ab<>&'\" \n12", min_size=1))
@settings(deadline=None)
def test_a_text_without_markdown_is_shown_character_by_character(text: str) -> None:
    if text.strip():
        assert text.strip() in Seen(shown(text).html).text in text
        assert shown(text).written is None


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("2*3*4 and f(**kwargs)", '<p class="plain">2*3*4 and f(**kwargs)</p>'),
        ("so **bold** and *soft*", "<p>so <strong>bold</strong> and <em>soft</em></p>\n"),
        ("`x < y`", "<p><code>x &lt; y</code></p>\n"),
        ("## Title", '<p class="heading">## Title</p>\n'),
        ("```\na < b\n```", '<figure class="code"><pre><code>a &lt; b\n</code></pre></figure>\n'),
        ("[x](javascript:alert(1))", '<p class="plain">[x](javascript:alert(1))</p>'),
        ("![x](http://h/i.png)", '<p class="plain">![x](http://h/i.png)</p>'),
        ("<img src=x onerror=alert(1)>", '<p class="plain">&lt;img src=x onerror=alert(1)&gt;</p>'),
        ("&lt;b&gt;", '<p class="plain">&amp;lt;b&amp;gt;</p>'),
        ("", '<p class="nothing">This text is empty.</p>'),
        ("\n ", '<p class="nothing">This text is nothing but white space.</p>'),
    ],
)  # fmt: skip
def test_drawn(text: str, html: str) -> None:
    assert shown(text).html == html


def test_lists_keep_their_marks_and_tables_their_cells() -> None:
    seen = Seen(shown("= 3\n+ 5\n\n3) c\n9) i\n\n| a | b |\n|:--|--:|\n| 1 | 2 |\n").html)
    assert re.findall(r"\S+", seen.text) == ["=", "3", "+", "5", "3)", "c", "9)", "i", "a", "b", "1", "2"]
    assert "table" in seen.tags and ("class", "mark") in seen.attributes


def test_line_breaks_and_indentation_stay() -> None:
    poem = "**Two**\n  lines\n\n    and an indented one"
    assert Seen(shown(poem).html).text == "Two\n  lines\n    and an indented one\n"
    assert Seen(shown(poem).written or "").text == poem


def test_a_fence_says_its_language() -> None:
    assert "<figcaption>py&#34;&gt;</figcaption>" in shown('```py">\nx\n```').html


def test_the_space_before_some_models_answers_is_not_seen() -> None:
    assert shown(" Yes.").html == shown("\n\nYes.\n").html == shown("Yes.").html
    assert Seen(shown("    return 1\n    x").html).text == "    return 1\n    x"


def test_control_characters_are_seen() -> None:
    assert visible("a\x00b\x1b[31m\r\nc\td\x7f\ud800") == "a\u2400b\u241b[31m\nc\td\u2421?"


def test_long_texts_are_folded_and_very_long_ones_plain() -> None:
    assert not shown("short").folded
    assert shown("x " * 1000).folded and shown("a\n" * 30).folded
    assert shown("**b** " * LONGEST).written is None
    assert shown("a" * 100_000).characters == 100_000


def test_a_table_of_thousands_of_columns_takes_no_room() -> None:
    width = LONGEST // 8
    text = "|a" * width + "|\n" + "|-" * width + "|\n" + "|\n" * (LONGEST // 8)
    start = time.process_time()
    assert len(shown(text).html) < 10_000_000
    assert time.process_time() - start < 5


@pytest.mark.parametrize("piece", ["*", "**a ", "`", "`` ` ", "- ", "> ", "|", "_a", "[", "*a **b ", "1. \n"])
def test_no_text_takes_long(piece: str) -> None:
    text = (piece * LONGEST)[:LONGEST]
    start = time.process_time()
    shown(text)
    assert time.process_time() - start < 5
