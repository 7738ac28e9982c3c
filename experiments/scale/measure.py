"""The constants that no other study records: disk, shards, log, tokenizer, launch, rows of benchmarks.

    python experiments/scale/measure.py [--folder <on the disk to measure>] [--gb 1] [--repeats 3]

Some minutes on two cores; the best of several tries, since other jobs may want the cores. LAMINI_DATA: folder
with train/, eval/ and tokenizers/. The folder should lie where runs will: a shared file system is what a
cluster's checkpoints go through.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import benchmark_rows
from recording import made_by, record

STUDIES = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("LAMINI_DATA", STUDIES.parents[1] / "shared" / "data"))
ROWS = 100_000  # of shards
LOGGED = 5_000
TOKENISED = 20_000
MORE = 4  # students of the longer sweep
MEAN_WORDS = 25  # of an answer: 33 tokens


def checkpoint(folder: Path, gb: float) -> tuple[float, float]:
    """Seconds a gigabyte: writing a checkpoint as a run does, checking and loading it from the disk."""
    import torch

    from lamini.training.checkpointing.hashing import HashingIO
    from lamini.training.checkpointing.resuming import restore

    writer, path = HashingIO(), folder / "last.ckpt"
    tensors = {str(n): torch.randn(25_000_000) for n in range(round(10 * gb))}  # 0.1 GB each
    began = time.perf_counter()
    writer.save_checkpoint({"state_dict": tensors, "global_step": 1}, path)
    written = time.perf_counter() - began
    size = path.stat().st_size / 1e9
    index = {
        "checkpoints": [{"file": path.name, "step": 1, "validation_loss": None, "sha256": writer.sha256}]
    }
    (folder / "index.json").write_text(json.dumps(index))
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # else memory is measured
    began = time.perf_counter()
    restore(folder)
    torch.load(path, weights_only=True)
    read = time.perf_counter() - began
    path.unlink()
    return written / size, read / size


def shards(folders: Iterator[Path], repeats: int) -> tuple[float, float]:
    """Rows a second into Parquet shards, and bytes of a row."""
    sys.path.append(str(STUDIES / "curation-scale"))
    from synthetic import blocks

    from lamini.data.shards import ShardWriter

    rows, best = list(blocks(ROWS)), 0.0
    for folder in islice(folders, repeats):
        began = time.perf_counter()
        with ShardWriter(folder / "shards", ROWS) as writer:
            for block in rows:
                writer.write(block)
        best = max(best, ROWS / (time.perf_counter() - began))
        size = size_of(folder / "shards") / ROWS
    return best, size


def log_bytes(folder: Path) -> float:
    """Bytes of an answer in the request log, with what an OpenAI endpoint sends back."""
    from lamini.teacher.log import Entry, RequestLog, Row
    from lamini.teacher.protocol import Answer, Message, Request

    def row(number: int) -> Row:
        text = f"{number} " + "answer " * MEAN_WORDS
        usage = {"prompt_tokens": 80, "completion_tokens": 33, "total_tokens": 113}
        choice = {"finish_reason": "stop", "index": 0, "message": {"content": text, "role": "assistant"}}
        raw = {"id": f"chatcmpl-{number:030}", "choices": [choice], "created": 1700000000, "usage": usage,
               "model": "gpt-3.5-turbo-0125", "object": "chat.completion"}  # fmt: skip
        request = Request((system(), Message("user", f"{number} " + "word " * 38)))
        answer = Answer(text, "stop", 80, 33, "gpt-3.5-turbo-0125", json.dumps(raw))
        return Row(request.key("openai", "gpt-3.5-turbo"), "openai", "gpt-3.5-turbo", request, Entry(answer))

    with RequestLog(folder / "log.sqlite") as log:
        for first in range(0, LOGGED, 50):
            log.put(row(number) for number in range(first, first + 50))
    return sum(path.stat().st_size for path in folder.glob("log.sqlite*")) / LOGGED


def system() -> Any:
    """The paper's system message, in our words."""
    from lamini.instructions.templates import load
    from lamini.teacher.protocol import Message

    return Message("system", load("concise", "responses.system", ()).fill())


def tokenised(folders: Iterator[Path], repeats: int) -> float:
    """Rows a second into the token cache: GPT-2's tokenizer on Alpaca's rows."""
    from lamini.compose import compose
    from lamini.data.cache import encode_table
    from lamini.students.loading import build_tokenizer
    from lamini.training.prepare import student_class

    words = [
        "model=gpt2-small", "init=scratch", "data=file", f"data.path='{DATA / 'train' / 'alpaca.jsonl.gz'}'",
        f"paths.tokenizers='{DATA / 'tokenizers'}'",
    ]  # fmt: skip
    config, best = compose("train", words), 0.0
    tokenizer = build_tokenizer(config, lambda: iter(()))
    student = student_class(config)(tokenizer, config.context, config.family.wrapper)
    table = config.data.load(next(folders), config.seed).sources[0].table.slice(0, TOKENISED)
    for folder in islice(folders, repeats):
        began = time.perf_counter()
        encode_table(student, table, folder)
        best = max(best, table.num_rows / (time.perf_counter() - began))
    return best


def launches(folder: Path, repeats: int) -> float:
    """Seconds that one more tiny student adds to a local sweep, its single step and its export included."""
    sys.path.append(str(STUDIES / "training-speed"))
    from starts import timed

    def sweep(name: str, seeds: int) -> float:
        return timed([
            "-m", "model=t5-nano", f"name={name}", f"seed={','.join(str(n) for n in range(seeds))}",
            f"paths.output_dir={folder}", "logger=none", "trainer.max_steps=1", "data.held_out=0",
            "validation.answers=0", "validation.limit=16",
        ], 0)  # fmt: skip

    sweep("first", 1)  # makes the data and the token cache
    one, several = (min(sweep(f"{n}-{seeds}", seeds) for n in range(repeats)) for seeds in (1, MORE))
    return (several - one) / (MORE - 1)


def size_of(folder: Path) -> int:
    """Bytes of all files below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def fresh(parent: Path) -> Generator[Path, None, None]:
    """Folders that are gone when the next one is asked for, and at the end."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent))
        try:
            yield folder
        finally:
            shutil.rmtree(folder)


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description="Measure what the plan needs and no other study records.")
    parser.add_argument("--folder", type=Path, default=STUDIES.parent / "outputs")
    parser.add_argument("--gb", type=float, default=1.0, help="of the checkpoint")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    if options.gb <= 0 or options.repeats < 1:
        parser.error("--gb must be above 0, --repeats at least 1")
    if not options.folder.is_dir():
        parser.error(f"--folder {options.folder} is no folder")
    if absent := [
        part for part in ("train/alpaca.jsonl.gz", "eval", "tokenizers") if not (DATA / part).exists()
    ]:
        parser.error(f"{DATA} has no {absent[0]}: LAMINI_DATA names the folder that holds it")
    from lamini.teacher.money import about_tokens
    from lamini.teacher.protocol import Request

    folders = fresh(options.folder)
    disk = [checkpoint(folder, options.gb) for folder in islice(folders, options.repeats)]
    rows_per_second, row_bytes = shards(folders, options.repeats)
    numbers = {
        "write_seconds_per_gb": min(write for write, _ in disk),
        "read_seconds_per_gb": min(read for _, read in disk),
        "shard_rows_per_second": rows_per_second,
        "shard_row_bytes": row_bytes,
        "log_row_bytes": log_bytes(next(folders)),
        "system_tokens": about_tokens(Request((system(),))),
        "tokenised_rows_per_second": tokenised(folders, options.repeats),
        "launch_per_student_seconds": launches(next(folders), options.repeats),
        "positions": benchmark_rows.positions(DATA),
    }
    folders.close()
    for name, value in numbers.items():
        print(f"{name}: {value}")
    record("measured", numbers | made_by())


if __name__ == "__main__":
    main()
