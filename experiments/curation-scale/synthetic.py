"""Rows with the paper's sources and lengths (Table 1), and duplicates planted among them.

Every row's `request` says what it is: `row-0-7` in the first block, `exact-0-9700` and so on for copies.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from lamini.data.shards import PAIRS

# source -> share of the pairs, mean tokens of an instruction and of a response, whether it has templates
TABLE_1 = {
    "self_instruct_without_topic": (0.27, 14.27, 65.90, False),
    "self_instruct_with_topic": (0.28, 13.26, 62.38, False),
    "generated_p3": (0.30, 49.22, 21.34, True),
    "generated_flan": (0.29, 36.37, 29.33, True),
    "alpaca": (0.05, 17.11, 54.72, False),
    "original_p3": (0.46, 84.78, 21.19, True),
    "original_flan": (0.93, 61.91, 23.58, True),
}
WORDS_PER_TOKEN = 0.75
PLANTED = {"exact": 0.03, "near": 0.03, "decoy": 0.01}
BLOCK = 10_000
THRESHOLD = 0.8


def ngrams(text: str, ngram: int = 3) -> frozenset[tuple[str, ...]]:
    """The word n-grams of a text of lower-case words: what near-duplicates are judged by, in plain Python."""
    words = text.split()
    return frozenset(tuple(words[i : i + ngram]) for i in range(max(len(words) - ngram + 1, 1)))


def similarity(one: str, other: str) -> float:
    """Exact Jaccard similarity of two texts."""
    a, b = ngrams(one), ngrams(other)
    return len(a & b) / len(a | b)


class Writer:
    """Draws texts: words by Zipf's law, lengths log-normal around a mean, templates where there are some."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        letters = random.Random(0)
        words = (
            "".join(letters.choices("abcdefghijklmnopqrstuvwxyz", k=4 + rank // 5000))
            for rank in range(30_000)
        )
        self.words = np.array(list(dict.fromkeys(words)), dtype=object)
        weights = 1 / np.arange(1, len(self.words) + 1)
        self.cumulated = np.cumsum(weights / weights.sum())
        fixed = np.random.default_rng(0)
        self.templates = [self._words(int(size), fixed) for size in fixed.integers(4, 13, 200)]

    def _words(self, count: int, generator: np.random.Generator) -> str:
        return " ".join(self.words[np.searchsorted(self.cumulated, generator.random(count))])

    def texts(self, count: int, mean_tokens: float, templates: bool) -> list[str]:
        """`count` texts of that many tokens in the mean, at least four words each behind the template."""
        mean = mean_tokens * WORDS_PER_TOKEN - (8 if templates else 0)
        sizes = np.maximum(4, self.random.lognormal(np.log(mean) - 0.125, 0.5, count)).astype(int)
        texts = [self._words(int(size), self.random) for size in sizes]
        if templates:
            chosen = self.random.integers(0, len(self.templates), count)
            texts = [
                f"{self.templates[template]} {text}" for template, text in zip(chosen, texts, strict=True)
            ]
        return texts

    def changed(self, text: str, words: int) -> str:
        """The text with some words replaced by new ones."""
        parts = text.split()
        for place in self.random.choice(len(parts), min(words, len(parts)), replace=False):
            parts[place] = f"new{self.random.integers(10**9)}"
        return " ".join(parts)

    def planted(self, kind: str, text: str) -> str | None:
        """A copy of that kind; None where the text is too short for one."""
        if kind == "exact":
            return f" {text.replace(' ', '  ', 2)} "
        for words in (2, 1) if kind == "near" else range(2, 40):
            copy = self.changed(text, words)
            close = similarity(text, copy)
            if close >= THRESHOLD if kind == "near" else 0.3 < close < THRESHOLD - 0.05:
                return copy
        return None


def blocks(rows: int, seed: int = 0) -> Iterator[pa.RecordBatch]:
    """`rows` rows in blocks; copies lie behind their originals, in the same block."""
    for number, first in enumerate(range(0, rows, BLOCK)):
        yield _block(min(BLOCK, rows - first), number, Writer(seed + number))


def _block(rows: int, number: int, writer: Writer) -> pa.RecordBatch:
    copies = {kind: int(rows * share) for kind, share in PLANTED.items()}
    fresh = rows - sum(copies.values())
    instructions, responses, sources = _fresh(fresh, writer)
    kinds = ["row"] * fresh
    for kind, count in copies.items():
        order = writer.random.permutation(fresh)
        made = ((row, writer.planted(kind, instructions[row])) for row in order.tolist())
        found = list(islice(((row, copy) for row, copy in made if copy is not None), count))
        for row, copy in found:
            instructions.append(copy)
            responses.append(responses[row])
            sources.append(sources[row])
            kinds.append(kind)
    return _batch(instructions, responses, sources, kinds, number)


def _fresh(count: int, writer: Writer) -> tuple[list[str], list[str], list[str]]:
    """Instructions, responses and sources of rows that are no copies, in a drawn order."""
    shares = np.array([share for share, *_ in TABLE_1.values()])
    per_source = writer.random.multinomial(count, shares / shares.sum())
    rows: list[tuple[str, str, str]] = []
    for (source, (_, asked, said, templates)), size in zip(TABLE_1.items(), per_source.tolist(), strict=True):
        instructions = writer.texts(size, asked, templates)
        rows += zip(instructions, writer.texts(size, said, False), [source] * size, strict=True)
    order = writer.random.permutation(count).tolist()
    return tuple(list(column) for column in zip(*(rows[row] for row in order), strict=True))  # type: ignore[return-value]


def _batch(
    instructions: list[str], responses: list[str], sources: list[str], kinds: list[str], number: int
) -> pa.RecordBatch:
    columns: dict[str, list[Any]] = {
        "instruction": instructions,
        "response": responses,
        "instruction_source": sources,
        "request": [f"{kind}-{number}-{place}" for place, kind in enumerate(kinds)],
        "sample": [0] * len(kinds),
    }
    empty = [None] * len(kinds)
    return pa.RecordBatch.from_pydict({name: columns.get(name, empty) for name in PAIRS.names}, PAIRS)
