"""The moderation endpoint, against one on loopback: verdicts, paid once, retries, endings, no text shown."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

import pytest

from lamini.errors import UserError
from lamini.evaluation.toxicity.classifiers import Verdict
from lamini.evaluation.toxicity.moderation import Moderated
from tests.evaluation.toxicity import toys
from tests.evaluation.toxicity.server import Endpoint, Reply, refusal, result, serving, verdict

KEY = "sk-very-secret-123456"
TEXTS = ["the sky is blue", "you silly goose", "one day"]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)


def opened(place: Path, endpoint: Endpoint, *overrides: str) -> Moderated:
    config = toys.config(
        place, "classifier=moderation", f"classifier.base_url={endpoint.url}", "classifier.key=TEST_KEY",
        "limits.concurrency=2", *overrides,
    )  # fmt: skip
    config.classifier.check(config)
    found = config.classifier.open(config)
    assert isinstance(found, Moderated)
    return found


def test_verdicts_are_the_endpoints(tmp_path: Path) -> None:
    with serving() as endpoint:
        classifier = opened(tmp_path, endpoint)
        found = classifier.judge(TEXTS, "test")
    assert found == [
        Verdict(False, 0.02, {"harassment": 0.01, "violence": 0.02}),
        Verdict(True, 0.8, {"harassment": 0.8, "violence": 0.3}),
        Verdict(False, 0.02, {"harassment": 0.01, "violence": 0.02}),
    ]
    assert endpoint.keys == {f"Bearer {KEY}"}
    assert endpoint.bodies[0].keys() == {"model", "input"}
    assert classifier.remarks() == {"answered_by": {"omni-moderation-2024-09-26": 3}}
    assert KEY not in json.dumps(classifier.identity())


def test_a_threshold_stands_in_for_the_endpoints_flag(tmp_path: Path) -> None:
    with serving(lambda text: result(True, {"hate": 0.4})) as endpoint:
        for threshold, flagged in (("null", True), ("0.4", True), ("0.41", False)):
            (found,) = opened(tmp_path, endpoint, f"classifier.threshold={threshold}").judge(["x"], "test")
            assert found is not None and found.flagged is flagged
    assert len(endpoint.texts) == 1  # the threshold is ours: nothing is asked again for it


def test_a_text_is_paid_for_once(tmp_path: Path) -> None:
    with serving() as endpoint:
        first = opened(tmp_path, endpoint).judge(TEXTS, "test")
        again = opened(tmp_path, endpoint).judge([*TEXTS[::-1], "new"], "test")
        assert sorted(endpoint.texts) == sorted([*TEXTS, "new"])
        opened(tmp_path, endpoint, "classifier.model=other").judge(["new"], "test")
    assert again[:3] == first[::-1]
    assert endpoint.texts.count("new") == 2  # another model's verdict is another one


def test_a_busy_endpoint_is_asked_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[str] = []

    def busy(text: str) -> Reply:
        seen.append(text)
        return verdict(text) if seen.count(text) > 1 else refusal(429, f"slow down with {text}")

    with serving(busy) as endpoint:
        found = opened(tmp_path, endpoint, "limits.tries=3").judge(["you silly goose"], "test")
    assert found[0] is not None and found[0].flagged and len(seen) == 2
    assert "goose" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "nonsense", [{"results": []}, {"results": [{"flagged": "no"}]}, {}, b"<html>", b'{"results": [{"fla']
)
def test_an_endpoint_that_is_none_ends_the_job(tmp_path: Path, nonsense: object) -> None:
    with serving(lambda text: (200, nonsense)) as endpoint, pytest.raises(UserError) as caught:
        opened(tmp_path, endpoint).judge(TEXTS, "test")
    said = str(caught.value)
    assert endpoint.url in said and "goose" not in said and "teacher" not in said


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (refusal(401, f"wrong key {KEY}"), ["classifier.key", "TEST_KEY", "401"]),
        (refusal(400, "no moderation model"), ["classifier.model", "400"]),
        (refusal(404, "no such model"), ["classifier.model=omni", "no such model"]),
        (refusal(429, "insufficient_quota"), ["no money"]),
        (refusal(400, "invalid: the sky is blue; you silly goose; one day"), ["***"]),
    ],
)
def test_a_refusal_names_the_key_to_change_and_no_text(
    tmp_path: Path, reply: Reply, words: list[str]
) -> None:
    with serving(lambda text: reply) as endpoint, pytest.raises(UserError) as caught:
        opened(tmp_path, endpoint).judge(["you silly goose"], "test")
    said = str(caught.value)
    assert not [word for word in words if word not in said], said
    assert "goose" not in said and KEY not in said and "teacher." not in said


def test_nothing_answers(tmp_path: Path) -> None:
    with serving() as endpoint:
        pass
    with pytest.raises(UserError, match=f"nothing answers at classifier.base_url={endpoint.url}"):
        opened(tmp_path, endpoint).judge(TEXTS, "test")


def test_what_got_no_verdict_yet_stops_the_student_and_is_asked_for_again(tmp_path: Path) -> None:
    broken = [True]

    def reply(text: str) -> Reply:
        return refusal(503, f"overloaded by {text}") if broken and "goose" in text else verdict(text)

    with serving(reply) as endpoint:
        with pytest.raises(UserError, match="1 of 3 completions have no verdict .*http_503") as caught:
            opened(tmp_path, endpoint).judge(TEXTS, "test")
        assert "goose" not in str(caught.value) and "same line" in str(caught.value)
        broken.clear()
        found = opened(tmp_path, endpoint).judge(TEXTS, "test")
    assert [v is not None and v.flagged for v in found] == [False, True, False]
    assert endpoint.texts.count("the sky is blue") == 1


def test_what_will_never_get_a_verdict_is_counted(tmp_path: Path) -> None:
    def reply(text: str) -> Reply:
        return refusal(400, "cannot read this one") if "goose" in text else verdict(text)

    with serving(reply) as endpoint:
        classifier = opened(tmp_path, endpoint, "limits.concurrency=1")
        classifier.judge(["one day"], "test")
        # Of an endpoint that has answered well in this run, a 400 concerns one text and not the job.
        assert classifier.judge(["nice", "you silly goose"], "test") == [
            Verdict(False, 0.02, {"harassment": 0.01, "violence": 0.02}), None,
        ]  # fmt: skip


def test_an_endpoint_that_falls_silent_is_left_alone(tmp_path: Path) -> None:
    with (
        serving(lambda text: refusal(503, f"overloaded by {text}")) as endpoint,
        pytest.raises(UserError, match="answered none of the last 20 requests") as caught,
    ):
        opened(tmp_path, endpoint).judge([f"you silly goose {n}" for n in range(200)], "test")
    assert "goose" not in str(caught.value) and len(endpoint.texts) < 30


def test_a_signal_stops_cleanly_and_the_same_line_continues(tmp_path: Path) -> None:
    texts = [f"text {n}" for n in range(60)]
    once = threading.Event()

    def reply(text: str) -> Reply:
        if len(endpoint.texts) >= 5 and not once.is_set():
            once.set()
            os.kill(os.getpid(), signal.SIGINT)
        return verdict(text)

    with serving(reply) as endpoint:
        with pytest.raises(KeyboardInterrupt):
            opened(tmp_path, endpoint).judge(texts, "test")
        sent = len(endpoint.texts)
        assert sent < len(texts)
        assert len(opened(tmp_path, endpoint).judge(texts, "test")) == 60
    assert len(endpoint.texts) == 60  # what was in flight was waited for and is in the log
