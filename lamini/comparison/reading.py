"""From folders to a herd: every run and scored model that a line names, and what was written about them.

`runs` names herds, run folders, folders of scored models (outputs/bases), patterns of such, or `paper` for
the published models. Reports, ratings and answers are looked for where analyze.py, rate.py and evaluate.py
put them, unless they are named. Nothing that is torn stops the others: it is told.

    >>> herd = read("outputs/herd")  # doctest: +SKIP
"""

from __future__ import annotations

import difflib
import glob
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lamini.comparison import beside, published
from lamini.comparison.herd import Herd, Member
from lamini.comparison.members import is_member, member_of
from lamini.errors import UserError
from lamini.web.text import visible

PAPER = "paper"


def read(
    runs: Any,
    analysis: Any = None,
    ratings: Any = None,
    answers: Any = None,
    seed: int = 42,
    paper: bool = True,
    resamples: int = 2000,
) -> Herd:
    """Everything that `runs` names.

    Raises:
        UserError: no runs; a folder that is none or holds none; a named file that is not there or torn.
    """
    folders, members, left_out = folders_of(runs), list[Member](), list[str]()
    for folder in folders:
        found, told = member_of(folder)
        members += [found] if found else []
        left_out += told
    if PAPER in _words(runs):
        members += published.members()
    if not members:
        raise UserError(f"runs={runs} has nothing to compare: {'; '.join(left_out)}")
    named = _named_apart(members)
    reports = beside.analysis(analysis, named)
    found_ratings = beside.ratings(ratings, named)
    rows = beside.answers(answers, named)
    told = [*left_out, *reports.problems, *found_ratings.problems, *rows.problems]
    return Herd(named, told, reports.found, found_ratings.found, rows.found, seed, paper, resamples)


def folders_of(runs: Any) -> list[Path]:
    """The run folders and model folders that `runs` names, each once, in its order.

    Raises:
        UserError: as `read`.
    """
    found: dict[Path, Path] = {}
    for word in _words(runs):
        if word == PAPER:
            continue
        matching = _matching(word)
        if len(matching) > 1:  # outputs/* holds reports and caches, too
            matching = [one for one in matching if is_member(one) or _holds_members(one)] or matching[:1]
        for folder in matching:
            for one in _members_in(folder, word):
                found.setdefault(one.resolve(), one)
    return list(found.values())


def _words(runs: Any) -> list[str]:
    words = [str(runs)] if isinstance(runs, str | Path) else runs
    if not words:
        raise UserError(
            f"runs=<folder> is missing: a herd such as {_example()}, or paper for the published models"
        )
    if not isinstance(words, list | tuple) or not all(isinstance(one, str | Path) for one in words):
        raise UserError(
            f"runs={runs} must be a folder or a list of folders: runs='[outputs/herd,outputs/bases]'"
        )
    return [str(one) for one in words]


def _example() -> str:
    """A herd that is there, for a sentence."""
    herds = sorted({record.parent.parent for record in Path().glob("outputs/*/*/run.json")})
    return f"runs={herds[0]}" if herds else "runs=outputs/herd (python train.py -m makes one)"


def _matching(word: str) -> list[Path]:
    folder = Path(word).expanduser()
    if folder.is_dir():
        return [folder]
    matching = [Path(one) for one in sorted(glob.glob(str(folder))) if Path(one).is_dir()]
    if any(sign in word for sign in "*?[") and matching:
        return matching
    raise UserError(f"runs={word} is no folder{_near(folder)}")


def _near(folder: Path) -> str:
    """Folders beside it with a similar name, else all of them."""
    parent = folder.parent
    there = [path for path in sorted(parent.iterdir()) if path.is_dir()] if parent.is_dir() else []
    alike = set(difflib.get_close_matches(folder.name, [path.name for path in there], n=3))
    close = [path for path in there if path.name in alike] or [
        path for path in there if _holds_members(path)
    ][:5]
    if not close:
        return "; python train.py -m experiment=embedded makes outputs/embedded"
    return f"; there is {', '.join(map(str, close))}"


def _holds_members(folder: Path) -> bool:
    return any(is_member(path) for path in folder.iterdir() if path.is_dir())


def _members_in(folder: Path, word: str) -> Iterator[Path]:
    """The folder itself, or the members it holds."""
    if is_member(folder):
        yield folder
        return
    children = sorted(path for path in folder.iterdir() if path.is_dir())
    own = [path for path in children if is_member(path)]
    if not own:
        herds = [path.name for path in children if _holds_members(path)]
        more = f"; its folders {', '.join(herds)} do: runs={folder / herds[0]}" if herds else ""
        raise UserError(f"runs={word} holds no run of train.py and nothing that evaluate.py scored{more}")
    yield from own


def _named_apart(members: Sequence[Member]) -> list[Member]:
    """Keys that tell members apart: with their herd's name where two have one, else with a number."""
    keys = [member.key for member in members]
    taken: set[str] = set()
    result = []
    for member in members:
        key = member.key
        if keys.count(key) > 1:
            herd = member.folder.resolve().parent.name if member.folder else PAPER
            key = f"{visible(herd)}/{key}"
        number = 2
        unique = key
        while unique in taken:
            unique, number = f"{key} ({number})", number + 1
        taken.add(unique)
        result.append(replace(member, key=unique))
    return result
