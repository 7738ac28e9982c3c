"""Which tasks lm-eval knows and in which of its folders each is told, without lm-eval itself.

Its TaskManager parses 14,000 YAML files before it knows a name, which takes six seconds. Here the few lines
that name things are searched for in the raw bytes, which takes a fraction of one, so that a wrong name is
answered at once and a TaskManager is given only the folders that are needed.
"""

from __future__ import annotations

import difflib
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from lamini.errors import UserError

LINE = re.compile(
    rb"""^["']?(task|group|tag|include|class)["']?[ \t]*:[ \t]*([^\n]*)((?:\n[ \t]*-[ \t]+[^\n]*)*)""",
    re.MULTILINE,
)
OURS = Path(__file__).parents[1] / "oracle_tasks"
ITEM = re.compile(rb"\n[ \t]*-[ \t]+")


@dataclass(frozen=True)
class Told:
    """A YAML file of lm-eval's, as far as it names things."""

    path: Path
    name: str
    group: bool  # its task: lists members
    tags: tuple[str, ...] | None  # that it bears; None: those of the file that it includes
    includes: tuple[str, ...]


@dataclass(frozen=True)
class Names:
    """Everything that can be asked for by name."""

    files: Mapping[str, Told]  # task or group -> where it is told
    tags: Mapping[str, tuple[str, ...]]  # tag -> tasks that bear it

    def __contains__(self, name: object) -> bool:
        return name in self.files or name in self.tags

    def members(self, name: str) -> list[str]:
        """What a group or tag names itself, in order; a task has no members."""
        if name in self.files:
            return _members(_yaml(self.files[name].path).get("task")) if self.files[name].group else []
        return list(self.tags[name])

    def leaves(self, name: str) -> list[str]:
        """The tasks of a task, group or tag, each once."""
        found = {name: None} if name in self.files and not self.files[name].group else {}
        for member in self.members(name):
            if member in self and member != name:
                found |= dict.fromkeys(self.leaves(member))
        return list(found)

    def folders(self, names: Iterable[str]) -> list[Path]:
        """The folders that tell all of these and everything in them, none inside another."""
        seen: set[str] = set()
        waiting, folders = list(names), set()
        while waiting:
            name = waiting.pop()
            if name in seen or name not in self:
                continue
            seen.add(name)
            waiting += self.members(name)
            if name in self.files:
                folders.add(self.files[name].path.parent)
        return sorted(folder for folder in folders if not folders.intersection(folder.parents))

    def config(self, name: str) -> dict[str, Any]:
        """The keys of a task's YAML, those of what it includes among them; functions are null."""
        return _merged(self.files[name].path)


def check(names: Iterable[str], include_path: Path | None, key: str = "suite.tasks") -> None:
    """Raise UserError for a name that lm-eval does not know, with the nearest that it does."""
    if include_path is not None and not include_path.is_dir():
        raise UserError(f"suite.include_path={include_path} is no folder with task YAML")
    names = list(names)
    if not names:
        raise UserError(f"{key} is empty; name tasks of lm-eval: {key}='[mmlu,gsm8k]'")
    known = known_names(include_path)
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, [*known.files, *known.tags], n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else "; lm-eval ls tasks lists them"
            where = f" nor in suite.include_path={include_path}" if include_path else ""
            raise UserError(f"{key}: {name} is no task, group or tag of lm-eval's{where}{hint}")


@lru_cache
def known_names(include_path: Path | None = None) -> Names:
    """lm-eval's own tasks, ours, and those of a folder, which win where others have a name too."""
    files: dict[str, Told] = {}
    for root in (task_folder(), OURS, *([include_path] if include_path else [])):
        files |= _found(root)
    by_path = {told.path: told for told in files.values()}
    tags: dict[str, list[str]] = defaultdict(list)
    for told in files.values():
        for tag in () if told.group else _tags(told, by_path):
            tags[tag].append(told.name)
    return Names(files, {tag: tuple(sorted(tasks)) for tag, tasks in tags.items() if tag not in files})


def task_folder() -> Path:
    """Where lm-eval has its tasks."""
    spec = find_spec("lm_eval")
    if spec is None or not spec.submodule_search_locations:
        raise UserError("benchmarks need lm-eval: pip install 'lm-eval>=0.4.13'")
    return Path(spec.submodule_search_locations[0]) / "tasks"


@cache
def _found(root: Path) -> dict[str, Told]:
    found: dict[str, Told] = {}
    for told in _scan(root):
        found.setdefault(told.name, told)
    return found


def _scan(root: Path) -> Iterator[Told]:
    """The files below that name a task or a group, in lm-eval's order: the first of a name counts."""
    paths = [
        os.path.join(folder, file)
        for folder, _, names in os.walk(root)
        for file in names
        if file.endswith(".yaml")
    ]
    for path in sorted(paths):
        with open(path, "rb") as file:
            told = _told(path, file.read())
        if told:
            yield told


def _told(path: str, text: bytes) -> Told | None:
    found: dict[str, list[str]] = {}
    for key, value, items in LINE.findall(text):
        values = [value, *ITEM.split(items)]
        found[key.decode()] = [word for each in values for word in _words(each.decode("utf-8", "replace"))]
    group = "group" in found and "class" not in found  # a task written in Python may say which group it is of
    names = found.get("group" if group else "task")
    if not names:
        return None
    tags = found.get("tag")
    return Told(Path(path), names[0], group, tuple(tags) if tags else None, tuple(found.get("include", ())))


def _words(text: str) -> list[str]:
    """`a`, "a", [a, b]: the words, without comment."""
    text = re.sub(r"(^|\s)#.*", "", text).strip().removeprefix("[").removesuffix("]")
    return [word for part in text.split(",") if (word := part.strip().strip("\"'"))]


def _tags(told: Told, by_path: Mapping[Path, Told]) -> tuple[str, ...]:
    """The tags of a task: its own, else those of the last file that it includes."""
    if told.tags is not None or not told.includes:
        return told.tags or ()
    tags: tuple[str, ...] = ()
    for include in told.includes:
        path = Path(os.path.normpath(told.path.parent / include))
        included = by_path.get(path) or _included(path)
        tags = (_tags(included, by_path) if included else ()) or tags
    return tags


@cache
def _included(path: Path) -> Told | None:
    """A file that others include, which has no name of its own."""
    try:
        text = path.read_bytes()
    except OSError:
        return None  # lm-eval will say so when the task is loaded
    return _told(str(path), b"task: _\n" + text)


def _members(value: Any) -> list[str]:
    """The names in a group's `task:`; of groups told in place, those of their members."""
    found = []
    for item in value if isinstance(value, list) else [value] if isinstance(value, str) else []:
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict):
            name = item.get("group", item.get("task"))
            found += [name] if isinstance(name, str) else []
            found += _members(item["task"]) if "group" in item and isinstance(item.get("task"), list) else []
    return found


class _Loader(yaml.SafeLoader):
    """YAML with lm-eval's !function, which stays unresolved."""


_Loader.add_constructor("!function", lambda loader, node: None)


def _yaml(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        loaded = yaml.load(file, Loader=_Loader)  # a SafeLoader
    return loaded if isinstance(loaded, dict) else {}


def _merged(path: Path) -> dict[str, Any]:
    own = _yaml(path)
    includes = own.pop("include", None) or []
    merged: dict[str, Any] = {}
    for include in [includes] if isinstance(includes, str) else includes:
        merged |= _merged(path.parent / include)
    return merged | own
