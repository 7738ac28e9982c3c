"""What the search found: its best values as words of a line, or results.json and the section of the README.

python experiments/tuning/table.py best|record <folder of the herds>
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tables import place, table, where

from lamini.runs import RunFolder, write_atomically

STUDY = Path(__file__).resolve().parent
SEEDS = (1, 2, 3)


def best(outputs: Path) -> list[str]:
    """optimizer.lr=0.004 batch_size=16 ..."""
    return [f"{key}={value}" for key, value in found(outputs)[0]["values"].items()]


def found(outputs: Path) -> list[dict[str, Any]]:
    """The trials, the best first."""
    return list(json.loads((outputs / "tuning" / "search.json").read_text())["trials"])


def record(outputs: Path) -> str:
    """Write what came out; returns the section of the README."""
    trials = found(outputs)
    records = {row["trial"]: RunFolder(outputs / "tuning" / row["run"]).record() for row in trials}
    herds = {name: [_run(outputs, name, seed) for seed in SEEDS] for name in ("default", "best")}
    rows = [
        [str(row["trial"]), row["state"], *row["values"].values(), str(records[row["trial"]]["steps"]),
         f"{records[row['trial']]['validation_loss']:.3f}"]
        for row in trials if records[row["trial"]]["validation_loss"]
    ]  # fmt: skip
    losses = {name: [run["validation_loss"] for run in runs] for name, runs in herds.items()}
    answers = {name: [_right(run) for run in runs] for name, runs in herds.items()}
    compared = [
        [name, *map("{:.3f}".format, losses[name]), f"{statistics.mean(losses[name]):.3f}",
         f"{100 * statistics.mean(answers[name]):.1f} %"]
        for name in herds
    ]  # fmt: skip
    made_by = herds["default"][0]["provenance"]
    made_by["hardware"].pop("system", None)
    steps = sum(records[row["trial"]]["steps"] for row in trials)
    text = "\n\n".join([
        table(["trial", "state", *trials[0]["values"], "steps", "validation loss"], rows),
        f"{len(trials)} trials, {steps:,} optimizer steps together.",
        table(["values", *(f"seed {n}" for n in SEEDS), "mean loss", "new instances right"], compared),
        where(made_by, SEEDS),
    ])  # fmt: skip
    results = {"trials": trials, "validation_loss": losses, "new_instances": answers, "provenance": made_by}
    write_atomically(STUDY / "results.json", json.dumps(results, indent=1) + "\n")
    write_atomically(STUDY / "README.md", place(STUDY / "README.md", text))
    return text


def _run(outputs: Path, name: str, seed: int) -> dict[str, Any]:
    return RunFolder(outputs / f"tuning-{name}-{seed}" / "t5-nano").record()


def _right(run: dict[str, Any]) -> float:
    return float(run["held_out"]["new_instances"]["student"])


if __name__ == "__main__":
    verb, folder = sys.argv[1], Path(sys.argv[2])
    print(" ".join(best(folder)) if verb == "best" else record(folder))
