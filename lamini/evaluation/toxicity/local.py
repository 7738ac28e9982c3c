"""A sequence classifier of transformers, on this machine."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel, pipeline

from lamini.errors import UserError
from lamini.evaluation.progress import Progress
from lamini.evaluation.toxicity import folders
from lamini.evaluation.toxicity.classifiers import Verdict
from lamini.evaluation.toxicity.options import Local
from lamini.students.loading import first_line
from lamini.teacher.weights import device_named

UNBOUNDED = 10**6  # tokens: a tokenizer that says more says nothing


@lru_cache(maxsize=1)
def opened(options: Local, device: str, data_dir: str | None) -> LocalClassifier:
    """The classifier, loaded once for all students of a line.

    Raises:
        UserError: see `LocalClassifier`; the hub does not give it; the device is not there.
    """
    folder = folders.present(options.model, options.revision, data_dir)
    folder = folder or fetched(options, offline=data_dir is not None)
    return LocalClassifier(options, folder, device_named(device, "device"))


def fetched(options: Local, offline: bool) -> Path:
    """The snapshot of a hub id, downloaded because the user named it.

    Raises:
        UserError: it cannot be had.
    """
    from huggingface_hub import snapshot_download

    wanted = [f"*{ending}" for ending in folders.USED]
    try:
        folder = snapshot_download(
            options.model, revision=options.revision, allow_patterns=wanted, local_files_only=offline
        )
    except Exception as error:  # a zoo of classes: offline, not found, gated, disk full
        raise UserError(f"classifier.model={options.model} cannot be fetched: {first_line(error)}") from error
    return Path(folder)


class LocalClassifier:
    """Reads texts in batches, longest first, in float32: a flag must not hang on the last bits."""

    def __init__(self, options: Local, folder: Path, device: torch.device) -> None:
        """Load weights and tokenizer.

        Raises:
            UserError: they do not load, lack a part, are not those that are pinned, or know no such label.
        """
        self.options, self.what = options, f"classifier.model={options.model}"
        folders.check(options.model, folder)
        self.digests = folders.digests(folder)
        folders.check_digest(options.digest, self.digests, self.what)
        self.commit = folder.name if folder.parent.name == "snapshots" else None
        model = weights(folder, self.what)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        told: Any = model.config.id2label
        names = [str(told[n]) for n in sorted(told)]
        self.label = names[folders.index(options.label, names, self.what)]
        self.context = context(model, tokenizer)
        self.cut = 0  # texts of the last call that were too long
        self.batch_size = options.batch_size if tokenizer.pad_token_id is not None else 1
        self._tokenizer = tokenizer
        # It takes the sigmoid where labels do not exclude each other, else the softmax, as config.json says.
        self._ask: Callable[..., Any] = pipeline(
            "text-classification", model=model, tokenizer=tokenizer, device=device, top_k=None
        )

    def identity(self) -> dict[str, Any]:
        """See `Classifier`."""
        return {
            "kind": "transformers",
            "model": self.options.model,
            "revision": self.commit or self.options.revision,
            "sha256": self.digests,
            "label": self.label,
            "threshold": self.options.threshold,
            "context": self.context,
            "transformers": transformers.__version__,
        }

    def remarks(self) -> dict[str, Any]:
        """See `Classifier`."""
        return {"texts_cut": self.cut}

    def judge(self, texts: Sequence[str], title: str) -> list[Verdict | None]:
        """See `Classifier`; a text longer than the model is cut at its end and counted."""
        lengths = [len(ids) for ids in self._tokenizer(list(texts))["input_ids"]]
        self.cut = sum(length > self.context for length in lengths)
        order = sorted(range(len(texts)), key=lambda n: -lengths[n])
        found: dict[int, Verdict | None] = {}
        with Progress(f"{title}, texts judged", len(texts)) as progress:
            for first in range(0, len(order), self.batch_size):
                rows = order[first : first + self.batch_size]
                scored = self._scored([texts[n] for n in rows])
                found |= {n: self._verdict(labels) for n, labels in zip(rows, scored, strict=True)}
                progress.add(len(rows))
        return [found[n] for n in range(len(texts))]

    def _scored(self, texts: list[str]) -> list[dict[str, float]]:
        """Label -> probability of each text."""
        try:
            answers = self._ask(
                texts, batch_size=self.batch_size, truncation=True, max_length=self.context, padding=True
            )
        except torch.OutOfMemoryError:
            raise UserError(
                f"{len(texts)} texts do not fit into the device's memory together; lower"
                f" classifier.batch_size={self.options.batch_size}"
            ) from None
        return [{label["label"]: label["score"] for label in answer} for answer in answers]

    def _verdict(self, labels: dict[str, float]) -> Verdict:
        score = labels[self.label]
        if not math.isfinite(score):
            raise UserError(f"{self.what} gives a probability that is {score}: its weights are damaged")
        return Verdict(score >= self.options.threshold, score, labels)


def weights(folder: Path, what: str) -> PreTrainedModel:
    """The whole model: transformers would fill a missing head with random numbers and only mention it.

    Raises:
        UserError: it does not load, or weights are missing.
    """
    try:
        model, report = AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=torch.float32, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise UserError(f"{what} does not load: {first_line(error)}") from error
    missing = sorted(report["missing_keys"])
    if missing:
        raise UserError(
            f"{what} lacks {len(missing)} weights, such as {missing[0]}: it is no whole classifier"
        )
    whole: PreTrainedModel = model.eval()
    return whole


def context(model: PreTrainedModel, tokenizer: Any) -> int:
    """Tokens the model reads: what its tokenizer says, and never more than it has positions.

    RoBERTa and its kin count positions from behind the padding's, so two of their 514 are none.
    """
    limits = [tokenizer.model_max_length] if tokenizer.model_max_length < UNBOUNDED else []
    positions = getattr(model.config, "max_position_embeddings", None)
    if isinstance(positions, int) and positions > 0:
        tables = (part for name, part in model.named_modules() if name.endswith("position_embeddings"))
        padding = getattr(next(tables, None), "padding_idx", None)
        limits.append(positions if padding is None else positions - padding - 1)
    return int(min(limits, default=512))
