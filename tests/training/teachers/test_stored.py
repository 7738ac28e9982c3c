"""Stored distributions: exact where all is kept, and without bias where something is left out."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from lamini.training.objectives.distilled import Distilled
from lamini.training.teachers.online import Online
from lamini.training.teachers.stored import Stored
from lamini.training.teachers.storing import store
from tests.students import tiny
from tests.training.objectives import toys
from tests.training.teachers import told

ROWS = np.array([6, 1, 7, 0, 3])
NAMES = list(toys.options())


def stored_of(student, cache: Path, top_k: int, teacher=None) -> Stored:
    tokens = told.tokens_of(student, cache)
    return store(lambda: teacher or toys.teacher_of(student), "mark", student, tokens, top_k, cache, 64)


def total_and_gradient(student, source, name: str, batch, temperature: float = 1.7):
    objective = Distilled(source, toys.options()[name].divergence, len(student.tokenizer), 0.3, temperature)
    student.ready().zero_grad()
    total = objective(student, batch)
    total.backward()
    return total.item(), toys.gradient(student.ready().parameters())


@pytest.mark.parametrize("kind", toys.KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_all_tokens_kept_equal_the_teacher_online(tmp_path: Path, kind: str, name: str) -> None:
    student = toys.student_of(kind)
    teacher = toys.teacher_of(student)
    student.ready().double(), teacher.ready().double()  # another batch rounds a model's fp32 states otherwise
    stored = stored_of(student, tmp_path, 10**6, teacher)
    batch = tiny.batch_of(student, [tiny.PAIRS[row] for row in ROWS])
    online, expected = total_and_gradient(student, Online(teacher), name, batch)
    total, ours = total_and_gradient(student, stored, name, batch | stored.extras(ROWS))
    assert stored.parts[0].ids_LK.shape[1] == len(student.tokenizer)
    assert total == pytest.approx(online, rel=1e-6)
    assert toys.relative(ours, expected) < 1e-5


def test_worked_example() -> None:
    """Probabilities 0.4, 0.3, 0.2, 0.1 and kept tokens 2 and 0: classes 0.2, 0.4 and the rest 0.4."""
    student = torch.tensor([[0.4, 0.3, 0.2, 0.1]]).log()
    about = (torch.tensor([[2, 0]]), torch.tensor([[0.5, 0.3]]).log(), torch.tensor([0.2]).log())
    teacher_RC, student_RC = Stored([]).compared(student, 1.0, *about)
    torch.testing.assert_close(student_RC.exp(), torch.tensor([[0.2, 0.4, 0.4]]))
    torch.testing.assert_close(teacher_RC.exp(), torch.tensor([[0.5, 0.3, 0.2]]))
    _, soft = Stored([]).compared(student, 2.0, *about)
    roots = torch.tensor([[0.2, 0.4, 0.4]]).sqrt()
    torch.testing.assert_close(soft.exp(), roots / roots.sum())


@pytest.mark.parametrize("name", NAMES)
def test_more_kept_tokens_come_nearer_from_below(tmp_path: Path, name: str) -> None:
    student = toys.student_of("gpt2")
    batch = tiny.batch_of(student, [tiny.PAIRS[row] for row in ROWS])
    values = []
    for top_k in (1, 4, 16, 64, 256, 10**6):
        stored = stored_of(student, tmp_path, top_k)
        values.append(total_and_gradient(student, stored, name, batch | stored.extras(ROWS), 1.0)[0])
    assert values == sorted(values) and values[0] < values[-1]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("temperature", [1.0, 1.7])
def test_what_is_left_out_does_not_move_the_minimum(tmp_path: Path, name: str, temperature: float) -> None:
    """A student that is its own teacher stays as it is; one renormalised over its k would not."""
    student = toys.student_of("gpt2")
    teacher = toys.around(student, copy.deepcopy(student.ready().double()).eval())
    stored = stored_of(student, tmp_path, 3, teacher)
    batch = tiny.batch_of(student, [tiny.PAIRS[row] for row in ROWS]) | stored.extras(ROWS)
    plain, tokens = student.loss(batch)
    plain.backward()
    size = toys.gradient(student.ready().parameters()).norm()
    student.ready().zero_grad()
    objective = Distilled(stored, toys.options()[name].divergence, len(student.tokenizer), 0.0, temperature)
    total = objective(student, batch)
    total.backward()
    assert abs(total.item()) < 1e-5 * tokens.item()
    assert float(toys.gradient(student.ready().parameters()).norm()) < 1e-5 * float(size)


def test_workers_of_a_data_loader_map_the_files_again(tmp_path: Path) -> None:
    stored = stored_of(toys.student_of("t5"), tmp_path, 3)
    pickled = pickle.dumps(stored)
    assert len(pickled) < 2_000
    for name, tensor in pickle.loads(pickled).extras(ROWS).items():
        assert torch.equal(tensor, stored.extras(ROWS)[name])
