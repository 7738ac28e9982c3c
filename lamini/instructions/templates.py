"""Texts with placeholders: what a teacher is asked, and what it is told about its role.

Placeholders are `{name}` as in `str.format`, plain names only; a literal brace is doubled. A part in
`[[double brackets]]` stands only where all of its placeholders have a value, so that one file serves requests
with and without topics. Brackets around no placeholder are text like any other.

    template                                            count=2 topics=""   count=2 topics="Owls"
    Write {count} tasks[[ about "{topics}"]].           Write 2 tasks.      Write 2 tasks about "Owls".

What is filled in is never looked at again: examples may hold braces and brackets.

A request for more instructions can be read back by a program (`asked`), which the embedded teacher does: it
starts with the examples between <example> and </example>; the first digits after them are how many are asked
for; the topics, if any, are the first text in double quotes after that, comma-separated. Your own templates
keep to that where the oracle is to understand them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from lamini.errors import UserError

FOLDER = Path(__file__).with_name("prompts")
OPTIONAL = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
EXAMPLE = re.compile(r"\s*<example>(.*?)</example>", re.DOTALL)
WISH = re.compile(r'(?P<count>[0-9]+)(?:[^"]*"(?P<topics>[^"]+)")?')


@dataclass(frozen=True, slots=True)
class Template:
    """A text with placeholders; made by `parsed` or `load`, which refuse what cannot be filled."""

    text: str

    @property
    def placeholders(self) -> frozenset[str]:
        """The names it wants."""
        return frozenset(_names(self.text))

    def fill(self, **values: str) -> str:
        """The text with its placeholders filled.

        >>> Template('Write {count}[[ about "{topics}"]].').fill(count="2", topics="")
        'Write 2.'
        """
        parts = []
        for number, part in enumerate(OPTIONAL.split(self.text)):
            names = _names(part)
            if number % 2 == 0 or (names and all(values[name] for name in names)):
                parts.append(part.format_map(values))
            elif not names:
                parts.append(f"[[{part.format_map(values)}]]")
        return "".join(parts)


def parsed(text: str, what: str, allowed: Collection[str], needed: Collection[str] = ()) -> Template:
    """The text as a template; `what` names its key (and file) in errors.

    Raises:
        UserError: a brace that opens no placeholder, a placeholder that nothing fills, or one that is
            needed and not there.
    """
    known = ", ".join(f"{{{name}}}" for name in allowed) or "none"
    try:
        names = {name for part in OPTIONAL.split(text) for name in _names(part)}
    except ValueError as error:
        raise UserError(
            f"{what} is no template ({error}); write a literal brace twice: {{{{ and }}}}"
        ) from None
    if unknown := sorted(names.difference(allowed)):
        raise UserError(f"{what} has the unknown placeholder {{{unknown[0]}}}; it may have {known}")
    if missing := [name for name in needed if name not in names]:
        raise UserError(f"{what} lacks the placeholder {{{missing[0]}}}")
    return Template(text)


def load(name: str, key: str, allowed: Collection[str], needed: Collection[str] = ()) -> Template:
    """The template that `name` says: one of ours, or a text file.

    Raises:
        UserError: no such template, unreadable or empty; or as `parsed`.
    """
    ours = sorted(path.stem for path in FOLDER.glob("*.txt"))
    path = FOLDER / f"{name}.txt" if name in ours else Path(name).expanduser()
    if not path.is_file():
        raise UserError(f"{key}={name} is no template: name a text file, or one of {', '.join(ours)}")
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{key}={name} cannot be read: {error}") from error
    if not text:
        raise UserError(f"{key}={name} is empty")
    return parsed(text, f"{key}={name}", allowed, needed)


def _names(text: str) -> list[str]:
    """The placeholders of a text, in order.

    Raises:
        ValueError: an unpaired brace, or a placeholder that is more than a name.
    """
    names = []
    for _, name, form, conversion in Formatter().parse(text):
        if name is not None:
            if not name.isidentifier() or form or conversion:
                raise ValueError(
                    f"{{{name}{f'!{conversion}' if conversion else ''}{f':{form}' if form else ''}}}"
                )
            names.append(name)
    return names


MORE = ("examples", "count", "topics")
"""Placeholders of a request for more instructions."""


def more(template: Template, examples: Sequence[str], count: int, topics: Sequence[str]) -> str:
    """The request for `count` more instructions like `examples`, around `topics` (paper Fig. 6, 7).

    >>> more(Template('{examples}\\nWrite {count} more[[ on "{topics}"]].'), ["Sing"], 2, ["Owls", "Tea"])
    '<example>Sing</example>\\nWrite 2 more on "Owls, Tea".'
    """
    shown = "\n".join(f"<example>{text}</example>" for text in examples)
    return template.fill(examples=shown, count=str(count), topics=", ".join(topics))


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request for more instructions wants."""

    examples: tuple[str, ...]
    count: int
    topics: tuple[str, ...]


def asked(prompt: str) -> Asked | None:
    """A filled request read back, or None for any other text.

    >>> asked('<example>Sing</example>\\nWrite 2 more on "Owls, Tea".')
    Asked(examples=('Sing',), count=2, topics=('Owls', 'Tea'))
    """
    examples, end = [], 0
    while found := EXAMPLE.match(prompt, end):
        examples.append(found[1])
        end = found.end()
    wish = WISH.search(prompt, end)
    if not examples or wish is None:
        return None
    topics = wish["topics"].split(", ") if wish["topics"] else []
    return Asked(tuple(examples), int(wish["count"]), tuple(topics))
