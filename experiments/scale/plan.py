"""Ask all questions of the study and write its tables: seconds of arithmetic, then of simulation.

    python experiments/scale/plan.py [--runs 1000]

Needs results.json with `students` (herd.py) and `measured` (measure.py). An edited constants.yaml needs
this script only.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # tables.py, which all studies share

import chance
import questions
from benchmark_rows import tasks
from constants import Constants, constants
from herd import Student
from model import Facts
from recording import made_by, record, results
from sections import write

from lamini.errors import UserError

CURVE = [2**doubled for doubled in range(10)]  # GPUs of the figure


def facts(c: Constants) -> Facts:
    """The recorded herd with these constants.

    Raises:
        UserError: the herd or the measurements are not recorded yet.
    """
    recorded = results()
    for part, script in (("students", "herd.py"), ("measured", "measure.py"), ("real", "real.py")):
        if part not in recorded:
            raise UserError(f"results.json has no {part}: run experiments/scale/{script} first")
    students = [Student(**each) for each in recorded["students"]]
    return Facts(students, tasks(recorded["measured"]["positions"], c), c)


def numbers(runs: int) -> dict[str, object]:
    """The answers to all questions."""
    c = constants()
    known = facts(c)
    sizes = questions.sizes(known)
    plans = [(gpus, several) for gpus in sizes for several in (False, True) if gpus > several]
    return {
        "runs": runs,
        "constants": c,
        "jobs": [questions.jobs(known, gpus) for gpus in sizes],
        "curve": [questions.jobs(known, gpus) for gpus in questions.sizes(known, CURVE)],
        "teachers": questions.teachers(known),
        "simulated": [chance.simulated(known, gpus, several, runs) for gpus, several in plans],
        "orders": questions.orders(known),
        "intervals": chance.intervals(known, runs),
        "herd": questions.herd(known),
        "sensitivity": questions.sensitivity(known, facts),
        "worlds": questions.worlds(known, facts),
    }


def main() -> None:
    """Compute, record, write the README's section and the figure."""
    parser = argparse.ArgumentParser(description="The paper's job at 1, 8, 64 and 512 GPUs.")
    parser.add_argument("--runs", type=int, default=1000, help="seeds of each simulation")
    options = parser.parse_args()
    if options.runs < 2:
        parser.error("--runs must be at least 2")
    try:
        record("plan", numbers(options.runs) | {"made_by": made_by()})
    except UserError as error:
        parser.error(str(error))
    except KeyError as error:
        parser.error(f"constants.yaml has no {error}")
    except ZeroDivisionError:
        parser.error("a speed, a limit or a count in constants.yaml is 0")
    print(write())


if __name__ == "__main__":
    main()
