"""From places of n-grams to test items: how many of each task overlap with each set, and which.

    overlaps   an item one of whose n-grams stands in some row
    covered    an item with a text of which at least COVERED of the n-grams do, in whatever rows

A single shared 13-gram may be a quotation; a covered text was, for all purposes, seen in training.

Suffixes: I items, T texts, G n-grams of one length.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from lamini.analysis.contamination import Places, Search
from lamini.analysis.ngrams import Hashes, grams, hashed, words
from lamini.analysis.rows import ALL, COLUMNS, Rows

COVERED = 0.8
EXCERPT = 200
"""Characters of a row that are shown on each side of a match."""


def by_task(search: Search, places: Places) -> dict[str, dict[str, Any]]:
    """Task -> items, too_short, wording, and overlaps and covered: set, column and `all` -> items."""
    names = list(dict.fromkeys(name for name, _ in places))
    views = {name: _seen(places, [(name, column) for column in COLUMNS]) for name in names}
    views |= {column: _seen(places, [(name, column) for name in names]) for column in COLUMNS}
    views[ALL] = _seen(places, list(places))
    share = {view: coverage(search, seen) for view, seen in views.items()}
    task_I = np.array([item.task for item in search.items])
    long_I = _any_text(search, search.held() > 0)
    result: dict[str, dict[str, Any]] = {}
    for task, wording in search.wording.items():
        own_I = task_I == task
        result[task] = {
            "items": int(own_I.sum()),
            "too_short": int((own_I & ~long_I).sum()),
            "wording": wording,
            "overlaps": {v: int((_any_text(search, s > 0) & own_I).sum()) for v, s in share.items()},
            "covered": {v: int((_any_text(search, s >= COVERED) & own_I).sum()) for v, s in share.items()},
        }
    return result


def coverage(search: Search, seen: dict[int, np.ndarray]) -> np.ndarray:
    """Share of the n-grams of each text that were seen, float64 (T,); 0 for texts that are not looked for."""
    return search.held(seen) / np.maximum(search.held(), 1)


def _seen(places: Places, keys: list[tuple[str, str]]) -> dict[int, np.ndarray]:
    """Which n-grams stand in any of these columns of sets: n -> bool (G,)."""
    return {n: np.any([places[key][n] >= 0 for key in keys], axis=0) for n in places[keys[0]]}


def _any_text(search: Search, chosen_T: np.ndarray) -> np.ndarray:
    """Items with a chosen text, bool (I,)."""
    return np.bincount(search.text_items[chosen_T], minlength=len(search.items)) > 0


def matches(search: Search, places: Places, sets: list[Rows]) -> list[dict[str, Any]]:
    """Every item that overlaps: task, item (0-based row of its file), coverage, sets, a place to look."""
    everywhere = coverage(search, _seen(places, list(places)))
    names = [rows.name for rows in sets]
    by_set = {name: coverage(search, _seen(places, [(name, c) for c in COLUMNS])) for name in names}
    tables = {rows.name: rows.table() for rows in sets}
    begins = np.searchsorted(search.text_items, np.arange(len(search.items) + 1))
    result = []
    for number in np.flatnonzero(_any_text(search, everywhere > 0)).tolist():
        own = np.arange(begins[number], begins[number + 1])
        best = int(own[np.argmax(everywhere[own])])
        item = search.items[number]
        text = item.texts[best - int(begins[number])]
        result.append(
            {
                "task": item.task,
                "item": item.row,
                "coverage": round(float(everywhere[best]), 4),
                "sets": [name for name in names if by_set[name][own].max() > 0],
                "text": text,
                **_example(text, search, places, tables),
            }
        )
    return result


def _example(text: str, search: Search, places: Places, tables: dict[str, Any]) -> dict[str, Any]:
    """The first n-gram of a text that stands somewhere, and the row around it."""
    word_W, _ = hashed([text], Hashes())
    n = min(len(word_W), max(search.numbers))
    (number_W,) = (numbers for length, numbers in grams(word_W, n) if length == n)
    gram_W = np.minimum(np.searchsorted(search.numbers[n], number_W), len(search.numbers[n]) - 1)
    known_W = search.numbers[n][gram_W] == number_W
    for (name, column), first in places.items():
        here = np.flatnonzero(known_W & (first[n][gram_W] >= 0))
        if len(here):
            at, row = int(here[0]), int(first[n][gram_W[here[0]]])
            match = words(text)[at : at + n]
            around = _around(tables[name][column][row].as_py(), match)
            return {"match": " ".join(match), "set": name, "column": column, "row": row, "excerpt": around}
    raise AssertionError("an item overlaps nowhere")


def _around(text: str, match: list[str]) -> str:
    """The text around a run of words."""
    found = re.search(r"[\W_]+".join(map(re.escape, match)), text, re.IGNORECASE)
    start, end = found.span() if found else (0, 0)
    cut = text[max(start - EXCERPT, 0) : end + EXCERPT]
    return f"{'...' if start > EXCERPT else ''}{cut}{'...' if end + EXCERPT < len(text) else ''}"
