"""A run folder explains and continues itself: config.yaml, run.json, a lock while it runs.

`run.json` is written atomically and is the only record others read. A folder is new, done, or resumable;
one whose config hash differs is refused with the difference shown, never skipped or mixed.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from lamini.config import TrainConfig
from lamini.errors import UserError
from lamini.launching.options import HERE, Launcher
from lamini.search.space import Question

FORMAT = 1
# What may differ between two starts of the same run: where it runs and what is shown, not what comes out.
BESIDES = {
    "mode", "name", "force", "logger", "paths", "max_rejected", "size.micro_tokens",
    "batching", "validation.every", "validation.answers",
    "trainer.accelerator", "trainer.devices", "trainer.threads", "trainer.log_every",
    "trainer.checkpoint_every", "trainer.checkpoint_minutes", "trainer.keep_last", "trainer.keep_best",
    "trainer.strategy", "trainer.gradient_checkpointing", "trainer.attention", "trainer.compile",
}  # fmt: skip


class State(Enum):
    """What a folder holds for the job at hand."""

    new = "new"
    done = "done"
    resume = "resume"


def plain(config: Any) -> dict[str, Any]:
    """A configuration as plain values, with a `_target_` where options differ; config.yaml holds it so."""
    tree: dict[str, Any] = _values(dataclasses.asdict(config))
    for field in dataclasses.fields(config):
        option = type(getattr(config, field.name))
        if field.type == "Any" and dataclasses.is_dataclass(option):
            target = f"{option.__module__}.{option.__qualname__}"
            tree[field.name] = {"_target_": target, **tree[field.name]}
    return tree


def _values(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {str(key): _values(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_values(value) for value in tree]
    return tree.value if isinstance(tree, Enum) else tree


def identity(tree: dict[str, Any]) -> dict[str, Any]:
    """Flat `key -> value` of everything in a `plain` configuration that changes the result."""
    family = dict(tree["family"])
    family["size"] = family.pop("sizes").get(tree["size"]["name"])
    flat = _flatten({**tree, "family": family})
    return {key: value for key, value in sorted(flat) if not _besides(key)}


def _besides(key: str) -> bool:
    parts = key.split(".")
    return any(".".join(parts[:n]) in BESIDES for n in range(1, len(parts) + 1))


def _flatten(tree: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from _flatten(value, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, tree


def config_hash(config: TrainConfig) -> str:
    """Twelve hex digits over everything in the configuration that changes the result."""
    return hashlib.sha256(json.dumps(identity(plain(config)), sort_keys=True).encode()).hexdigest()[:12]


@dataclasses.dataclass(frozen=True)
class Job:
    """One run of a line: its validated configuration, the folder it will write, and who runs it.

    Those of a search stand for its trials, which are not known yet; they share its folder.
    """

    config: Any
    folder: Path
    launcher: Launcher = HERE
    search: Question | None = None


class RunFolder:
    """`<paths.output_dir>/<name>/<run>`: what stands in it, and the only way to write its `run.json`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record_file = path / "run.json"
        self.config_file = path / "config.yaml"

    def record(self) -> dict[str, Any]:
        """The content of run.json, or {} where there is none.

        Raises:
            UserError: the file is no JSON of a format this version reads.
        """
        try:
            record = json.loads(self.record_file.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (ValueError, OSError) as error:
            raise UserError(
                f"{self.record_file} cannot be read ({error}); remove it to start anew"
            ) from error
        if not isinstance(record, dict) or not isinstance(record.get("format", 0), int):
            raise UserError(f"{self.record_file} is no record of a run; remove it to start anew")
        if record.get("format", 0) > FORMAT:
            raise UserError(
                f"{self.record_file} has format {record['format']}; this version reads up to {FORMAT}"
            )
        return record

    def state(self, config: TrainConfig) -> State:
        """Whether the job is new here, done, or to be continued.

        Raises:
            UserError: the folder belongs to another configuration; the message shows the difference.
        """
        record = self.record()
        if not record or config.force:
            return State.new
        if record.get("provenance", {}).get("config_hash") != config_hash(config):
            raise UserError(
                f"{self.path} holds a run of another configuration ({self._difference(config)});"
                " choose another name=<name>, or force=true to replace it"
            )
        return State.done if record["status"] == "done" else State.resume

    def pruned(self, config: TrainConfig) -> bool:
        """Whether a search gave the run up; as little is left to do as for one that is done."""
        return bool(self.record().get("pruned")) and not config.force

    def _difference(self, config: TrainConfig) -> str:
        """`key: old -> new` of the first keys that differ."""
        try:
            old = identity(yaml.safe_load(self.config_file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError):
            return "its config.yaml is missing or damaged"
        new = identity(plain(config))
        changed = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
        lines = [f"{key}: {_short(old.get(key))} -> {_short(new.get(key))}" for key in changed[:8]]
        more = f" and {len(changed) - 8} more" if len(changed) > 8 else ""
        return "; ".join(lines) + more

    def write(self, record: dict[str, Any]) -> None:
        """Replace run.json in one step: a reader sees the old or the new one, never half of it."""
        write_atomically(self.record_file, json.dumps(record, indent=2, default=str) + "\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder; the lock ends with the process, however that dies.

        Raises:
            UserError: another process holds it.
        """
        lock = FileLock(self.path / "lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise UserError(
                f"{self.path} is being written by another process; wait for it or choose name=<name>"
            ) from None
        try:
            yield
        finally:
            (self.path / "lock").unlink(
                missing_ok=True
            )  # while held: who waits finds it gone and makes a new one
            lock.release()

    def running(self) -> bool:
        """Whether a living process holds the folder."""
        if not (self.path / "lock").exists():
            return False
        try:
            with FileLock(self.path / "lock", timeout=0):
                return False
        except Timeout:
            return True


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def ensure_writable(folder: Path, key: str, value: str = "<folder>") -> None:
    """Make `folder`, which `key` of the configuration decides by a `value`, and try a write in it.

    Raises:
        UserError: it cannot be made or written, or the disk is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0" * 4096)
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({reason(error)}); set {key}={value}") from error


def reason(error: OSError) -> str:
    """What the operating system said, in the words a person uses."""
    return "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or str(error)).lower()


def draft(path: Path) -> Path:
    """Where what will be `path` is written first: hosts that share a folder may share process numbers too."""
    return path.with_name(f".{path.name}.{socket.gethostname()}.{os.getpid()}")


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write beside, flush to disk, rename over.

    Raises:
        UserError: disk full or not writable; the old file is untouched and nothing half-written remains.
    """
    temporary = draft(path)
    try:
        with temporary.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(f"{path} cannot be written: {reason(error)}") from error
