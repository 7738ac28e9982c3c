"""Waves of calls: enough, no more than needed, the same in any order of completion, resumable from a log."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from functools import cache

import pytest

from lamini.compose import compose
from lamini.config import Instructions
from lamini.errors import UserError
from lamini.instructions import existing, topics
from lamini.instructions.checks import used
from lamini.instructions.records import Instruction
from lamini.instructions.sources import taken, writing
from lamini.instructions.templates import asked
from lamini.instructions.writing import PILOT, Call, Writing
from lamini.teacher.protocol import LENGTH, STOP, Answer
from tests.data.toys import shared_data

SOURCE = "self_instruct_with_topic"


@cache
def composed() -> Instructions:
    return compose("generate", ["teacher=oracle", "instructions=embedded", "name=test"]).instructions


def options(generate: int = 1000, ask: int = 20) -> Instructions:
    found = deepcopy(composed())
    found.sources[SOURCE].generate, found.sources[SOURCE].ask = generate, ask
    return found


def new(generate: int = 1000, ask: int = 20, seed: int = 42) -> Writing:
    chosen = options(generate, ask)
    prompts = {name: existing.load(name, chosen.collections[name]) for name in used(chosen)}
    return writing(SOURCE, chosen, seed, prompts["seeds"], topics.load(chosen.topics))


def uneven(call: Call) -> Answer:
    """Most answers are a little short, some end at their length, some hold nothing."""
    rng = random.Random(call.number)
    wish = asked(call.request.messages[0].content)
    assert wish is not None
    count = rng.choice([0, wish.count - 1, wish.count, wish.count, wish.count + 2])
    tasks = [f"<example>Task {call.number}/{number} on {call.topics[0]}</example>" for number in range(count)]
    cut = rng.random() < 0.2
    text = (
        f"<example>{call.examples[0]}</example>\n" + "\n".join(tasks) + ("\n<example>Half a" if cut else "")
    )
    return Answer(text, LENGTH if cut else STOP, None, None, "toy")


class Log:
    """Answers by key, as the request log keeps them; counts how many were asked of the teacher."""

    def __init__(self, teacher: Callable[[Call], Answer | None]) -> None:
        self.teacher, self.kept, self.asked = teacher, dict[str, Answer | None](), 0

    def ask(self, call: Call) -> Answer | None:
        key = call.request.key("toy", "toy")
        if self.kept.get(key) is None:
            self.asked += 1
            self.kept[key] = self.teacher(call)
        return self.kept[key]

    def answers(self, calls: Sequence[Call]) -> Iterator[tuple[str, Answer | None]]:
        for call in calls:
            key = call.request.key("toy", "toy")
            yield key, self.kept.get(key)


def drive(job: Writing, log: Log, order: random.Random | None = None) -> list[Instruction]:
    while calls := list(job.wave()):
        if order:
            order.shuffle(calls)
        for call, request in calls:
            assert request == call.request
            job.take(call, log.ask(call))
    return list(job.instructions(log.answers))


def test_a_call_is_a_function_of_seed_source_and_number() -> None:
    one, other = new(), new()
    assert [one.call(number) for number in range(50)] == [
        other.call(number) for number in reversed(range(50))
    ][::-1]
    assert new(seed=43).call(0) != one.call(0)
    call = one.call(3)
    wish = asked(call.request.messages[0].content)
    assert wish is not None
    assert (wish.examples, wish.count, wish.topics) == (call.examples, 20, call.topics)
    assert (len(call.examples), len(call.topics), call.request.sample) == (3, 3, 3)


def test_as_many_instructions_as_wanted_with_their_origin() -> None:
    job, log = new(), Log(uneven)
    found = drive(job, log)
    assert len(found) == 1000 <= job.written
    assert len(job.yields) <= 1.2 * 1000 / (job.written / len(job.yields)) + PILOT
    assert (job.failed, job.repeats) == (0, 0)
    assert job.discarded["echo"] == len(job.yields) and job.discarded["cut"] > 0
    for instruction in found[:: len(found) // 20]:
        number = int(instruction.text.split("/")[0].removeprefix("Task "))
        call = job.call(number)
        assert (instruction.source, instruction.examples, instruction.topics) == (
            SOURCE,
            call.examples,
            call.topics,
        )
        assert instruction.request == call.request.key("toy", "toy")


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_completion_changes_neither_requests_nor_instructions(seed: int) -> None:
    plain, shuffled = Log(uneven), Log(uneven)
    assert drive(new(), plain) == drive(new(), shuffled, random.Random(seed))
    assert plain.kept.keys() == shuffled.kept.keys()


def test_the_same_job_again_asks_nothing() -> None:
    log = Log(uneven)
    first = drive(new(), log)
    before = log.asked
    assert drive(new(), log) == first
    assert log.asked == before


def test_a_job_that_was_killed_asks_only_for_what_is_not_there() -> None:
    whole, log = Log(uneven), Log(uneven)
    expected = drive(new(), whole)
    job = new()
    for call, _ in list(job.wave())[:20]:
        job.take(call, log.ask(call))
    assert drive(new(), log) == expected
    assert log.asked == whole.asked == len(log.kept)


def test_the_numbers_of_the_docstring() -> None:
    job = new()
    waves = []
    while calls := list(job.wave()):
        waves.append(len(calls))
        for call, _ in calls:
            tasks = "".join(
                f"<example>Task {number}</example>" for number in range(19 if len(waves) == 1 else 20)
            )
            job.take(call, Answer(tasks, STOP, None, None, "toy"))
    assert waves == [50, 3]


def test_failed_calls_are_counted_and_made_up_for() -> None:
    job = new()
    found = drive(job, Log(lambda call: None if call.number % 3 == 0 else uneven(call)))
    assert len(found) == 1000 and job.failed == len(range(0, len(job.yields), 3))


def test_repeats_stay_and_are_counted() -> None:
    same = "".join(f"<example>Task {number}</example>" for number in range(20))
    job = new(generate=100)
    found = drive(job, Log(lambda call: Answer(same, STOP, None, None, "toy")))
    assert len(found) == 100 and job.repeats == 80


def test_a_teacher_that_writes_no_instruction_costs_one_small_wave() -> None:
    log = Log(lambda call: Answer("I cannot do that.", STOP, None, None, "toy"))
    with pytest.raises(
        UserError, match=f"{SOURCE}: the first 64 requests gave no instruction .*64 outside.*prompt"
    ):
        drive(new(generate=280_000), log)
    assert log.asked == PILOT
    with pytest.raises(UserError, match="64 failed; set aside in the answers: nothing"):
        drive(new(generate=280_000), Log(lambda call: None))


def test_a_teacher_that_hardly_writes_any_leaves_the_source_short_and_ends() -> None:
    one = Answer("<example>Sing</example>", STOP, None, None, "toy")
    job = new(generate=100)
    found = drive(job, Log(lambda call: one if call.number == 0 else None))
    assert len(found) == job.written == 1
    assert len(job.yields) == 50  # ten times the five calls that full answers would have needed


def test_prompts_of_a_collection_are_taken_in_order_of_their_hash() -> None:
    chosen = options()
    prompts = existing.load("seeds", chosen.collections["seeds"])
    source = chosen.sources["seeds"]
    source.limit = 5
    found = list(taken("seeds", source, prompts))
    assert found == [Instruction(text, "seeds") for text in prompts.texts(5)] and len(found) == 5


def test_more_topics_than_there_are() -> None:
    chosen = options()
    chosen.sources[SOURCE].topics = 50
    prompts = existing.load("seeds", chosen.collections["seeds"])
    few = topics.TopicList(topics.load(chosen.topics).names[:10], 10, [])
    with pytest.raises(UserError, match=f"sources.{SOURCE}.topics=50, but there are only 10 topics"):
        writing(SOURCE, chosen, 1, prompts, few)


def test_the_paper_s_requests_after_real_p3_prompts_show_examples_of_one_template() -> None:
    chosen = compose("generate", ["teacher=oracle", "name=test"]).instructions
    chosen.collections["p3"].path = str(shared_data() / "train" / "p3_t0_sample.jsonl.gz")
    prompts = existing.load("p3", chosen.collections["p3"])
    groups: dict[str, set[str]] = {}
    for row in prompts.table.to_pylist():
        groups.setdefault(row["text"], set()).add(row["group"])
    job = writing("generated_p3", chosen, 42, prompts, None)
    drawn = set()
    for number in range(300):
        call = job.call(number)
        wish = asked(call.request.messages[0].content)
        assert wish is not None and (wish.examples, wish.count, wish.topics) == (call.examples, 10, ())
        assert len(set(call.examples)) == 3
        common = set.intersection(*(groups[text] for text in call.examples))
        assert common
        drawn |= common
    assert len(drawn) > 150  # of 276 templates
