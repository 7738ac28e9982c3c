"""Instruction and response of pairs of a data set, rated apart: the paper's check of its data (Figure 3).

Of each source the same number of pairs is drawn, by a hash of seed and content: a file in another order gives
the same sample, and the 2.58M are read once, keeping no more than what is drawn. A repeated row counts once.
"""

from __future__ import annotations

from collections import Counter
from heapq import heappush, heappushpop
from pathlib import Path

from lamini.data.files import check_pairs, name_of
from lamini.errors import UserError
from lamini.rating.reading import KEY
from lamini.rating.study import Item, Target, hashed

COLUMNS = ("instruction", "response", "output", "input", "instruction_source", "source", "kind")
ACCEPTED = "instruction and response (or output), optionally instruction_source (or source)"


class Sample:
    """The `each` pairs of every source whose hashes are the smallest."""

    def __init__(self, each: int, seed: int) -> None:
        self.each, self.seed = each, seed
        self.seen: Counter[str] = Counter()  # rows of each source
        self._heaps: dict[str, list[tuple[int, str, str, str]]] = {}
        self._kept: set[str] = set()

    def offer(self, source: str, instruction: str, response: str) -> None:
        """Take the pair in, where its hash is among the smallest."""
        self.seen[source] += 1
        mark = hashed(str(self.seed), source, instruction, response)
        if mark in self._kept:
            return
        heap = self._heaps.setdefault(source, [])
        entry = (-int(mark, 16), mark, instruction, response)
        if len(heap) < self.each:
            heappush(heap, entry)
            self._kept.add(mark)
        elif entry > heap[0]:
            self._kept.discard(heappushpop(heap, entry)[1])
            self._kept.add(mark)

    def items(self) -> list[Item]:
        """One item a pair with two targets, by source in the order these were met."""
        found = []
        for source in self.seen:
            for *_, instruction, response in sorted(self._heaps[source], reverse=True):
                targets = (
                    Target("", "instruction", (instruction,), (source,)),
                    Target("", "response", (response,), (source,)),
                )
                id = f"{source}:{hashed(source, instruction, response)}"
                found.append(Item("", id, source, instruction, targets))
        return found


def items(path: str, each: int, seed: int) -> tuple[list[Item], list[str]]:
    """The drawn pairs of a file or folder of shards, and what there is to tell about the others.

    Raises:
        UserError: the file cannot be read, or has no usable row.
    """
    from lamini.data import readers

    sample, malformed = Sample(each, seed), Counter[str]()
    for file in check_pairs(path, KEY):
        for _, record in readers.items(file, KEY, None, COLUMNS):
            if isinstance(record, dict) and not record.get("instruction_source"):
                record = {**record, "instruction_source": record.get("source")}
            malformed_row = isinstance(record, readers.Malformed)
            pair = record.reason if malformed_row else readers.pair_of(record, name_of(path))
            if isinstance(pair, str):
                malformed[pair] += 1
            else:
                sample.offer(pair.instruction_source, pair.instruction, pair.response)
    if not sample.seen:
        raise UserError(f"{KEY}={path} has no usable pair{_why(malformed)}; needed are {ACCEPTED}")
    return sample.items(), _told(path, sample, malformed)


def _told(path: str, sample: Sample, malformed: Counter[str]) -> list[str]:
    bad = sum(malformed.values())
    told = [f"{bad} rows are no pairs and left out of the draw{_why(malformed)}"] if bad else []
    drawn = Counter(item.group for item in sample.items())
    told += [
        f"{source} has {drawn[source]} different pairs, fewer than sheet.each={sample.each}: all are taken"
        for source in sample.seen
        if drawn[source] < sample.each
    ]
    if len(sample.seen) == 1 and name_of(Path(path)) in sample.seen:
        told.append(f"no column instruction_source: all pairs are of the source {name_of(Path(path))}")
    return told


def _why(malformed: Counter[str]) -> str:
    told = ", ".join(f"{reason}: {count}" for reason, count in malformed.most_common(5))
    return f" ({told})" if told else ": it has no rows"
