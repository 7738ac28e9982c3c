"""A script with one job: what is wrong becomes a sentence and a status, and nothing else is started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from lamini.errors import UserError
from lamini.runs import Job
from lamini.single import Single


@dataclass
class Config:
    answer: int


def single(run: Any, check: Any = lambda config: None) -> Single:
    return Single("ask.py", Config, check, run, several="asks once: leave out -m", interrupted="ask again")


def started(one: Single, told: dict[str, Any]) -> int:
    config = OmegaConf.create(told)
    return one.start(
        lambda: one.job(config), [Job(config, Path())], multirun=False, line=["python", "ask.py"]
    )


def test_the_status_is_what_the_job_returns() -> None:
    one = single(lambda config: config.answer)
    assert started(one, {"answer": 3}) == 3 and one.line == ["python", "ask.py"]
    assert started(one, {"answer": 0}) == 0


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (UserError("no paper"), 2, "ask.py: no paper"),
        (KeyboardInterrupt(), 130, "ask.py: interrupted; ask again"),
    ],
)
def test_what_stops_it(
    error: BaseException, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(config: Config) -> int:
        raise error

    assert started(single(run), {"answer": 1}) == status
    assert capsys.readouterr().err.strip() == said


def test_a_wrong_key_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert started(single(lambda config: 0), {"answr": 1}) == 2
    assert "answr" in capsys.readouterr().err


def test_nothing_starts_where_the_check_fails_or_jobs_are_several() -> None:
    def check(config: Config) -> None:
        raise UserError("answer=1 is taken")

    with pytest.raises(UserError, match="answer=1 is taken"):
        started(single(lambda config: pytest.fail("it ran"), check), {"answer": 1})
    one = single(lambda config: pytest.fail("it ran"))
    with pytest.raises(UserError, match="asks once"):
        one.start(lambda: pytest.fail("Hydra was reached"), [], multirun=True, line=[])
