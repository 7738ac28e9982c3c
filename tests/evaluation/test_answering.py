"""Answers are those of the student, each generated once, and those that are there survive an interruption."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lamini.errors import UserError
from lamini.evaluation import answering
from lamini.evaluation.answering import Progress, answered, answers, batches, continued
from lamini.evaluation.subjects import Subject
from lamini.students.protocol import Student
from tests.evaluation import exported
from tests.students import tiny

QUESTIONS = [question for question, _ in tiny.PAIRS]
LONG = "Count from one to five. " * 80


@pytest.fixture
def prompts_seen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many prompts each batch had that a model was asked to continue."""
    seen: list[int] = []
    original = Student.continued

    def counting(self: Student, model: Any, prompts: list[list[int]], room: int) -> list[list[int]]:
        seen.append(len(prompts))
        return original(self, model, prompts, room)

    monkeypatch.setattr(Student, "continued", counting)
    return seen


@pytest.mark.parametrize("kind", ["t5", "gpt2", "gpt-neo", "llama"])
@pytest.mark.parametrize("budget", [30, 4096])
def test_answers_are_those_of_the_student_in_the_order_of_the_instructions(
    kind: str, budget: int, tmp_path: Path
) -> None:
    made = exported.student(kind, "bare" if kind == "t5" else "alpaca")
    subject, config = exported.subject(tmp_path, kind, made), exported.config(tmp_path)
    config.batch_tokens = budget
    found = answers(config, subject, [*QUESTIONS, LONG], 12)
    assert found == made.generate([*QUESTIONS, LONG], 12)
    assert len(set(found)) > 3


def test_nothing_is_generated_twice(tmp_path: Path, prompts_seen: list[int]) -> None:
    subject = exported.subject(tmp_path, "a", exported.student("gpt2"))
    config = exported.config(tmp_path)
    first = answered(config, subject, QUESTIONS[:4] * 2, 8)
    assert sum(prompts_seen) == first.generated == 4
    assert first.answers[:4] == first.answers[4:]
    prompts_seen.clear()
    again = answered(config, subject, list(reversed(QUESTIONS)), 8)
    assert sum(prompts_seen) == again.generated == len(QUESTIONS) - 4
    assert again.answers[-4:] == first.answers[3::-1]
    assert answered(config, subject, QUESTIONS, 8).tokens_per_second is None


def test_another_setting_is_another_answer(tmp_path: Path, prompts_seen: list[int]) -> None:
    made = exported.student("gpt2", "alpaca")
    subject, config = exported.subject(tmp_path, "a", made), exported.config(tmp_path)
    answers(config, subject, QUESTIONS[:2], 8)
    answers(config, subject, QUESTIONS[:2], 9)
    answers(exported.config(tmp_path, "wrapper=bare"), subject, QUESTIONS[:2], 8)
    answers(exported.config(tmp_path, "precision=bf16"), subject, QUESTIONS[:2], 8)
    with torch.no_grad():
        made.ready().get_input_embeddings().weight[0, 0] += 1
    answers(config, exported.subject(tmp_path, "a", made), QUESTIONS[:2], 8)
    assert sum(prompts_seen) == 10
    answers(exported.config(tmp_path, "force=true"), subject, QUESTIONS[:2], 8)
    assert sum(prompts_seen) == 12


def test_an_interrupted_job_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prompts_seen: list[int]
) -> None:
    subject, config = exported.subject(tmp_path, "a", exported.student("gpt2")), exported.config(tmp_path)
    config.batch_tokens = 1  # a batch each
    original, calls = answering.continued, iter(range(100))

    def third_time_killed(*given: Any) -> list[list[int]]:
        if next(calls) == 3:
            raise KeyboardInterrupt
        return original(*given)

    monkeypatch.setattr(answering, "continued", third_time_killed)
    with pytest.raises(KeyboardInterrupt):
        answers(config, subject, QUESTIONS, 8)
    assert len(prompts_seen) == 3
    assert answered(config, subject, QUESTIONS, 8).generated == len(QUESTIONS) - 3


def test_lengths_are_counted_and_what_was_cut_is_said(tmp_path: Path) -> None:
    made = exported.student("gpt2", context=64)
    subject, config = exported.subject(tmp_path, "a", made), exported.config(tmp_path)
    found = answered(config, subject, ["say hi", LONG], 20)
    assert [answer.cut for answer in found.answers] == [False, True]
    for answer, question in zip(found.answers, ["say hi", LONG], strict=True):
        prompt = made.cut(made.encode_prompts([question])[0], made.prompt_limit(20))
        ids = made.continued(made.ready(), [prompt], 20)[0]
        assert answer.tokens == (ids.index(made.end) if answer.finished else 20)
        assert answer.finished == (made.end in ids)
    assert found.tokens == sum(answer.tokens for answer in found.answers)


def test_a_student_that_stops_has_finished(tmp_path: Path) -> None:
    made = exported.student("gpt2")
    said = tiny.overfit(made, 80)
    subject, config = exported.subject(tmp_path, "a", made), exported.config(tmp_path)
    found = answered(config, subject, QUESTIONS, 60)
    assert [answer.text for answer in found.answers] == said
    assert any(answer.finished and 0 < answer.tokens < 60 for answer in found.answers)


def test_an_instruction_that_leaves_nothing_is_named(tmp_path: Path) -> None:
    subject = exported.subject(tmp_path, "a", exported.student("gpt2"))
    with pytest.raises(UserError, match="the instruction '' leaves a bare prompt nothing to continue"):
        answers(exported.config(tmp_path), subject, ["say hi", ""], 8)
    assert answers(exported.config(tmp_path), subject, [], 8) == []


def test_nan_is_an_error_and_no_answer(tmp_path: Path) -> None:
    made = exported.student("gpt2")
    torch.nn.init.constant_(made.ready().transformer.ln_f.weight, float("nan"))
    with pytest.raises(UserError, match="logits are NaN in answers to .*try precision=fp32"):
        answers(exported.config(tmp_path), exported.subject(tmp_path, "a", made), ["say hi"], 8)


def test_a_batch_that_does_not_fit_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    made = exported.student("gpt2")
    prompts = made.encode_prompts(QUESTIONS)
    whole = made.continued(made.ready(), prompts, 8)
    original = Student.continued

    def small(self: Student, model: Any, prompts: list[list[int]], room: int) -> list[list[int]]:
        if len(prompts) > 2:
            raise torch.OutOfMemoryError
        return original(self, model, prompts, room)

    monkeypatch.setattr(Student, "continued", small)
    assert continued(made, made.ready(), prompts, 8) == whole

    def never(*given: Any) -> list[list[int]]:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(Student, "continued", never)
    with pytest.raises(UserError, match="does not fit into the memory of cpu"):
        continued(made, made.ready(), prompts, 8)


ROWS = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 3)), min_size=1, max_size=30)


@given(ROWS, st.integers(1, 200))
def test_batches_hold_each_row_once_within_the_budget(rows: Sequence[tuple[int, int]], budget: int) -> None:
    lengths, rooms = [length for length, _ in rows], [room for _, room in rows]
    found = list(batches(lengths, rooms, budget))
    assert sorted(chain.from_iterable(found)) == list(range(len(rows)))
    for batch in found:
        assert len({rooms[row] for row in batch}) == 1
        longest = max(lengths[row] for row in batch)
        assert len(batch) == 1 or len(batch) * (longest + rooms[batch[0]]) <= budget


def test_the_example_of_batches() -> None:
    assert list(batches([9, 3, 4], [5, 5, 5], 20)) == [[0], [2, 1]]


def test_progress_says_rate_and_time_left() -> None:
    progress = Progress("flan-t5-small", 252)
    progress.done, progress.tokens, progress.seconds = 126, 1260, 63.0
    assert progress.line() == "flan-t5-small: 126/252 answers, 2.0/s, 20 tokens/s, 1.1 min left"


def test_a_subject_of_another_name_shares_the_answers(tmp_path: Path, prompts_seen: list[int]) -> None:
    subject, config = exported.subject(tmp_path, "a", exported.student("gpt2")), exported.config(tmp_path)
    first = answers(config, subject, QUESTIONS[:2], 8)
    other = Subject("b", subject.source, tmp_path / "b", None)
    assert answers(config, other, QUESTIONS[:2], 8) == first and sum(prompts_seen) == 2
