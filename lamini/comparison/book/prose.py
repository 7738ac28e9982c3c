"""Markdown of the chapters as HTML: no raw HTML, no pictures, headings below those of the chapters."""

from __future__ import annotations

from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup

HIGHEST = 4  # level of the highest heading in a text; chapters have 2, tables and figures 3


def prose(markdown: str) -> Markup:
    """Paragraphs.

    >>> prose("**a** <b>")
    Markup('<p><strong>a</strong> &lt;b&gt;</p>\\n')
    """
    return Markup(_PARSER.render(markdown))


def phrase(markdown: str) -> Markup:
    """A sentence or two, without paragraphs around them."""
    return Markup(_PARSER.renderInline(markdown))


def _below(state: StateCore) -> None:
    """Move headings below those of the page; what a link leads to learns nothing of the page."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, max(HIGHEST, int(token.tag[1:])))}"
        _private(token.children or [])


def _private(tokens: Sequence[Token]) -> None:
    for token in tokens:
        if token.type == "link_open":
            token.attrSet("rel", "noreferrer")


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    parser.core.ruler.push("below", _below)
    return parser


_PARSER = _parser()
