"""Our engine beside a plain openai loop and distilabel, against a local stub, and under 20 % of faults.

    python experiments/teacher-engine/benchmark.py speed --distilabel <python of its environment>
    python experiments/teacher-engine/benchmark.py faults
    python experiments/teacher-engine/benchmark.py memory

Each mode prints its table and keeps its numbers in results.json, and the tables in README.md are those of
results.json. Every job runs in a process of its own against a stub of its own; jobs that are compared take
turns in one go, since the machine may have other work.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from rendering import render

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SLOTS = 64
LATENCIES = (0.25, 0.1)  # seconds
KINDS = {"429": "rate_limit", "500": "http_500", "reset": "reset", "stall": "timeout", "cut JSON": "cut_json"}
ENVIRONMENT = {**os.environ, "DISTILABEL_LOG_LEVEL": "ERROR"}  # else it writes a line for each request
STALLED = 2.0  # seconds until a stalled request is given up in the faults mode


@contextmanager
def stub(**options: object) -> Iterator[str]:
    """A stub with these options; gives its root URL and ends it afterwards."""
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    server = subprocess.Popen(
        [sys.executable, str(HERE / "stub.py"), *words], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.kill()
        server.wait()


def job(
    who: str, requests: int, python: str = sys.executable, more: list[str] | None = None, **options: object
) -> dict[str, Any]:
    """One contender against a fresh stub: what it says of itself, and what the stub counted."""
    with stub(slots=SLOTS, **options) as url:
        if who.startswith("distilabel"):
            command = [python, "-W", "ignore", str(HERE / "with_distilabel.py"), f"{url}/v1"]
        else:
            command = [python, str(HERE / "contenders.py"), who, f"{url}/v1", "--slots", str(SLOTS)]
        command += ["--requests", str(requests), *(more or [])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800, env=ENVIRONMENT)
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
        facts: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        with urlopen(f"{url}/counts") as answer:
            facts["stub"] = json.load(answer)
    return facts


def speed(arguments: argparse.Namespace) -> dict[str, Any]:
    """Requests a second as the stub saw them, from the first request to the last answer."""
    contenders: list[tuple[str, str, list[str]]] = [
        (who, sys.executable, []) for who in ("wire", "ours", "bare")
    ]
    if arguments.distilabel:
        contenders += [
            (f"distilabel, batches of {batch}", arguments.distilabel, ["--batch", str(batch)])
            for batch in (SLOTS, 1000)
        ]
    found: dict[str, Any] = {}
    for latency in LATENCIES:
        rounds: dict[str, list[dict[str, Any]]] = {who: [] for who, _, _ in contenders}
        for _ in range(arguments.repeats):
            for who, python, more in contenders:
                facts = job(who, arguments.requests, python, more, latency=latency)
                assert facts["answers"] == arguments.requests == facts["stub"]["answered"], (who, facts)
                rounds[who].append(facts)
                rate = arguments.requests / facts["stub"]["seconds"]
                print(f"{1000 * latency:.0f} ms, {who}: {rate:.1f} requests/s", flush=True)
        found[str(latency)] = {"ideal": SLOTS / latency} | {
            who: {
                "per_second": [arguments.requests / facts["stub"]["seconds"] for facts in jobs],
                "cpu_milliseconds": [1000 * facts["cpu_seconds"] / arguments.requests
                                     for facts in jobs if "cpu_seconds" in facts],
            }
            for who, jobs in rounds.items()
        }  # fmt: skip
    return {"requests": arguments.requests, "slots": SLOTS, "latencies": found}


def memory(arguments: argparse.Namespace) -> dict[str, Any]:
    """Peak memory of ten times as many requests; a short latency, since time is not the matter."""
    sizes = (arguments.requests // 10, arguments.requests)
    return {
        who: {str(size): job(who, size, latency=0.05)["peak_megabytes"] for size in sizes}
        for who in ("ours", "bare")
    }


def faults(arguments: argparse.Namespace) -> dict[str, Any]:
    """A fifth of all requests meets a fault; our counts beside the stub's."""
    share, requests = 0.2, arguments.requests
    facts = job("ours", requests, more=["--timeout", str(STALLED)], latency=0.1, faults=share)
    counted = {kind: facts["faults"].get(name, 0) for kind, name in KINDS.items()}
    server = facts["stub"]
    met = {kind: server["faults"].get(kind, 0) for kind in KINDS}
    checks = {
        "nothing lost": facts["answers"] == facts["rows"] == requests and not facts["failed"],
        "nothing answered twice": server["answered"] == requests and server["answered_again"] == 0,
        "every fault counted": counted == met and sum(facts["faults"].values()) == sum(met.values()),
    }
    return {"requests": requests, "share": share, "met": met, "counted": counted, "checks": checks,
            "answers": facts["answers"], "answered": server["answered"]}  # fmt: skip


def record(mode: str, numbers: dict[str, Any]) -> str:
    """Put the numbers of one mode into results.json and all tables into README.md; returns the tables."""
    file, readme = HERE / "results.json", HERE / "README.md"
    results = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    results[mode] = numbers | {
        "commit": commit.stdout.strip()[:10], "cores": os.cpu_count(), "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    text = render(results)
    before, rest = readme.read_text(encoding="utf-8").split("<!-- results -->")
    after = rest.split("<!-- /results -->")[1]
    readme.write_text(f"{before}<!-- results -->\n{text}\n<!-- /results -->{after}", encoding="utf-8")
    return text


def main() -> None:
    """Read the arguments, measure, record; exit status 1 where faults did harm."""
    parser = argparse.ArgumentParser(description="Measure the teacher engine.")
    parser.add_argument("mode", choices=["speed", "faults", "memory"])
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=1, help="rounds of the speed mode; medians are told")
    parser.add_argument("--distilabel", help="python of an environment with distilabel 1.5")
    arguments = parser.parse_args()
    numbers = {"speed": speed, "memory": memory, "faults": faults}[arguments.mode](arguments)
    print(record(arguments.mode, numbers))
    if not all(numbers.get("checks", {}).values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
