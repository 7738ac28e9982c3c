"""The tables of the study's README, from results.json."""

from __future__ import annotations

from statistics import median
from typing import Any

NAMES = {
    "wire": "canned bytes on bare sockets",
    "ours": "this engine, log on disk",
    "bare": "plain asyncio + openai loop, nothing on disk",
}


def render(results: dict[str, Any]) -> str:
    """All that was measured so far, one section after another."""
    parts = [part(results[mode]) for mode, part in PARTS.items() if mode in results]
    return "\n\n".join(text for section in parts for text in section)


def speed(numbers: dict[str, Any]) -> list[str]:
    """Requests a second, share of the ideal, ratio to the bare loop, processor time of the client."""
    texts = []
    for latency, found in numbers["latencies"].items():
        ideal = found.pop("ideal")
        bare = median(found["bare"]["per_second"])
        lines = [
            f"{numbers['requests']:,} requests, {1000 * float(latency):.0f} ms, {numbers['slots']} slots:"
            f" ideal {ideal:.0f} requests/s",
            "",
            "| client | requests/s | of the ideal | of the bare loop | processor ms a request |",
            "| --- | ---: | ---: | ---: | ---: |",
        ]
        for who, facts in found.items():
            rate, used = median(facts["per_second"]), facts["cpu_milliseconds"]
            cpu = f"{median(used):.2f}" if used else ""
            lines.append(
                f"| {NAMES.get(who, who)} | {rate:.1f} | {rate / ideal:.1%} | {rate / bare:.2f} | {cpu} |"
            )
        found["ideal"] = ideal
        rounds = len(found["bare"]["per_second"])
        lines += ["", f"Medians of {rounds} rounds. {made_by(numbers)}" if rounds > 1 else made_by(numbers)]
        texts.append("\n".join(lines))
    return texts


def memory(numbers: dict[str, Any]) -> list[str]:
    """Peak memory by number of requests."""
    sizes = list(numbers["ours"])
    lines = [
        f"| peak memory, MB | {' | '.join(f'{int(size):,} requests' for size in sizes)} |",
        f"| --- |{' ---: |' * len(sizes)}",
        *(
            f"| {NAMES[who]} | {' | '.join(f'{numbers[who][size]:.0f}' for size in sizes)} |"
            for who in ("ours", "bare")
        ),
    ]
    return ["\n".join([*lines, "", made_by(numbers)])]


def faults(numbers: dict[str, Any]) -> list[str]:
    """What the stub did and what we counted."""
    lines = [
        f"{numbers['requests']:,} requests, every call of which met a fault with probability"
        f" {numbers['share']:.0%}: {numbers['answers']:,} answers arrived, the stub gave"
        f" {numbers['answered']:,}.",
        "",
        "| fault | by the stub | counted |",
        "| --- | ---: | ---: |",
        *(
            f"| {kind} | {met:,} | {numbers['counted'][kind]:,} |"
            for kind, met in numbers["met"].items()
        ),
        "",
        "; ".join(f"{check}: {'yes' if held else 'NO'}" for check, held in numbers["checks"].items()) + ".",
        "",
        made_by(numbers),
    ]  # fmt: skip
    return ["\n".join(lines)]


def made_by(numbers: dict[str, Any]) -> str:
    """Machine and commit; the load says how many other processes wanted the cores at the end."""
    return (
        f"{numbers['cores']} cores, load average at the end {numbers['load']}, Python {numbers['python']},"
        f" commit {numbers['commit']}."
    )


PARTS = {"speed": speed, "memory": memory, "faults": faults}
