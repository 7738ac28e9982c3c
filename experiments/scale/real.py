"""A real line beside list scheduling: six tiny students, two at a time, and when the model says each ends.

    python experiments/scale/real.py

What is compared is the order and the hand-over of slots, so each student's own seconds are taken from the
run. A minute on two cores.
"""

from __future__ import annotations

import sys
import tempfile
from itertools import product
from pathlib import Path

from recording import made_by, record
from schedule import ends

STUDIES = Path(__file__).resolve().parents[1]
SLOTS = 2
SEEDS, STEPS = (1, 2), (20, 300, 100)  # two seeds of a short, a long and a middling student


def trained(folder: Path) -> list[tuple[float, float]]:
    """(start, end) of each student in the order of the line, seconds since the first start."""
    sys.path.append(str(STUDIES / "training-speed"))
    from starts import timed

    seeds, steps = (",".join(map(str, values)) for values in (SEEDS, STEPS))
    words = [
        "-m", "model=t5-nano", f"seed={seeds}", f"trainer.max_steps={steps}",
        f"hydra.launcher.jobs={SLOTS}", "trainer.threads=1", f"paths.output_dir={folder}", "name=line",
        "logger=none", "data.held_out=0", "validation.answers=0", "validation.limit=16",
    ]  # fmt: skip
    timed(words, 0)
    found = []
    for seed, most in product(SEEDS, STEPS):
        run = folder / "line" / f"t5-nano,seed={seed},trainer.max_steps={most}"
        found.append(tuple((run / name).stat().st_mtime for name in ("config.yaml", "run.json")))
    first = min(start for start, _ in found)
    return [(start - first, end - first) for start, end in found]


def main() -> None:
    """Train, schedule the same seconds, record both."""
    with tempfile.TemporaryDirectory() as folder:
        seen = trained(Path(folder))
    told = ends([(1, end - start) for start, end in seen], SLOTS)
    record("real", {"slots": SLOTS, "starts": [start for start, _ in seen], "ends": [end for _, end in seen],
                    "told": told} | made_by())  # fmt: skip
    print(f"real {max(end for _, end in seen):.1f} s, model {max(told):.1f} s")


if __name__ == "__main__":
    main()
