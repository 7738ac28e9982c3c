"""Test items whose text stands in the pairs: word n-grams shared by a mixture and the evaluation tasks.

P3 and FLAN contain most of the paper's 15 tasks, and the paper does not say from which split its prompts
were drawn. A text of an item is looked for by all its n-grams (13 words, as in Brown et al. 2020); one of
fewer words as a whole, and one below `contamination.shortest` words not at all, because a short phrase
stands everywhere by chance. N-grams of more than COMMON items of a task are the task's wording and not an
item's; they are left out and counted.

Instructions and responses are searched. What the jobs return is the first row of each n-gram, not the
matches.

Suffixes: W words, G n-grams of one length, T texts of the items.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lamini.analysis.items import Item
from lamini.analysis.ngrams import Hashes, Index, grams, hashed
from lamini.analysis.rows import BATCH, COLUMNS, Rows
from lamini.analysis.workers import each
from lamini.config import Contamination

COMMON = 10
"""Items of one task that may share an n-gram."""
PIECE = 10 * BATCH
"""Rows of one job."""
Places = dict[tuple[str, str], dict[int, np.ndarray]]
"""(set, column) -> n -> the first row that each n-gram stands in, int32 (G,), -1 for none."""


@dataclass
class Search:
    """What is looked for. An item has several texts; `owners` pairs n-grams with the texts that hold them."""

    items: list[Item]
    text_items: np.ndarray  # the item of each text, int64 (T,)
    numbers: dict[int, np.ndarray]  # n -> numbers of the n-grams, uint64 (G,), ascending
    owners: dict[
        int, tuple[np.ndarray, np.ndarray]
    ]  # n -> n-grams (rows of numbers[n]) and texts, side by side
    wording: dict[str, int]  # task -> n-grams left out

    def held(self, chosen: dict[int, np.ndarray] | None = None) -> np.ndarray:
        """N-grams of each text, or those of them that are chosen (n -> bool (G,)), int64 (T,)."""
        total_T = np.zeros(len(self.text_items), np.int64)
        for n, (gram, text) in self.owners.items():
            counted = text if chosen is None else text[chosen[n][gram]]
            total_T += np.bincount(counted, minlength=len(total_T))
        return total_T


def prepare(items: list[Item], options: Contamination) -> Search:
    """The n-grams of all items.

    With n-grams of 13 and a shortest text of 8 words, a text of 15 words gives its three 13-grams, one of 9
    words itself, one of 7 words nothing.
    """
    hashes = Hashes()
    texts = [(number, text) for number, item in enumerate(items) for text in item.texts]
    found: dict[int, list[tuple[np.ndarray, int]]] = {}
    for text_number, (_, text) in enumerate(texts):
        word_W, _ = hashed([text], hashes)
        n = min(len(word_W), options.ngram)
        if n >= options.shortest:
            (number_W,) = (numbers for length, numbers in grams(word_W, n) if length == n)
            found.setdefault(n, []).append((number_W, text_number))
    text_items = np.array([number for number, _ in texts], np.int64)
    search = Search(items, text_items, {}, {}, dict.fromkeys((item.task for item in items), 0))
    for n, parts in sorted(found.items()):
        owner = np.concatenate([np.full(len(numbers), text) for numbers, text in parts])
        _add(search, n, np.concatenate([numbers for numbers, _ in parts]), owner)
    return search


def _add(search: Search, n: int, number: np.ndarray, owner: np.ndarray) -> None:
    """Take the n-grams of one length, those apart that are a task's wording."""
    tasks, items, texts = list(search.wording), len(search.items), len(search.text_items)
    task_I = np.array([tasks.index(item.task) for item in search.items])
    numbers, gram = np.unique(number, return_inverse=True)
    held = np.unique(gram * items + search.text_items[owner])  # an n-gram counts once in an item
    used, often = np.unique(held // items * len(tasks) + task_I[held % items], return_counts=True)
    common = used[often > COMMON]  # n-gram and task in one number, as `held` is n-gram and item
    for task in (common % len(tasks)).tolist():
        search.wording[tasks[task]] += 1
    kept = ~np.isin(gram * len(tasks) + task_I[search.text_items[owner]], common)
    pair = np.unique(gram[kept] * texts + owner[kept])
    left, row = np.unique(pair // texts, return_inverse=True)
    search.numbers[n], search.owners[n] = numbers[left], (row, pair % texts)


def look(sets: list[Rows], search: Search, processes: int) -> tuple[Places, dict[str, dict[str, int]]]:
    """Where the n-grams stand, and set -> column -> rows that hold at least one."""
    jobs = [
        (rows, column, start, search.numbers)
        for rows in sets
        for column in COLUMNS
        for start in range(0, rows.count, PIECE)
    ]
    sizes = [min(PIECE, rows.count - start) for rows, _, start, _ in jobs]
    places: Places = {}
    hits: dict[str, dict[str, int]] = {rows.name: dict.fromkeys(COLUMNS, 0) for rows in sets}
    found = each(scan, jobs, sizes, processes, "contamination")
    for (rows, column, _, _), (first, count) in zip(jobs, found, strict=True):
        hits[rows.name][column] += count
        known = places.setdefault((rows.name, column), first)
        for n, row_G in first.items():
            known[n] = np.where(known[n] >= 0, known[n], row_G)  # jobs come in the order of the rows
    return places, hits


def scan(
    rows: Rows, column: str, start: int, numbers: dict[int, np.ndarray]
) -> tuple[dict[int, np.ndarray], int]:
    """Hold the PIECE texts from row `start` against the n-grams: the first row of each, and rows with any."""
    indices = {n: Index(number_G) for n, number_G in numbers.items()}
    first = {n: np.full(len(number_G), -1, np.int32) for n, number_G in numbers.items()}
    hashes, count = Hashes(), 0
    texts = rows.table()[column].slice(start, PIECE)
    for at in range(0, len(texts), BATCH):
        batch = texts.slice(at, BATCH).to_pylist()
        hit_N = np.zeros(len(batch), bool)
        word_W, text_W = hashed(batch, hashes)
        for n, number_W in grams(word_W, max(indices, default=0)):
            if n in indices:
                place, gram = indices[n].find(number_W)
                inside = text_W[place] == text_W[place + n - 1]
                place, gram = place[inside][::-1], gram[inside][::-1]  # so that the first one is written last
                new = first[n][gram] < 0
                first[n][gram[new]] = start + at + text_W[place[new]]
                hit_N[text_W[place]] = True
        count += int(hit_N.sum())
    return first, count
