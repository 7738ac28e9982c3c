"""A teacher that does not fit is told before its weights are read; one that fits is the student's class."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lamini.errors import UserError
from lamini.students.protocol import Student
from lamini.training.teachers.fitting import check_fit, open_teacher, weight_bytes
from tests.students import tiny
from tests.students.configs import config_of
from tests.training.objectives import toys

CPU = torch.device("cpu")
FAMILY = {"t5": ("t5", "small"), "flan": ("flan-t5", "small"), "gpt2": ("gpt2", "small")}


def saved(teacher: Student, folder: Path) -> str:
    assert teacher.model is not None
    teacher.model.save_pretrained(folder)
    teacher.tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("kind", list(FAMILY))
def test_a_saved_teacher_is_loaded_frozen_and_says_the_same(tmp_path: Path, kind: str) -> None:
    student = toys.student_of(kind)
    teacher = toys.teacher_of(student)
    place = saved(teacher, tmp_path / "teacher")
    meta = check_fit(place, config_of(*FAMILY[kind]), student)
    size = sum(p.numel() for p in teacher.ready().parameters())
    assert (weight_bytes(meta, "32-true"), weight_bytes(meta, "bf16-mixed")) == (4 * size, 2 * size)
    loaded = open_teacher(place, student, "32-true", CPU)
    assert type(loaded) is type(student) and loaded.model is not student.model
    assert not loaded.ready().training
    assert not any(p.requires_grad for p in loaded.ready().parameters())
    batch = tiny.batch_of(student, tiny.PAIRS)
    torch.testing.assert_close(loaded.responses(batch), teacher.responses(batch))


def test_bf16_training_holds_a_bf16_teacher(tmp_path: Path) -> None:
    student = toys.student_of("gpt2")
    place = saved(toys.teacher_of(student), tmp_path / "teacher")
    assert open_teacher(place, student, "bf16-mixed", CPU).ready().dtype == torch.bfloat16


def test_another_vocabulary_names_the_first_token_and_the_way_out(tmp_path: Path) -> None:
    student = toys.student_of("gpt2")
    teacher = toys.teacher_of(student)
    teacher.tokenizer = tiny.gpt2_tokenizer()
    vocabulary = {i: t for t, i in teacher.tokenizer.get_vocab().items()}
    text = teacher.tokenizer.backend_tokenizer.to_str()
    changed = text.replace(f'"{vocabulary[256]}":256', '"zzz":256', 1)
    assert changed != text
    place = saved(teacher, tmp_path / "teacher")
    (tmp_path / "teacher" / "tokenizer.json").write_text(changed)
    with pytest.raises(UserError) as caught:
        check_fit(place, config_of("gpt2", "small"), student)
    sentence = str(caught.value)
    assert f"objective.teacher={place}: its vocabulary" in sentence
    assert f"id 256 is 'zzz' there and {vocabulary[256]!r} here" in sentence
    assert "objective=sequence" in sentence and "cerebras-gpt, gpt-neo, gpt2" in sentence


@pytest.mark.parametrize(("kind", "other"), [("t5", "gpt2"), ("gpt2", "t5")])
def test_the_other_architecture_is_told_before_the_vocabulary(tmp_path: Path, kind: str, other: str) -> None:
    student = toys.student_of(kind)
    place = saved(toys.teacher_of(toys.student_of(other)), tmp_path / "teacher")
    with pytest.raises(UserError, match=rf"is a {other}, which is not {student.architecture} as .*=sequence"):
        check_fit(place, config_of(*FAMILY[kind]), student)


def test_fewer_positions_than_the_context(tmp_path: Path) -> None:
    student = toys.student_of("gpt2")
    place = saved(toys.teacher_of(student), tmp_path / "teacher")
    student.context = 257
    with pytest.raises(UserError, match="has 256 positions; context=256 is the most it can read"):
        check_fit(place, config_of("gpt2", "small"), student)


def test_a_head_that_is_too_small_is_told_before_weights_are_read(tmp_path: Path) -> None:
    student = toys.student_of("gpt2")
    place = saved(toys.teacher_of(student, padding=-1), tmp_path / "teacher")
    with pytest.raises(UserError, match=r"objective\.teacher=.*: the tokenizer has \d+ tokens but the model"):
        check_fit(place, config_of("gpt2", "small"), student)


def test_weights_that_are_missing_or_torn(tmp_path: Path) -> None:
    student = toys.student_of("gpt2")
    place = saved(toys.teacher_of(student), tmp_path / "teacher")
    file = tmp_path / "teacher" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    check_fit(place, config_of("gpt2", "small"), student)
    with pytest.raises(UserError, match=rf"objective\.teacher={place} does not load"):
        open_teacher(place, student, "32-true", CPU)
