"""Chapters as one page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from lamini.comparison.blocks import Answers, Block, Chapter, Drawing, Listing, Missing, Text
from lamini.comparison.book.listing import listing
from lamini.comparison.book.policy import policy
from lamini.comparison.book.prose import phrase, prose
from lamini.comparison.figures.drawing import ids, inline
from lamini.comparison.figures.palette import FAMILIES, rules
from lamini.comparison.herd import Herd, Member
from lamini.web.text import visible


@dataclass(frozen=True)
class About:
    """What stands above and below the chapters."""

    title: str
    command: str  # that made the book
    facts: Mapping[str, str] = field(default_factory=dict)  # "commit": "0f3db21"


def render(chapters: Sequence[Chapter], herd: Herd, about: About) -> str:
    """The HTML of the book, the same for the same input."""
    kinds = sorted({member.family for member in herd.members})
    families = {member.key: kinds.index(member.family) % len(FAMILIES) for member in herd.members}
    style = f"{_static('book.css')}\n{rules()}\n{_dots()}"
    scripts = [_static("theme.js"), _static("book.js")]
    page = _templates().get_template("book.html").render(
        about=about,
        chapters=[(chapter, [_html(block, families) for block in chapter.blocks]) for chapter in chapters],
        filters=_filters(herd, kinds),
        members=Markup(_data([_member(member) for member in herd.members])),
        policy=policy(scripts, [style]),
        style=Markup(style),
        scripts=[Markup(script) for script in scripts],
    )  # fmt: skip
    return visible(page)


def _html(block: Block, families: Mapping[str, int]) -> Markup:
    """One block; each kind has a template."""
    match block:
        case Text():
            return prose(block.markdown)
        case Listing():
            return _part("listing", table=listing(block, families))
        case Drawing():
            return _part(
                "drawing", drawing=block, caption=phrase(block.caption), picture=Markup(inline(block))
            )
        case Answers():
            owners = [(key, ids(key), families.get(key), text) for key, text in block.responses]
            return _part("answers", answers=block, owners=owners)
        case Missing():
            return _part("missing", missing=block)


def _part(name: str, **values: Any) -> Markup:
    return Markup(_templates().get_template(f"{name}.html").render(**values))


def _filters(herd: Herd, kinds: Sequence[str]) -> dict[str, Any]:
    """By what a reader can choose students; what all have in common is no choice."""
    members = herd.members
    sizes = {member.size: member.parameters or 0 for member in members if member.size}
    return {
        "family": [(kind, number % len(FAMILIES)) for number, kind in enumerate(kinds)],
        "size": sorted(sizes, key=lambda size: (sizes[size], size)),
        "status": sorted({member.status for member in members}),
        "kind": sorted({member.kind.value for member in members}),
    }


def _member(member: Member) -> dict[str, str]:
    words = f"{member.key} {member.student} {member.family} {member.size} {member.data or ''}"
    return {
        "id": ids(member.key), "family": member.family, "size": member.size, "status": member.status,
        "kind": member.kind.value, "words": words.lower(),
    }  # fmt: skip


def _data(value: Any) -> str:
    """JSON that cannot end its element."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def _dots() -> str:
    """A class for each place in the palette."""
    return "\n".join(
        f".f{number}{{--own:light-dark({light},{dark})}}"
        for number, (light, dark) in enumerate(FAMILIES.items())
    )


@lru_cache
def _static(name: str) -> str:
    return (files("lamini.comparison.book") / "static" / name).read_text(encoding="utf-8")


@lru_cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("lamini.comparison.book"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
