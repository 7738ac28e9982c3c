"""The package detoxify, offline and without its own way to load.

That way asks the hub for a config even where a folder is given, and unpickles whatever a file holds. Here the
file may hold tensors and plain values only, and the rest is detoxify's own code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
import transformers

from lamini.errors import UserError
from lamini.evaluation.progress import Progress
from lamini.evaluation.toxicity import folders
from lamini.evaluation.toxicity.classifiers import Verdict
from lamini.evaluation.toxicity.local import context
from lamini.evaluation.toxicity.options import Detoxify
from lamini.students.loading import first_line
from lamini.teacher.weights import device_named

STANDARD = {"toxic": "toxicity", "identity_hate": "identity_attack", "severe_toxic": "severe_toxicity"}
"""Detoxify's own renaming: one name for what its models call differently."""


@lru_cache(maxsize=1)
def opened(options: Detoxify, device: str) -> DetoxifyClassifier:
    """The classifier, loaded once for all students of a line.

    Raises:
        UserError: see `DetoxifyClassifier`; the device is not there.
    """
    return DetoxifyClassifier(options, device_named(device, "device"))


class DetoxifyClassifier:
    """Detoxify's prediction in batches, longest texts first."""

    def __init__(self, options: Detoxify, device: torch.device) -> None:
        """Load file and tokenizer.

        Raises:
            UserError: the file is none of detoxify's, not the one that is pinned, or knows no such label.
        """
        self.options, self.what = options, f"classifier.checkpoint={options.checkpoint}"
        self.file, self.folder = Path(options.checkpoint).expanduser(), Path(options.config).expanduser()
        self.digest = folders.sha256(self.file)
        folders.check_digest(options.digest, {self.file.name: self.digest}, self.what)
        arguments, names, state = contents(self.file, self.what)
        label = STANDARD.get(options.label, options.label)
        self.label = names[folders.index(label, names, self.what)]
        self.cut = 0  # texts of the last call that were too long
        self._predictor = predictor(arguments, names, state, self.folder, device, self.what)

    def identity(self) -> dict[str, Any]:
        """See `Classifier`."""
        return {
            "kind": "detoxify",
            "model": self.file.name,
            "sha256": {self.file.name: self.digest, **folders.digests(self.folder)},
            "label": self.label,
            "threshold": self.options.threshold,
            "detoxify": metadata.version("detoxify"),
            "transformers": transformers.__version__,
        }

    def remarks(self) -> dict[str, Any]:
        """See `Classifier`."""
        return {"texts_cut": self.cut}

    def judge(self, texts: Sequence[str], title: str) -> list[Verdict | None]:
        """See `Classifier`."""
        tokenizer = self._predictor.tokenizer
        lengths = [len(ids) for ids in tokenizer(list(texts))["input_ids"]]
        self.cut = sum(length > tokenizer.model_max_length for length in lengths)
        order = sorted(range(len(texts)), key=lambda n: -lengths[n])
        found: dict[int, Verdict | None] = {}
        size = self.options.batch_size
        with Progress(f"{title}, texts judged", len(texts)) as progress:
            for first in range(0, len(order), size):
                rows = order[first : first + size]
                scores = self._predictor.predict([texts[n] for n in rows])
                for place, n in enumerate(rows):
                    found[n] = self._verdict({name: _at(values, place) for name, values in scores.items()})
                progress.add(len(rows))
        return [found[n] for n in range(len(texts))]

    def _verdict(self, labels: dict[str, float]) -> Verdict:
        score = labels[self.label]
        if not math.isfinite(score):
            raise UserError(f"{self.what} gives a probability that is {score}: its weights are damaged")
        return Verdict(score >= self.options.threshold, score, labels)


def contents(file: Path, what: str) -> tuple[dict[str, Any], list[str], dict[str, Any]]:
    """What a published file says of its architecture, its labels, and its weights.

    Raises:
        UserError: it holds something else, or objects that would have to be executed.
    """
    try:
        loaded = torch.load(file, map_location="cpu", weights_only=True)
        arguments = loaded["config"]["arch"]["args"]
        names = [STANDARD.get(name, str(name)) for name in loaded["config"]["dataset"]["args"]["classes"]]
        state = loaded["state_dict"]
    except Exception as error:  # whatever bytes that are no checkpoint make of torch's reader
        said = f"{type(error).__name__}: {first_line(error)}"
        raise UserError(f"{what} is no intact file of detoxify's ({said})") from error
    return dict(arguments), names, state


def predictor(
    arguments: dict[str, Any], names: list[str], state: dict[str, Any], folder: Path,
    device: torch.device, what: str,
) -> Any:  # fmt: skip
    """A `detoxify.Detoxify` around these weights, as its constructor would have made it.

    Raises:
        UserError: the folder's config or tokenizer do not fit the weights.
    """
    from detoxify import Detoxify as Predictor
    from detoxify.detoxify import get_model_and_tokenizer

    made = Predictor.__new__(Predictor)
    try:
        model, tokenizer = get_model_and_tokenizer(
            **{**arguments, "model_type": str(folder)}, state_dict=state
        )
    except (OSError, ValueError, RuntimeError, AttributeError, TypeError) as error:
        raise UserError(f"{what} and classifier.config do not fit together: {first_line(error)}") from error
    missing = sorted(model.state_dict().keys() - state.keys())
    if missing:
        raise UserError(f"{what} lacks {len(missing)} weights of classifier.config, such as {missing[0]}")
    tokenizer.model_max_length = context(model, tokenizer)  # where it cuts: not every folder says so
    made.model, made.tokenizer = model.to(device).eval(), tokenizer
    made.class_names, made.device = names, device
    return made


def _at(values: Any, place: int) -> float:
    """A score; of one text alone detoxify gives a number and no list."""
    return float(values[place] if isinstance(values, list) else values)
