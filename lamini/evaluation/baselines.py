"""What a trained student has to beat: the majority answer and a nearest-neighbour lookup.

The lookup is plain on purpose: words and pairs of neighbouring words as sets, Dice overlap, the
first row wins a tie. It has no training and no parameters, and it is strong wherever a question
returns in almost the same words, which is what "generalises" must not be confused with.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from lamini.errors import UserError
from lamini.teacher.oracle import is_right

_WORD = re.compile(r"\w+|[^\w\s]")


class Pair(Protocol):
    """Anything with an instruction, a response and the kind it belongs to."""

    @property
    def instruction(self) -> str: ...
    @property
    def response(self) -> str: ...
    @property
    def kind(self) -> str: ...


def majority_answer(train: Sequence[Pair]) -> str:
    """The most frequent response of the training rows; the first seen wins a tie.

    Raises:
        UserError: there are no rows.
    """
    if not train:
        raise UserError("The majority answer needs at least one training pair; there is none.")
    return Counter(row.response for row in train).most_common(1)[0][0]


def _features(text: str) -> set[str]:
    words = _WORD.findall(text.casefold())
    return {*words, *map(" ".join, zip(words, words[1:], strict=False))}


class NearestNeighbour:
    """Answers with the response of the most similar training instruction.

    Similarity is Dice's: 2 |a & b| / (|a| + |b|) over sets of words and word pairs. An inverted
    index makes a question cost the length of its words' posting lists, not a pass over all rows.
    """

    def __init__(self, instructions: Sequence[str], responses: Sequence[str]) -> None:
        """Index the training pairs.

        Raises:
            UserError: no rows, or lists of different lengths.
        """
        if not instructions or len(instructions) != len(responses):
            raise UserError(
                f"The nearest neighbour needs as many responses as instructions, at least one: "
                f"got {len(instructions)} instructions and {len(responses)} responses."
            )
        postings: dict[str, list[int]] = {}
        features = [_features(text) for text in instructions]
        for row, names in enumerate(features):
            for name in names:
                postings.setdefault(name, []).append(row)
        self._postings = {name: np.array(rows, np.int32) for name, rows in postings.items()}
        self._sizes = np.array([len(names) for names in features])
        self._responses = list(responses)

    def answer(self, instruction: str) -> str:
        """The response of the nearest training instruction."""
        names = _features(instruction)
        found = [self._postings[name] for name in names if name in self._postings]
        if not found:
            return self._responses[0]
        shared = np.bincount(np.concatenate(found), minlength=len(self._responses))
        return self._responses[int(np.argmax(2 * shared / (self._sizes + len(names))))]


def exact_match(rows: Sequence[Pair], answers: Sequence[str]) -> float:
    """The share (0..1) of answers that the oracle's checks call right.

    Raises:
        UserError: no rows, or not one answer for each row.
    """
    if not rows or len(rows) != len(answers):
        raise UserError(f"{len(rows)} rows need as many answers, at least one; got {len(answers)}.")
    pairs = zip(rows, answers, strict=True)
    return sum(is_right(row.kind, row.instruction, answer) for row, answer in pairs) / len(rows)
