"""Hours by number of GPUs as a small SVG: both ways to do the job, and training as the simulation has it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

LINES = {"endpoint": ("endpoint, one GPU each", "#0072b2"), "own": ("own teacher, several GPUs", "#d55e00")}
HOURS = (0.5, 1, 2, 5, 10, 20, 50, 100)


def draw(plan: Mapping[str, Any], file: Path) -> None:
    """Lines of the model, points of the simulation with the range to the 95th percentile."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    with pyplot.rc_context({"svg.fonttype": "none", "svg.hashsalt": "plan", "font.size": 9}):
        figure, axes = pyplot.subplots(figsize=(7, 3.8), layout="constrained")
        gpus = [job["gpus"] for job in plan["curve"]]
        for way, (name, colour) in LINES.items():
            told = [job[way] for job in plan["curve"]]
            axes.plot(gpus, [each["hours"] for each in told], color=colour, label=f"whole job: {name}")
            train = [each["stages"]["training"] for each in told]
            axes.plot(gpus, train, color=colour, linestyle="--", label=f"training: {name}")
            seen = {
                each["gpus"]: each["told"] for each in plan["simulated"] if each["several"] == (way == "own")
            }
            means = [each["mean"] for each in seen.values()]
            above = [each["p95"] - each["mean"] for each in seen.values()]
            bars = [[0.0] * len(means), above]
            axes.errorbar(list(seen), means, yerr=bars, fmt="o", color=colour, markersize=4, capsize=3)
        axes.set(xscale="log", yscale="log", ylabel="hours")
        axes.set_xticks(gpus, [str(count) for count in gpus], minor=False)
        axes.set_yticks(HOURS, [f"{hours:g}" for hours in HOURS])
        axes.minorticks_off()
        axes.set_xlabel("GPUs (points: training simulated, up to the 95th percentile)")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=8)
        figure.savefig(file, format="svg", metadata={"Date": None})
        pyplot.close(figure)
