"""Colours that stand out from their ground, and from each other for eyes of every kind.

Colour blindness as by the matrices of Machado, Oliveira and Fernandes (2009) at full severity; differences
in the OKLab space, in which 0.02 is about the least that is seen side by side.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lamini.comparison.figures.palette import DARK, FAINT, FAMILIES, GROUND, INK, MARKERS

EYES = {
    "usual": "1 0 0 0 1 0 0 0 1",
    "protan": "0.152286 1.052583 -0.204868 0.114503 0.786281 0.099216 -0.003882 -0.048116 1.051998",
    "deutan": "0.367322 0.860646 -0.227968 0.280085 0.672501 0.047413 -0.011820 0.042940 0.968881",
    "tritan": "1.255528 -0.076749 -0.178779 -0.078411 0.930809 0.147602 0.004733 0.691367 0.303900",
}
CONES = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
LAB = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
]
PAPER = 7  # families of the paper


def linear(colour: str) -> np.ndarray:
    shares = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def _matrix(numbers: str) -> np.ndarray:
    return np.array(numbers.split(), float).reshape(3, 3)


def seen(colour: str, eyes: str) -> np.ndarray:
    return np.array(LAB) @ np.cbrt(np.array(CONES) @ np.clip(_matrix(EYES[eyes]) @ linear(colour), 0, 1))


def contrast(one: str, other: str) -> float:
    """WCAG 2's."""
    low, high = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) + 0.05 for colour in (one, other))
    return high / low


@pytest.mark.parametrize(
    ("colours", "ground"), [(list(FAMILIES), GROUND), (list(FAMILIES.values()), DARK[GROUND])]
)
def test_families_stand_out_from_their_ground(colours: list[str], ground: str) -> None:
    assert min(contrast(colour, ground) for colour in colours) >= 3


def test_text_can_be_read_in_both() -> None:
    for colour in (INK, FAINT):
        assert contrast(colour, GROUND) >= 4.5 and contrast(DARK[colour], DARK[GROUND]) >= 4.5


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("colours", [list(FAMILIES), list(FAMILIES.values())], ids=["light", "dark"])
def test_the_paper_s_families_differ_for_all_eyes(colours: list[str], eyes: str) -> None:
    pairs = itertools.combinations(colours[:PAPER], 2)
    least = min((float(np.linalg.norm(seen(a, eyes) - seen(b, eyes))), a, b) for a, b in pairs)
    assert least[0] >= 0.06, least


def test_as_many_markers_as_colours() -> None:
    assert len(set(MARKERS)) == len(MARKERS) == len(set(FAMILIES)) == len(set(FAMILIES.values()))
