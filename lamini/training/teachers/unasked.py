"""Stands in for a stored teacher where time and memory are measured before it was asked.

Names: R response tokens, K kept tokens, N rows.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from lamini.students.protocol import Batch
from lamini.training.teachers.stored import NAMES, Stored


class Unasked(Stored):
    """All tokens are equally likely: wrong answers of the right shapes, from no file."""

    def __init__(self, response_lengths_N: np.ndarray, kept: int, size: int) -> None:
        """`kept` of `size` tokens are told apart."""
        super().__init__([])
        self.response_lengths_N, self.kept, self.size = response_lengths_N, kept, size

    def extras(self, rows: np.ndarray) -> Batch:
        """See `Stored.extras`.

        With kept=2 of size=8, rows of 2 and 1 response tokens have the ids [0, 1] three times, each with
        log(1/8), and the rest log(6/8).
        """
        tokens = int(self.response_lengths_N[rows].sum())
        ids_RK = torch.arange(self.kept).repeat(tokens, 1)
        logprobs_RK = torch.full((tokens, self.kept), -math.log(self.size))
        others = 1 - self.kept / self.size
        rest_R = torch.full((tokens,), math.log(others) if others else -math.inf)
        return dict(zip(NAMES, (ids_RK, logprobs_RK, rest_R), strict=True))
