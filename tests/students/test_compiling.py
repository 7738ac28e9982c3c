"""A compiled body has the loss and gradient of the written one, and one compilation serves many batches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from lamini.students.attention.backends import use
from lamini.students.compiling import compile_blocks
from lamini.students.protocol import Student
from tests.students import tiny
from tests.students.test_packed import collated, loss_and_gradient, student_of

WARM = [[[0, 1, 2, 3], [4], [5, 6, 7]], [[0, 1], [2, 3], [4, 5, 6, 7], [5, 6]]]
LATER = [[[3, 2], [1, 0]], [[7], [6], [5], [4, 3], [2, 1]], [[0, 1, 2, 3], [4, 5, 6, 7]]]


@pytest.fixture(autouse=True)
def _own_compilations() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def compiled(kind: str, backend: str, attention: str = "sdpa") -> Student:
    student = student_of(kind, attention)
    student.multiple = 8
    compile_blocks(student.ready(), backend)
    return student


def assert_as_written(student: Student, attention: str, rows: list[list[int]]) -> None:
    batch = {name: tensor.to(student.ready().device) for name, tensor in collated(student, rows).items()}
    loss, gradient = loss_and_gradient(student, [batch])
    with torch.compiler.set_stance("force_eager"):
        other, its = loss_and_gradient(student, [batch])
    assert abs(float(loss - other)) / float(other) < 1e-5
    assert float((gradient - its).norm() / its.norm()) < 1e-5


@pytest.mark.parametrize("kind", ["t5", "gpt2", "gpt-neo"])
def test_later_batches_are_not_compiled_again(kind: str) -> None:
    student = compiled(kind, "aot_eager")
    for rows in WARM:
        loss_and_gradient(student, [collated(student, rows)])
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0
    shapes = {collated(student, rows)["input_ids"].shape for rows in (*WARM, *LATER)}
    assert len(shapes) == 5
    with torch.compiler.set_stance("fail_on_recompile"):
        for rows in LATER:
            loss_and_gradient(student, [collated(student, rows)])
    assert_as_written(student, "sdpa", LATER[0])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["t5", "gpt2"])
def test_inductor_computes_what_is_written(kind: str) -> None:
    student = compiled(kind, "inductor")
    for rows in WARM:
        assert_as_written(student, "sdpa", rows)


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("kind", "attention"),
    [("t5", "sdpa"), *((kind, way) for kind in ("gpt2", "gpt-neo", "llama") for way in ("sdpa", "flex"))],
)
def test_inductor_computes_what_is_written_on_a_gpu(kind: str, attention: str) -> None:
    student = compiled(kind, "inductor", attention)
    student.ready().cuda()
    for rows in WARM:
        assert_as_written(student, attention, rows)


def test_answers_are_given_by_the_written_model() -> None:
    student = student_of("gpt2")
    tiny.lively(student.ready())
    answers = student.generate(["say hi", "add 1 2"], 12)
    compile_blocks(student.ready(), "aot_eager")
    torch._dynamo.utils.counters.clear()
    assert student.generate(["say hi", "add 1 2"], 12) == answers
    assert not torch._dynamo.utils.counters["stats"]


def test_compiling_leaves_the_names_of_the_weights() -> None:
    student = student_of("t5")
    names = list(student.ready().state_dict())
    compile_blocks(student.ready(), "aot_eager")
    assert list(student.ready().state_dict()) == names
    use(student.ready(), "eager")  # and the classes of the modules
