"""Stacked bars: the same file for the same counts, every name in it, shares that are shares."""

from __future__ import annotations

import io

import pytest

from lamini.rating.summary import figure
from lamini.rating.summary.figure import Bar, Bars, dark, shades
from lamini.rating.summary.paper import published

LEVELS = ("A: Valid", "B: Acceptable", "C: Poor", "D: Invalid")


def figure5() -> Bars:
    rows = [Bar(name, tuple(map(float, row))) for name, row in published("responses", "response").items()]
    return Bars("Figure 5", "of the paper", LEVELS, {"": rows})


def figure3() -> Bars:
    panels = {}
    for part in ("instruction", "response"):
        counts = {name: tuple(map(float, row)) for name, row in published("pairs", part).items()}
        panels[f"{part}s"] = [Bar(name, tuple(row), tuple(row)) for name, row in counts.items()]
    return Bars("Figure 3", "of the paper", LEVELS, panels)


@pytest.mark.parametrize("bars", [figure5(), figure3()], ids=["figure5", "figure3"])
def test_it_is_drawn(bars: Bars) -> None:
    pytest.importorskip("matplotlib")
    from PIL import Image

    files = figure.drawn(bars)
    assert files == figure.drawn(bars)
    image = Image.open(io.BytesIO(files["png"]))
    rows = sum(1 + bool(bar.paper) for bar in next(iter(bars.panels.values())))
    assert image.width == 1350 and image.height > 20 * rows
    found = {colour for _, colour in image.convert("RGB").getcolors(1_000_000) or ()}
    wanted = {tuple(int(one[n : n + 2], 16) for n in (1, 3, 5)) for one in shades(4)}
    assert wanted <= found
    svg = files["svg"].decode()
    assert svg.startswith("<?xml") and "<script" not in svg


def test_the_length_of_a_part_is_its_share() -> None:
    pytest.importorskip("matplotlib")
    canvas = figure._canvas(
        Bars("t", "c", LEVELS, {"": [Bar("x", (1, 1, 2, 0)), Bar("nobody", (0, 0, 0, 0))]})
    )
    widths = [round(patch.get_width(), 6) for patch in canvas.axes[0].patches]
    assert widths == [0.25, 0.25, 0.5, 0, 0, 0, 0, 0]
    assert [text.get_text() for text in canvas.axes[0].texts] == ["1", "1", "2"]
    assert [label.get_text() for label in canvas.axes[0].get_yticklabels()] == ["x", "nobody"]


def test_numbers_can_be_read_on_their_colours() -> None:
    """WCAG's contrast of at least 4.5 on full bars."""

    def luminance(colour: str) -> float:
        shares = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for levels in (2, 3, 4):
        for colour in shades(levels):
            text = luminance("#ffffff" if dark(colour) else "#222222")
            lighter, darker = sorted((text, luminance(colour)), reverse=True)
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (levels, colour)


def test_best_is_blue_and_worst_is_orange() -> None:
    assert shades(2) == ["#3366aa", "#dd6633"] and shades(3)[1] == "#e9e9e9" and len(set(shades(4))) == 4
