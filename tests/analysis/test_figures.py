"""Figures: what they show, as PNG and as pages that ask no other host for anything."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lamini.analysis.figures import Curves, Dots, Figure, Map, colours, figures

LENGTHS = {
    name: {side: {"histogram": [[1, 5], [10, 4], [100, 1]]} for side in ("instruction", "response")}
    for name in ("alpaca", "mine", "all")
}
DIVERSITY = {
    "alpaca": {"instruction": {"mattr": 0.77}, "response": {"mattr": 0.76}},
    "mine": {"instruction": {"mattr": None}, "response": {"mattr": 0.5}},
}
TASK = {"items": 10, "too_short": 2, "overlaps": {"all": 4}, "covered": {"all": 1}}
CONTAMINATION = {"tasks": {"rte": TASK, "none_long": {**TASK, "too_short": 10}}}
POINTS = {"alpaca": [[0.0, 1.0, "<b>Say</b> & go"], [1.0, 2.0, "x"]], "mine": [[2.0, 2.0, "y"]]}
SEMANTIC = {
    "model": "TF-IDF",
    "sets": {"alpaca": {"distance": 0.9}, "mine": {"distance": 0.5}},
    "points": POINTS,
}
PARTS: dict[str, Any] = {
    "lengths": LENGTHS, "diversity": DIVERSITY, "contamination": CONTAMINATION, "semantic": SEMANTIC,
}  # fmt: skip


@pytest.fixture(params=range(5), ids=["lengths", "diversity", "contamination", "spread", "map"])
def figure(request: pytest.FixtureRequest) -> Figure:
    return figures(PARTS, "words")[request.param]


def test_what_they_show() -> None:
    lengths, diversity, contamination, spread, semantic_map = figures(PARTS, "words")
    assert isinstance(lengths, Curves) and isinstance(semantic_map, Map)
    assert lengths.panels["instructions"]["mine"] == [(1.0, 0.5), (10.0, 0.9), (100.0, 1.0)]
    assert "all" not in lengths.panels["instructions"]
    assert isinstance(diversity, Dots) and diversity.series == ["here", "paper"]
    assert diversity.panels["instructions"] == {"alpaca": [77.0, 77.0], "mine": [None, None]}
    assert isinstance(contamination, Dots) and contamination.panels[""] == {"rte": [0.5, 0.125]}
    assert isinstance(spread, Dots) and spread.panels[""] == {"alpaca": [0.9], "mine": [0.5]}


def test_parts_that_are_off_have_no_figure() -> None:
    parts = {"lengths": LENGTHS, "diversity": DIVERSITY}
    assert [figure.name for figure in figures(parts, "words")] == ["lengths", "diversity"]
    alone = {**parts, "semantic": {**SEMANTIC, "sets": {"mine": {"distance": 0.5}}, "points": {}}}
    assert [figure.name for figure in figures(alone, "words")] == ["lengths", "diversity"]


def test_sets_have_colours_of_their_own() -> None:
    found = colours([f"s{n}" for n in range(9)] + ["all"])
    assert len(set(found.values())) == 10


def test_png(figure: Figure) -> None:
    pytest.importorskip("matplotlib")
    from PIL import Image

    from lamini.analysis.draw_png import png

    image = Image.open(io.BytesIO(png(figure)))
    assert image.width == 1350 and image.height > 250
    assert len(image.convert("L").getcolors() or ()) > 5  # not a blank sheet


def test_html_is_self_contained(figure: Figure) -> None:
    pytest.importorskip("plotly")
    from lamini.analysis.draw_html import html

    page = html(figure)
    assert f"<h1>{figure.title}</h1>" in page and "width=device-width" in page
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=", page)
    if isinstance(figure, Map):
        assert "\\u003cb\\u003eSay" not in page.split("Plotly.newPlot")[-1], "markup of the data is escaped"


@pytest.mark.browser
def test_html_draws_in_a_browser_without_the_network(figure: Figure, tmp_path: Path) -> None:
    from lamini.analysis.draw_html import html

    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    assert browser is not None
    page = tmp_path / "page.html"
    page.write_text(html(figure), encoding="utf-8")
    line = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000",
            "--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom", page.as_uri()]  # fmt: skip
    dom = subprocess.run(line, capture_output=True, text=True, timeout=120, check=True).stdout
    assert 'class="main-svg"' in dom
    assert ("gl-canvas" in dom) if isinstance(figure, Map) else ('class="trace scatter' in dom)
