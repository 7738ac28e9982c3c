"""What stands in for a stored teacher has its shapes, and is a distribution."""

from __future__ import annotations

import math

import numpy as np
import torch

from lamini.training.teachers.unasked import Unasked


def test_rows_of_two_and_one_tokens_with_two_kept_of_eight() -> None:
    found = Unasked(np.array([1, 5, 2]), 2, 8).extras(np.array([2, 0]))
    assert found["teacher_ids_RK"].tolist() == [[0, 1]] * 3
    assert torch.allclose(found["teacher_logprobs_RK"], torch.full((3, 2), math.log(1 / 8)))
    assert torch.allclose(found["teacher_rest_R"], torch.full((3,), math.log(6 / 8)))


def test_all_kept_leaves_no_rest_and_compares_as_a_uniform_distribution() -> None:
    told = Unasked(np.array([3]), 4, 4)
    found = told.extras(np.array([0]))
    assert found["teacher_rest_R"].isneginf().all()
    teacher, student = told.compared(torch.zeros(3, 4), 1.0, *found.values())
    assert torch.allclose(teacher.exp(), torch.full((3, 4), 0.25))
    assert torch.allclose(student, teacher)
