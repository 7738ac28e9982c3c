"""Ratings a second by how safely they are committed, and the cost of a look; fills in the README beside it.

python experiments/rating-store/commits.py [--place <folder on a real disk>]
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import uuid4

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # the checkout, not an installed version

from lamini.provenance import git_state  # noqa: E402
from lamini.rating import opening  # noqa: E402
from lamini.rating.records import Event  # noqa: E402
from lamini.rating.standing import Standing  # noqa: E402
from lamini.rating.store import Store  # noqa: E402
from lamini.rating.study import Item, Level, Scale, Study, Target, sealed  # noqa: E402

HERE = Path(__file__).parent
SCALE = Scale("quality", "How good is it?", tuple(Level(letter, letter, letter) for letter in "ABCD"), True)
MARKS = ("<!-- results -->", "<!-- /results -->")
ROUNDS, EACH = 3, 100  # ratings of one writer in one round
LOOKS = 30
WINDOW = """
SELECT id, rater, item, target, level, note, skipped, flagged, seconds, at FROM (
    SELECT *, row_number() OVER (PARTITION BY rater, target ORDER BY at DESC, id DESC) AS place FROM events
) WHERE place = 1
"""  # what `current` would be without Standing


def study() -> Study:
    """250 instructions, ten students: more than the paper's 114 x 10."""
    targets = tuple(Target("", "response", ("Done.",), (f"student {k}",)) for k in range(10))
    return sealed("responses", SCALE, [Item("", f"task {n}", "", "Do it.", targets) for n in range(250)])


def ratings(store: Store, rater: int, count: int, first: int = 0) -> list[Event]:
    """So many, over the study's targets in order."""
    places = [(item.key, target.key) for item in store.study.items for target in item.targets]
    return [
        Event(str(uuid4()), rater, *places[(first + n) % len(places)], "ABCD"[n % 4], seconds=2.0)
        for n in range(count)
    ]


def commits(place: Path, synchronous: str, writers: int) -> dict[str, float]:
    """One round: `writers` threads rate at once; ratings a second and milliseconds of one."""
    opening.SYNCHRONOUS = synchronous
    took: list[float] = []
    with (
        tempfile.TemporaryDirectory(dir=place) as folder,
        Store.create(Path(folder) / "r.sqlite", study()) as store,
    ):

        def work(events: list[Event]) -> None:
            for event in events:
                begun = time.perf_counter()
                assert store.rate(event)
                took.append(time.perf_counter() - begun)

        raters = [store.join(f"rater {n}").id for n in range(writers)]
        threads = [threading.Thread(target=work, args=(ratings(store, rater, EACH),)) for rater in raters]
        begun = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - begun
    milliseconds = sorted(1000 * one for one in took)
    return {
        "per_second": writers * EACH / seconds,
        "p50_ms": median(milliseconds),
        "p95_ms": quantiles(milliseconds, n=20)[-1],
    }


def looks(place: Path, count: int) -> dict[str, float]:
    """Milliseconds of `held` and `current` after one more rating, and of a query over all `count` events."""
    opening.SYNCHRONOUS = "OFF"
    with (
        tempfile.TemporaryDirectory(dir=place) as folder,
        Store.create(Path(folder) / "r.sqlite", study()) as store,
    ):
        raters = [store.join(f"rater {n}").id for n in range(50)]
        with store.writing() as connection:
            for number, rater in enumerate(raters):
                share = count // len(raters)
                for event in ratings(store, rater, share, number * share):
                    add(connection, event)
        begun = time.perf_counter()
        Standing(store.study).update(store._reader)
        found: dict[str, list[float]] = {"first_ms": [1000 * (time.perf_counter() - begun)]}
        for event in ratings(store, raters[0], LOOKS):
            store.rate(event)
            for name, look in (
                ("held_ms", store.held),
                ("current_of_one_ms", lambda: store.current(raters[0])),
                ("query_ms", lambda: store._reader.execute(WINDOW).fetchall()),
            ):
                begun = time.perf_counter()
                look()
                found.setdefault(name, []).append(1000 * (time.perf_counter() - begun))
    return {name: median(values) for name, values in found.items()}


def add(connection: sqlite3.Connection, event: Event) -> None:
    """Without a transaction of its own."""
    from lamini.rating.rows import add_event

    add_event(connection, event)


def section(results: dict[str, Any]) -> str:
    """The tables of the README."""
    lines = [
        "| synchronous | threads | ratings/s | p50, ms | p95, ms |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for run in results["commits"]:
        lines.append(
            f"| {run['synchronous']} | {run['writers']} | {run['per_second']:.0f} | {run['p50_ms']:.2f} |"
            f" {run['p95_ms']:.2f} |"
        )
    lines += [
        "",
        "| events | first look, ms | who holds what, ms | what one rater said, ms | query over all, ms |",
    ]
    lines += ["|" + " ---: |" * 5]
    for run in results["looks"]:
        lines.append(
            f"| {run['events']:,} | {run['first_ms']:.1f} | {run['held_ms']:.2f} |"
            f" {run['current_of_one_ms']:.2f} | {run['query_ms']:.1f} |"
        )
    commit = str(results["provenance"]["git_commit"])[:10]
    lines += [
        "",
        f"Medians of {ROUNDS} rounds, {LOOKS} looks. SQLite {results['sqlite']}, commit {commit}.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, keep, show."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--place", type=Path, default=HERE, help="a folder on the disk to be measured")
    place = parser.parse_args().place
    runs = []
    for writers in (1, 8):
        by_kind: dict[str, list[dict[str, float]]] = {}
        for _ in range(ROUNDS):  # in turns, so that a busy moment hits all of them
            for synchronous in ("FULL", "NORMAL", "OFF"):
                by_kind.setdefault(synchronous, []).append(commits(place, synchronous, writers))
        for synchronous, rounds in by_kind.items():
            numbers = {name: median(one[name] for one in rounds) for name in rounds[0]}
            runs.append({"synchronous": synchronous, "writers": writers, **numbers})
    results = {
        "commits": runs,
        "looks": [{"events": count, **looks(place, count)} for count in (2_500, 25_000)],
        "sqlite": sqlite3.sqlite_version,
        "provenance": git_state(Path(__file__)),
    }
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    text = (HERE / "README.md").read_text(encoding="utf-8")
    before, _, rest = text.partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    (HERE / "README.md").write_text(
        f"{before}{MARKS[0]}\n{section(results)}\n{MARKS[1]}{after}", encoding="utf-8"
    )
    print(section(results))


if __name__ == "__main__":
    main()
