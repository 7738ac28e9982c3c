"""How long the page keeps the browser busy at a time: the longest task of its main thread, step by step.

The page is opened as a person opens it, from its file. Then it is filtered and shown whole again. The trace
of Chromium tells the tasks: `wall`, from begin to end, and `own`, the processor time that a task took, which
does not depend on what else runs on the machine.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PAUSE = 1.5  # seconds after a step, in which what it began is traced


def browser() -> str | None:
    """Where chromium is."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def measured(book: Path) -> dict[str, Any]:
    """Step -> longest task in ms, and how long opening took."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play, tempfile.TemporaryDirectory() as folder:
        chromium = play.chromium.launch(executable_path=browser(), args=ARGS)
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        began = time.perf_counter()
        page.goto(book.resolve().as_uri(), wait_until="load", timeout=120_000)
        found: dict[str, Any] = {"open_seconds": round(time.perf_counter() - began, 2), "steps": {}}
        time.sleep(PAUSE)
        for name, step in steps(page).items():
            trace = Path(folder) / "trace.json"
            chromium.start_tracing(
                page=page, path=trace, categories=["disabled-by-default-devtools.timeline", "toplevel"]
            )
            step()
            time.sleep(PAUSE)
            chromium.stop_tracing()
            found["steps"][name] = longest(json.loads(trace.read_text())["traceEvents"])
        found["version"] = chromium.version
        chromium.close()
    return found


def steps(page: Any) -> dict[str, Callable[[], Any]]:
    """What a reader does, by mouse and keyboard alone: a question of ours to the page would be traced too."""
    middle = """(query) => { const box = document.querySelector(query).getBoundingClientRect();
      return [box.x + box.width / 2, box.y + box.height / 2]; }"""
    words, chip, reset = (
        page.evaluate(middle, query) for query in ("[type=search]", ".chips label", "#filter button")
    )

    def typed(text: str) -> None:
        page.mouse.click(*words)
        page.keyboard.press("Control+a")
        for letter in text:
            page.keyboard.press(letter)
            time.sleep(0.15)

    return {
        "filter by a text": lambda: typed("large"),
        "by another": lambda: typed("seed"),
        "show all": lambda: page.mouse.click(*reset),
        "filter by a family": lambda: page.mouse.click(*chip),
        "show all again": lambda: page.mouse.click(*reset),
    }


def longest(events: list[dict[str, Any]]) -> dict[str, float]:
    """Of the tasks of the page's main thread: the longest, in milliseconds."""
    own = {(one["pid"], one["tid"]) for one in events if one.get("args", {}).get("name") == "CrRendererMain"}
    tasks = [one for one in events if one["name"].endswith("RunTask") and (one["pid"], one["tid"]) in own]
    return {
        name: round(max((one.get(key, 0) for one in tasks), default=0) / 1000, 1)
        for name, key in (("own_ms", "tdur"), ("wall_ms", "dur"))
    }
