"""What was written about a herd elsewhere: reports of analyze.py, summaries of rate.py, files of answers.

Named ones are taken whole; otherwise they are looked for in the folder in which the herds lie, and only those
are taken that are about a member.
"""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lamini.comparison.herd import Kind, Member, Tree
from lamini.errors import UserError

T = TypeVar("T")

COLUMNS = ("student", "instruction_id", "instruction", "response")
FOLDER = "folder"
"""Key under which a tree says where it lies."""


@dataclass(frozen=True)
class Found(Generic[T]):
    """What was found, and what of it cannot be read."""

    found: T
    problems: list[str] = field(default_factory=list)


def analysis(named: Any, members: Sequence[Member]) -> Found[dict[str, Tree]]:
    """Data fingerprint -> report.json, with its `folder`.

    Raises:
        UserError: a named report is not there or torn.
    """
    if named is None:
        prints = {member.data for member in members if member.data}
        files = [
            file
            for place in _places(members)
            for mark in sorted(prints)
            if (file := place / "analysis" / mark / "report.json").is_file()
        ]
    else:
        files = _files("analysis", named, "report.json")
    trees, problems = _trees(files, "analysis" if named is not None else None)
    return Found({str(tree["fingerprint"]): tree for tree in trees if "fingerprint" in tree}, problems)


def ratings(named: Any, members: Sequence[Member]) -> Found[list[Tree]]:
    """summary.json of studies, each with its `folder`.

    Raises:
        UserError: a named summary is not there or torn.
    """
    if named is not None:
        trees, problems = _trees(_files("ratings", named, "summary.json"), "ratings")
        return Found(trees, problems)
    patterns = ("*.summary/summary.json", "*/*.summary/summary.json", "*/answers/*.summary/summary.json")
    files = [
        file for place in _places(members) for pattern in patterns for file in sorted(place.glob(pattern))
    ]
    trees, problems = _trees(dict.fromkeys(files), None)
    names = {name for member in members for name in (member.key, member.student, _folder_name(member))}
    return Found([tree for tree in trees if _concerns(tree, names)], problems)


def answers(named: Any, members: Sequence[Member]) -> Found[list[Mapping[str, str]]]:
    """Rows of answers: those of a member carry its key as `student`.

    Raises:
        UserError: a named file is not there or no file of answers.
    """
    problems: list[str] = []
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for file in _answer_files(named, members):
        try:
            found = _rows(file, members, whole=named is not None)
        except (pa.ArrowException, OSError, KeyError) as error:
            sentence = f"{file} is no file of answers ({' '.join(str(error).split())[:120]})"
            if named is not None:
                raise UserError(f"answers: {sentence}") from error
            problems.append(sentence)
            continue
        for row in found:
            rows.setdefault((row["student"], row["instruction_id"]), row)
    return Found(list(rows.values()), problems)


def _places(members: Sequence[Member]) -> list[Path]:
    """The folders in which the members' herds lie: outputs of outputs/herd/flan-t5-small."""
    found = (member.folder.resolve().parent.parent for member in members if member.folder is not None)
    return list(dict.fromkeys(found))


def _files(key: str, named: Any, name: str) -> list[Path]:
    """The files that a line names: themselves, or as `name` in a folder or one below."""
    found: list[Path] = []
    for word in [named] if isinstance(named, str | Path) else named:
        for place in sorted(glob.glob(str(Path(word).expanduser()))) or [str(word)]:
            folder = Path(place)
            below = [folder / name] if (folder / name).is_file() else sorted(folder.glob(f"*/{name}"))
            files = [folder] if folder.is_file() else below
            if not files:
                raise UserError(f"{key}={word} is no {name} and no folder with one")
            found += files
    return found


def _trees(files: Any, key: str | None) -> tuple[list[Tree], list[str]]:
    """The files as values; a torn one is told, or raised where a line named it under `key`."""
    trees, problems = list[Tree](), list[str]()
    for file in files:
        try:
            tree = json.loads(file.read_text(encoding="utf-8"))
            trees.append({**tree, FOLDER: str(file.parent)})
        except (OSError, ValueError, TypeError) as error:
            sentence = f"{file} is torn or cannot be read ({' '.join(str(error).split())[:120]})"
            if key is not None:
                raise UserError(f"{key}: {sentence}") from error
            problems.append(sentence)
    return trees, problems


def _concerns(tree: Tree, names: set[str]) -> bool:
    """Whether a study rates a member's texts, or a set of pairs, which belongs to no member."""
    return tree.get("study", {}).get("sheet") == "pairs" or not names.isdisjoint(_owners(tree))


def _owners(tree: Tree) -> Iterator[str]:
    """Whose texts a study rates: counted by level, or by wins."""
    for counts in tree.get("counts", {}).values():
        yield from (str(one.get("owner")) for one in counts)
    for preferences in tree.get("preferences", {}).values():
        yield from (str(one.get("owner")) for one in preferences.get("owners", []))


def _folder_name(member: Member) -> str:
    return member.folder.resolve().name if member.folder else member.key


def _answer_files(named: Any, members: Sequence[Member]) -> list[Path]:
    if named is not None:
        found: list[Path] = []
        for word in [named] if isinstance(named, str | Path) else named:
            files = [Path(one) for one in sorted(glob.glob(str(Path(word).expanduser())))]
            if not files:
                raise UserError(f"answers={word} matches no file; evaluate.py suite=answers writes some")
            found += files
        return found
    own = (
        file
        for member in members
        if member.kind is not Kind.published and member.folder
        for file in sorted((member.folder / "evaluation").glob("*.parquet"))
        if "." not in file.stem  # <suite>.outcomes.parquet and .samples.parquet are no answers
    )
    joined = (file for place in _places(members) for file in sorted(place.glob("*/answers/*.parquet")))
    return [file for file in (*joined, *own) if set(COLUMNS) <= _columns(file)]


def _columns(file: Path) -> set[str]:
    try:
        return set(pq.read_schema(file).names)
    except (pa.ArrowException, OSError):
        return set(COLUMNS)  # torn: told when it is read


def _rows(file: Path, members: Sequence[Member], whole: bool) -> list[dict[str, str]]:
    """Rows of a file as texts; `whole`: also where no member answered."""
    table = pq.read_table(file)
    table = table.select(
        [name for name in table.schema.names if pa.types.is_string(table.schema.field(name).type)]
    )
    if "error" in table.schema.names:
        table = table.filter(pc.is_null(table["error"]))
    keys = _keys(members)
    rows, any_member = [], False
    for row in table.to_pylist():
        texts = {name: value or "" for name, value in row.items()}
        model = Path(texts.get("model", "")).parent if texts.get("model", "").endswith("/export") else None
        key = keys.get(str(model)) or keys.get(texts["student"])
        any_member = any_member or key is not None
        rows.append({**texts, "student": key or texts["student"], "file": str(file)})
    return rows if whole or any_member else []


def _keys(members: Sequence[Member]) -> dict[str, str]:
    """How a file may call a member -> its key: by its folder, its key, or its name where only one has it."""
    found: dict[str, str] = {}
    names = [_folder_name(member) for member in members]
    for member, name in zip(members, names, strict=True):
        found[member.key] = member.key
        if names.count(name) == 1:
            found.setdefault(name, member.key)
        if member.folder is not None:
            found[str(member.folder.resolve())] = member.key
    return found
