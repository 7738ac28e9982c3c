"""A URL opened by fsspec, and one sentence for what its file systems raise.

Each of them has exceptions of its own, in packages that need not be installed, so they are known by name.
Credentials are those that the store's own tools use (environment, ~/.aws, ...): no key of ours holds any.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lamini.errors import UserError

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
CREDENTIALS = (
    "NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError", "TokenRetrievalError",
)  # fmt: skip
AWAY = ("EndpointConnectionError", "ConnectTimeoutError", "ClientConnectorError", "ConnectionError",
        "ConnectionRefusedError", "HTTPClientError", "ProxyConnectionError", "gaierror")  # fmt: skip
SECONDS = 5  # to connect: a wrong address is told soon


def is_url(path: Any) -> bool:
    """Whether a path of the configuration is a URL.

    >>> is_url("s3://bucket/pairs.jsonl"), is_url("pairs.jsonl")
    (True, False)
    """
    return isinstance(path, str) and URL.match(path) is not None


def opened(url: str, key: str) -> tuple[Any, str]:
    """The file system of a URL and the path in it.

    Raises:
        UserError: no such protocol, or its package is missing; names `key`.
    """
    from fsspec.core import url_to_fs

    options: dict[str, Any] = {}
    if url.startswith(("s3://", "s3a://")):
        options["config_kwargs"] = {"connect_timeout": SECONDS, "retries": {"max_attempts": 2}}
    with explained(url, key):
        found: tuple[Any, str] = url_to_fs(url, **options)
        return found


@contextmanager
def explained(url: str, key: str) -> Iterator[None]:
    """What a file system raises becomes one sentence that names `key` and the URL.

    Raises:
        UserError: instead.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # a zoo, see above
        raise UserError(f"{key}={url} {_meaning(error)}") from error


def _meaning(error: Exception) -> str:
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    names = {kind.__name__ for one in chain for kind in type(one).__mro__}
    lines = str(error).strip().splitlines() or [type(error).__name__]
    if isinstance(error, ImportError):
        return f"needs a package that is not installed: {_package(str(error))}"
    if isinstance(error, ValueError) and "Protocol not known" in str(error):
        return "has a protocol that fsspec does not know; it can be s3://, gs://, az://, https://, ..."
    if names.intersection(CREDENTIALS):
        return "needs credentials, and there are none: set those of the store's own tools (AWS_PROFILE, ...)"
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    if isinstance(error, PermissionError):
        return f"may not be used with these credentials ({lines[0]})"
    if names.intersection(AWAY):
        return f"cannot be reached ({lines[0]})"
    return f"cannot be used ({type(error).__name__}: {lines[0]})"


def _package(said: str) -> str:
    """`Install s3fs to access S3` -> `pip install s3fs`."""
    words = re.search(r"(?i)\binstall (?:the )?[\"'`]?([\w-]+)", said)
    return f"pip install {words[1]}" if words else said
