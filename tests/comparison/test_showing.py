"""What notebooks show: every kind of block as HTML, hostile text escaped, rows of data cut."""

from __future__ import annotations

from html.parser import HTMLParser

from lamini.analysis.tables import Column, Table
from lamini.comparison.blocks import Answers, Chapter, Drawing, Listing, Mark, Missing, Text
from lamini.comparison.showing import LONGEST, rows, show
from lamini.data.corpus import Corpus, Source
from lamini.data.records import Pair, table

HOSTILE = '<img src=x onerror="alert(1)"> ![x](http://a.b/c.png) a|b'


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)


def html(*what: object) -> str:
    return show(*what)._repr_html_()  # type: ignore[arg-type]


def test_a_chapter_shows_each_of_its_blocks_in_order() -> None:
    told = Table(
        "t", "A table", [Column("who"), Column("score", ".1f")], [["t5", 51.26], ["gpt", None]], ["A *note*."]
    )
    drawing = Drawing(
        "d", "A figure", "What it is.", "A line.", lambda canvas: canvas.add_subplot().plot([1, 2]) and None
    )
    blocks = [
        Text("Some **text**."), Listing(told, {(0, 1): Mark("†", "not ours")}), drawing,
        Answers("Say hello.", [("t5", "hello")]), Missing("The answers", "python evaluate.py"),
    ]  # fmt: skip
    text = html(Chapter("key", "A chapter", blocks))
    wanted = [
        "<h2>A chapter</h2>", "<strong>text</strong>", "<th>score</th>", "<td>51.3</td>", "<td></td>",
        "<em>note</em>", "† not ours", "<svg", "What it is.", "Say hello.", "t5: hello",
        "<code>python evaluate.py</code>",
    ]  # fmt: skip
    places = [text.find(one) for one in wanted]
    assert -1 not in places and places == sorted(places)


def test_hostile_text_stays_text() -> None:
    told = Table("t", HOSTILE, [Column(HOSTILE)], [[HOSTILE]])
    text = html(told, Answers(HOSTILE, [(HOSTILE, HOSTILE)]), Missing(HOSTILE, HOSTILE), Text(HOSTILE))
    assert not {"img", "script"} & set(Tags(text).seen)
    assert text.count("&lt;img src=x") == 9


def test_rows_are_the_first_of_each_source_by_content_cut_to_a_line() -> None:
    pairs = table([Pair(f"Say {n} times: {'la ' * 100}", "la", "s") for n in range(9)])
    corpus = Corpus([Source("a", pairs), Source("b", pairs.slice(0, 1))])
    shown = rows(corpus, 2)
    assert [row[0] for row in shown.rows] == ["a", "a", "b"]
    assert all(len(str(row[1])) == LONGEST and str(row[1]).endswith("…") for row in shown.rows)
    assert shown.notes == ["10 pairs in all."]
    shuffled = Corpus([Source("a", pairs.take([8, 3, 1, 0, 2, 4, 5, 6, 7]))])
    assert {row[1] for row in rows(shuffled, 2).rows} == {row[1] for row in shown.rows[:2]}
