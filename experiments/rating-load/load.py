"""Fifty raters at once against the real `rate.py`: is a rating lost or doubled, and how long does each take?

    flat out   every rater posts the next rating as soon as the last one is acknowledged
    hurried    every rater posts about once a second, several times as fast as people read
    crashes    as hurried, while the server is killed (SIGKILL) and started again

Every tenth rating is posted twice, as a page does whose answer was lost. Raters are in a process of their own
(load_raters.py) beside the server's. A latency is from the post to the whole answer, which comes when the
rating is on disk. At the end the file is read and compared with what was acknowledged, rating by rating.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
from load_raters import Told, raters

from lamini.evaluation.answers.table import write
from lamini.provenance import git_state
from lamini.rating.store import Store
from lamini.runs import write_atomically

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- results -->", "<!-- /results -->"
STUDENTS = ("one", "two", "three", "four")
PACES = {"flat out": 0.0, "hurried": 1.0, "crashes": 1.0}  # seconds from one rating of a rater to the next


class Server:
    """`python rate.py` in a process of its own."""

    def __init__(self, folder: Path, answers: Path) -> None:
        """Starts it on a free port with a new study, of which every rater gets all items."""
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.ratings = folder / "load.ratings.sqlite"
        self.line = [
            sys.executable, "rate.py", f"answers={answers}", f"ratings={self.ratings}", f"port={self.port}",
            "overlap=1", "raters_per_item=1000", f"paths.output_dir={folder}",
        ]  # fmt: skip
        self.cpu = 0.0
        self.start()

    @property
    def home(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; returns when it listens."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            self.line, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self.process.stdout is not None
        said = []
        while not said or "Ctrl+C" not in said[-1]:
            said.append(self.process.stdout.readline())
            if not said[-1]:
                sys.exit(f"the server did not start:\n{''.join(said)}")

    def kill(self) -> None:
        """End it without warning."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> str:
        """End it as Ctrl+C does; what it said at last."""
        times = psutil.Process(self.process.pid).cpu_times()
        self.cpu = times.user + times.system
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=60)[0].strip()


async def with_crashes(server: Server, count: int, seconds: float, pace: float, crashes: int) -> Told:
    """The raters, and that many ends of the server in between."""

    async def crash() -> None:
        for _ in range(crashes):
            await asyncio.sleep(seconds / (crashes + 1))
            server.kill()
            await asyncio.to_thread(server.start)

    crashing = asyncio.create_task(crash())
    told = await raters(server.home, count, seconds, pace)
    await crashing
    return told


def answers(path: Path, items: int) -> None:
    """An answers file as evaluate.py makes it; texts of made-up words, about as long as real answers."""
    draw = random.Random(0)
    words = ["".join(draw.choices("etaoinshrdlu", k=draw.randint(1, 9))) for _ in range(2000)]
    rows = []
    for number in range(items):
        asked = " ".join(draw.choices(words, k=draw.randint(8, 60)))
        for student in STUDENTS:
            rows.append(
                {
                    "student": student, "source": "student", "instruction_id": f"made-{number}", "app": "",
                    "instruction": asked, "response": " ".join(draw.choices(words, k=draw.randint(5, 200))),
                    "decoding": "{}", "model": student, "tokens": None, "truncated": None, "finished": None,
                    "error": None,
                }
            )  # fmt: skip
    write(path, rows, "made")


def compared(ratings: Path, told: Told) -> dict[str, int]:
    """What is in the file against what was acknowledged."""
    with Store.open(ratings, reading=True) as store:
        names = {rater.id: rater.name for rater in store.raters()}
    with sqlite3.connect(f"file:{ratings}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT id, rater, target, level FROM events").fetchall()
    stored = {row[0]: (names[row[1]], row[2], row[3]) for row in rows}
    return {
        "stored": len(rows),
        "lost": sum(stored.get(number) != said for number, said in told.acknowledged.items()),
        "doubled": len(rows) - len(stored) + len(set(stored) - set(told.acknowledged)),
    }


def percentiles(seconds: list[float]) -> dict[str, float]:
    """p50, p95, p99 and the longest, in milliseconds (nearest rank)."""
    ordered = sorted(seconds)
    ranks = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {
        name: round(1000 * ordered[max(0, -int(-share * len(ordered) // 1) - 1)], 1)
        for name, share in ranks.items()
    }


def measured(name: str, count: int, seconds: float, items: int, crashes: int) -> dict[str, Any]:
    """One way of rating against a new server and study."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        answers(folder / "answers.parquet", items)
        server = Server(folder, folder / "answers.parquet")
        pace = PACES[name]
        crashes = crashes if name == "crashes" else 0
        told = asyncio.run(with_crashes(server, count, seconds, pace, crashes))
        said = server.stop()
        result = {
            "way": name, "raters": count, "seconds": seconds, "ratings": len(told.acknowledged),
            "ratings_per_second": round(len(told.acknowledged) / seconds, 1),
            "milliseconds": percentiles(told.latencies), "pages": len(told.pages),
            "page_milliseconds": percentiles(told.pages), "repeated": told.repeated,
            "recognised": told.recognised, "crashes": crashes, "retried": told.retried,
            "known_at_first": told.first_known, **compared(server.ratings, told),
            "server_cpu_seconds": round(server.cpu, 1) if not crashes else None,
            "load": round(os.getloadavg()[0], 1),
            "farewell": bool(re.search(r"\d+ ratings by \d+ raters", said)),
        }  # fmt: skip
    return result


def section(results: list[dict[str, Any]], made_by: dict[str, Any]) -> str:
    """The table of the README."""
    head = [
        "",
        "ratings",
        "a second",
        "p50",
        "p95",
        "p99",
        "longest",
        "next item p95",
        "repeats known",
        "lost",
        "doubled",
    ]
    lines = [f"| {' | '.join(head)} |", "| --- " + "| ---: " * (len(head) - 1) + "|"]
    for run in results:
        took = run["milliseconds"]
        cells = [
            run["way"], f"{run['ratings']:,}", f"{run['ratings_per_second']:,.0f}",
            *(f"{took[name]:,.0f} ms" for name in ("p50", "p95", "p99", "max")),
            f"{run['page_milliseconds']['p95']:,.0f} ms", f"{run['recognised']} of {run['repeated']}",
            str(run["lost"]), str(run["doubled"]),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    first = results[0]
    crashed = [run for run in results if run["crashes"]]
    told = [f"{first['raters']} raters for {first['seconds']:g} s each."]
    told += [
        f"The server was killed {run['crashes']} times; {run['retried']} posts had no answer."
        for run in crashed
    ]
    busy = [f"{1000 * run['server_cpu_seconds'] / run['ratings']:.1f} ms ({run['way']})" for run in results
            if run["server_cpu_seconds"]]  # fmt: skip
    told.append(f"Processor time of the server for a rating, pages and start included: {', '.join(busy)}.")
    told.append(
        f"{made_by['cores']} cores ({made_by['machine']}), raters and server on the same ones, Python"
        f" {made_by['python']}, SQLite {made_by['sqlite']}, load average at the end"
        f" {', '.join(str(run['load']) for run in results)}, commit {str(made_by['git_commit'])[:10]}."
    )
    return "\n".join([*lines, "", " ".join(told)])


def record(ways: list[str], folder: Path, count: int, seconds: float, items: int, crashes: int) -> str:
    """Measure, and write results.json and the README's section in `folder`; returns the section."""
    made_by = {
        "git_commit": git_state(Path(__file__).resolve())["git_commit"], "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version, "machine": platform.machine(), "cores": os.cpu_count(),
        "versions": {name: metadata.version(name) for name in ("starlette", "uvicorn", "aiohttp")},
    }  # fmt: skip
    results = []
    for way in ways:
        results.append(measured(way, count, seconds, items, crashes))
        print(json.dumps(results[-1]), flush=True)
    write_atomically(folder / "results.json", json.dumps({"runs": results, **made_by}, indent=1) + "\n")
    before, after = (folder / "README.md").read_text(encoding="utf-8").split(BEGIN)
    text = section(results, made_by)
    write_atomically(folder / "README.md", f"{before}{BEGIN}\n{text}\n{END}{after.split(END)[1]}")
    return text


def main() -> None:
    """All ways, or those that are named."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("ways", nargs="*", default=list(PACES), help=", ".join(PACES))
    parser.add_argument("--raters", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--items", type=int, default=252, help="instructions, of four answers each")
    parser.add_argument("--crashes", type=int, default=3)
    options = parser.parse_args()
    if wrong := [way for way in options.ways if way not in PACES]:
        parser.error(f"{wrong[0]} is none of {', '.join(PACES)}")
    print(record(options.ways, HERE, options.raters, options.seconds, options.items, options.crashes))


if __name__ == "__main__":
    main()
