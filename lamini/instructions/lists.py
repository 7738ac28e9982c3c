"""Lists without our tags: what some teachers write instead, and the labels that others add.

    Here you go:
    1. Sing            -> Sing
    2. Name a tree     -> Name a tree

Items are looked for by other tags (`<task>...</task>`), by numbers that count up, by bullets: the first of
these that is there twice. A text with none of it is no list, and is counted as text outside.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

NAMES = r"(?:examples?|instructions?|tasks?|prompts?|questions?)"
MARK = r"[.)、．:：\]](?!\d)"  # what stands after a number; 3.5 is none
LABEL = re.compile(
    rf"^(?:[*_#>\s]*(?:{NAMES} ?#?\d* ?[:：.)-]|\(?\d{{1,3}} ?{MARK}|[-*•–])[*_]*\s*)+", re.IGNORECASE
)
"""What may stand before an item, also several of it: `1.`, `2)`, `(3)`, `Example 5:`, `**6.**`, `-`."""

NUMBER = re.compile(
    rf"^(?:[*_#]+ ?)?(?:{NAMES} ?#?)?\(?(\d{{1,3}}) ?{MARK}[*_]*[ \t]*", re.MULTILINE | re.IGNORECASE
)
BULLET = re.compile(r"^[-*•–][ \t]+", re.MULTILINE)
ELEMENT = re.compile(r"^[ \t]*(?:\d+[.)][ \t]*)?<(\w+)>(.*?)</\1>", re.MULTILINE | re.DOTALL)
PREFIX = re.compile(r"^[*_]*(?:example|instruction|task|prompt) ?#?\d* ?[:：][*_]*\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Item:
    """A piece of an answer; `open` when nothing but the end of the answer ends it."""

    text: str
    open: bool = False


def listed(text: str, discarded: Counter[str]) -> Iterator[Item]:
    """The items of a list without our tags; text before it is counted."""
    elements = list(ELEMENT.finditer(text))
    if len(elements) > 1:
        discarded["outside"] += bool(text[: elements[0].start()].strip())
        yield from (Item(found[2]) for found in elements)
        return
    marks = _counting(text) or list(BULLET.finditer(text))
    if len(marks) < 2:
        discarded["outside"] += bool(text.strip())
        return
    discarded["outside"] += bool(text[: marks[0].start()].strip())
    ends = [mark.start() for mark in marks[1:]]
    for mark, end in zip(marks, ends, strict=False):
        yield Item(text[mark.end() : end])
    yield Item(text[marks[-1].end() :], open=True)


def _counting(text: str) -> list[re.Match[str]]:
    """The numbers at line starts that count up from the first; a list inside an item does not."""
    marks: list[re.Match[str]] = []
    for mark in NUMBER.finditer(text):
        if not marks or int(mark[1]) == int(marks[-1][1]) + 1:
            marks.append(mark)
    return marks if len(marks) > 1 else []


def unlabelled(items: Sequence[str], shown: Sequence[str]) -> list[str]:
    """The items without labels that number or name them.

    A number goes when the items count up (1. Sing, 2. Dance), a bullet when all have one; `Instruction:` and
    its like always, unless the examples have it too.

    >>> unlabelled(["1. Sing", "2. Task: Dance"], [])
    ['Sing', 'Dance']
    >>> unlabelled(["1. Sing", "Task: Dance"], ["Task: Run"])
    ['1. Sing', 'Task: Dance']
    """
    result = list(items)
    numbers = [NUMBER.match(item) for item in result]
    values = [int(number[1]) for number in numbers if number]
    counts_up = len(values) > 1 and values == list(range(values[0], values[0] + len(values)))
    if counts_up and len(values) == len(result):
        result = [NUMBER.sub("", item, count=1) for item in result]
    if len(result) > 1 and all(BULLET.match(item) for item in result):
        result = [BULLET.sub("", item, count=1) for item in result]
    if not any(PREFIX.match(example) for example in shown):
        result = [PREFIX.sub("", item) for item in result]
    return [item.strip() for item in result]
