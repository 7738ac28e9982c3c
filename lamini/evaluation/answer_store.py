"""Every answer that was ever generated, in one SQLite file: nothing is generated twice.

An answer is named by its setting (weights, tokens, wrapper, decoding) and the text of its instruction. Each
batch is one transaction, so a job that is killed loses the batch at hand and no more, and several jobs may
share the file.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any

from lamini.errors import UserError
from lamini.runs import ensure_writable

BUSY = 120.0  # seconds to wait for another process that writes
LOOKUP = 500  # answers looked up at once
SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, setting TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
    setting TEXT NOT NULL, instruction TEXT NOT NULL,
    text TEXT NOT NULL, tokens INTEGER NOT NULL, cut INTEGER NOT NULL, finished INTEGER NOT NULL,
    PRIMARY KEY (setting, instruction)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a student said to one instruction."""

    text: str  # special tokens and outer blanks removed
    tokens: int  # generated, the end token not counted
    cut: bool  # the instruction was longer than the context leaves and lost its end
    finished: bool  # it ended by itself and not at the limit


class AnswerStore:
    """A context around the file; what is put in is on the disk when `put` returns."""

    def __init__(self, path: Path) -> None:
        """Open or make the file at `path`.

        Raises:
            UserError: it cannot be written, or is something else.
        """
        self.path = path
        ensure_writable(path.parent, "paths.cache_dir")
        with self._explained():
            self.connection = sqlite3.connect(path, timeout=BUSY)
            self.connection.executescript(SCHEMA)

    def __enter__(self) -> AnswerStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    def get(self, setting: Mapping[str, Any], instructions: Sequence[str]) -> dict[str, Answer]:
        """Instruction -> answer, of those that are there."""
        name, found = name_of(setting), {}
        by_hash = {digest(text): text for text in instructions}
        hashes = list(by_hash)
        with self._explained():
            for first in range(0, len(hashes), LOOKUP):
                chunk = hashes[first : first + LOOKUP]
                query = (
                    "SELECT instruction, text, tokens, cut, finished FROM answers WHERE setting = ?"
                    f" AND instruction IN ({','.join('?' * len(chunk))})"
                )
                for key, text, tokens, cut, finished in self.connection.execute(query, (name, *chunk)):
                    found[by_hash[key]] = Answer(text, tokens, bool(cut), bool(finished))
        return found

    def put(self, setting: Mapping[str, Any], answers: Mapping[str, Answer]) -> None:
        """Instruction -> answer, all or none; what stood there is replaced.

        Raises:
            UserError: the disk is full, or the file cannot be written.
        """
        name = name_of(setting)
        rows = [(name, digest(text), *asdict(answer).values()) for text, answer in answers.items()]
        with self._explained(), self.connection:
            self.connection.execute(
                "INSERT OR IGNORE INTO settings VALUES (?, ?)", (name, canonical(setting))
            )
            self.connection.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)", rows)

    def absorb(self, other: Path, replace: bool) -> int:
        """Take in all answers of another file, and say how many; `replace`: where there are some, too.

        Raises:
            UserError: as `put`, or the other file is no store.
        """
        how = "REPLACE" if replace else "IGNORE"
        with self._explained():
            self.connection.execute("ATTACH ? AS other", (str(other),))
            try:
                with self.connection:
                    self.connection.execute("INSERT OR IGNORE INTO settings SELECT * FROM other.settings")
                    self.connection.execute(f"INSERT OR {how} INTO answers SELECT * FROM other.answers")
                    count = self.connection.execute("SELECT count(*) FROM other.answers").fetchone()
            finally:
                self.connection.execute("DETACH other")
        return int(count[0])

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """SQLite's errors as sentences."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise UserError(f"{self.path} cannot be read or written: {error}; set paths.cache_dir") from error
        except sqlite3.DatabaseError as error:
            raise UserError(f"{self.path} is no intact store of answers ({error}); remove it") from error


def canonical(setting: Mapping[str, Any]) -> str:
    """The same text for the same setting."""
    return json.dumps(setting, sort_keys=True)


def name_of(setting: Mapping[str, Any]) -> str:
    """32 hex digits that stand for a setting."""
    return digest(canonical(setting))


def digest(text: str) -> str:
    """32 hex digits of a text."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
