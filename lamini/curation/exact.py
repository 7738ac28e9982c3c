"""Repeats of the same instruction: the same text with the same sample number, whatever the response.

The same means: equal after Unicode composition (NFC) and with every run of blanks and line breaks as one
blank. Case and punctuation count ("polish" is not "Polish"); what differs only there is for the
near-duplicates. Eight bytes a row are held: among 2.58M different instructions two share a 64-bit hash with a
probability of 2 in ten million.

Suffixes: N rows.
"""

from __future__ import annotations

from hashlib import blake2b
from unicodedata import normalize

import numpy as np


def normalised(instruction: str) -> str:
    r"""What counts of an instruction when two are compared.

    >>> normalised(" Sum up:\n\n 3 ")
    'Sum up: 3'
    """
    text = instruction if instruction.isascii() else normalize("NFC", instruction)
    return " ".join(text.split())


def instruction_key(instruction: str, sample: int) -> int:
    """64-bit hash of an instruction and its sample number.

    >>> instruction_key("Sum  up", 0) == instruction_key("Sum up ", 0) != instruction_key("Sum up", 1)
    True
    """
    content = f"{sample}:{normalised(instruction)}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big")


def repeats(key_N: np.ndarray) -> np.ndarray:
    """The earlier row that each row repeats, int64 (N,), -1 for first ones. Keys 7, 5, 7, 7: -1, -1, 0, 0."""
    _, first, inverse = np.unique(key_N, return_index=True, return_inverse=True)
    first_N = first[inverse].astype(np.int64)
    return np.where(first_N == np.arange(len(key_N)), -1, first_N)
