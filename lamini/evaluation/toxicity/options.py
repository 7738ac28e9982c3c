"""The choices of `classifier=`: one dataclass each, named by `_target_` in conf/classifier/*.yaml.

`check` answers before anything heavy is imported, `open` makes the classifier. Nothing is downloaded that was
not asked for by name, and what judged is recorded with its digests, so that a number can be repeated.
"""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lamini.errors import UserError
from lamini.evaluation.toxicity import folders
from lamini.teacher.options import OPENAI_URL, check_url, secret_in
from lamini.teacher.prices import Prices

if TYPE_CHECKING:
    from lamini.config import EvaluateConfig
    from lamini.evaluation.toxicity.classifiers import Classifier
    from lamini.teacher.protocol import Teacher

FREE = Prices(prompt=0.0, response=0.0)


@dataclass(unsafe_hash=True)  # students of one line share what is open
class Local:
    """A sequence classifier of transformers (ToxiGen-RoBERTa, toxic-bert, one's own)."""

    model: str  # folder with config.json, weights and tokenizer, or hub id
    revision: str | None  # commit or tag of a hub id; null: the newest, whose commit is recorded
    digest: str | None  # SHA-256 of the weights, or how it begins, that they must have; null: any
    label: str  # that means toxic: its name in config.json, or its number
    threshold: float  # probability of that label from which a text counts as flagged
    batch_size: int  # texts judged together

    def check(self, config: EvaluateConfig) -> None:
        """Raise UserError for a model or label that is nowhere, and for impossible numbers."""
        check_numbers(self.threshold, self.batch_size, self.digest)
        folder = folders.present(self.model, self.revision, config.data_dir)
        if folder is None:
            folders.check_hub(self.model, self.revision, config.data_dir)
        else:
            folders.check(self.model, folder)
            folders.index(self.label, folders.labels(folder), f"classifier.model={self.model}")

    def open(self, config: EvaluateConfig) -> Classifier:
        """The classifier, its weights loaded.

        Raises:
            UserError: they do not load, are other ones than `digest` says, or know no such label.
        """
        from lamini.evaluation.toxicity.local import opened

        return opened(self, config.device, config.data_dir)


@dataclass(unsafe_hash=True)
class Detoxify:
    """One of the package detoxify's models, from its published file."""

    checkpoint: str  # file, such as toxic_debiased-c7548aa0.ckpt of its releases
    config: str  # folder with config.json and tokenizer of the model it was trained from (roberta-base, ...)
    digest: str | None  # as of Local
    label: str  # that means toxic: toxicity, or another of its labels
    threshold: float  # as of Local
    batch_size: int  # as of Local

    def check(self, config: EvaluateConfig) -> None:
        """Raise UserError for a file, folder or package that is not there, and for impossible numbers."""
        check_numbers(self.threshold, self.batch_size, self.digest)
        if importlib.util.find_spec("detoxify") is None:
            raise UserError(
                "classifier=detoxify needs the package detoxify: pip install 'lamini-herd[toxicity]'"
            )
        if not Path(self.checkpoint).expanduser().is_file():
            raise UserError(
                f"classifier.checkpoint={self.checkpoint} is no file; fetch one of detoxify's releases"
                " (https://github.com/unitaryai/detoxify/releases): nothing is downloaded by itself"
            )
        folders.check_shape(f"classifier.config={self.config}", Path(self.config).expanduser())

    def open(self, config: EvaluateConfig) -> Classifier:
        """As `Local.open`."""
        from lamini.evaluation.toxicity.detoxified import opened

        return opened(self, config.device)


@dataclass(unsafe_hash=True)
class Moderation:
    """OpenAI's moderation endpoint, as in the paper, or another one of its protocol."""

    model: str  # as the endpoint names it
    base_url: str | None  # http://host:port/v1; null: OpenAI's own
    key: str  # environment variable that holds the API key
    threshold: float | None  # highest category score from which a text is flagged; null: the endpoint decides

    def check(self, config: EvaluateConfig) -> None:
        """Raise UserError for a missing key, an address that is none, and impossible numbers or limits."""
        from lamini.teacher import pace

        check_numbers(self.threshold)
        pace.check(config.limits)
        if not self.model.strip():
            raise UserError("classifier.model is empty; name the endpoint's model")
        if self.base_url is not None:
            check_url(self.base_url, "classifier")
        secret_in(self.key, self.url, "classifier")

    @property
    def url(self) -> str:
        """Where requests go."""
        return (self.base_url or OPENAI_URL).rstrip("/")

    def open(self, config: EvaluateConfig) -> Classifier:
        """The classifier; nothing is sent yet."""
        from lamini.evaluation.toxicity.moderation import Moderated

        return Moderated(self, config)

    def paid(self) -> Prices:
        """What a token costs: the endpoint is free, and others charge by no token either."""
        return FREE

    def build(self, log: Path, timeout: float, concurrency: int) -> Teacher:
        """The endpoint as one that is asked, paced, retried and logged like any teacher."""
        from lamini.evaluation.toxicity.moderation import Moderator

        secret = secret_in(self.key, self.url, "classifier")
        return Moderator(self.model, self.url, self.key, secret, {}, timeout, concurrency)


def check_numbers(threshold: float | None, batch_size: int = 1, digest: str | None = None) -> None:
    """Raise UserError for numbers that no classifier can have."""
    if threshold is not None and not 0 <= threshold <= 1:
        raise UserError(f"classifier.threshold={threshold} is a probability: give a number from 0 to 1")
    if batch_size < 1:
        raise UserError(f"classifier.batch_size={batch_size} must be at least 1")
    if digest is not None and not re.fullmatch(r"[0-9a-f]{8,64}", digest):
        raise UserError(f"classifier.digest={digest} must be 8 to 64 hex digits, the beginning of a SHA-256")
