"""What is compared: members of a herd, each with its record and its results, and what belongs to all of them.

A member is a run of train.py, a model that was only scored (a base, a released checkpoint), or a column of
the paper, whose numbers have the form of our own results. Chapters do not ask which it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any

from lamini.runs import identity

Tree = Mapping[str, Any]
"""A JSON or YAML file as plain values."""


class Kind(Enum):
    """Where a member's numbers come from."""

    run = "run"
    model = "model"
    published = "published"


@dataclass(frozen=True)
class Member:
    """One student."""

    key: str  # unique in the herd and readable: flan-t5-small, or herd/flan-t5-small where two herds have one
    kind: Kind
    folder: Path | None  # None for the paper's
    record: Tree  # run.json; the keys below of it for others
    config: Tree = field(default_factory=dict)  # config.yaml
    suites: Mapping[str, Tree] = field(default_factory=dict)  # evaluation/<suite>.json by suite, probes too
    status: str = "done"  # done, failed, interrupted, running, killed, damaged (run.json is torn)
    problems: tuple[str, ...] = ()  # torn files and the like, one sentence each

    @property
    def student(self) -> str:
        """`flan-t5-small`, or the name of a model."""
        return str(self.record.get("student") or self.key)

    @property
    def family(self) -> str:
        """`flan-t5`; "other" where nobody knows."""
        return str(self.record.get("family") or "other")

    @property
    def size(self) -> str:
        """`small`; "" where nobody knows."""
        return str(self.record.get("size") or "")

    @property
    def parameters(self) -> int | None:
        """Tied weights counted once."""
        found = self.record.get("parameters")
        return int(found) if found else None

    @property
    def architecture(self) -> str:
        """encoder-decoder, decoder-only, or ""."""
        return str(self.record.get("architecture") or "")

    @property
    def scratch(self) -> bool:
        """Whether it began from random weights: marked everywhere."""
        return self.record.get("init") == "scratch"

    @property
    def seed(self) -> int | None:
        """Of the run."""
        found = (self.record.get("provenance") or {}).get("seed")
        return None if found is None else int(found)

    @property
    def data(self) -> str | None:
        """Fingerprint of what it was trained on."""
        found = (self.record.get("data") or {}).get("fingerprint")
        return None if found is None else str(found)

    @cached_property
    def without_seed(self) -> str | None:
        """All that decides the result of a run but its seed, as one text; None where nobody can say."""
        if self.kind is not Kind.run or self.seed is None or self.data is None:
            return None
        try:
            told = identity(dict(self.config))
        except (KeyError, TypeError, AttributeError):
            return None
        told.pop("seed", None)
        return json.dumps({**told, "data fingerprint": self.data}, sort_keys=True, default=str)

    @property
    def base(self) -> str | None:
        """Name of the weights it began from, as a folder or hub id ends: flan-t5-small. None: from none."""
        if self.kind is Kind.published:
            return self.record.get("base")
        if self.scratch or not self.config:
            return None
        sizes = self.config.get("family", {}).get("sizes", {})
        found = self.config.get("checkpoint") or sizes.get(self.size, {}).get("checkpoint")
        return str(found).rstrip("/").rsplit("/", 1)[-1] if found else None


@dataclass(frozen=True)
class Herd:
    """Everything that the chapters are made of."""

    members: Sequence[Member]
    left_out: Sequence[str] = ()  # what was not taken in, and why, one sentence each
    analysis: Mapping[str, Tree] = field(
        default_factory=dict
    )  # data fingerprint -> report.json, its "folder"
    ratings: Sequence[Tree] = ()  # summary.json of rate.py, one for each study, with its "folder"
    answers: Sequence[
        Mapping[str, str]
    ] = ()  # rows of answers; `student` is a member's key where it is one's
    seed: int = 42  # of resampling
    paper: bool = True  # whether the paper's columns stand beside ours
    resamples: int = 2000  # of bootstrap intervals

    def base_of(self, member: Member) -> Member | None:
        """The untrained model that a member began from, if it was scored."""
        wanted = (member.base or "").lower()
        bases = (one for one in self.members if one is not member and one.kind is not Kind.run)
        named = (one for one in bases if wanted and wanted in (one.key.lower(), one.student.lower()))
        return next(named, None)
