"""Open-ended kinds whose answers Python itself carries.

Docstrings, HTTP statuses, error messages, Unicode names and keywords: text that nobody had to
write for this project. Names of people and second items multiply a few dozen facts into enough
instances; the weights stay low so that the facts do not flood the set. Docstrings change a little
between Python versions, and the answers with them.
"""

import builtins
import errno
import keyword
import os
import random
import string
import unicodedata
from http import HTTPStatus

from lamini.teacher.oracle.checking import same_items, same_name
from lamini.teacher.oracle.kinds import (
    ALPACA,
    FLAN,
    GENERATED_FLAN,
    GENERATED_P3,
    P3,
    SELF_INSTRUCT,
    TOPIC,
    Fields,
    Kind,
)
from lamini.teacher.oracle.vocabulary import NAMES, WORDS, listed

_MOST_WORDS = 12
_STATUSES = {str(status.value): status.phrase for status in HTTPStatus}
_ERRORS = {
    name: os.strerror(getattr(errno, name))
    for name in listed(
        "ENOENT EACCES EEXIST ENOTDIR EISDIR EINVAL ENOSPC EPIPE ENOMEM EBUSY EPERM EINTR "
        "ENOTEMPTY EAGAIN ENODEV EROFS EMFILE EFBIG EXDEV ECHILD"
    )
}
_KEYWORDS = [word for word in keyword.kwlist if word.islower()]
_LETTERS = string.ascii_lowercase
# braces and the signs that T5's vocabulary lacks are left out
_SIGNS = {unicodedata.name(sign).lower(): sign for sign in "!\"#$%&'()*+,-./:;=?@_"}


def _first_sentence(function: str) -> str:
    lines = (getattr(builtins, function).__doc__ or "").strip().split("\n\n")[0]
    return " ".join(lines.split()).split(". ")[0].removesuffix(".")


def _documented() -> dict[str, str]:
    """Built-in functions -> the first sentence of their docstring where that is short and plain."""
    sentences = {
        name: _first_sentence(name)
        for name in sorted(vars(builtins))
        if name.islower() and name[0] != "_" and callable(getattr(builtins, name))
    }
    return {
        name: sentence
        for name, sentence in sentences.items()
        if 3 <= len(sentence.split()) <= _MOST_WORDS
        and sentence.isascii()
        and not set("{}<>^~`\\()[]") & set(sentence)
    }


_FUNCTIONS = _documented()


def _sample_function(rng: random.Random) -> Fields:
    return {"name": rng.choice(NAMES), "function": rng.choice(list(_FUNCTIONS))}


def _sample_status(rng: random.Random) -> Fields:
    first, second = rng.sample(list(_STATUSES), 2)
    return {"first": first, "second": second}


def _statuses(fields: Fields) -> str:
    return f"{_STATUSES[fields['first']]} and {_STATUSES[fields['second']]}"


def _sample_error(rng: random.Random) -> Fields:
    return {"name": rng.choice(NAMES), "error": rng.choice(list(_ERRORS))}


def _sample_keyword(rng: random.Random) -> Fields:
    words = [rng.choice(_KEYWORDS), *rng.sample(WORDS, rng.randint(2, 3))]
    rng.shuffle(words)
    return {"words": ", ".join(words)}


def _keyword(fields: Fields) -> str:
    (answer,) = (word for word in fields["words"].split(", ") if word in _KEYWORDS)
    return answer


def _sample_sign(rng: random.Random) -> Fields:
    first, second = rng.sample(list(_SIGNS), 2)
    return {"first": first, "second": second}


def _signs(fields: Fields) -> str:
    return f"{_SIGNS[fields['first']]} {_SIGNS[fields['second']]}"


def _accepts_signs(fields: Fields, text: str) -> bool:
    return text.split() == _signs(fields).split()


def _sample_letters(rng: random.Random) -> Fields:
    return {"letters": " ".join(rng.sample(_LETTERS[:-1], 2))}


def _next_letters(fields: Fields) -> str:
    return " ".join(_LETTERS[_LETTERS.index(letter) + 1] for letter in fields["letters"].split())


PYTHON_KINDS = (
    Kind(
        name="python_function",
        sources=(ALPACA, SELF_INSTRUCT, TOPIC),
        phrasings=(
            "Tell {name} what the Python function {function} does.",
            "{name} asks: what does {function} do in Python?",
            "Explain the Python function {function} to {name}.",
            "Describe {function} of Python in one line for {name}.",
        ),
        held_out_phrasings=("{name} asks what the Python function {function} does.",),
        sample=_sample_function,
        answer=lambda fields: _FUNCTIONS[fields["function"]],
        weight=0.3,
    ),
    Kind(
        name="http_status",
        sources=(ALPACA, TOPIC, SELF_INSTRUCT),
        phrasings=(
            "What do the HTTP statuses {first} and {second} mean?",
            "Name the HTTP statuses {first} and {second}.",
            "Explain the HTTP codes {first} and {second}.",
            "A server answers {first} and then {second}. What does that mean in HTTP?",
        ),
        held_out_phrasings=("What is the meaning of the HTTP codes {first} and {second}?",),
        sample=_sample_status,
        answer=_statuses,
        weight=0.3,
    ),
    Kind(
        name="system_error",
        sources=(ALPACA, TOPIC),
        phrasings=(
            "{name} sees the error {error}. What does it mean?",
            "Explain the system error {error} to {name}.",
            "What does {error} tell {name}?",
            "Which message stands for {error} on the screen of {name}?",
        ),
        held_out_phrasings=("Tell {name} what the system error {error} means.",),
        sample=_sample_error,
        answer=lambda fields: _ERRORS[fields["error"]],
        weight=0.3,
    ),
    Kind(
        name="keyword",
        sources=(GENERATED_P3, GENERATED_FLAN, TOPIC, P3, FLAN),
        phrasings=(
            "Which of these is a Python keyword: {words}?",
            "Find the Python keyword: {words}",
            "Which word has a meaning of its own in Python: {words}?",
            "Only one of {words} is a keyword of Python. Which one?",
        ),
        held_out_phrasings=("Here are some words: {words}. Which one is a Python keyword?",),
        sample=_sample_keyword,
        answer=_keyword,
        accepts=same_name(_keyword),
        weight=0.5,
    ),
    Kind(
        name="unicode_sign",
        sources=(SELF_INSTRUCT, TOPIC),
        phrasings=(
            "Write the two signs: {first}, {second}",
            "Type the characters that Unicode calls {first} and {second}.",
            "What do {first} and {second} look like?",
            "Show the sign {first} and the sign {second}.",
        ),
        held_out_phrasings=("Write the characters {first} and {second}.",),
        sample=_sample_sign,
        answer=_signs,
        accepts=_accepts_signs,
        weight=0.3,
    ),
    Kind(
        name="next_letters",
        sources=(SELF_INSTRUCT, ALPACA),
        phrasings=(
            "For each letter write the next one of the alphabet: {letters}",
            "Move every letter one step on in the alphabet: {letters}",
            "Which letters follow {letters} in the alphabet?",
            "Shift {letters} by one letter.",
        ),
        held_out_phrasings=("Write the next letter of the alphabet for each: {letters}",),
        sample=_sample_letters,
        answer=_next_letters,
        accepts=same_items(_next_letters),
        weight=0.3,
    ),
)
