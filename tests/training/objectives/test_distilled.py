"""Every divergence, mixed and softened, against its definition in float64 on Hugging Face's own logits.

The models compute in float64 on both sides, so that what differs is the objective's own fp32.
"""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from lamini.students.protocol import Student
from lamini.training.objectives import chunks
from lamini.training.objectives.distilled import Distilled
from lamini.training.teachers.online import Online
from tests.students import tiny
from tests.training.objectives import toys

NAMES = list(toys.options())


def objective_of(student: Student, teacher: Student, name: str, mix: float, temperature: float) -> Distilled:
    told = toys.options()[name].divergence
    return Distilled(Online(teacher), told, len(student.tokenizer), mix, temperature)


def reference(student: Student, teacher: Student, name: str, mix: float, temperature: float) -> Tensor:
    """The objective in float64; its gradient is left in the student's parameters."""
    batch, size = tiny.batch_of(student, tiny.PAIRS), len(student.tokenizer)
    theirs = toys.logits(teacher.ready(), batch)[:, :size]
    ours = toys.logits(student.ready(), batch)
    p, q = (torch.softmax(each / temperature, -1) for each in (theirs, ours[:, :size]))
    labels = batch["labels"][batch["labels"] != -100]
    sequence = -torch.log_softmax(ours, -1)[torch.arange(len(labels)), labels].sum()
    total = mix * sequence + (1 - mix) * temperature**2 * toys.divergence(name, p, q).sum()
    total.backward()
    return total.detach()


@pytest.mark.parametrize("kind", toys.KINDS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("mix", "temperature"), [(0.0, 1.0), (0.3, 1.7)])
def test_value_and_gradient_are_those_of_the_definition(
    kind: str, name: str, mix: float, temperature: float
) -> None:
    student = toys.student_of(kind)
    teacher = toys.teacher_of(student)
    student.ready().double(), teacher.ready().double()
    objective = objective_of(student, teacher, name, mix, temperature)
    total = objective(student, tiny.batch_of(student, tiny.PAIRS))
    assert total.dtype == torch.float32 and total.ndim == 0
    total.backward()
    ours = toys.gradient(student.ready().parameters())
    student.ready().zero_grad()
    expected = reference(student, teacher, name, mix, temperature)
    assert total.item() == pytest.approx(expected.item(), rel=1e-5)
    assert toys.relative(ours, toys.gradient(student.ready().parameters())) < 1e-5
    assert all(p.grad is None for p in teacher.ready().parameters())


@pytest.mark.parametrize("name", NAMES)
def test_a_student_that_is_its_own_teacher_has_nothing_to_learn(name: str) -> None:
    student = toys.student_of("gpt2")
    teacher = copy.copy(student)
    teacher.model = copy.deepcopy(student.ready()).eval()
    batch = tiny.batch_of(student, tiny.PAIRS)
    total = objective_of(student, teacher, name, 0.0, 2.0)(student, batch)
    total.backward()
    student.ready().zero_grad(set_to_none=False)
    plain, tokens = student.loss(batch)
    own = toys.gradient(student.ready().parameters())
    plain.backward()
    size = toys.gradient(student.ready().parameters()).norm()
    assert abs(total.item()) < 1e-5 * tokens.item()
    assert float(own.norm()) < 1e-5 * float(size)


@pytest.mark.parametrize("kind", ["t5", "gpt2"])
def test_the_value_does_not_depend_on_chunks_and_no_chunk_is_larger(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    student = toys.student_of(kind)
    teacher = toys.teacher_of(student)
    student.ready().double(), teacher.ready().double()
    objective = objective_of(student, teacher, "jsd", 0.3, 1.7)
    batch = tiny.batch_of(student, tiny.PAIRS)
    whole = objective(student, batch)
    whole.backward()
    expected = toys.gradient(student.ready().parameters())
    student.ready().zero_grad()
    rows: list[int] = []

    def count(module: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> None:
        rows.append(len(out))

    for model in (student.ready(), teacher.ready()):
        model.get_output_embeddings().register_forward_hook(count)
    monkeypatch.setattr(chunks, "CHUNK_LOGITS", 3 * student.head().weight.shape[0])
    parts = objective(student, batch)
    parts.backward()
    tokens = int((batch["labels"] != -100).sum())
    assert max(rows) == 3 and sum(rows) == 4 * tokens  # both heads, forward and again in the backward pass
    assert parts.item() == pytest.approx(whole.item(), rel=1e-5)
    assert toys.relative(toys.gradient(student.ready().parameters()), expected) < 1e-5


def test_the_gradient_of_a_high_temperature_does_not_vanish() -> None:
    """Hinton et al. 2015: with T^2 it tends to that of squared logit differences, without it to nothing."""
    norms = []
    for temperature in (50.0, 100.0):
        student = toys.student_of("gpt2")
        teacher = toys.teacher_of(student)
        batch = tiny.batch_of(student, tiny.PAIRS)
        objective_of(student, teacher, "forward_kl", 0.0, temperature)(student, batch).backward()
        norms.append(float(toys.gradient(student.ready().parameters()).norm()))
    assert norms[1] == pytest.approx(norms[0], rel=0.1)
