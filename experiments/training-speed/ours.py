"""This project's own path: the line of train.py, from its configuration to its export."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clock import Clock
from rows import TOKENIZERS
from shapes import LR, WARMUP, Shape

from lamini.compose import compose


def line(shape: Shape, work: Path, size: int, batch: int, threads: int, more: list[str]) -> list[str]:
    """The overrides of one run; `more` are the reader's own."""
    return [
        *shape.line(TOKENIZERS), "init=pretrained", f"checkpoint='{work / f'weights-{shape.name}'}'",
        "data=file", f"data.path='{work / 'rows' / f'{size}.jsonl'}'", f"batch_size={batch}",
        "validation.share=0", "validation.answers=0", f"optimizer.lr={LR}",
        f"scheduler.warmup_ratio={WARMUP}",
        "trainer.max_epochs=1", f"trainer.threads={threads}", "trainer.precision=32-true",
        "trainer.accelerator=cpu", "trainer.checkpoint_every=1000000", "logger=none", "force=true",
        f"paths.output_dir='{work / 'outputs'}'", f"paths.cache_dir='{work / 'cache'}'", *more,
    ]  # fmt: skip


def before(owner: Any, name: str, note: Callable[[], None]) -> None:
    """Have `note` called whenever `owner.name` is."""
    original = getattr(owner, name)

    def noted(self: Any, *arguments: Any, **more: Any) -> Any:
        note()
        return original(self, *arguments, **more)

    setattr(owner, name, noted)


def train(
    shape: Shape, work: Path, size: int, batch: int, threads: int, more: list[str], clock: Clock
) -> Path:
    """Run the line and return its export, a plain Hugging Face folder.

    Raises:
        SystemExit: the run did not end as done.
    """
    from lamini.training import fit
    from lamini.training.module import StudentModule

    before(StudentModule, "on_train_start", clock.start)
    folder = work / "outputs" / f"{shape.name}-{size}"
    fit.run(compose("train", line(shape, work, size, batch, threads, more)), folder)
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    if record["status"] != "done":
        raise SystemExit(record["error"])
    if record["data"]["pairs"] != size or record["steps"] != clock.steps:
        raise SystemExit(f"{record['data']['pairs']} pairs and {record['steps']} steps, {clock.steps} seen")
    clock.pairs, clock.response_tokens = record["data"]["pairs"], record["response_tokens"]
    clock.padding = record["padding_share"]
    return folder / "export"
