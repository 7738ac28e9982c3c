"""manifest.json and README.md of a data set: what is in its shards, where it came from, and what it cost.

The manifest is written last, atomically: a folder that has one is finished. `describe` reads the shards once
and counts; whatever the rows cannot tell (configuration, cost, curation) is handed in.

Suffixes: N rows of one source.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from lamini.data.corpus import fingerprint_of
from lamini.data.files import name_of
from lamini.data.records import row_hash
from lamini.data.shards import MANIFEST, read_batches, shard_files
from lamini.errors import UserError
from lamini.provenance import git_state
from lamini.runs import write_atomically

FORMAT = 1
PACKAGES = ("lamini-herd", "pyarrow", "openai", "transformers", "rensa", "py3langid")

Counter = Callable[[list[str]], list[int]]
"""Texts -> tokens of each."""


def token_counter(tokenizer: str) -> Counter:
    """Counts the tokens of texts with the tokenizer in a folder or under a hub id, special tokens left out.

    Raises:
        UserError: nothing loadable there.
    """
    from lamini.students.tokenizers import load_tokenizer

    backend = load_tokenizer(tokenizer).backend_tokenizer
    return lambda texts: [
        len(text.ids) for text in backend.encode_batch_fast(texts, add_special_tokens=False)
    ]


def describe(folder: Path, count: Counter | None = None) -> dict[str, Any]:
    """What the shards of a folder hold: rows, sources, models, files and fingerprint, in one pass.

    `count` gives token counts for the table of sources; without one they are null. The fingerprint is that
    which `train.py data=file data.path=<folder>` writes into run.json, as long as no row is empty. 8 bytes a
    row are held.
    """
    sources: dict[str, dict[str, Any]] = {}
    hashes = [np.empty(0, np.uint64)]
    made_by: dict[tuple[str, str], int] = {}
    for batch in read_batches(folder):
        instructions, responses = batch["instruction"].to_pylist(), batch["response"].to_pylist()
        pairs = zip(instructions, responses, strict=True)
        hashes.append(np.fromiter((row_hash(*pair) for pair in pairs), np.uint64, batch.num_rows))
        _count(sources, batch["instruction_source"].to_pylist(), instructions, responses, count)
        for pair in zip(batch["teacher"].to_pylist(), batch["model"].to_pylist(), strict=True):
            made_by[pair] = made_by.get(pair, 0) + 1
    rows_N = np.concatenate(hashes)
    teachers = [
        {"teacher": kind, "model": model, "rows": made_by[kind, model]} for kind, model in sorted(made_by)
    ]
    return {
        "rows": len(rows_N),
        "fingerprint": fingerprint_of([(name_of(folder), 1.0, rows_N)]),
        "sources": dict(sorted(sources.items())),
        "teachers": teachers,
        "files": [_file(path) for path in shard_files(folder)],
    }


def _count(
    sources: dict[str, dict[str, Any]],
    names: list[str],
    instructions: list[str],
    responses: list[str],
    count: Counter | None,
) -> None:
    """Add a batch to the counts of its sources."""
    sizes = [count(texts) if count else [None] * len(texts) for texts in (instructions, responses)]
    for name, asked, said in zip(names, *sizes, strict=True):
        found = sources.setdefault(name, {"pairs": 0, "instruction_tokens": None, "response_tokens": None})
        found["pairs"] += 1
        if asked is not None and said is not None:
            found["instruction_tokens"] = (found["instruction_tokens"] or 0) + asked
            found["response_tokens"] = (found["response_tokens"] or 0) + said


def _file(path: Path) -> dict[str, Any]:
    """Name, size and checksum of a file."""
    import pyarrow.parquet as pq

    digest = sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    rows = pq.read_metadata(path).num_rows
    return {"name": path.name, "rows": rows, "bytes": path.stat().st_size, "sha256": digest.hexdigest()}


def manifest(
    name: str,
    described: dict[str, Any],
    config: dict[str, Any],
    cost: dict[str, Any],
    curation: dict[str, Any] | None,
    tokenizer: str | None,
) -> dict[str, Any]:
    """The record that manifest.json holds: `described` by `describe`, and what only the driver knows.

    `config` is the plain configuration, `cost` what the request log says ({"usd": ..., "requests": ...}),
    `curation` a `Report.as_dict()` or None, `tokenizer` the name of the one that counted.
    """
    return {
        "format": FORMAT,
        "name": name,
        **described,
        "tokenizer": tokenizer,
        "curation": curation,
        "cost": cost,
        "config": config,
        "provenance": {**git_state(Path(__file__).resolve()), "versions": _versions()},
    }


def write_manifest(folder: Path, record: dict[str, Any]) -> None:
    """Put the record into the folder, atomically: from now on it is finished.

    Raises:
        UserError: the disk is full.
    """
    write_atomically(folder / MANIFEST, json.dumps(record, indent=1, ensure_ascii=False) + "\n")


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The record of a finished folder; None where there is none.

    Raises:
        UserError: it cannot be read, or is of a later version.
    """
    path = folder / MANIFEST
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, OSError) as error:
        raise UserError(f"{path} cannot be read ({error}); remove it to finish the data set anew") from error
    found = record.get("format") if isinstance(record, dict) else None
    if not isinstance(found, int) or found > FORMAT:
        raise UserError(f"{path} has format {found}; this version reads up to {FORMAT}")
    return dict(record)


def verify(folder: Path, record: dict[str, Any]) -> list[str]:
    """What of the manifest is not so: files missing, unknown or with other bytes; empty when all is well."""
    present = {path.name for path in shard_files(folder)}
    named = {file["name"]: file for file in record["files"]}
    wrong = [f"{name} is missing" for name in sorted(named.keys() - present)]
    wrong += [f"{name} is not in the manifest" for name in sorted(present - named.keys())]
    for name in sorted(named.keys() & present):
        if _file(folder / name) != named[name]:
            wrong.append(f"{name} has changed")
    return wrong


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found
