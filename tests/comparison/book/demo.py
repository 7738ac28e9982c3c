"""An invented herd and chapters with every kind of block, small or as large as wanted."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

from lamini.analysis.tables import Column, Table
from lamini.comparison.blocks import Answers, Chapter, Drawing, Listing, Mark, Missing, Text
from lamini.comparison.book.render import About, render
from lamini.comparison.figures.drawing import colour_of, gid, marker_of
from lamini.comparison.herd import Herd, Kind, Member

FAMILIES = ("cerebras-gpt", "flan-t5", "gpt-j", "gpt-neo", "gpt2", "llama", "t5")
SIZES = {"small": 61_000_000, "base": 220_000_000, "large": 740_000_000}
TASKS = (
    "openbookqa", "sciq", "race", "arc", "piqa", "record", "sst", "mrpc", "rte", "multinli", "multinli_mis",
    "wsc273", "winogrande", "wic", "hellaswag",
)  # fmt: skip
HOSTILE = (
    "<script>window.hit = 1</script><img src=http://evil.example/a.png onerror='window.hit=1'>",
    "</div></section></main><svg onload=window.hit=1><iframe src=javascript:window.hit=1></iframe>",
    "\"onmouseover=window.hit=1 x=' ![i](http://evil.example/b.png) {{ 7*7 }} </script> \x00\x1b[31m \ud800",
)
ABOUT = About("Demo herd", "python compare.py runs=outputs/demo", {"commit": "0f3db21", "made": "2026-11-27"})


def member(number: int) -> Member:
    """The n-th of a herd: families in turn, then sizes, then seeds."""
    family = FAMILIES[number % 7]
    size = list(SIZES)[number // 7 % 3]
    seed = number // 21
    record = {
        "student": f"{family}-{size}", "family": family, "size": size, "parameters": SIZES[size] + number,
        "provenance": {"seed": seed}, "data": {"fingerprint": "c0ffee"},
    }  # fmt: skip
    key = f"{family}-{size}" + (f",seed={seed}" if seed else "")
    return Member(key, Kind.run, None, record, status="failed" if number % 13 == 12 else "done")


def herd(members: int = 21) -> Herd:
    """So many students."""
    return Herd([member(number) for number in range(members)])


def scores(one: Herd, name: str, seed: int) -> Listing:
    """A table of students by tasks."""
    drawn = random.Random(seed)
    columns = [Column("student"), Column("size, parameters", ",d"), *(Column(task, ".1f") for task in TASKS)]
    rows: list[list[Any]] = []
    marks = {}
    for number, own in enumerate(one.members):
        values: list[Any] = [drawn.uniform(25, 75) for _ in TASKS]
        if own.status == "failed":
            values = [None] * len(TASKS)
        rows.append([own.key, own.parameters, *values])
        if number % 4 == 1:
            marks[number, 3 + number % 9] = Mark("*", "differs from its base (p < 0.05, Holm)")
        if number % 6 == 2:
            marks[number, 5] = Mark("c", f"{number} of 500 items stand in the data it was trained on")
        if number % 7 == 3:
            marks[number, 0] = Mark("scratch", "began from random weights")
    notes = ["Headline metric in percent; *higher* is better.", "Chance levels stand in the last row."]
    return Listing(
        Table(name, f"Scores, part {seed}", columns, rows, notes), marks, [m.key for m in one.members]
    )


def scatter(one: Herd, name: str) -> Drawing:
    """Score against size."""

    def draw(canvas: Any) -> None:
        axes = canvas.subplots()
        kinds = sorted({own.family for own in one.members})
        drawn = random.Random(1)
        for own in one.members:
            dots = axes.plot(
                own.parameters, drawn.uniform(25, 75), marker_of(own.family, kinds), markersize=8,
                color=colour_of(own.family, kinds),
            )  # fmt: skip
            gid(dots[0], own.key)
        axes.set(xscale="log", xlabel="parameters", ylabel="mean of 15 tasks")

    return Drawing(name, "Score against size", "Every dot is a student.", "Dots rising to the right.", draw)


def chapters(one: Herd, tables: int = 3) -> list[Chapter]:
    """Every kind of block; so many tables."""
    short = Table(
        "best",
        "Best of each size",
        [Column("size"), Column("student"), Column("mean", ".1f")],
        [["small", one.members[0].key, 51.26], ["base", "flan-t5-base", 60.0], ["large", "", None]],
    )
    text = "The herd in **one** look, see `runs`.\n\n#### What failed\n\n[the paper](https://arxiv.org/abs/2304.14402)"
    responses = [(own.key, f"{own.key} says\n\n1. one\n2. two " + "and more " * 40) for own in one.members]
    overview = [Text(text), Listing(short), scores(one, "herd", 0)]
    tasks = [scores(one, f"scores_{n}", n) for n in range(1, tables - 1)]
    empty = [(one.members[0].key, "  "), ("teacher", "\u0645\u0631\u062d\u0628\u0627 1 + 2")]
    said = [Answers("Name three colours.", responses[:8], "brainstorming"), Answers("Say nothing.", empty)]
    latency = Missing("Latency on a CPU.", "python evaluate.py suite=latency")
    return [
        Chapter("overview", "Overview", overview),
        Chapter("evaluation", "Automatic evaluation", tasks),
        Chapter("size", "Size and score", [scatter(one, "size"), latency]),
        Chapter("responses", "Responses side by side", said),
    ]


@cache
def book(members: int = 21, tables: int = 3) -> str:
    """All of it as a page."""
    one = herd(members)
    return render(chapters(one, tables), one, ABOUT)
