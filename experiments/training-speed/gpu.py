"""MFU, packed beside plain and peak memory on one GPU, in one call of at most nine minutes.

    python experiments/training-speed/gpu.py --minutes 9
    python experiments/training-speed/gpu.py --device cpu --tiny --dry    # does the code run?

Scratch weights of the published shapes, random ids with the lengths of the paper's Table 1, bf16, the paper's
1,024 pairs a step. Each loop warms up for some steps and is timed until its seconds are over; one that does
not fit the memory or comes too late is told as such. MFU: lamini/students/operations.py.
The last line is the numbers as JSON.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")  # before torch: shapes vary

import numpy as np
import torch
from engine import Measured, data_module, fitted, token_cache
from lengths import WRAPPER, lengths
from rendering import gpu, made_by, record

from lamini.compose import compose
from lamini.config import TrainConfig
from lamini.students.operations import Operations
from lamini.training.peaks import peak_of

WARM = 4  # steps: torch compiles for the first two and takes new memory for some more
PEER_WARM = 2
PAIRS = 100_000
RESERVE = 40  # seconds that a loop may need before it is timed
LONGEST = 256


@dataclass(frozen=True)
class Case:
    """A student: its shorthand, what makes it tiny, the MFU asked for, our micro-batch and the peer's.

    Ours is one for the 141 GB of an H200; a device with less than 100 GB gets a third of it.
    """

    model: str
    tiny: tuple[str, ...]
    target: float
    micro_tokens: int
    peer_batch: int

    @property
    def encoder_decoder(self) -> bool:
        return "t5" in self.model


T5 = ("d_model=32", "d_kv=8", "d_ff=64", "num_layers=1", "num_decoder_layers=1", "num_heads=2")
GPT2 = ("n_embd=32", "n_layer=1", "n_head=2", "n_inner=64")
T5_DROPOUT = ("dropout_rate",)
GPT2_DROPOUT = ("resid_pdrop", "embd_pdrop", "attn_pdrop")
CASES = (
    Case("flan-t5-base", T5, 0.40, 98304, 64),
    Case("gpt2-medium", GPT2, 0.50, 131072, 32),
    Case("flan-t5-large", T5, 0.40, 98304, 32),
    Case("gpt2-xl", GPT2, 0.50, 32768, 8),
)


def config_of(case: Case, loop: str, options: argparse.Namespace) -> TrainConfig:
    """The line of one loop; `--ours` stands last and wins."""
    small = options.device == "cuda" and torch.cuda.get_device_properties(0).total_memory < 100e9
    pairs, positions = (8, 2048) if options.tiny else (1024, case.micro_tokens // (3 if small else 1))
    words = [
        f"model={case.model}", "init=scratch", "optimizer.lr=1e-4", f"batching={loop}",
        f"batch_size={pairs}", f"size.micro_tokens={positions}",
        f"trainer.accelerator={'cpu' if options.device == 'cpu' else 'gpu'}",
        f"trainer.precision={'32-true' if options.device == 'cpu' else 'bf16-mixed'}",
    ]  # fmt: skip
    words += [f"architecture.{field}=0.0" for field in (T5_DROPOUT if case.encoder_decoder else GPT2_DROPOUT)]
    words += [f"architecture.{field}" for field in case.tiny] if options.tiny else []
    config: TrainConfig = compose("train", [*words, *options.ours.split()])
    return config


def built(config: TrainConfig, device: str, ours: bool) -> Any:
    """The student with scratch weights, made on the device: a CPU takes a minute for the largest.

    The peer gets the model as transformers makes it.
    """
    from scaling import tokenizer

    from lamini.students.loading import build_model
    from lamini.training.building import equip
    from lamini.training.prepare import student_class

    student = student_class(config)(tokenizer(), config.context, "bare")
    with torch.device(device):
        if ours:
            equip(config, student)
        else:
            student.model = build_model(config, len(student.tokenizer)).train()
    return student


def waiting(device: str) -> Callable[[], None]:
    """What makes the clock honest: kernels run behind Python's back."""
    return torch.cuda.synchronize if device == "cuda" else lambda: None


def our_loop(
    case: Case, loop: str, options: argparse.Namespace, folder: Path, seconds: float
) -> dict[str, Any]:
    """This project's loop, packed or plain."""
    config = config_of(case, loop, options)
    student = built(config, options.device, ours=True)
    drawn = lengths(options.pairs, LONGEST, 0 if case.encoder_decoder else WRAPPER)
    tokens = token_cache(folder, *drawn, 500)
    most = WARM + 3 if options.tiny else 10_000
    data = data_module(config, student, tokens, most, workers=2 if options.device == "cuda" else 0)
    measured = Measured(WARM, waiting(options.device), seconds)
    fitted(config, data, measured, folder)
    steps = range(WARM, WARM + len(measured.steps))
    rows = np.concatenate([data.order.rows(step, config.batch_size) for step in steps])
    real, computed = (sum(step[part] for step in measured.steps) for part in (1, 2))
    facts = speed_of(student.operations(student.ready()), drawn, rows, measured.seconds, options)
    return facts | {"padding": 1 - real / computed}


def peer_loop(case: Case, options: argparse.Namespace, folder: Path, seconds: float) -> dict[str, Any]:
    """The Hugging Face trainer at the same step: random batches, accumulated to the step's pairs."""
    from peers import common, dataset_of
    from rows import Pair
    from transformers import DataCollatorForSeq2Seq, Seq2SeqTrainer, Seq2SeqTrainingArguments, Trainer

    config = config_of(case, "plain", options)
    student = built(config, options.device, ours=False)
    batch = min(case.peer_batch, config.batch_size)
    steps = PEER_WARM + (3 if options.tiny else 24)  # a step takes half a second or more
    prompt_N, response_N = lengths(steps * config.batch_size, LONGEST, 0 if case.encoder_decoder else WRAPPER)
    pairs = [Pair([7] * int(p), [7] * int(r)) for p, r in zip(prompt_N, response_N, strict=True)]
    clock = StepClock(PEER_WARM, waiting(options.device), seconds)
    settings = common(folder, batch, 1e-4, 0.03, steps) | {
        "gradient_accumulation_steps": config.batch_size // batch, "use_cpu": options.device == "cpu",
        "bf16": options.device != "cpu", "train_sampling_strategy": "sequential",
    }  # fmt: skip
    collate = DataCollatorForSeq2Seq(student.tokenizer, model=student.model if case.encoder_decoder else None)
    trainer = (Seq2SeqTrainer if case.encoder_decoder else Trainer)(
        model=student.model, args=Seq2SeqTrainingArguments(**settings), data_collator=collate,
        train_dataset=dataset_of(pairs, case.encoder_decoder), callbacks=[clock.callback()],
    )  # fmt: skip
    trainer.train()
    rows = np.arange(PEER_WARM * config.batch_size, (PEER_WARM + clock.steps) * config.batch_size)
    sides = [prompt_N, response_N] if case.encoder_decoder else [prompt_N + response_N]
    computed = sum(batch * int(side[rows].reshape(-1, batch).max(axis=1).sum()) for side in sides)
    facts = speed_of(
        student.operations(student.ready()), (prompt_N, response_N), rows, clock.seconds, options
    )
    return facts | {"padding": 1 - sum(int(side[rows].sum()) for side in sides) / computed}


class StepClock:
    """`Measured` for a Hugging Face trainer."""

    def __init__(self, warm: int, wait: Callable[[], None], enough: float) -> None:
        self.warm, self.wait, self.enough = warm, wait, enough
        self.steps, self.seconds = 0, 0.0

    def callback(self) -> Any:
        from transformers import TrainerCallback

        clock = self

        class Callback(TrainerCallback):
            def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
                clock.stepped(state.global_step, control)

        return Callback()

    def stepped(self, step: int, control: Any) -> None:
        """Read the clock after a step."""
        if step < self.warm:
            return
        self.wait()
        if step == self.warm:
            self.began = time.perf_counter()
            return
        self.seconds = time.perf_counter() - self.began
        self.steps = step - self.warm
        control.should_training_stop = self.seconds > self.enough


def speed_of(
    operations: Operations,
    drawn: tuple[np.ndarray, np.ndarray],
    rows: np.ndarray,
    seconds: float,
    options: argparse.Namespace,
) -> dict[str, Any]:
    """Tokens a second, MFU (of a made-up peak on a CPU, which means nothing) and peak memory."""
    prompt_N, response_N = drawn[0][rows], drawn[1][rows]
    cuda = options.device == "cuda"
    peak = (peak_of(torch.cuda.get_device_name()) if cuda else None) or 1e12
    return {
        "tokens_per_second": float(response_N.sum()) / seconds, "seconds": seconds, "pairs": len(rows),
        "mfu": operations(prompt_N, response_N) / seconds / peak, "peak": peak,
        "peak_gb": torch.cuda.max_memory_allocated() / 1e9 if cuda else 0.0,
    }  # fmt: skip


def attempt(case: Case, loop: str, options: argparse.Namespace, left: float) -> dict[str, Any]:
    """One loop of one student, in a process of its own: nothing of the ones before is left on the device.

    Where it gave no number it says why.
    """
    facts: dict[str, Any] = {"student": case.model, "loop": loop, "target": case.target}
    if left < options.seconds + RESERVE:
        return facts | {"error": "not run: no time was left"}
    command = [sys.executable, __file__, *sys.argv[1:], "--one", case.model, loop]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=left)
    except subprocess.TimeoutExpired:
        return facts | {"error": "not run: no time was left"}
    if done.returncode:
        return facts | {"error": f"failed with exit status {done.returncode}"}
    return facts | json.loads(done.stdout.strip().splitlines()[-1])


def one(case: Case, loop: str, options: argparse.Namespace) -> dict[str, Any]:
    """One loop of one student, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            if loop == "hf":
                return peer_loop(case, options, Path(folder), options.seconds)
            return our_loop(case, loop, options, Path(folder), options.seconds)
        except torch.OutOfMemoryError:
            return {"error": "out of memory"}


def main() -> None:
    """All loops of all students until the time is over; a table, then the numbers as one line of JSON."""
    parser = argparse.ArgumentParser(description="MFU and memory on one GPU.")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--tiny", action="store_true", help="tiny shapes, a few steps: does the code run?")
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--seconds", type=float, default=12.0, help="that a loop is timed")
    parser.add_argument("--ours", default="trainer.compile=true", help="overrides of our line")
    parser.add_argument("--dry", action="store_true", help="print, and record nothing")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    began = time.perf_counter()
    options.pairs = 200 if options.tiny else PAIRS
    if options.device == "cuda" and not torch.cuda.is_available():
        print("skipped: torch sees no CUDA device")
        return
    if options.one:
        student, loop = options.one
        print(json.dumps(one(next(case for case in CASES if case.model == student), loop, options)))
        return
    runs = []
    small, large = CASES[:2], CASES[2:]
    order = [(case, "packed") for case in CASES]
    order += [(case, loop) for cases in (small, large) for loop in ("plain", "hf") for case in cases]
    for case, loop in order:  # what matters most first: the time may be over before the end
        runs.append(attempt(case, loop, options, 60 * options.minutes - (time.perf_counter() - began)))
        print(json.dumps(runs[-1]), flush=True)
    name = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"
    numbers = {"gpu": name, "ours": options.ours, "runs": runs}
    print(gpu(numbers) if options.dry else record("gpu", numbers))
    print(json.dumps(numbers | made_by()))


if __name__ == "__main__":
    main()
