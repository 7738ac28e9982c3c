"""Ask an open teacher once about every response token, for all students that share its tokens.

The key is a hash of everything that changes the numbers: the teacher's files, the precision it computes in,
the token cache, the student's layout, k and this code's version. As with token caches, a folder is built
under a lock, as a draft that gets its name only when complete; one for each source of the mixture.

Layout of <cache_dir>/teachers/<key>/ for N rows with L response tokens together, k kept of each:
    ids.npy       uint16 or uint32 (L * k,)   the k likeliest tokens, row after row, likeliest first
    logprobs.npy  float32 (L * k,)            their log-probabilities
    rest.npy      float32 (L,)                log of the others' probability; -inf where k is all
    offsets.npy   int64 (N + 1,)              where each row starts, in response tokens
    meta.json     sizes; written last
So a response token costs 6 k + 4 bytes (8 k + 4 where the vocabulary has 2^16 tokens or more).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor

from lamini.data.tokens import Tokens
from lamini.data.writing import ArrayWriter, build_folder
from lamini.errors import UserError
from lamini.runs import reason
from lamini.students.protocol import Student
from lamini.training.objectives.chunks import CHUNK_LOGITS
from lamini.training.teachers.stored import Part, Stored, open_part

VERSION = 1  # raised whenever this module writes other numbers or another layout
WINDOW = 1_000  # rows that are sorted by length together before they are asked about
SECONDS = 15.0  # between lines of progress


def store(
    load: Callable[[], Student],
    mark: str,
    student: Student,
    tokens: Tokens,
    top_k: int,
    cache: Path,
    budget: int,
) -> Stored:
    """What the teacher says about all rows of `tokens`, from the cache or asked for now.

    `load` is called only to build; `mark` names the teacher's weights and precision; `student` gives the
    layout; `budget` is in padded tokens of a forward pass.

    Raises:
        UserError: the folder cannot be written.
    """
    k, parts = min(top_k, len(student.tokenizer)), []
    for number in range(len(tokens.parts)):
        rows = range(int(tokens.starts[number]), int(tokens.starts[number + 1]))
        folder = cache / "teachers" / key_of(mark, student, tokens, number, k)
        part = open_part(folder)
        if part is None:
            try:
                folder.parent.mkdir(parents=True, exist_ok=True)
                with FileLock(folder.with_suffix(".lock")):
                    part = open_part(folder) or _build(load(), tokens, rows, k, folder, budget)
            except OSError as error:
                raise UserError(
                    f"{folder.parent} cannot be written ({reason(error)});"
                    " set paths.cache_dir to a folder that can, or lower objective.top_k"
                ) from error
        parts.append(part)
    return Stored(parts)


def key_of(mark: str, student: Student, tokens: Tokens, number: int, k: int) -> str:
    """32 hex digits that name what a teacher says about part `number` of the tokens."""
    part, rows = tokens.parts[number], slice(*tokens.starts[number : number + 2])
    layout = json.dumps({**student.layout(), "pad": student.pad}, sort_keys=True)
    digest = blake2b(f"{VERSION} {mark} {k} {part.ids.dtype} {layout}".encode(), digest_size=16)
    for array in (part.ids, part.offsets, tokens.prompt_lengths_N[rows]):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def digest_of(folder: Path) -> str:
    """A hash of the weights and config in a model's folder (about a second a gigabyte)."""
    digest = blake2b(digest_size=16)
    for file in sorted(folder.iterdir()):
        if file.suffix in (".safetensors", ".bin") or file.name == "config.json":
            digest.update(f"{file.name} {file.stat().st_size} ".encode())
            with file.open("rb") as stream:
                while block := stream.read(2**20):
                    digest.update(block)
    return digest.hexdigest()


def _build(teacher: Student, tokens: Tokens, rows: range, k: int, folder: Path, budget: int) -> Part:
    """Ask into a temporary folder and give it its name; called under the lock."""
    build_folder(folder, lambda draft: _write(teacher, tokens, rows, k, draft, budget))
    part = open_part(folder)
    assert part is not None, f"{folder} was written but does not open"
    return part


def _write(teacher: Student, tokens: Tokens, rows: range, k: int, draft: Path, budget: int) -> dict[str, Any]:
    """Ask window by window into the arrays of `draft`; returns what meta.json says."""
    small = len(teacher.tokenizer) < 2**16
    dtypes = {
        "ids": np.dtype(np.uint16 if small else np.uint32), "logprobs": np.dtype(np.float32),
        "rest": np.dtype(np.float32), "offsets": np.dtype(np.int64),
    }  # fmt: skip
    began = said = time.monotonic()
    print(f"asking the teacher about {len(rows):,} rows, once for all students ...", flush=True)
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(closing(ArrayWriter(draft / f"{name}.npy", dtype)))
            for name, dtype in dtypes.items()
        }
        writers["offsets"].append([0])
        for window in (rows[first : first + WINDOW] for first in range(0, len(rows), WINDOW)):
            _write_window(teacher, tokens, window, k, budget, writers)
            done, now = window.stop - rows.start, time.monotonic()
            if now - said >= SECONDS:
                left, said = (now - began) / done * (len(rows) - done), now
                print(f"asking the teacher: {done:,}/{len(rows):,} rows, {left:,.0f} s left", flush=True)
    arrays = {name: [writer.size, writer.dtype.name] for name, writer in writers.items()}
    return {"version": VERSION, "top_k": k, "arrays": arrays}


def _write_window(
    teacher: Student, tokens: Tokens, window: range, k: int, budget: int, writers: dict[str, ArrayWriter]
) -> None:
    """Ask about these rows in batches of similar lengths, and append them in their order."""
    lengths = tokens.response_lengths_N[window.start : window.stop].astype(np.int64)
    found: dict[int, tuple[Tensor, ...]] = {}
    for batch in _batches(tokens, window, budget):
        sizes = [int(tokens.response_lengths_N[row]) for row in batch]
        split = [tensor.split(sizes) for tensor in _asked(teacher, tokens, batch, k)]
        found |= dict(zip(batch, zip(*split, strict=True), strict=True))
    writers["offsets"].append(writers["rest"].size + np.cumsum(lengths))
    in_order = zip(*(found[row] for row in window), strict=True)
    for name, several in zip(("ids", "logprobs", "rest"), in_order, strict=True):
        writers[name].append(torch.cat(several).flatten().numpy())


def _batches(tokens: Tokens, rows: range, budget: int) -> Iterator[list[int]]:
    """Rows of similar lengths, the longest first, at most `budget` padded tokens together."""
    longest = {row: int(tokens.prompt_lengths_N[row] + tokens.response_lengths_N[row]) for row in rows}
    batch: list[int] = []
    for row in sorted(rows, key=lambda row: -longest[row]):
        if batch and (len(batch) + 1) * longest[batch[0]] > budget:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


@torch.inference_mode()
def _asked(teacher: Student, tokens: Tokens, rows: list[int], k: int) -> tuple[Tensor, ...]:
    """Ids (R, k), log-probabilities (R, k) and that of the rest (R,), pair after pair."""
    device, size, head = teacher.ready().device, len(teacher.tokenizer), teacher.head()
    batch = teacher.collate([tokens.prompt(row) for row in rows], [tokens.response(row) for row in rows])
    hidden_RE, _ = teacher.responses({name: tensor.to(device) for name, tensor in batch.items()})
    parts = []
    for chunk in hidden_RE.split(max(1, CHUNK_LOGITS // head.weight.shape[0])):
        logprobs = head(chunk).float()[:, :size].log_softmax(-1)
        top = logprobs.topk(k, dim=-1)
        rest = logprobs.scatter(1, top.indices, float("-inf")).logsumexp(-1)
        parts.append((top.indices.cpu(), top.values.cpu(), rest.cpu()))
    ids, values, rests = (torch.cat(several) for several in zip(*parts, strict=True))
    return ids, values, rests
