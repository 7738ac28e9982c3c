"""The choices of `teacher=`: one dataclass each, named by `_target_` in conf/teacher/*.yaml.

As for data: `check` answers before anything heavy is imported, `build` makes the teacher. Prices are dollars
per million tokens; a teacher that costs nothing has prices of 0, one whose price is not known has null.

A teacher's `model` in the request log is its name and, in JSON behind it, every setting that changes its
answers and that the request does not hold (`log_name`): no answer is taken for that of another setting.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lamini.errors import UserError
from lamini.students import locate
from lamini.teacher.prices import BATCHED, Prices

if TYPE_CHECKING:
    from lamini.teacher.protocol import Teacher

OPENAI_URL = "https://api.openai.com/v1"
KINDS = ("openai", "transformers", "oracle")  # teachers that write answers into a log
OURS = (
    "model",
    "messages",
    "stream",
    "n",
    "temperature",
    "top_p",
    "max_tokens",
)  # fields of the request body that `extra` may not replace


@dataclass
class OpenAI:
    """Any endpoint of OpenAI's protocol: OpenAI, vLLM, SGLang, llama.cpp, Ollama, transformers serve."""

    model: str  # as the endpoint names it
    base_url: str | None  # http://host:port/v1; null: OpenAI's own
    key: str  # environment variable that holds the API key; the key itself never stands in a configuration
    batch: bool  # use the provider's batch API: half the price, hours of patience
    prices: Prices  # dollars, for estimates, budgets and records
    extra: dict[str, Any]  # further fields of the request body

    def check(self) -> None:
        """Raise UserError for a missing key, an address that is none, and impossible prices and fields."""
        self.prices.check()
        _check_named("teacher.model", self.model)
        if self.base_url is not None:
            check_url(self.base_url)
        for field in OURS:
            if field in self.extra:
                raise UserError(
                    f"teacher.extra.{field} is decided by the request and its sampling; leave it out"
                )
        self.secret()

    def secret(self) -> str:
        """The API key from the environment; a placeholder where a server of one's own asks for none.

        Raises:
            UserError: OpenAI's own endpoint without a key, or a key that cannot stand in a header.
        """
        return secret_in(self.key, self.url)

    @property
    def url(self) -> str:
        """Where requests go; the client's own environment variables do not change it."""
        return (self.base_url or OPENAI_URL).rstrip("/")

    def paid(self) -> Prices:
        """What a token costs: the batch API takes a share of the price."""
        return self.prices.times(BATCHED) if self.batch else self.prices

    def build(self, log: Path, timeout: float, concurrency: int) -> Teacher:
        """The teacher; with `batch` one that `ask_in_batches` can hand over files with as well."""
        from lamini.teacher.openai_compatible import OpenAICompatible

        return OpenAICompatible(
            self.model, self.url, self.key, self.secret(), self.extra, timeout, concurrency
        )


@dataclass
class Transformers:
    """A local model, or the export of one of the herd; decoder-only and encoder-decoder."""

    model: str  # folder, or hub id
    device: str  # auto, cpu, cuda or mps
    precision: str  # auto, float32 or bfloat16
    batch_size: int  # requests answered together
    max_tokens: int  # of an answer, where the sampling does not say
    prices: Prices  # dollars, for estimates, budgets and records

    def check(self) -> None:
        """Raise UserError for a model that is nowhere and for settings that do not exist."""
        self.prices.check()
        for name, value, choices in (
            ("device", self.device, ("auto", "cpu", "cuda", "mps")),
            ("precision", self.precision, ("auto", "float32", "bfloat16")),
        ):
            if value not in choices:
                raise UserError(f"teacher.{name}={value} is unknown; there are {', '.join(choices)}")
        for name in ("batch_size", "max_tokens"):
            if getattr(self, name) < 1:
                raise UserError(f"teacher.{name}={getattr(self, name)} must be at least 1")
        self.source()

    def source(self) -> str:
        """Folder or hub id that holds weights and tokenizer.

        Raises:
            UserError: they are nowhere.
        """
        _check_named("teacher.model", self.model)
        needed = (("weights", locate.WEIGHTS), ("tokenizer", locate.TOKENIZERS))
        folder = Path(self.model).expanduser()
        if locate.is_path(self.model):
            for what, files in needed:
                if not locate.complete(folder, what, files):
                    raise UserError(
                        f"teacher.model={self.model} must be a folder with config.json, weights and a"
                        f" tokenizer; it has no {what} ({' or '.join(files[:2])})"
                    )
            return str(folder)
        if all(locate.cached(self.model, what, files) for what, files in needed):
            return self.model
        trouble = locate.hub_trouble(self.model)
        if trouble:
            raise UserError(f"teacher.model={self.model} is no folder here, is not cached, and {trouble}")
        return self.model

    def paid(self) -> Prices:
        """What a token costs."""
        return self.prices

    @property
    def logged(self) -> tuple[str, str]:
        """Kind and model in the request log, as LocalModel has them, without importing torch."""
        from lamini.teacher.protocol import log_name

        return "transformers", log_name(self.model, {"max_tokens": self.max_tokens})

    def build(self, log: Path, timeout: float, concurrency: int) -> Teacher:
        """The teacher, its weights loaded.

        Raises:
            UserError: the weights do not load, or the device is not there.
        """
        from lamini.teacher.local import LocalModel

        return LocalModel(
            self.model, self.source(), self.device, self.precision, self.batch_size, self.max_tokens
        )


@dataclass
class Oracle:
    """The embedded teacher: exact answers to its own kinds, nothing else."""

    model: str  # the name in the log
    fault_rate: float  # share of answers that are wrong, wordy or malformed
    prices: Prices  # dollars, for estimates, budgets and records

    def check(self) -> None:
        """Raise UserError for a share that is none."""
        self.prices.check()
        _check_named("teacher.model", self.model)
        if not 0 <= self.fault_rate <= 1:
            raise UserError(f"teacher.fault_rate={self.fault_rate} is a share: give a number from 0 to 1")

    def paid(self) -> Prices:
        """What a token costs."""
        return self.prices

    def build(self, log: Path, timeout: float, concurrency: int) -> Teacher:
        """The teacher."""
        from lamini.teacher.embedded import Embedded

        return Embedded(self.model, self.fault_rate)


@dataclass
class Replay:
    """Answers from the request log alone; what is not in it counts as failed."""

    kind: str  # of the teacher whose answers are replayed: openai, transformers, oracle
    model: str  # its model, as the log names it: see `log_name`
    prices: Prices  # dollars, for estimates, budgets and records

    def check(self) -> None:
        """Raise UserError for a teacher that writes no log."""
        self.prices.check()
        _check_named("teacher.model", self.model)
        if self.kind not in KINDS:
            raise UserError(f"teacher.kind={self.kind} writes no log; there are {', '.join(KINDS)}")

    def paid(self) -> Prices:
        """What a token costs: nothing is asked, so nothing is paid twice."""
        return self.prices

    def build(self, log: Path, timeout: float, concurrency: int) -> Teacher:
        """The teacher.

        Raises:
            UserError: there is no log.
        """
        from lamini.teacher.replay import Replayed

        return Replayed(self.kind, self.model, log)


def _check_named(key: str, name: str) -> None:
    if not name.strip():
        raise UserError(f"{key} is empty; name the model that answers")


def secret_in(variable: str, url: str, section: str = "teacher") -> str:
    """The API key in an environment variable, for the endpoint that a section of the configuration describes.

    Raises:
        UserError: as `OpenAI.secret`.
    """
    if not variable.isidentifier():  # not shown: it may be the key itself
        raise UserError(
            f"{section}.key must be the name of an environment variable, such as OPENAI_API_KEY, not the key"
        )
    secret = os.environ.get(variable, "").strip()
    if not secret and url == OPENAI_URL:
        raise UserError(
            f"the environment variable {variable} is not set: put your API key there, name another"
            f" variable with {section}.key, or use your own server, {section}.base_url=http://host:port/v1"
        )
    if not (secret.isascii() and secret.isprintable()):
        raise UserError(f"the environment variable {variable} holds characters that no API key has")
    return secret or "none"


def check_url(url: str, section: str = "teacher") -> None:
    """Raise UserError unless `url` is the root of an API: http://host:port/v1."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (raises where it is no number)
    except ValueError as error:
        raise UserError(
            f"{section}.base_url={url} is no address ({error}); try http://host:port/v1"
        ) from error
    if parts.password or parts.username:
        raise UserError(
            f"{section}.base_url holds a password; put it into an environment variable ({section}.key)"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError(f"{section}.base_url={url} must be http://host:port/v1 or https://host/v1")
    if parts.path.rstrip("/").endswith("/completions"):
        raise UserError(f"{section}.base_url={url} is one call of the API; leave out /chat/completions")
