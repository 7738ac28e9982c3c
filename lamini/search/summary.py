"""search.json beside the trials' run folders: which line they belong to, and how they rank.

It is read without Optuna, early: another line with the same name is told before anything starts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from lamini.errors import UserError
from lamini.runs import Job, identity, plain, write_atomically

FILE = "search.json"
FORMAT = 1


def line_of(job: Job) -> dict[str, Any]:
    """Flat `key -> value` of what makes two lines the same search; the number of trials may grow."""
    question = job.search
    assert question is not None
    search = question.search
    said = {
        "metric": search.metric, "direction": search.direction.value, "seed": search.seed,
        "sampler": f"{search.sampler.name.value} {search.sampler.startup_trials}",
        "pruner": f"{search.pruner.name.value} {search.pruner.startup_trials} {search.pruner.warmup}",
    }  # fmt: skip
    choices = {dimension.key.lstrip("+~"): dimension for dimension in question.dimensions}
    fixed = {key: value for key, value in identity(plain(job.config)).items() if key not in choices}
    space = {f"values of {key}": str(choices[key]) for key in sorted(choices)}
    told = {**{f"hydra.sweeper.{key}": value for key, value in said.items()}, **space, **fixed}
    return dict(json.loads(json.dumps(told, default=str)))


def read(folder: Path) -> dict[str, Any]:
    """The file of a search's folder, or {}.

    Raises:
        UserError: it is damaged.
    """
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"{folder / FILE} cannot be read ({error}); remove it") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UserError(f"{folder / FILE} is no record of a search; remove it")
    return content


def write(folder: Path, line: dict[str, Any], trials: list[dict[str, Any]]) -> None:
    """Replace the file in one step; the best trial comes first."""
    content = {"format": FORMAT, "trials": trials, "line": line}
    write_atomically(folder / FILE, json.dumps(content, indent=2) + "\n")


@contextmanager
def held(job: Job) -> Iterator[None]:
    """The search's folder is ours, for this line; with force=true an earlier search is forgotten.

    Raises:
        UserError: another line's search is there, or another process runs this one.
    """
    folder, line, question = job.folder, line_of(job), job.search
    assert question is not None
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "search.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise UserError(
            f"{folder} is being searched by another process; wait for it or choose name=<name>"
        ) from None
    try:
        before = read(folder)
        if job.config.force:
            before = {}
            Path(question.search.storage).unlink(missing_ok=True)
        elif before and before["line"] != line:
            raise UserError(
                f"{folder} holds the search of another line ({_difference(before['line'], line)});"
                " choose another name=<name>, or force=true to replace it"
            )
        write(folder, line, before.get("trials", []))
        yield
    finally:
        (folder / "search.lock").unlink(missing_ok=True)
        lock.release()


def _difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    changed = [key for key in [*new, *old] if old.get(key) != new.get(key)]
    shown = [f"{key}: {old.get(key)} -> {new.get(key)}" for key in dict.fromkeys(changed)]
    return "; ".join(shown[:4]) + (f" and {len(shown) - 4} more" if len(shown) > 4 else "")
