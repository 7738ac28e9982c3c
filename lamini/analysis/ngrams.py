"""Word n-grams as 64-bit numbers, and an index of those of the test items that a stream of rows is held
against.

Words are runs of letters and digits in lower case, apostrophes divide: "doesn't" and "doesn 't" are the
same. The number of an n-gram is a polynomial of the hashes of its words, so that all n-grams of a batch
take n multiplications a word, and the shorter ones come out on the way. A table of 2^24 places answers most
words of the rows at once; what is left is looked up exactly. Two different n-grams share a number once in
10^19.

Suffixes: W words of a batch, G n-grams of the index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from itertools import chain

import numpy as np

WORD = re.compile(r"[^\W_]+")
FACTOR = np.uint64(0x9E3779B97F4A7C15)
PLACES = 24
"""Bits of the table that is asked first."""


class Hashes(dict[str, int]):
    """Word -> 64-bit hash, the same in every process."""

    def __missing__(self, word: str) -> int:
        value = self[word] = int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "big")
        return value


def words(text: str) -> list[str]:
    """The words that are compared.

    >>> words("It doesn't, does it?")
    ['it', 'doesn', 't', 'does', 'it']
    """
    return WORD.findall(text.lower())


def hashed(texts: list[str], hashes: Hashes) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of all words, uint64 (W,), and the text that each stands in, int64 (W,)."""
    found = [words(text) for text in texts]
    text_W = np.repeat(np.arange(len(found)), [len(words_of_text) for words_of_text in found])
    word_W = np.fromiter(map(hashes.__getitem__, chain.from_iterable(found)), np.uint64, len(text_W))
    return word_W, text_W


def grams(word_W: np.ndarray, longest: int) -> Iterator[tuple[int, np.ndarray]]:
    """(n, numbers of the n-grams that begin at each word), n from 1 to `longest`, uint64 (W - n + 1,).

    They may reach into the next text: whoever reads them looks at where their last word stands.
    """
    number_W = np.zeros(len(word_W), np.uint64)
    for n in range(1, min(longest, len(word_W)) + 1):
        number_W = number_W[: len(word_W) - n + 1] * FACTOR + word_W[n - 1 :]
        yield n, number_W


class Index:
    """Numbers of n-grams of one length, ascending, each once: `find` says which of them stand in a batch."""

    def __init__(self, number_G: np.ndarray) -> None:
        self.number_G = number_G
        self._table = np.zeros(1 << PLACES, bool)
        self._table[self._place(self.number_G)] = True

    @staticmethod
    def _place(number_W: np.ndarray) -> np.ndarray:
        return (number_W >> np.uint64(64 - PLACES)).astype(np.int64)

    def find(self, number_W: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places in the batch, and which n-gram (row of `number_G`) stands there; both int64."""
        place = np.flatnonzero(self._table[self._place(number_W)])
        gram = np.minimum(np.searchsorted(self.number_G, number_W[place]), len(self.number_G) - 1)
        same = self.number_G[gram] == number_W[place]
        return place[same], gram[same]
