"""A teacher is asked once: found again by whoever shares its tokens, and by nobody else."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from lamini.errors import UserError
from lamini.students.protocol import Student
from lamini.training.teachers import storing
from lamini.training.teachers.storing import digest_of, store
from tests.students import tiny
from tests.training.objectives import toys
from tests.training.teachers.told import Counted, tokens_of


@pytest.fixture
def student() -> Student:
    return toys.student_of("gpt2")


@pytest.mark.parametrize("kind", toys.KINDS)
@pytest.mark.parametrize(("budget", "window"), [(1, 2), (200, 3), (10_000, 1_000)])
def test_rows_keep_their_order_however_they_are_batched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, budget: int, window: int
) -> None:
    monkeypatch.setattr(storing, "WINDOW", window)
    student = toys.student_of(kind)
    teacher = toys.teacher_of(student)
    stored = store(lambda: teacher, "mark", student, tokens_of(student, tmp_path), 5, tmp_path, budget)
    size = len(student.tokenizer)
    for row, pair in enumerate(tiny.PAIRS):
        logits = toys.logits(teacher.ready(), tiny.batch_of(student, [pair]))[:, :size]
        expected = torch.log_softmax(logits, -1)
        found = stored.extras(np.array([row]))
        values = found["teacher_logprobs_RK"]
        torch.testing.assert_close(values, expected.topk(5).values, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(expected.gather(1, found["teacher_ids_RK"]), values, rtol=1e-4, atol=1e-4)
        mass = values.exp().sum(-1) + found["teacher_rest_R"].exp()
        torch.testing.assert_close(mass, torch.ones_like(mass))


def test_it_is_built_once_and_reused_by_every_student(tmp_path: Path, student: Student) -> None:
    counted = Counted(student)
    first = store(counted, "mark", student, tokens_of(student, tmp_path), 5, tmp_path, 10_000)
    assert (counted.loads, counted.passes) == (2, 2)  # a part of the tokens each
    sibling = toys.student_of("gpt2", padding=0)
    again = store(counted, "mark", sibling, tokens_of(sibling, tmp_path), 5, tmp_path, 77)
    assert (counted.loads, counted.passes) == (2, 2)
    assert [part.folder for part in again.parts] == [part.folder for part in first.parts]
    assert {path.suffix for path in (tmp_path / "teachers").iterdir()} == {"", ".lock"}


def test_whatever_changes_the_numbers_changes_the_folder(tmp_path: Path, student: Student) -> None:
    tokens = tokens_of(student, tmp_path)
    key = storing.key_of("mark", student, tokens, 0, 5)
    assert key != storing.key_of("other weights", student, tokens, 0, 5)
    assert key != storing.key_of("mark", student, tokens, 0, 6)
    assert key != storing.key_of("mark", student, tokens, 1, 5)
    student.pad += 1
    assert key != storing.key_of("mark", student, tokens, 0, 5)


def test_a_new_source_asks_about_itself_only(tmp_path: Path, student: Student) -> None:
    counted, tokens = Counted(student), tokens_of(student, tmp_path)
    store(counted, "mark", student, tokens, 5, tmp_path, 10_000)
    (tmp_path / "teachers" / storing.key_of("mark", student, tokens, 1, 5) / "meta.json").unlink()
    store(counted, "mark", student, tokens, 5, tmp_path, 10_000)
    assert (counted.loads, counted.passes) == (3, 3)


@pytest.mark.parametrize("name", ["ids.npy", "logprobs.npy", "rest.npy", "offsets.npy", "meta.json"])
def test_a_damaged_folder_is_built_again(tmp_path: Path, student: Student, name: str) -> None:
    counted, tokens = Counted(student), tokens_of(student, tmp_path)
    first = store(counted, "mark", student, tokens, 5, tmp_path, 10_000)
    file = first.parts[0].folder / name
    before = first.extras(np.arange(8))["teacher_logprobs_RK"].clone()
    os.truncate(file, file.stat().st_size // 2)
    again = store(counted, "mark", student, tokens, 5, tmp_path, 10_000)
    assert counted.passes == 3
    assert torch.equal(again.extras(np.arange(8))["teacher_logprobs_RK"], before)


def test_a_failure_leaves_no_half_of_a_folder(
    tmp_path: Path, student: Student, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    tokens = tokens_of(student, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(storing, "_write_window", full)
        with pytest.raises(UserError, match=r"teachers cannot be written \(the disk is full\); .*top_k"):
            store(Counted(student), "mark", student, tokens, 5, tmp_path, 10_000)
    assert not [path for path in (tmp_path / "teachers").iterdir() if path.is_dir()]


def test_the_digest_is_that_of_config_and_weights(tmp_path: Path, student: Student) -> None:
    model = toys.teacher_of(student).ready()
    model.save_pretrained(tmp_path)
    first = digest_of(tmp_path)
    (tmp_path / "README.md").write_text("nothing that matters")
    assert digest_of(tmp_path) == first
    with torch.no_grad():
        next(model.parameters())[0] += 1e-6
    model.save_pretrained(tmp_path)
    assert digest_of(tmp_path) != first
