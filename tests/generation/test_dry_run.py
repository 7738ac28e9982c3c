"""lamini.generation.dry_run: the price of a job from its own first requests, paid once."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamini.compose import compose
from lamini.generation import dry_run
from lamini.teacher.log import RequestLog
from lamini.teacher.stopping import Interruption
from tests.generation import small

PRICES = "teacher.prices={prompt: 1000.0, response: 2000.0}"


def test_the_estimate_is_the_mean_of_the_sample_times_the_requests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = small.config(tmp_path, PRICES, "dry_run=true", "dry_run_sample=4")
    with dry_run.asking(config, Interruption()) as asked:
        found = {(item.source, item.stage): item for item in dry_run._estimates(asked)}
    written = found["self_instruct_without_topic", "instructions"]
    assert written.requests == 3 and written.sampled == 3  # 60 instructions, 20 a call: the whole wave
    answered = found["seeds", "responses"]
    assert (answered.requests, answered.sampled) == (45, 4)
    with RequestLog(tmp_path / "requests.sqlite") as log:
        usage = log.usage("oracle", "oracle")
    sampled = list(found.values())
    assert sum(item.sampled * item.prompt for item in sampled) == pytest.approx(usage.prompt_tokens)
    assert sum(item.sampled * item.response for item in sampled) == pytest.approx(usage.response_tokens)
    assert answered.usd(config.teacher.prices) == pytest.approx(
        45 * (answered.prompt * 1000 + answered.response * 2000) / 1e6
    )


def test_the_job_pays_nothing_again_for_the_sample(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = small.config(tmp_path, PRICES, "dry_run=true", "dry_run_sample=4")
    dry_run.price(config, Interruption())
    said = capsys.readouterr().out
    assert "in all about $" in said and "new answers" in said
    with RequestLog(tmp_path / "requests.sqlite") as log:
        sample = log.usage("oracle", "oracle").answers
    folder = small.generate(tmp_path, PRICES)
    rows = small.rows(folder)
    with RequestLog(tmp_path / "requests.sqlite") as log:
        calls = len({row["instruction_request"] for row in rows} - {""})
        assert log.usage("oracle", "oracle").answers == len({row["request"] for row in rows}) + calls
    assert 0 < sample < len(rows)


def test_a_price_that_is_not_known_is_called_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = small.config(tmp_path, "teacher.prices={prompt: null, response: null}", "dry_run=true")
    dry_run.price(config, Interruption())
    assert "in all about not known" in capsys.readouterr().out


def test_a_sample_does_not_wait_for_a_batch() -> None:
    config = compose(
        "generate", ["instructions=embedded", "teacher.batch=true", "teacher.base_url=http://127.0.0.1:9/v1"]
    )
    at_once = dry_run._at_once(config)
    assert (at_once.teacher.batch, config.teacher.batch) == (False, True)
    assert (at_once.teacher.paid().prompt, config.teacher.paid().prompt) == (0.5, 0.25)
