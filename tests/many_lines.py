"""Runs many command lines in one process: `[[word, ...], ...]` on stdin, what each answered on stdout.

No test of its own. A fresh interpreter for each of fifty wrong lines would take a minute; here they share
the imports and the server that forks the children. What a line leaves behind would show in the next.
"""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

HEAVY = ("torch", "transformers", "pytorch_lightning", "wandb", "lm_eval", "datasets", "pyarrow", "numpy")


def answer(words: list[str]) -> dict[str, object]:
    """Exit status, both streams, and which heavy modules this process has imported by now."""
    from lamini import entry

    sys.argv = ["train.py", *words]
    out, err = io.StringIO(), io.StringIO()
    status: object = "returned"
    with redirect_stdout(out), redirect_stderr(err):
        try:
            entry.command(_reached, "train")
        except SystemExit as stop:
            status = stop.code
    heavy = [name for name in HEAVY if name in sys.modules]
    return {"status": status, "out": out.getvalue(), "err": err.getvalue(), "heavy": heavy}


def _reached() -> None:
    raise AssertionError("a wrong line came as far as Hydra")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    print(json.dumps([answer(words) for words in json.load(sys.stdin)]))
