"""What a teacher once said about every response token: its k likeliest tokens, all others as one class.

A distribution over V tokens becomes one over k + 1 classes, p_1 … p_k and the rest, and the student's is
summed up in the same way. So no mass is lost on either side, every divergence stays defined (reverse KL too),
never exceeds the one over all V tokens, and is 0 where the student says what the teacher says: what is
dropped is only what happens inside the rest. Renormalising the teacher over its k instead would teach a
distribution that is sharper than the teacher's, which is the bias that Anshumann et al. 2025 (arXiv
2503.16870) find in top-k distillation; renormalising both would leave the mass outside free to grow. With
k = V there is no rest and nothing is lost.

A temperature softens the k + 1 classes of both sides (the stored numbers do not depend on it): at other
temperatures than 1 the rest counts as one token.

Names: R response tokens, K kept tokens, V vocabulary, N rows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lamini.students.protocol import Batch

NAMES = ("teacher_ids_RK", "teacher_logprobs_RK", "teacher_rest_R")
ARRAYS = ("ids", "logprobs", "rest", "offsets")


@dataclass(frozen=True)
class Part:
    """One folder, memory-mapped; see `storing` for its layout."""

    folder: Path
    ids_LK: np.ndarray
    logprobs_LK: np.ndarray
    rest_L: np.ndarray
    offsets: np.ndarray

    def __reduce__(self) -> Any:
        """Workers of a data loader map the files again and copy nothing."""
        return open_part, (self.folder,)


class Stored:
    """The teacher's distributions by row number of the training tokens: parts one after another."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts
        self.starts = np.cumsum([0, *(len(part.offsets) - 1 for part in parts)])

    def extras(self, rows: np.ndarray) -> Batch:
        """What a micro-batch of these rows carries: ids, log-probabilities, and that of the rest."""
        found = [self._row(int(row)) for row in rows]
        ids, logprobs, rest = (np.concatenate(several) for several in zip(*found, strict=True))
        arrays = (ids.astype(np.int64), logprobs, rest)
        return {name: torch.from_numpy(array) for name, array in zip(NAMES, arrays, strict=True)}

    def about(self, batch: Batch) -> tuple[Tensor, ...]:
        """What `extras` added."""
        return tuple(batch[name] for name in NAMES)

    def compared(self, student_RV: Tensor, temperature: float, *about: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities of the k tokens and, where there are more, of the rest: two of (R, K + 1).

        Over V = 4 tokens with k = 2, a student with probabilities 0.4, 0.3, 0.2, 0.1 whose teacher thinks
        tokens 2 and 0 the likeliest has the classes 0.2, 0.4 and the rest 0.4.
        """
        ids_RK, teacher, rest_R = about
        logprobs_RV = student_RV.log_softmax(-1)
        student = logprobs_RV.gather(1, ids_RK)
        if ids_RK.shape[1] < logprobs_RV.shape[1]:
            others_R = logprobs_RV.scatter(1, ids_RK, float("-inf")).logsumexp(-1)
            student = torch.cat([student, others_R[:, None]], 1)
            teacher = torch.cat([teacher, rest_R[:, None]], 1)
        return (teacher / temperature).log_softmax(-1), (student / temperature).log_softmax(-1)

    def _row(self, row: int) -> tuple[np.ndarray, ...]:
        which = int(np.searchsorted(self.starts, row, side="right")) - 1
        part, first = self.parts[which], row - self.starts[which]
        span = slice(*part.offsets[first : first + 2])
        return part.ids_LK[span], part.logprobs_LK[span], part.rest_L[span]


def open_part(folder: Path) -> Part | None:
    """The arrays of a folder, mapped; None where they are missing or damaged."""
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        ids, logprobs, rest, offsets = (_open(folder, name, *meta["arrays"][name]) for name in ARRAYS)
        k = int(meta["top_k"])
        part = Part(folder, ids.reshape(-1, k), logprobs.reshape(-1, k), rest, offsets)
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None
    sizes = {len(part.ids_LK), len(part.logprobs_LK), len(rest), int(offsets[-1])}
    return part if len(sizes) == 1 else None


def _open(folder: Path, name: str, size: int, dtype: str) -> np.ndarray:
    array: np.ndarray = np.load(folder / f"{name}.npy", mmap_mode="r" if size else None)
    if array.shape != (size,) or array.dtype != np.dtype(dtype):
        raise ValueError(f"{folder / name}.npy is damaged")
    return array
