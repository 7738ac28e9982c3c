"""The page as text: whole, the same each time, escaped, under a policy that fits it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from html.parser import HTMLParser

from lamini.analysis.tables import Column, Table
from lamini.comparison.blocks import Answers, Chapter, Listing, Mark, Missing
from lamini.comparison.book.render import About, render
from lamini.comparison.herd import Herd, Kind, Member
from tests.comparison.book.demo import HOSTILE, book, chapters, herd

VOID = {"meta", "link", "input", "br", "hr", "img"}


class Read(HTMLParser):
    """Tags, attributes and what was opened and never closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag


def test_the_same_herd_gives_the_same_page_with_every_element_closed() -> None:
    page = book(tables=4)
    read = Read(page)
    assert page == book.__wrapped__(tables=4) and read.open == []
    assert read.tags["table"] == read.tags["caption"] == 4
    assert read.tags["nav"] == read.tags["main"] == read.tags["search"] == read.tags["h1"] == 1
    ids = [value for name, value in read.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_nothing_is_asked_for_and_no_attribute_runs() -> None:
    read = Read(book())
    names = {name for name, _ in read.attributes}
    assert not names & {"style", "src", "srcset", "action"} and not [n for n in names if n.startswith("on")]
    addresses = [value for name, value in read.attributes if name.endswith("href")]
    assert all(value.startswith(("#", "data:,", "https://arxiv.org/")) for value in addresses)
    assert "url(" not in re.sub(r"url\(#\w+\)", "", book())


def test_the_policy_names_the_hashes_of_what_stands_in_the_page() -> None:
    page = book()
    found = re.search(r'Policy" content="([^"]+)"', page)
    said = found[1].replace("&#39;", "'") if found else ""
    for part in re.findall(r"<(?:script|style)>(.*?)</(?:script|style)>", page, re.S):
        digest = base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in said
    assert "default-src 'none'" in said and "unsafe" not in said and "http" not in said


def test_hostile_texts_are_text_everywhere() -> None:
    calm, wild = (_everywhere(text) for text in ("calm", HOSTILE[0] + HOSTILE[1] + HOSTILE[2]))
    assert Read(wild).tags == Read(calm).tags and Read(wild).open == []
    assert "\x00" not in wild and "\x1b" not in wild
    wild.encode()  # no half characters


def _everywhere(text: str) -> str:
    """A page with a text at every place where a user's can be."""
    one = Member(text, Kind.run, None, {"student": text, "family": text, "size": text}, status=text)
    other = Member("other", Kind.run, None, {"family": "t5", "size": "small"}, status="failed")
    table = Table("t", text, [Column(text), Column("n", ".1f")], [[text, 1.0], ["other", None]])
    blocks = [
        Listing(table, {(0, 0): Mark(text, text), (0, 1): Mark("*", text)}, [text, "other"]),
        Answers(text, [(text, text), ("other", text)], text),
        Missing(text, text),
    ]
    return render([Chapter("one", text, blocks)], Herd([one, other]), About(text, text, {text: text}))


def test_what_the_page_filters_by() -> None:
    page = book()
    found = re.search(r'id="members" type="application/json">(.*?)</script>', page)
    members = json.loads(found[1]) if found else []
    assert len(members) == 21 and members[1]["family"] == "flan-t5" and members[1]["id"] == "flan-t5-small"
    assert page.count('data-member="flan-t5-small"') == 4, "two tables, the figure, the responses"
    assert page.count('name="family"') == 7 and 'name="kind"' not in page, "all are runs: no choice"


def test_a_member_s_dot_has_the_colour_of_its_family_in_the_figures() -> None:
    page = book()
    (second,) = set(re.findall(r'<th scope="row" class="own (f\d)">flan-t5-base', page))
    assert second == "f1" and ".f1{--own:light-dark(#cb322b," in page and 'fill="#cb322b"' in page


def test_a_herd_of_one_and_of_nobody() -> None:
    for members in (0, 1):
        one = herd(members)
        made = chapters(herd(1)) if members else [Chapter("overview", "Overview", [Missing("No runs.", "x")])]
        read = Read(render(made, one, About("Few", "x")))
        assert read.open == []
