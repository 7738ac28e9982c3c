"""Which checkpoints a run folder keeps, under which names, and the index that knows their digests.

`last.ckpt` is the newest and `best.ckpt` the one of the lowest validation loss (hard links to one file while
they are the same); what `trainer.keep_last` and `trainer.keep_best` keep besides stands as `step-<n>.ckpt`.
`index.json` is written before a checkpoint gets its name, so whatever moment a crash picks, it lists every
whole file: one whose digest it does not list was torn or changed. A file goes only when the new one is in
its place on the disk.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from lamini.runs import write_atomically

LAST, BEST, INDEX = "last.ckpt", "best.ckpt", "index.json"
TEMPORARY = f".{LAST}"  # the next one while it is written
OURS = re.compile(r"\.?(last|best|step-\d+)\.ckpt(\.bad)?|\.index\.json\.\d+")


@dataclass(frozen=True)
class Saved:
    """One checkpoint: after which step, the validation loss there, what its bytes hash to."""

    step: int
    validation_loss: float | None  # null: the step was not validated
    sha256: str


def names(saved: Iterable[Saved], keep_last: int, keep_best: int) -> dict[str, Saved]:
    """The file name of each checkpoint that stays.

    Steps 2, 4, 6, 8 with validation losses 1.0, 3.0, none, 2.0, two of each kept: last.ckpt is 8 (also the
    second best), best.ckpt is 2, step-6.ckpt is 6 (the newest but one), and 4 goes.
    """
    by_step = sorted(saved, key=lambda each: each.step)
    scored = [(each.validation_loss, each.step, each) for each in by_step if each.validation_loss is not None]
    best = [each for _, _, each in sorted(scored, key=lambda item: item[:2])[:keep_best]]
    kept = {LAST: by_step[-1]} | ({BEST: best[0]} if best else {})
    for each in [*by_step[-keep_last:], *best]:
        if each not in kept.values():
            kept[f"step-{each.step}.ckpt"] = each
    return kept


class Kept:
    """The checkpoints of one folder; `held` is file name -> what it holds."""

    def __init__(self, folder: Path, keep_last: int, keep_best: int) -> None:
        self.folder, self.keep_last, self.keep_best = folder, keep_last, keep_best
        rows = read_index(folder) or []
        self.held = {name: saved for name, saved in rows if (folder / name).exists()}

    @property
    def best(self) -> float:
        """The lowest validation loss among them; infinite where there is none."""
        losses = [each.validation_loss for each in self.held.values() if each.validation_loss is not None]
        return min(losses, default=float("inf"))

    def add(self, saved: Saved) -> None:
        """Take the file at TEMPORARY, which is on the disk already, as the newest one.

        Raises:
            OSError, UserError: the disk is full or the folder cannot be written; what was kept still is.
        """
        by_step = {each.step: each for each in [*self.held.values(), saved]}
        wanted = names(by_step.values(), self.keep_last, self.keep_best)
        write_index(self.folder, [*self.held.items(), *wanted.items()])
        sync(self.folder)
        for name in [*sorted(wanted.keys() - {BEST, LAST}), *(wanted.keys() & {BEST})]:
            if self.held.get(name) != wanted[name]:
                same(self._place(wanted[name]), self.folder / name)
        (self.folder / TEMPORARY).replace(self.folder / LAST)  # last: where an older one moves to a name
        sync(self.folder)  # of its own, it has been linked there before
        self.held = wanted
        self._remove_others()

    def _place(self, saved: Saved) -> Path:
        """Where its content stands before the renaming."""
        found = (name for name, each in self.held.items() if each == saved)
        return self.folder / next(found, TEMPORARY)

    def _remove_others(self) -> None:
        """What is ours and no longer kept, leftovers of crashes too; anybody else's file stays."""
        for path in self.folder.iterdir():
            if OURS.fullmatch(path.name) and path.name not in self.held:
                path.unlink()


def read_index(folder: Path) -> list[tuple[str, Saved]] | None:
    """File names and what they hold, later rows being the newer truth; None: no index, or a damaged one."""
    try:
        rows = json.loads((folder / INDEX).read_text(encoding="utf-8"))["checkpoints"]
        return [
            (str(row["file"]), Saved(int(row["step"]), row["validation_loss"], str(row["sha256"])))
            for row in rows
        ]
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_index(folder: Path, rows: Iterable[tuple[str, Saved]]) -> None:
    """Replace the index in one step."""
    listed = [{"file": name, **asdict(saved)} for name, saved in dict.fromkeys(rows)]
    write_atomically(folder / INDEX, json.dumps({"checkpoints": listed}, indent=2) + "\n")


def same(source: Path, target: Path) -> None:
    """Put the content of `source` under the name `target` too, in one step; a copy where no links exist."""
    temporary = target.with_name(f".{target.name}")
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except OSError:
        shutil.copyfile(source, temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
    temporary.replace(target)


def sync(folder: Path) -> None:
    """Have the names in `folder` on the disk before anything else happens."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
