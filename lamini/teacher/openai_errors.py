"""What the errors of OpenAI-compatible endpoints mean: worth another try, this request's fault, or the job's.

Statuses are the same everywhere; codes and messages are not, so those of OpenAI, Azure, vLLM, SGLang,
llama.cpp and the routers are told by a few words. No sentence for a person holds the API key, even where the
server repeats it: `Endpoint.without_key`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

import aiohttp

from lamini.errors import UserError
from lamini.teacher.protocol import Transient, Unanswerable

SHOWN = 200  # characters of a server's message
TOO_LONG = re.compile(
    r"context.?(length|window|size)|maximum.{0,20}length|too (long|many tokens)|reduce the length"
    r"|exceeds?.*tokens",
    re.IGNORECASE,
)
FILTERED = re.compile(r"content.?(filter|policy|management)|moderation|safety|responsible.?ai", re.IGNORECASE)
NO_MONEY = re.compile(
    r"insufficient.?(quota|balance|funds|credits)|billing|exceeded your current quota", re.IGNORECASE
)
MODEL = re.compile(r"model|deployment", re.IGNORECASE)


@dataclass(frozen=True)
class Endpoint:
    """Where requests go and under which names a person knows it."""

    section: ClassVar[str] = "teacher"  # of the configuration that describes it
    result: ClassVar[str] = "chat completion"  # what an answer is called
    settings: ClassVar[str] = "teacher.model, teacher.extra and the sampling"  # what a request may have wrong
    filters: ClassVar[bool] = True  # whether it may refuse a text for what that says

    url: str
    model: str
    key_name: str
    key: str = field(repr=False)

    def without_key(self, text: str) -> str:
        """`text` with the key struck out."""
        return text.replace(self.key, "***") if len(self.key) >= 8 else text

    def refused(
        self, status: int, message: str, body: dict[str, Any] | None, works: bool, after: float | None
    ) -> Exception:
        """The exception for a status of 400 and above; `works`: the endpoint has answered well before."""
        said = f"{message} {code_in(body)}"
        if status in (402, 429) and (status == 402 or NO_MONEY.search(said)):
            return UserError(f"{self.url} answers {status}, no money is left there: {message}")
        filtered = self.filters and FILTERED.search(said)
        if status in (401, 403) and not (status == 403 and filtered):
            return UserError(
                f"{self.url} refuses the API key in the environment variable {self.key_name}"
                f" ({status}: {message}); name another variable with {self.section}.key"
            )
        if status == 429:
            return Transient("rate_limit", message, after)
        if status >= 500 or status in (408, 409, 425):
            return Transient(f"http_{status}", message, after)
        if filtered:
            return Unanswerable("content_filter", message)
        if status == 413 or TOO_LONG.search(said):
            return Unanswerable("too_long", message)
        if works:
            return Unanswerable(f"http_{status}", message)
        return UserError(
            f"{self.url} does not accept our requests ({status}: {message}); look at {self.settings}"
        )

    def not_found(self, message: str, is_json: bool, offered: list[str]) -> UserError:
        """The exception for 404: no such model, or no such address."""
        if self.model in offered or not (offered or (is_json and MODEL.search(message))):
            return self.no_api("404", message)
        list_ = f"; it offers {', '.join(offered[:20])}" if offered else ""
        more = f" and {len(offered) - 20} more" if len(offered) > 20 else ""
        return UserError(
            f"{self.section}.model={self.model} is unknown to {self.url} ({message}){list_}{more}"
        )

    def no_api(self, what: str, said: str) -> UserError:
        """The exception for an address that is no API."""
        answers = {"html": "HTML", "text": "no JSON", "shape": f"JSON that is no {self.result}"}.get(
            what, what
        )
        return UserError(
            f"{self.section}.base_url={self.url} answers {answers} ({_short(said)});"
            " give the root of an OpenAI-compatible API, most often http://host:port/v1"
        )


def message_in(content: bytes) -> tuple[dict[str, Any] | None, str]:
    """Body and message of an error; no body where it is no JSON object.

    >>> message_in(b'{"error": {"message": "slow down", "code": null}}')[1]
    'slow down'
    >>> message_in(b"<h1>Bad Gateway</h1>")
    (None, '<h1>Bad Gateway</h1>')
    """
    text = content.decode("utf-8", "replace")
    try:
        body = json.loads(text)
    except ValueError:
        return None, _short(text)
    if not isinstance(body, dict):
        return None, _short(text)
    error = body.get("error")
    message = error.get("message") if isinstance(error, dict) else error
    return body, _short(str(message or body.get("message") or body.get("detail") or text))


def inside(body: Any) -> tuple[int | None, str]:
    """Status and message of an error that came with status 200; no status where there is none."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return None, ""
    code = error.get("code")
    status = code if isinstance(code, int) and 400 <= code < 600 else None
    return status, _short(str(error.get("message")))


def code_in(body: dict[str, Any] | None) -> str:
    """The machine-readable words of an error."""
    error = (body or {}).get("error")
    return " ".join(str(error.get(name)) for name in ("code", "type")) if isinstance(error, dict) else ""


def wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: retry-after-ms, or Retry-After in seconds or as a date.

    >>> wait({"retry-after-ms": "1500"}), wait({"retry-after": "2"}), wait({"retry-after": "soon"})
    (1.5, 2.0, None)
    """
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        if re.fullmatch(r"\d+(\.\d+)?", value.strip()):
            return float(value) / unit
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
        except ValueError:
            continue
    return None


def broken(error: BaseException) -> tuple[str, str]:
    """Kind and detail of a failed connection: unreachable, timeout, cut or reset.

    aiohttp's error is looked for below: the client's own classes call every lost connection a time-out.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            return "unreachable", _reason(cause)
        if isinstance(cause, aiohttp.ClientPayloadError):
            return "cut_body", _short(str(cause))
        if isinstance(cause, aiohttp.ServerTimeoutError):
            return "timeout", _short(str(cause))
        error, cause = cause, cause.__cause__
    return "reset", _short(str(error) or type(error).__name__)


def _reason(error: BaseException) -> str:
    system = getattr(error, "os_error", None)
    return _short((system.strerror if system else None) or str(error))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 3]}..."
