"""Curves in one figure: who has a panel, what is left of view, lines that leave with their student."""

from __future__ import annotations

import numpy as np

from lamini.comparison.figures.drawing import svg
from lamini.comparison.training.lines import Line, by_family, limits, lines
from tests.comparison.made import run

FAMILIES = ["gpt2", "llama", "t5"]


def line(key: str, values: list[float], parameters: int = 1) -> Line:
    return Line(run(key, parameters=parameters), np.arange(1.0, len(values) + 1), np.array(values))


def test_nothing_to_draw() -> None:
    assert lines("n", "t", "c", "u", [], []) is None


def test_a_small_herd_shares_a_panel() -> None:
    drawing = lines(
        "n", "Loss", "c", "nats", [line("t5-small", [3, 2]), line("gpt2-small", [3, 1.5])], FAMILIES
    )
    assert drawing is not None
    assert "2 students of 2 families" in drawing.alt and "1.500 nats: gpt2-small" in drawing.alt
    drawn = svg(drawing)
    assert drawn.count("data-member") == 2 and "t5-small" in drawn and drawn == svg(drawing)


def test_a_large_one_gets_a_panel_a_family() -> None:
    found = [
        line(f"{family}-{n}", [3, 2], parameters=9 - n)
        for family in ("t5", "gpt2", "llama")
        for n in range(4)
    ]
    drawing = lines("n", "Loss", "c", "nats", found, FAMILIES)
    assert drawing is not None and svg(drawing).count("data-member") == 12
    assert list(by_family(found)) == ["gpt2", "llama", "t5"]
    assert [one.member.key for one in by_family(found)["t5"]] == ["t5-3", "t5-2", "t5-1", "t5-0"]


def test_a_first_loss_does_not_flatten_the_rest() -> None:
    low, high = limits([line("t5-small", [1000.0, *np.linspace(2, 1, 399)])])
    assert 0.9 < low < 1 and 2 < high < 3


def test_a_run_that_diverged_is_drawn_as_far_as_it_goes() -> None:
    nothing, some = line("t5-small", [float("nan")]), line("t5-base", [2.0, float("inf")])
    assert limits([nothing]) == (0.0, 1.0)
    drawing = lines("n", "Loss", "c", "nats", [nothing, some], FAMILIES)
    assert drawing is not None and svg(drawing)
