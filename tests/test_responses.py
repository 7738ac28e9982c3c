"""Requests for responses: the paper's by default, samples and a length by choice, streamed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from lamini.config import Responses, SamplingOptions
from lamini.errors import UserError
from lamini.instructions.records import Instruction
from lamini.responses import check, length, requests
from lamini.teacher.protocol import Message, Request, Sampling

SHORT, LONG = "Answer in one sentence.", "Answer at length."
CONCISE = "You help people with whatever they ask. Be useful, and say it in as few words as will do."


def options(**changes: Any) -> Responses:
    plain: dict[str, Any] = {"system": "concise", "samples": 1, "length": None}
    return Responses(**{**plain, "sampling": SamplingOptions(None, None, None), **changes})


def test_the_paper_s_request() -> None:
    instruction = Instruction("Sing", "alpaca")
    expected = Request((Message("system", CONCISE), Message("user", "Sing")), Sampling(), 0)
    assert list(requests([instruction], options(), seed=42)) == [(instruction, expected)]


def test_samples_differ_in_their_number_alone() -> None:
    sampling = SamplingOptions(temperature=0.7, top_p=0.9, max_tokens=50)
    found = list(requests([Instruction("Sing", "a")], options(samples=3, sampling=sampling), seed=42))
    assert [request.sample for _, request in found] == [0, 1, 2]
    assert len({(request.messages, request.sampling) for _, request in found}) == 1
    assert found[0][1].sampling == Sampling(0.7, 0.9, 50)


def test_without_a_system_message() -> None:
    ((_, request),) = requests([Instruction("Sing", "a")], options(system=None), seed=1)
    assert request.messages == (Message("user", "Sing"),)
    ((_, request),) = requests([Instruction("Sing", "a")], options(system=None, length={SHORT: 1.0}), seed=1)
    assert request.messages[0] == Message("system", SHORT)


def test_the_worked_example() -> None:
    assert length("Sing", {SHORT: 1.0, LONG: 3.0}, seed=42) == LONG


def test_a_length_is_drawn_by_weight_and_by_text_alone() -> None:
    weights = {SHORT: 1.0, "": 2.0, LONG: 1.0, "Never.": 0.0}
    texts = [f"Task {number}" for number in range(4000)]
    drawn = [length(text, weights, seed=1) for text in texts]
    counts = Counter(drawn)
    assert counts.keys() == {SHORT, "", LONG}
    assert abs(counts[""] / 4000 - 0.5) < 0.032 and abs(counts[LONG] / 4000 - 0.25) < 0.028  # 4 deviations
    backwards = dict(reversed(weights.items()))
    assert [length(text, backwards, seed=1) for text in reversed(texts)] == drawn[::-1]
    assert [length(text, weights, seed=2) for text in texts] != drawn
    told = {request.messages[0].content for _, request in requests(
        (Instruction(text, "a") for text in texts), options(length=weights), seed=1)}  # fmt: skip
    assert told == {CONCISE, f"{CONCISE} {SHORT}", f"{CONCISE} {LONG}"}


def test_requests_are_streamed() -> None:
    def endless() -> Iterator[Instruction]:
        number = 0
        while True:
            yield Instruction(f"Task {number}", "a")
            number += 1

    assert len(list(islice(requests(endless(), options(), seed=1), 10))) == 10


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"samples": 0}, "responses.samples=0 must be at least 1"),
        ({"length": {SHORT: -1.0}}, "responses.length has the weight -1.0 for 'Answer in one sentence.'"),
        ({"length": {SHORT: float("nan")}}, "responses.length has the weight nan"),
        ({"length": {SHORT: 0.0}}, "responses.length has no sentence with a weight above 0; null adds none"),
        ({"length": {}}, "responses.length has no sentence"),
        ({"system": "concice"}, "responses.system=concice is no template: .*concise, helpful, more"),
        ({"system": "more"}, "responses.system=more has the unknown placeholder"),
        ({"sampling": SamplingOptions(float("inf"), None, None)}, "responses.sampling.temperature=inf"),
    ],
)
def test_mistakes(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        check(options(**changes))


def test_a_system_message_of_ones_own(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("Answer as JSON: {{}}\n")
    check(options(system=str(mine)))
    ((_, request),) = requests([Instruction("Sing", "a")], options(system=str(mine)), seed=1)
    assert request.messages[0] == Message("system", "Answer as JSON: {}")
