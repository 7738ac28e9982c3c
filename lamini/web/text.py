"""What a page cannot show as it is."""

from __future__ import annotations

CONTROLS = {code: 0x2400 + code for code in range(32) if code not in (9, 10)} | {127: 0x2421}


def visible(text: str) -> str:
    """A text without characters that a page cannot show: control characters become their pictures.

    >>> visible("a\\r\\nb\\x00")
    'a\\nb␀'
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").translate(CONTROLS)
    return lines.encode("utf-8", "replace").decode()  # half a surrogate pair cannot be sent
