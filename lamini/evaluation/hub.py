"""Whether the hub can be asked, and the first line of what went wrong with it. Nothing heavy is imported."""

from __future__ import annotations

import os

from lamini.students import locate


def stay_offline() -> None:
    """From now on no client of the hub opens a socket: with data_dir everything is at hand or missing.

    To be called before any of them is imported; they look at the environment once.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"


def silence() -> str | None:
    """Why the hub cannot be asked, or None; asked once, for at most three seconds."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    if locate.reachable(constants.ENDPOINT):
        return None
    return f"{constants.ENDPOINT} does not answer within {locate.TIMEOUT:g} s"


def said(error: Exception) -> str:
    """Kind and first line of an exception."""
    first = (str(error).strip().splitlines() or [""])[0][:200]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
