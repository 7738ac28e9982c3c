"""`_target_` strings become objects in one guarded place.

Hydra 1.4 warns and 1.5 refuses to instantiate without a whitelist, and a config file is no place from which
to run arbitrary code. A project's own classes join by `LAMINI_TARGETS=my_package` in the environment.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from lamini.errors import UserError

ALLOWED = ("lamini.", "torch.", "transformers.", "pytorch_lightning.")


def allowed() -> tuple[str, ...]:
    """Prefixes a `_target_` may have; `LAMINI_TARGETS` adds comma-separated packages."""
    own = os.environ.get("LAMINI_TARGETS", "")
    return ALLOWED + tuple(f"{package.strip()}." for package in own.split(",") if package.strip())


def check(target: str, key: str) -> None:
    """Raise UserError unless `target` stands under an allowed package; imports nothing."""
    if not target.startswith(allowed()):
        packages = ", ".join(prefix.rstrip(".") for prefix in allowed())
        raise UserError(
            f"{key}={target} is not allowed: targets may come from {packages}"
            " (add your package with LAMINI_TARGETS=<package>)"
        )


def locate(target: str, key: str) -> Any:
    """The object that `target` names.

    Raises:
        UserError: the package is not allowed, or has no such object; names `key`.
    """
    check(target, key)
    module, _, name = target.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UserError(f"{key}={target} cannot be imported: {error}") from error
