"""One text of a study as HTML that can do nothing: raters see what was written, and nothing runs or loads.

Only such Markdown is drawn as hides nothing but its own marks: fences, `code`, emphasis, headings, lists,
tables. Raw HTML, links and images stay as the characters they are, so there is no address in the page that a
browser could open or load. Line breaks and spaces stay, list numbers are those of the text, `2*3*4` has no
emphasis. Where drawing would lose a letter or digit all the same (a table's row with too many cells), and for
very long texts, the text is shown plain. The page can show every drawn text as it was written, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token
from markupsafe import Markup, escape

from lamini.web.text import visible

LONGEST = 30_000  # characters that are read as Markdown: time grows faster than length in bad cases
FOLDED = 1_800, 24  # characters, lines: from here on a text is folded
RULES = ["fence", "list", "heading", "table", "backticks", "emphasis"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A text as the page shows it."""

    html: Markup
    written: Markup | None  # as it was written, where drawing changed its look
    characters: int
    folded: bool  # only its beginning is in view at first


@lru_cache(maxsize=1024)  # every rater gets the same texts
def shown(text: str) -> Shown:
    """A text, drawn as Markdown where that hides nothing.

    >>> shown("2*3*4 <b>").html
    Markup('<p class="plain">2*3*4 &lt;b&gt;</p>')
    """
    clean = visible(text)
    folded = len(clean) > FOLDED[0] or clean.count("\n") >= FOLDED[1]
    plain = Markup('<p class="plain">{}</p>').format(_body(clean))
    drawn = _drawn(_body(clean)) if len(clean) <= LONGEST else None
    if not clean.strip():
        said = "This text is empty." if not clean else "This text is nothing but white space."
        return Shown(Markup('<p class="nothing">{}</p>').format(said), None, len(clean), False)
    if drawn is None:
        return Shown(plain, None, len(clean), folded)
    return Shown(drawn, Markup('<p class="plain">{}</p>').format(clean), len(clean), folded)


def _body(text: str) -> str:
    """Without blank lines around it, nor the one space by which some models could be told from others."""
    body = text.strip("\n").rstrip()
    return body[1:] if body.startswith(" ") and not body.startswith("  ") else body


def _drawn(text: str) -> Markup | None:
    """The text as Markdown; None where it has none, or would lose something."""
    tokens = _MARKDOWN.parse(text)
    if all(token.type in ("paragraph_open", "inline", "paragraph_close") for token in tokens) and all(
        child.type == "text" for token in tokens for child in token.children or []
    ):
        return None
    if "".join(_letters(tokens)) != "".join(filter(str.isalnum, text)):
        return None
    return Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))


def _letters(tokens: Sequence[Token]) -> Iterator[str]:
    """Letters and digits of what will be seen, in order."""
    for token in tokens:
        if token.children is not None:
            yield from _letters(token.children)
        else:
            yield from filter(str.isalnum, (token.info if token.type == "fence" else "") + token.content)


def _emphasis(state: StateInline, silent: bool) -> bool:
    """markdown-it's rule, but `*` inside a word is a star: 2*3*4, f(**kwargs)."""
    marker = state.src[state.pos]
    if silent or marker not in "*_":
        return False
    run = state.scanDelims(state.pos, False)
    for _ in range(run.length):
        state.push("text", "", 0).content = marker
        place = len(state.tokens) - 1
        state.delimiters.append(
            Delimiter(ord(marker), run.length, place, -1, open=run.can_open, close=run.can_close)
        )
    state.pos += run.length
    return True


def _as_written(state: StateCore) -> None:
    """Give back what parsing into blocks took: indentation of paragraphs, `#` of headings, marks of lists."""
    lines, tokens = state.src.split("\n"), []
    for before, token in zip([None, *state.tokens], state.tokens, strict=False):
        if token.type in ("heading_open", "heading_close"):
            token.tag = "p"  # the page's own outline is not the text's
            token.attrs = {"class": "heading"} if token.nesting == 1 else {}
        elif token.type == "inline" and before is not None:
            if before.type == "heading_open":
                token.content = f"{before.markup} {token.content}"
            elif before.type == "paragraph_open" and before.level == 0 and token.map:
                token.content = "\n".join(lines[slice(*token.map)]).rstrip()
        elif token.type in ("th_open", "td_open", "ordered_list_open"):
            token.attrs = {}  # an alignment would be inline style, which the page forbids; marks are text
        token.hidden = False  # items of tight lists are paragraphs, too: their line breaks stay
        tokens.append(token)
        if token.type == "list_item_open":
            tokens += _mark(token)
    state.tokens = tokens


def _mark(item: Token) -> list[Token]:
    """The mark of a list's item, as text: a minus stays a minus and 7) stays 7)."""
    mark = Token("text", "", 0, content=f"{item.info}{item.markup} ")
    return [Token("mark_open", "span", 1, attrs={"class": "mark"}), mark, Token("mark_close", "span", -1)]


def _fence(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: object, env: object) -> str:
    token = tokens[index]
    language = Markup("<figcaption>{}</figcaption>").format(token.info.strip()) if token.info.strip() else ""
    return f'<figure class="code">{language}<pre><code>{escape(token.content)}</code></pre></figure>\n'


def _parser() -> MarkdownIt:
    parser = MarkdownIt("zero", {"html": False}).enable(RULES)
    parser.inline.ruler.at("emphasis", _emphasis)
    parser.core.ruler.before("inline", "as_written", _as_written)
    parser.add_render_rule("fence", _fence)
    return parser


_MARKDOWN = _parser()
