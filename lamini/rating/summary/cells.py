"""Figures of a summary as texts for its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamini.rating.summary.bootstrap import Estimate

RIGHT = "s"  # format of texts that stand to the right
WORDS = 160  # characters of an instruction that are shown


def number(count: float) -> str:
    """57 whole, 57.5 with what two raters share.

    >>> number(57.0), number(57.5), number(1 / 3)
    ('57', '57.5', '0.3')
    """
    return f"{count:.0f}" if abs(count - round(count)) < 0.005 else f"{count:.1f}"


def span(one: Estimate) -> str:
    """An interval: `0.60 to 0.80`."""
    return "" if one.interval is None else f"{one.interval[0]:.2f} to {one.interval[1]:.2f}"


def share(one: Estimate) -> str:
    """An interval in percent: `60 to 80`."""
    return "" if one.interval is None else f"{100 * one.interval[0]:.0f} to {100 * one.interval[1]:.0f}"


def figure(one: Estimate) -> str:
    """`0.71 (0.60 to 0.80)`."""
    if one.value is None:
        return "n/a"
    return f"{one.value:.2f}" + (f" ({span(one)})" if one.interval else "")


def percent(one: Estimate) -> str:
    """`71.0 % (60 to 80)`."""
    if one.value is None:
        return "n/a"
    return f"{100 * one.value:.1f} %" + (f" ({share(one)})" if one.interval else "")


def p_of(p: float) -> str:
    """A p value: `0.012`."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def shortened(text: str) -> str:
    """One line of it as code: no markup of a text that is rated shows an image or a link in a report."""
    line = " ".join(text.replace("`", "'").split())
    return f"`{line}`" if len(line) <= WORDS else f"`{line[: WORDS - 3]}...`"
