"""<data_dir>/manifest.json: what was fetched, from where, under which licence, and every file's checksum.

It is written after each part, so that an interrupted prefetch goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

from lamini.errors import UserError
from lamini.runs import write_atomically

NAME = "manifest.json"
FORMAT = 1


class Manifest:
    """The parts of a folder by name: models, tasks, probes."""

    def __init__(self, folder: Path) -> None:
        """The manifest of a folder, empty where there is none yet.

        Raises:
            UserError: it cannot be read, or is of a later version.
        """
        self.folder = folder
        self.parts: dict[str, dict[str, Any]] = {}
        path = folder / NAME
        if not path.is_file():
            return
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            found = record["format"]
            self.parts = record["parts"] if found == FORMAT else {}
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise UserError(f"{path} cannot be read ({error}); remove it to fetch everything anew") from error
        if found != FORMAT:
            raise UserError(f"{path} has format {found}; this version reads {FORMAT}")

    def has(self, name: str) -> bool:
        """Whether a part is there, all of its files with the length that they had."""
        if name not in self.parts:
            return False
        files = self.parts[name]["files"]
        return all(_length(self.folder / file) == facts["bytes"] for file, facts in files.items())

    def add(self, name: str, files: Iterable[Path], **facts: Any) -> dict[str, Any]:
        """Note a part that has been fetched.

        Raises:
            UserError: the manifest cannot be written.
        """
        listed = {
            str(path.relative_to(self.folder)): {"bytes": path.stat().st_size, "sha256": checksum(path)}
            for path in sorted(files)
        }
        self.parts[name] = {**facts, "files": listed}
        record = {"format": FORMAT, "parts": dict(sorted(self.parts.items()))}
        write_atomically(self.folder / NAME, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
        return self.parts[name]

    def wrong(self, name: str) -> list[str]:
        """What of a part is not as it was fetched, a few words each; reads every byte."""
        found = []
        for file, facts in self.parts[name]["files"].items():
            path = self.folder / file
            if not path.is_file():
                found.append(f"{file} is missing")
            elif checksum(path) != facts["sha256"]:
                found.append(f"{file} has changed")
        return found


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    digest = sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _length(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1
