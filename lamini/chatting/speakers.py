"""The students of the page. They are loaded one after another, while the page is open already.

Before each one its files are weighed against the memory that is left: a machine that begins to swap answers
nobody. What does not fit says so on the page, and those before it answer.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from lamini.errors import UserError
from lamini.evaluation.loading import layout, model_of
from lamini.evaluation.subjects import Subject
from lamini.evaluation.summary import labels
from lamini.students import locate
from lamini.students.protocol import Student
from lamini.teacher.weights import device_named
from lamini.training.memory import available

SHARE = 0.9  # of the free memory that weights may take: answers need some, too
WEIGHTS = ("*.safetensors", "pytorch_model*.bin")


class Speaker:
    """One student of the page: where it stands, and once it is loaded the student itself."""

    def __init__(self, key: str, name: str, subject: Subject) -> None:
        """`key` is its name in requests, `name` what people read."""
        self.key, self.name, self.subject = key, name, subject
        self.state = "waiting"  # waiting, loading, ready, failed
        self.about = "waits to be loaded"  # one line for people
        self.bytes = 0  # of its weights in memory
        self.student: Student | None = None
        self.turn = threading.Lock()  # a model answers one at a time: decoding is a setting of the model

    def seen(self) -> dict[str, object]:
        """What the browser is told."""
        return {
            "key": self.key, "name": self.name, "state": self.state, "about": self.about,
            "scratch": self.subject.scratch, "bytes": self.bytes,
        }  # fmt: skip


class Speakers:
    """All of them, in the order of the line."""

    def __init__(self, subjects: Sequence[Subject], wrapper: str, device: str, precision: str) -> None:
        """Nothing is loaded yet; see `load`."""
        names = labels(subjects)
        self.all = {f"s{n}": Speaker(f"s{n}", names[one], one) for n, one in enumerate(subjects)}
        self.wrapper, self.device, self.precision = wrapper, device, precision
        self.closing = threading.Event()

    def load(self, say: Callable[[str], None] = lambda text: None) -> None:
        """Load one after another; `say` is told what each one takes, or why it is not there."""
        for speaker in self.all.values():
            if self.closing.is_set():
                return
            speaker.state, speaker.about = "loading", "is being loaded"
            try:
                self._load(speaker)
            except UserError as error:
                speaker.state, speaker.about = "failed", str(error)
            except Exception as error:
                traceback.print_exc(file=sys.stderr)
                speaker.state, speaker.about = "failed", f"could not be loaded ({type(error).__name__})"
            say(f"{speaker.name}: {speaker.about}; {in_words(self.bytes)} of weights in all")

    @property
    def bytes(self) -> int:
        """Memory that all weights take."""
        return sum(speaker.bytes for speaker in self.all.values())

    def _load(self, speaker: Speaker) -> None:
        needed, left = weight(speaker.subject.source), available(device_named(self.device, "device"))
        if needed is not None and left is not None and needed > SHARE * left:
            raise UserError(f"needs {in_words(needed)} and {in_words(left)} are free: name fewer students")
        student = layout(speaker.subject, self.wrapper)
        student.model = model_of(speaker.subject, self.device, self.precision)
        student.ready()
        weights = list(student.model.parameters())
        speaker.bytes = sum(one.numel() * one.element_size() for one in weights)
        parameters = sum(one.numel() for one in weights)
        speaker.about = f"{count(parameters)} parameters, {in_words(speaker.bytes)}"
        speaker.student, speaker.state = student, "ready"


def weight(source: str) -> int | None:
    """Bytes of the weight files of a folder or a cached hub id; None where they are not here yet."""
    folder = Path(source).expanduser()
    place = folder if folder.is_dir() else locate.cached(source, "weights", locate.WEIGHTS)
    if place is None:
        return None
    for pattern in WEIGHTS:  # where both kinds are there, transformers reads the first
        if files := list(place.glob(pattern)):
            return sum(file.stat().st_size for file in files)
    return None


def in_words(size: int) -> str:
    """
    >>> in_words(5_300_000), in_words(2_550_000_000)
    ('5 MB', '2.5 GB')
    """
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def count(number: int) -> str:
    """
    >>> count(1_230_000), count(77_000_000), count(1_500_000_000)
    ('1.2M', '77M', '1.5B')
    """
    if number >= 1e9:
        return f"{number / 1e9:.1f}B"
    return f"{number / 1e6:.1f}M" if number < 1e7 else f"{number / 1e6:.0f}M"
