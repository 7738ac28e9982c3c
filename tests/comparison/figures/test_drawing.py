"""Figures: the same bytes, both themes, nothing that a strict page refuses, members that can be hidden."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest

from lamini.comparison.blocks import Drawing
from lamini.comparison.figures.axes import short
from lamini.comparison.figures.drawing import colour_of, gid, ids, inline, png, svg
from lamini.comparison.figures.palette import DARK, FAMILIES, INK

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>x</script> $\\frac{ & \"'"
CONTROL = "a\x1b[31mb"


def drawing(draw: Callable[[Any], None], name: str = "one") -> Drawing:
    return Drawing(name, "Title", "Caption", 'A line <that> "rises"', draw, 4.0, 3.0)


def line(canvas: Any) -> None:
    axes = canvas.subplots()
    gid(axes.plot([1, 2], [1, 2], "o-", color=colour_of("b", "abc"))[0], HOSTILE)
    gid(axes.bar([1], [2]), "x", "herd/y,seed=1")
    gid(axes.errorbar([1], [2], yerr=[1]), "z")
    axes.set(xlabel=HOSTILE, ylabel="scores")


def test_the_same_drawing_gives_the_same_bytes() -> None:
    first, second = drawing(line), drawing(lambda canvas: line(canvas))
    assert svg(first) == svg(second) and inline(first) == inline(second) and png(first) == png(second)
    assert png(first).startswith(b"\x89PNG")


def test_two_figures_of_a_page_share_no_id() -> None:
    one, two = (set(re.findall(r'\bid="([^"]+)"', inline(drawing(line, name)))) for name in ("one", "two"))
    assert one and not one & two


def test_no_style_that_a_page_would_have_to_allow_and_no_raw_text() -> None:
    text = inline(drawing(line))
    root = ElementTree.fromstring(text)
    assert " style=" not in text and "<style" not in text and "<script" not in text
    assert root.get("role") == "img" and root.get("aria-label") == 'A line <that> "rises"'
    assert HOSTILE in [element.text for element in root.iter(f"{SVG}text")]


def test_control_characters_of_a_name_do_not_break_the_file() -> None:
    root = ElementTree.fromstring(inline(drawing(lambda canvas: canvas.subplots().set_xlabel(CONTROL))))
    assert "a[31mb" in [element.text for element in root.iter(f"{SVG}text")]


def test_what_belongs_to_members_says_so() -> None:
    root = ElementTree.fromstring(inline(drawing(line)))
    found = [element.get("data-member") for element in root.iter() if element.get("data-member")]
    assert set(found) == {ids(HOSTILE), "x herd/y%2Cseed%3D1", "z"}
    owned = next(element for element in root.iter() if element.get("data-member") == ids(HOSTILE))
    assert owned[0].tag == f"{SVG}title" and owned[0].text == HOSTILE


def test_every_colour_of_a_plain_figure_has_a_dark_one() -> None:
    used = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', inline(drawing(line))))
    assert INK in used and colour_of("b", "abc") in used
    assert used <= set(DARK)


def test_a_file_brings_both_themes_and_the_page_has_them_already() -> None:
    assert f'[fill="{INK}"]{{fill:light-dark({INK},{DARK[INK]})}}' in svg(drawing(line))
    assert "light-dark" not in inline(drawing(line))


def test_logarithmic_axes_say_numbers_and_no_formulae() -> None:
    def draw(canvas: Any) -> None:
        canvas.subplots().plot([6e6, 2e9], [1, 2])
        canvas.axes[0].set_xscale("log")

    texts = [element.text for element in ElementTree.fromstring(inline(drawing(draw))).iter(f"{SVG}text")]
    assert {"10M", "100M", "1B"} <= set(texts) and not any("$" in (text or "") for text in texts)


NUMBERS = {61e6: "61M", 1.3e9: "1.3B", 1500: "1.5K", 999: "999", 0.25: "0.25", 0: "0"}


@pytest.mark.parametrize(("number", "text"), NUMBERS.items())
def test_short(number: float, text: str) -> None:
    assert short(number) == text


def test_colours_go_by_the_place_in_the_sorted_list() -> None:
    light = list(FAMILIES)
    assert [colour_of(name, ["t5", "gpt2", "flan-t5"]) for name in ("flan-t5", "gpt2", "t5")] == light[:3]
    many = [f"f{number:02}" for number in range(12)]
    assert colour_of("f10", many) == light[0]
