"""A teacher as judge over OpenAI's protocol on loopback: stored as a rater, asked again, resumed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lamini.compose import compose
from lamini.config import RateConfig
from lamini.errors import UserError
from lamini.rating.judging.command import check, judge, name_of
from lamini.rating.store import Store
from lamini.rating.summary.collected import collect
from lamini.teacher.log import RequestLog
from tests.evaluation.hallucination import judge as fake
from tests.rating import small
from tests.teacher.endpoint import Reply, error

RESPONSE = re.compile(r"<response>(.*?)</response>")
PAIR = re.compile(r"<response_1>(.*?)</response_1>")


def config(place: Path, url: str, *overrides: str) -> RateConfig:
    words = [
        f"answers={place}/answers.parquet",
        "mode=judge",
        "teacher=openai",
        "teacher.model=m",
        f"teacher.base_url={url}",
        f"paths.output_dir={place}",
        "limits.tries=1",
        *overrides,
    ]
    found = compose("rate", words)
    assert isinstance(found, RateConfig)
    check(found)
    return found


def levels(store: Store) -> dict[str, str | None]:
    """Owner and item -> level, as the judge's ratings stand."""
    by_key = {target.key: (item, target) for item in store.study.items for target in item.targets}
    (rater,) = [one for one in store.raters() if one.kind == "judge"]
    return {
        f"{by_key[one.target][1].owners[0]} {by_key[one.target][0].id}": one.level
        for one in store.current(rater.id)
    }


def by_owner(answer: str, time: int) -> str:
    """The fake judge knows who wrote what from the number in the text: A, B, C."""
    return "ABC"[int(answer.split()[1])]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "r.sqlite", small.study(items=2))


def test_every_target_has_a_level_of_a_judge(
    tmp_path: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    with fake.judging(by_owner, RESPONSE) as endpoint:
        judge(store, config(tmp_path, endpoint.url))
    assert len(endpoint.seen) == 6 and set(endpoint.temperatures) == {0.0}
    assert levels(store) == {
        f"{owner} task_{n}": "ABC"[place] for n in range(2) for place, owner in enumerate(small.OWNERS)
    }
    assert [(one.name, one.kind) for one in store.raters()] == [("judge m", "judge")]
    assert "judge m: 6 of 6 texts have a level (A 2, B 2, C 2); 6 are new" in capsys.readouterr().out
    assert not collect(store).people and len(collect(store).judges) == 6


def test_the_same_line_again_asks_nobody_and_rates_nothing_twice(tmp_path: Path, store: Store) -> None:
    with fake.judging(by_owner, RESPONSE) as endpoint:
        judge(store, config(tmp_path, endpoint.url))
        first = store.current()
        judge(store, config(tmp_path, endpoint.url))
        assert len(endpoint.seen) == 6 and store.current() == first
    rater = store.raters()[0]
    assert all(len(store.history(rater.id, one.target)) == 1 for one in first)
    with RequestLog(tmp_path / "requests.sqlite") as log:
        assert log.usage("openai", "m").answers == 6


def test_another_prompt_takes_the_place_of_what_the_judge_said(tmp_path: Path, store: Store) -> None:
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("Strictly!\n{levels}\n{texts}")
    said: dict[bool, str] = {False: "A", True: "D"}
    with fake.judging(lambda answer, time: said[time > 0], RESPONSE) as endpoint:
        judge(store, config(tmp_path, endpoint.url))
        judge(store, config(tmp_path, endpoint.url, f"judge.prompt={prompt}"))
        assert set(levels(store).values()) == {"D"}
        judge(store, config(tmp_path, endpoint.url))  # from the log
        assert set(levels(store).values()) == {"A"} and len(endpoint.seen) == 12


def test_nonsense_is_asked_again_then_set_aside_and_counted(
    tmp_path: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    def say(answer: str, time: int) -> str | Reply:
        if "Answer 0 to task 0" in answer:
            return "Well, that depends."
        if "Answer 1 to task 0" in answer:
            return "B" if time == 1 else "B, I think"
        if "Answer 2 to task 0" in answer:
            return error(400, "too long", "context_length_exceeded")
        return "D"

    with fake.judging(say, RESPONSE) as endpoint:
        judge(store, config(tmp_path, endpoint.url))
    found = levels(store)
    assert found["gpt2-medium task_0"] == "B" and list(found.values()).count(None) == 2
    assert sorted(endpoint.temperatures, key=str) == [0.0] * 6 + [1.0] * 3
    aside = dict(why[::-1] for why in collect(store).set_aside)
    assert set(aside.values()) == {"judge m"} and "nonsense" in aside and len(aside) == 2
    assert "4 of 6 texts have a level (B 1, D 3), asked again 3 time(s), set aside" in capsys.readouterr().out


def test_two_that_are_compared_are_one_request(tmp_path: Path) -> None:
    study = small.study("preference", items=1)
    with Store.create(tmp_path / "p.sqlite", study) as store:
        with fake.judging(lambda answer, time: "t", PAIR) as endpoint:
            judge(store, config(tmp_path, endpoint.url))
        assert len(endpoint.seen) == 3 and set(levels(store).values()) == {"T"}


def test_a_budget_below_one_request_is_told_and_nothing_is_rated(tmp_path: Path, store: Store) -> None:
    with (
        fake.judging(by_owner, RESPONSE) as endpoint,
        pytest.raises(UserError, match="budget.usd=1e-07 is below the price"),
    ):
        judge(store, config(tmp_path, endpoint.url, "budget.usd=0.0000001"))
    assert store.current() == []


def test_a_person_has_the_judge_s_name(tmp_path: Path, store: Store) -> None:
    store.join("judge m")
    with (
        fake.judging(by_owner, RESPONSE) as endpoint,
        pytest.raises(UserError, match="judge m is the name of a person"),
    ):
        judge(store, config(tmp_path, endpoint.url))
    assert endpoint.seen == []


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("judge.tries=0", "judge.tries=0 must be at least 1"),
        ("judge.sampling.temperature=-1", "judge.sampling.temperature=-1.0"),
        ("judge.prompt=nowhere.txt", "judge.prompt=nowhere.txt cannot be read"),
        ("seed=1", "mode=judge needs a teacher=<teacher> that judges"),
        ("teacher=oracle", "the oracle cannot judge: .* choose another teacher=<teacher>$"),
    ],
)
def test_what_cannot_work_is_told(override: str, said: str) -> None:
    words = ["answers=a.parquet", "mode=judge"]
    if override.startswith("judge."):
        words += ["teacher=openai", "teacher.base_url=http://127.0.0.1:9/v1"]
    found = compose("rate", [*words, override])
    assert isinstance(found, RateConfig)
    with pytest.raises(UserError, match=said):
        check(found)


def test_a_long_name_is_shortened_and_stays_its_own() -> None:
    one, other = (name_of("m" * 200 + end) for end in "ab")
    assert one != other and len(one) == len(other) == 100
