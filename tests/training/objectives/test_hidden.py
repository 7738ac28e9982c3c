"""Last-layer alignment against its definition in float64; the projection is no part of the student."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from lamini.errors import UserError
from lamini.students.protocol import Student
from lamini.training.objectives.aligned import Aligned
from lamini.training.objectives.hidden import Hidden
from lamini.training.objectives.options import Distance
from tests.students import tiny
from tests.training.objectives import toys


def states(student: Student) -> Tensor:
    """What Hugging Face hands to the head, at response positions."""
    batch, seen = tiny.batch_of(student, tiny.PAIRS), []
    hook = student.head().register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    toys.logits(student.ready(), batch)
    hook.remove()
    return seen[0][batch["labels"] != -100]


@pytest.mark.parametrize("kind", toys.KINDS)
@pytest.mark.parametrize("distance", list(Distance))
def test_value_and_gradient_are_those_of_the_definition(kind: str, distance: Distance) -> None:
    student = toys.student_of(kind)
    teacher = toys.teacher_of(student)
    student.ready().double(), teacher.ready().double()
    objective = Aligned(student, teacher, distance, 0.3, seed=5).double()
    batch = tiny.batch_of(student, tiny.PAIRS)
    total = objective(student, batch)
    total.backward()
    parameters = [*student.ready().parameters(), *objective.parameters()]
    ours = toys.gradient(parameters)
    assert [tuple(p.shape) for p in objective.parameters()] == [(32, 48)]

    objective.zero_grad(), student.ready().zero_grad()
    projected = states(student) @ objective.projection.weight.T
    theirs = states(teacher)
    if distance is Distance.mse:
        apart = ((projected - theirs) ** 2).mean(-1)
    else:
        apart = 1 - (projected * theirs).sum(-1) / (projected.norm(dim=-1) * theirs.norm(dim=-1))
    labels = batch["labels"][batch["labels"] != -100]
    logits = toys.logits(student.ready(), batch)
    sequence = -torch.log_softmax(logits, -1)[torch.arange(len(labels)), labels].sum()
    expected = 0.3 * sequence + 0.7 * apart.sum()
    expected.backward()
    assert total.item() == pytest.approx(expected.item(), rel=1e-5)
    assert toys.relative(ours, toys.gradient(parameters)) < 1e-5


def test_equal_widths_need_no_projection_and_the_teacher_is_no_part_of_the_module() -> None:
    student = toys.student_of("gpt2")
    alike = toys.around(student, copy.deepcopy(student.ready()))
    objective = Aligned(student, alike, Distance.mse, 0.5, seed=5)
    assert isinstance(objective.projection, nn.Identity) and not list(objective.parameters())
    batch = tiny.batch_of(student, tiny.PAIRS)
    assert objective(student, batch).item() == pytest.approx(student.loss(batch)[0].item() / 2)


def test_the_projection_depends_on_the_seed_and_disturbs_no_other_random_number() -> None:
    student = toys.student_of("gpt2")
    teacher = toys.teacher_of(student)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    drawn = [Aligned(student, teacher, Distance.mse, 0.5, seed).projection.weight for seed in (5, 5, 6)]
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])


def test_without_the_sequence_loss_nothing_would_train_the_head() -> None:
    with pytest.raises(UserError, match=r"objective\.mix=0: .* never train the student's head"):
        Hidden(".", 0.0, Distance.mse).check()
