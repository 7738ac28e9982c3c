"""Whether a machine did something else while it was timed; imports nothing, for books of many students."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BUSY = 3.0  # times as long as the low end, from which on others have kept the machine busy


def busy(record: Mapping[str, Any]) -> bool:
    """Whether tokens took so differently long that the machine did something else as well."""
    return bool(record["token_ms"]["high"] > BUSY * record["token_ms"]["low"])
