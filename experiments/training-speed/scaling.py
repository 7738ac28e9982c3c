"""Tokens a second, planning and memory from 1,000 to 1,000,000 pairs: they should not depend on the number.

    python experiments/training-speed/scaling.py --steps 60

Lengths follow the paper's Table 1 (lengths.py), ids are random and written as the token cache writes them, so
that a million pairs need no text. The students are tiny: what would grow is the work around them. Each size
is a process of its own; the first step includes the order of the epoch, which is drawn once.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from rendering import record

HERE = Path(__file__).resolve().parent
VOCABULARY = 512
BATCH = 64
WARM = 5
LINES = {
    "t5": [
        "model=t5-nano", "architecture.d_model=64", "architecture.d_kv=16", "architecture.d_ff=128",
        "architecture.num_layers=2", "architecture.num_decoder_layers=2",
    ],
    "gpt2": [
        "model=gpt2-nano", "architecture.n_embd=64", "architecture.n_layer=2", "architecture.n_inner=256",
    ],
}  # fmt: skip


def tokenizer() -> Any:
    """One id a word, so that no file is needed: only its size and its special ids matter."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = {"<pad>": 0, "</s>": 1, "<unk>": 2} | {f"w{number}": number for number in range(3, VOCABULARY)}
    backend = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )


def one(shape: str, pairs: int, steps: int, more: list[str], folder: Path) -> dict[str, Any]:
    """A short run over a long data set, in this process."""
    import numpy as np
    import torch
    from engine import Measured, data_module, fitted, token_cache
    from lengths import WRAPPER, lengths

    from lamini.compose import compose
    from lamini.training.building import equip
    from lamini.training.prepare import student_class

    torch.set_num_threads(2)
    line = [*LINES[shape], f"architecture.vocab_size={VOCABULARY}", f"batch_size={BATCH}",
            "size.micro_tokens=4096", "trainer.accelerator=cpu", "batching=packed", *more]  # fmt: skip
    config = compose("train", line)
    student = student_class(config)(tokenizer(), config.context, "bare")
    equip(config, student)
    tokens = token_cache(folder, *lengths(pairs, 256, WRAPPER if shape == "gpt2" else 0), VOCABULARY)
    data = data_module(config, student, tokens, steps)
    times = []
    for number in range(20):
        began = time.perf_counter()
        data.step(number)
        times.append(1000 * (time.perf_counter() - began))
    measured = Measured(WARM)
    fitted(config, data, measured, folder)
    return {
        "shape": shape, "pairs": pairs, "first_ms": times[0], "step_ms": float(np.median(times[1:])),
        "tokens_per_second": sum(response for response, _, _ in measured.steps) / measured.seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def main() -> None:
    """Every size in a process of its own; `--one` is such a process."""
    parser = argparse.ArgumentParser(description="Does the cost of a step grow with the number of pairs?")
    parser.add_argument("--pairs", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--ours", default="", help="overrides of our line")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--dry", action="store_true", help="print, and record nothing")
    options = parser.parse_args()
    if options.one:
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        with tempfile.TemporaryDirectory() as folder:
            print(
                json.dumps(
                    one(options.one, options.pairs[0], options.steps, options.ours.split(), Path(folder))
                )
            )
        return
    runs = []
    for shape in LINES:
        for pairs in options.pairs:
            command = [sys.executable, __file__, "--one", shape, "--pairs", str(pairs)]
            command += ["--steps", str(options.steps), "--ours", options.ours]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            runs.append(json.loads(done.stdout.strip().splitlines()[-1]))
            print(runs[-1], flush=True)
    numbers = {"batch": BATCH, "steps": options.steps, "runs": runs}
    if not options.dry:
        print(record("scaling", numbers))


if __name__ == "__main__":
    main()
