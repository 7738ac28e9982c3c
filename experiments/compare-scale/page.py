"""How long the page keeps the browser busy at a time: every task of its main thread above 50 ms is noted.

The page is opened as a person opens it, from its file. Then it is filtered, sorted and shown whole again.
A freeze is the longest single task in a step.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip
WATCH = """() => { window.tasks = []; new PerformanceObserver(list => {
  for (const one of list.getEntries()) window.tasks.push(one.duration); }).observe({type: 'longtask'}); }"""


def browser() -> str | None:
    """Where chromium is."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def measured(book: Path) -> dict[str, Any]:
    """Step -> longest task in ms, and how long opening took."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser(), args=ARGS)
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        began = time.perf_counter()
        page.goto(book.resolve().as_uri(), wait_until="load", timeout=120_000)
        found: dict[str, Any] = {"open_seconds": round(time.perf_counter() - began, 2), "longest_ms": {}}
        page.wait_for_timeout(1500)
        page.evaluate(WATCH)
        for name, step in steps(page).items():
            page.evaluate("window.tasks = []")
            step()
            page.wait_for_timeout(1500)
            found["longest_ms"][name] = round(page.evaluate("Math.max(0, ...window.tasks)"))
        found["version"] = chromium.version
        chromium.close()
    return found


def steps(page: Any) -> dict[str, Any]:
    """What a reader does."""
    search = page.locator("input[type=search]").first
    head = page.locator("#overview th button").nth(3)
    return {
        "filter by a text": lambda: search.press_sequentially("flan-t5-large", delay=60),
        "show all again": lambda: search.fill(""),
        "filter by another": lambda: search.fill("seed=1"),
        "show all once more": lambda: search.fill(""),
        "sort the herd": head.click,
        "sort it the other way": head.click,
        "go to the responses": lambda: page.evaluate("location.hash = '#responses'"),
    }
