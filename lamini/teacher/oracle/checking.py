"""When is a free text the right answer? Small comparisons that kinds share.

Strict about content, lenient about dress: capitals, a full stop, quotation marks around the whole
answer, spacing and the spelling of numbers do not matter; any further word does, because an exact
answer that has to be searched for in chatter is what fault and length checks are there to find.
"""

import re
from collections.abc import Callable

from lamini.teacher.oracle.kinds import Fields

_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?")
_ARTICLE = re.compile(r"(a|an|the) ")
_SEPARATOR = re.compile(r"\s*(?:,\s*and\s|,|\sand\s|\s)\s*")


def tidy(text: str) -> str:
    """Spacing collapsed, enclosing quotes and the last full stop gone; capitals kept."""
    text = " ".join(text.split())
    if len(text) > 2 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    return text.removesuffix(".").strip()


def normalise(text: str) -> str:
    """`tidy`, case folded, and a number in one spelling: " 1,200. " -> "1200", "5.0" -> "5"."""
    text = tidy(text).casefold()
    if _NUMBER.fullmatch(text):
        return f"{float(text.replace(',', '')):.10g}"
    return text


def same_text(expected: str, text: str) -> bool:
    """Normalised equality: the default check."""
    return normalise(expected) == normalise(text)


def same_letters(answer: Callable[[Fields], str]) -> Callable[[Fields, str], bool]:
    """A check for answers whose capitals matter."""
    return lambda fields, text: tidy(text) == tidy(answer(fields))


def same_name(answer: Callable[[Fields], str]) -> Callable[[Fields, str], bool]:
    """A check for answers that name one thing: a leading article is allowed."""

    def accepts(fields: Fields, text: str) -> bool:
        return _ARTICLE.sub("", normalise(text), count=1) == normalise(answer(fields))

    return accepts


def items(text: str) -> list[str]:
    """The words of a list in order, whether commas, spaces or "and" separate them."""
    return [item for item in _SEPARATOR.split(tidy(text).casefold()) if item]


def same_items(answer: Callable[[Fields], str]) -> Callable[[Fields, str], bool]:
    """A check for answers that list words in a set order: the separators are free."""
    return lambda fields, text: items(text) == items(answer(fields))
