"""What `students=` names: run folders of ours, whole herds of them, Hugging Face folders, hub ids.

A student of ours is scored by its export, and its results stand in its run folder. Anything else gets a
folder of its own under <paths.output_dir>/<name>. Nothing heavy is imported here.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation.prefetching.models import fetched
from lamini.runs import RunFolder
from lamini.students import locate

NEEDED = (("weights", locate.WEIGHTS), ("tokenizer", locate.TOKENIZERS))


@dataclass(frozen=True)
class Subject:
    """A model to be scored."""

    name: str  # the run, or the last part of folder or hub id
    source: str  # folder or hub id that transformers loads
    folder: Path  # <folder>/evaluation/<suite>.json is written here
    wrapper: str | None  # that it was trained with; None: its tokenizer's chat template says
    scratch: bool = False  # began from random weights: marked in every table and ranking
    obstacle: str | None = None  # why it cannot be scored at all; the others can

    def result(self, suite: str) -> Path:
        """Where the results of a suite stand."""
        return self.folder / "evaluation" / f"{suite}.json"


def subjects(config: EvaluateConfig, say: Callable[[str], None] = lambda text: None) -> list[Subject]:
    """Every model that `students=` names, as `named`; none where none is named and the suite needs none.

    Raises:
        UserError: as `named` and `check_places`, and an obstacle in front of every model.
    """
    if config.students is None and config.suite.alone(config):
        return []
    found = named(config.students, Path(config.paths.output_dir) / config.name, config.data_dir, say)
    check_places(found)
    obstacles = [subject.obstacle for subject in found if subject.obstacle]
    if len(obstacles) == len(found):
        raise UserError(f"students: {'; '.join(obstacles)}")
    return found


def named(
    students: Any, place: Path, data_dir: str | None = None, say: Callable[[str], None] = lambda text: None
) -> list[Subject]:
    """Every model that `students` names, each once, in the order given; runs of a herd by name.

    `place` is where the results go of what has no run folder; `say` is told which runs of a herd are left
    out. A model whose files are not whole (no tokenizer, weights cut short) has its `obstacle`, so that it
    fails by itself.

    Raises:
        UserError: nothing named, a folder that is not there, a run that is not done, a hub id that cannot
            be had.
    """
    found: dict[str, Subject] = {}
    for word in _words(students):
        for subject in _named(word, place, data_dir, say):
            found.setdefault(subject.source, subject)
    return list(found.values())


def check_places(found: list[Subject]) -> None:
    """Raise UserError where the results of two models would go to one folder."""
    places: dict[Path, str] = {}
    for subject in found:
        other = places.setdefault(subject.folder, subject.source)
        if other != subject.source:
            raise UserError(
                f"students: {other} and {subject.source} would share {subject.folder}; score them with two"
                " lines, each with its own name=<name>"
            )


def _words(students: Any) -> list[str]:
    words = [students] if isinstance(students, str) else students
    if not isinstance(words, list) or not words or not all(isinstance(w, str) and w for w in words):
        raise UserError("students= needs a folder, a hub id, or a list of such: students='[a,b]'")
    return [part for word in words for part in _parts(word)]


def _parts(word: str) -> list[str]:
    """Models with commas between; but the folder of a run may have them in its name: t5-nano,data=alpaca."""
    return [word] if Path(word).expanduser().is_dir() else word.split(",")


def _named(word: str, place: Path, data_dir: str | None, say: Callable[[str], None]) -> list[Subject]:
    """The models of one word."""
    folder = Path(word).expanduser()
    if (folder / "run.json").is_file():
        return [_run(folder)]
    if folder.is_dir():
        runs = sorted(path.parent for path in folder.glob("*/run.json"))
        if runs:
            return _herd(folder, runs, say)
        name = folder.resolve().name
        return [Subject(name, str(folder), place / name, None, _scratch(folder), _obstacle(folder))]
    if locate.is_path(word):
        raise UserError(f"students={word} is no folder{_near(folder)}")
    return [_hub(word, place, data_dir)]


def _near(folder: Path) -> str:
    """Folders beside it with a similar name."""
    there = [path.name for path in folder.parent.iterdir()] if folder.parent.is_dir() else []
    close = difflib.get_close_matches(folder.name, there, n=3)
    return f"; did you mean {' or '.join(str(folder.parent / name) for name in close)}?" if close else ""


def _herd(folder: Path, runs: list[Path], say: Callable[[str], None]) -> list[Subject]:
    """The finished runs of a herd; those that are not are named and left out."""
    finished = []
    for run in runs:
        status = RunFolder(run).record().get("status")
        if status == "done":
            finished.append(_run(run))
        else:
            say(f"{run}: {status}, left out")
    if not finished:
        raise UserError(f"students={folder}: none of its {len(runs)} runs is done")
    return finished


def _run(folder: Path) -> Subject:
    record = RunFolder(folder).record()
    if record.get("status") != "done":
        raise UserError(f"students={folder}: its status is {record.get('status')}; train it to its end first")
    export, scratch = folder / "export", record.get("init") == "scratch"
    return Subject(folder.name, str(export), folder, _wrapper(folder), scratch, _obstacle(export))


def _wrapper(folder: Path) -> str | None:
    try:
        config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
        return str(config["family"]["wrapper"])
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return None  # an export that was moved: its chat template knows


def _obstacle(folder: Path) -> str | None:
    """Why the folder holds no whole model; None if it seems to."""
    for what, files in NEEDED:
        if not locate.complete(folder, what, files):
            return f"{folder} has no {what} ({' or '.join(files[:2])})"
    cut = next((why for file in sorted(folder.glob("*.safetensors")) if (why := _cut_short(file))), None)
    return f"{cut}; export or download it again" if cut else None


def _cut_short(file: Path) -> str | None:
    """Whether the file ends before its last tensor: its header (8 bytes of length, then JSON) says where."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        try:
            header = json.loads(stream.read(min(length, 2**27)))
            ends = [part["data_offsets"][1] for name, part in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, AttributeError):
            return f"{file} is damaged or cut short"
    size, whole = file.stat().st_size, 8 + length + max(ends, default=0)
    return f"{file} is cut short: {size:,} of {whole:,} bytes" if size < whole else None


def _scratch(folder: Path) -> bool:
    """Whether an export of ours says that it began from random weights."""
    run = folder.resolve().parent
    return (run / "run.json").is_file() and RunFolder(run).record().get("init") == "scratch"


def _hub(repo: str, place: Path, data_dir: str | None) -> Subject:
    """A model of the hub: in data_dir, in the Hugging Face cache, or, without data_dir, on the hub itself."""
    name = repo.rpartition("/")[2]
    local = fetched(Path(data_dir).expanduser(), repo) if data_dir else None
    if local is not None:
        return Subject(name, str(local), place / name, None, obstacle=_obstacle(local))
    snapshots = [locate.cached(repo, what, files) for what, files in NEEDED]
    if all(snapshots):
        return Subject(name, str(snapshots[0]), place / name, None)
    if data_dir:
        raise UserError(
            f"students={repo} is neither in data_dir={data_dir} (models/{repo.replace('/', '__')}) nor in the"
            " Hugging Face cache; mode=prefetch fetches it on a connected machine"
        )
    trouble = locate.hub_trouble(repo)
    if trouble:
        raise UserError(
            f"students={repo} is no folder, is not in the Hugging Face cache, and {trouble}"
            f"{_near(Path(repo).expanduser())}"
        )
    return Subject(name, repo, place / name, None)
