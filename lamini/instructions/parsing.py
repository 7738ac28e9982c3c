"""Instructions out of what a teacher wrote, which is seldom exactly what it was asked for.

    Sure! Here are 3 tasks:          -> set aside: 1 outside
    1. <example>Sing</example>       -> Sing
    2. <EXAMPLE 2>Name a tree        -> Name a tree (no closing tag)
    <example>Sort: 3 1 2</example>   -> set aside: 1 echo, where it was shown
    <example>Write about             -> set aside: 1 cut, where the answer ended at its length

Nothing is guessed where the tags are there: an item is what stands between two tags, whatever their case,
number or balance. Only an answer without any tag is read as a list: other tags, numbers, or bullets. What is
no instruction is counted by reason, never dropped unseen:

    outside   text before, between or after the items
    empty     an item without a letter or digit
    echo      an example that was shown
    cut       the last item of an answer that ended before it was done
    mention   the tags named in a sentence: "wrapped in <example> and </example>"
    broken    text that is not UTF-8
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lamini.instructions import lists
from lamini.instructions.lists import LABEL, Item

TAG = re.compile(
    r"<\s{0,2}(?P<close>/?)\s{0,2}example(?:\s{0,2}[#:._-]?\s{0,2}\d{1,4}|\s[^<>\n]{0,60}?)?"
    r"\s{0,2}(?P<empty>/?)\s{0,2}>",
    re.IGNORECASE,
)
WRAPPER = re.compile(r"<\s{0,2}/?\s{0,2}examples\s{0,2}>", re.IGNORECASE)
UNFINISHED = re.compile(r"<[/\s]{0,4}(?:e(?:x(?:a(?:m(?:p(?:l(?:e\s?\d*)?)?)?)?)?)?)?$", re.IGNORECASE)
ESCAPED = re.compile(r"&lt;\s{0,2}/?\s{0,2}example", re.IGNORECASE)
THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|$)", re.DOTALL | re.IGNORECASE)
FENCE = re.compile(r"^[ \t]*```\w*[ \t]*$", re.MULTILINE)
BACKSLASH = re.compile(r"\\(?=[<>/])")
WIDE = str.maketrans("＜＞／", "<>/")


@dataclass(frozen=True)
class Parsed:
    """The instructions of one answer, in its order, and how much of what else was in it."""

    items: tuple[str, ...]
    discarded: Counter[str] = field(default_factory=Counter)


def parse(text: str, shown: Iterable[str] = (), cut: bool = False) -> Parsed:
    """The instructions in an answer.

    `shown` are the examples of its request; `cut` says that the answer ended at its length or was filtered.

    >>> parse("1. <example>Sing</example>\\n2. <example>Name a", cut=True)
    Parsed(items=('Sing',), discarded=Counter({'cut': 1}))
    """
    discarded: Counter[str] = Counter()
    body = text.replace("\r\n", "\n").strip()
    if thought := THOUGHT.match(body):
        body = body[thought.end() :]
    found = list(_found(body, discarded))
    if cut and found and found[-1].open:
        found.pop()
        discarded["cut"] += 1
    elif found and found[-1].open:
        found[-1] = _without_farewell(found, discarded)
    seen = {_plain(example) for example in shown}
    items = []
    for item in lists.unlabelled([_tidy(item.text) for item in found], [*shown]):
        if reason := _useless(item, seen):
            discarded[reason] += 1
        else:
            items.append(item)
    return Parsed(tuple(items), discarded)


def _found(text: str, discarded: Counter[str]) -> Iterator[Item]:
    """Items by our tags, however these are written; by others, numbers or bullets where there are none."""
    unescaped = html.unescape(text) if ESCAPED.search(text) else text
    for candidate in (text, unescaped, text.translate(WIDE), BACKSLASH.sub("", text)):
        if TAG.search(candidate):
            return _tagged(WRAPPER.sub("", candidate), discarded)
    return lists.listed(text, discarded)


def _tagged(text: str, discarded: Counter[str]) -> Iterator[Item]:
    """What stands between the tags; text outside of them is counted.

    A tag that opens inside an item ends it; one that closes where none is open ends the paragraph before.
    """
    position, inside, before = 0, False, ""
    for tag in TAG.finditer(text):
        part, position = text[position : tag.start()], tag.end()
        closes = bool(tag["close"] or tag["empty"])
        if inside and closes and _mention(before, part):
            discarded["mention"] += 1
        elif inside and (closes or part.strip()):
            yield Item(part)
        elif not inside and closes and _words(part):
            *chatter, item = re.split(r"\n\s*\n", part.strip())
            discarded["outside"] += bool(chatter)
            yield Item(item)
        elif not inside and _words(part):
            discarded["outside"] += 1
        inside, before = not closes, part
    rest = UNFINISHED.sub("", text[position:])
    if inside and rest.strip():
        yield Item(rest, open=True)
    elif _words(rest):
        discarded["outside"] += 1


def _mention(before: str, inside: str) -> bool:
    """Whether the tags are only spoken of: one word between them, and words before them on the line.

    `wrap each in <example> and </example>` is a mention, `1. <example>Sing</example>` an item.
    """
    line = before.rpartition("\n")[2]
    return len(inside.split()) == 1 and "\n" not in inside and len(LABEL.sub("", line).split()) >= 2


def _without_farewell(found: list[Item], discarded: Counter[str]) -> Item:
    """The last item, never closed, without the paragraphs that the others do not have either."""
    last = found[-1]
    first, gap, _ = last.text.strip().partition("\n\n")
    if gap and len(found) > 1 and not any("\n\n" in item.text.strip() for item in found[:-1]):
        discarded["outside"] += 1
        return Item(first)
    return last


def _words(text: str) -> bool:
    """Whether text outside of the items says anything: labels, bullets and fences do not."""
    return re.search(r"[^\W_]", LABEL.sub("", FENCE.sub("", text).strip())) is not None


def _tidy(text: str) -> str:
    """Without white space around it, and without the fence of a whole answer that hangs on at the end."""
    text = text.strip()
    if text.count("```") % 2 and text.endswith("```"):
        text = text.removesuffix("```").rstrip()
    return text


def _useless(item: str, seen: set[str]) -> str | None:
    """Why an item is no instruction, or None."""
    if not any(character.isalnum() for character in item):
        return "empty"
    if _plain(item) in seen:
        return "echo"
    try:
        item.encode()
    except UnicodeEncodeError:
        return "broken"
    return None


def _plain(text: str) -> str:
    """What two spellings of the same text have in common: words and case."""
    return " ".join(text.casefold().split()).rstrip(".!?")
