"""Prompts that exist already: seeds, Alpaca, P3 and FLAN, or any file of prompts.

A collection is one entry of `instructions.collections`: where its rows are, which columns make a prompt, how
instruction and input become one text. Rows are streamed through the readers of `lamini/data` into one Arrow
table, ordered by a hash of the text: the order of the file changes nothing, and the first `limit` rows are a
fixed sample. Memory is that of the texts that stay, not of Python objects.

Suffixes: N rows of a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lamini.config import Collection
from lamini.data import hub
from lamini.data.readers import BATCH, Item, Malformed, excerpt, items
from lamini.data.records import Rejected, instruction_hash
from lamini.errors import UserError
from lamini.instructions.columns import MISSING, Prompt, prompt_of, reach
from lamini.instructions.located import located
from lamini.instructions.templates import parsed

SCHEMA = pa.schema([("hash", pa.uint64()), ("text", pa.large_string()), ("group", pa.large_string())])


@dataclass(frozen=True)
class Prompts:
    """The prompts of a collection (SCHEMA, ordered by hash) and the rows that are none."""

    name: str
    table: pa.Table
    rejected: list[Rejected]

    def texts(self, limit: int | None = None) -> Iterator[str]:
        """The prompts, or the first `limit` of them, streamed."""
        for batch in self.table.slice(0, limit).select(["text"]).to_batches(max_chunksize=BATCH):
            yield from batch["text"].to_pylist()


def load(name: str, options: Collection) -> Prompts:
    """The collection `name`, at least one prompt.

    Raises:
        UserError: file, hub or a column is missing, a template cannot be filled, or no row is usable.
    """
    key = f"instructions.collections.{name}"
    template = parsed(options.template, f"{key}.template", ("instruction", "input"), ("instruction",))
    gathered = _Gathered(name, options)
    for line, record in _items(key, options):
        found = (
            record.reason if isinstance(record, Malformed) else prompt_of(record, options.columns, template)
        )
        gathered.add(line, record, found)
    return gathered.prompts()


class _Gathered:
    """Prompts in batches, cut to the limit on the way, and what was seen of the columns."""

    def __init__(self, name: str, options: Collection) -> None:
        self.name, self.options = name, options
        self.key = f"instructions.collections.{name}"
        self.kept = SCHEMA.empty_table()
        self.waiting: list[Prompt] = []
        self.rejected: list[Rejected] = []
        self.columns: dict[str, None] = {}
        used = {"instruction": options.columns.instruction, "input": options.columns.input}
        used["group"] = options.columns.group
        self.unseen = {role: path for role, path in used.items() if path is not None}

    def add(self, line: int, record: Any, found: Prompt | str) -> None:
        """One row and what it came to."""
        if isinstance(record, dict) and self.unseen:
            self.columns.update(dict.fromkeys(map(str, record)))
            seen = [role for role, path in self.unseen.items() if reach(record, path) is not MISSING]
            for role in seen:
                del self.unseen[role]
        if isinstance(found, Prompt):
            self.waiting.append(found)
        else:
            self.rejected.append(Rejected(self.name, line, found, excerpt(record)))
            if len(self.rejected) == BATCH:
                self._missing("instruction")
        if len(self.waiting) == BATCH:
            self._flush()

    def prompts(self) -> Prompts:
        """Everything, ordered by hash."""
        self._flush()
        for role in list(self.unseen):
            self._missing(role)
        if self.kept.num_rows == 0:
            reasons = ", ".join(sorted({row.reason for row in self.rejected})[:5]) or "it has no rows"
            raise UserError(f"{self.key} has no usable prompt ({reasons})")
        return Prompts(self.name, _lowest(self.kept, self.options.limit), self.rejected)

    def _missing(self, role: str) -> None:
        """Refuse a column that no row had; where there are no rows with columns, others say so."""
        if role in self.unseen and self.columns:
            columns = ", ".join(self.columns)
            where = self.options.path or self.options.hub
            raise UserError(
                f"{self.key}.columns.{role}={self.unseen[role]} is no column of {where}: it has {columns}"
            )

    def _flush(self) -> None:
        texts = [prompt.text for prompt in self.waiting]
        batch = {"hash": [instruction_hash(text) for text in texts], "text": texts}
        batch["group"] = [prompt.group for prompt in self.waiting]
        self.kept = pa.concat_tables([self.kept, pa.table(batch, schema=SCHEMA)])
        self.waiting = []
        limit = self.options.limit
        if limit is not None and self.kept.num_rows > 2 * limit + BATCH:
            self.kept = _lowest(self.kept, limit)


def _lowest(table: pa.Table, limit: int | None) -> pa.Table:
    """The first `limit` rows by hash (all without one), in that order."""
    order_N = np.argsort(table["hash"].to_numpy(), kind="stable")[:limit]
    return table.take(pa.array(order_N)).combine_chunks()


def _items(key: str, options: Collection) -> Iterator[Item]:
    """The rows of the collection's file, of a local copy of its data set, or of the hub."""
    paths = [path for path in vars(options.columns).values() if path is not None]
    columns = [name for path in paths for name in (path.split(".")[0], path)]
    if options.path is not None:
        yield from items(located(options.path), f"{key}.path", columns=columns)
    elif options.hub is None:
        raise UserError(f"{key} has neither path nor hub; set {key}.path=<file>")
    elif hub.is_local(options.hub):
        for file in hub.local_files(options.hub, f"{key}.hub"):
            yield from items(file, f"{key}.hub", columns=columns)
    else:
        rows = hub.published(options.hub, f"{key}.hub", f"set {key}.path=<file>")
        yield from enumerate(rows, start=1)
