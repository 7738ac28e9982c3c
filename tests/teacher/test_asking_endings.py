"""How a job of `ask` ends before its time: full disks, broken logs, kill -9, signals, budgets."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lamini.errors import UserError
from lamini.teacher.asking import ask
from lamini.teacher.calling import Backoff
from lamini.teacher.committing import BACKLOG
from lamini.teacher.log import RequestLog
from lamini.teacher.protocol import Answer, Request, Transient
from lamini.teacher.stopping import Stopped
from tests.teacher.scripted import SOON, Scripted, gather, limits, logged, meter, question, questions, run

ROOT = Path(__file__).resolve().parents[2]


def test_a_full_disk_ends_the_job_and_keeps_all_answers(tmp_path: Path, full: Any) -> None:
    teacher = Scripted(0.01)

    async def job() -> None:
        with RequestLog(tmp_path / "log") as log:
            await gather(teacher, questions(50), log)
            full(log)
            await gather(teacher, questions(10_000), log)

    with pytest.raises(UserError, match="the disk is full; free some space, or set log=<file>"):
        asyncio.run(job())
    with RequestLog(tmp_path / "log") as log:
        assert len(list(log.rows())) == teacher.answers.total() < 9_000


def test_a_log_that_takes_nothing_any_more_says_what_was_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise UserError("the request log cannot be used (disk I/O error)")

    monkeypatch.setattr(RequestLog, "put", broken)
    monkeypatch.setattr("lamini.teacher.committing.AGAIN", 0.01)
    with pytest.raises(UserError, match=r"disk I/O error\); \d+ answers could not be kept"):
        run(Scripted(0.01), questions(100), tmp_path / "log")


CHILD = """
import asyncio, json, sys
from pathlib import Path
sys.path.insert(0, ".")
from tests.teacher.scripted import Scripted, SOON, limits, meter, questions
from lamini.teacher.asking import ask
from lamini.teacher.calling import Backoff
from lamini.teacher.log import RequestLog
from lamini.teacher.stopping import Interruption, Stopped

class Noted(Scripted):
    async def answer(self, request):
        text = request.messages[0].content
        print("call", text, flush=True)
        answer = await super().answer(request)
        print("paid", text, flush=True)
        return answer

async def job(interruption):
    with RequestLog(Path(sys.argv[1])) as log:
        teacher, source = Noted(float(sys.argv[3]), share=0.1), questions(int(sys.argv[2]))
        source = ask(teacher, source, log, limits(concurrency=16), meter=meter(), backoff=SOON,
                     interruption=interruption)
        async for item, outcome in source:
            print("done", item, flush=True)

with Interruption().listening() as interruption:
    try:
        asyncio.run(job(interruption))
    except Stopped as error:
        print("stopped", error)
        sys.exit(1)
"""


def child(path: Path, n: int, delay: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), str(n), str(delay)], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def words(said: str) -> dict[str, Counter[str]]:
    """{"call": {"0": 1, ...}, "paid": ..., "done": ...} of what a child said, without a cut last line."""
    found: dict[str, Counter[str]] = {"call": Counter(), "paid": Counter(), "done": Counter()}
    for line in said[: said.rfind("\n") + 1].splitlines():
        verb, _, number = line.partition(" ")
        if verb in found:
            found[verb][number] += 1
    return found


def after(process: subprocess.Popen[str], lines: int) -> str:
    """What a child says until it has said so many lines."""
    assert process.stdout is not None
    return "".join(process.stdout.readline() for _ in range(lines))


def rest(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What it says from there to its end."""
    assert process.stdout is not None and process.stderr is not None
    said = process.stdout.read(), process.stderr.read()
    process.wait(30)
    return said


def test_killed_three_times_nothing_is_lost_and_nothing_asked_twice_but_what_was_in_flight(
    tmp_path: Path,
) -> None:
    path, before = tmp_path / "log", set[str]()
    for lines in (300, 900, 1500):
        process = child(path, 1500, 0.005)
        text = after(process, lines)
        process.send_signal(signal.SIGKILL)
        said, kept = words(text + rest(process)[0]), logged(path)
        assert before <= kept and set(said["done"]) <= kept  # what was given out is on disk
        assert before.isdisjoint(said["call"])  # what is on disk is not asked again
        assert max(said["paid"].values()) == 1
        assert len(set(said["paid"]) - kept) <= BACKLOG + 16  # in flight: one a slot, and on its way to disk
        before = kept
    assert 300 < len(before) < 1500
    outcomes = run(teacher := Scripted(), questions(1500), path)
    assert sorted(item for item, _ in outcomes) == list(range(1500))
    assert len(teacher.calls) == 1500 - len(before) and before.isdisjoint(teacher.calls)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_finish_what_is_in_flight(tmp_path: Path, number: int) -> None:
    process = child(tmp_path / "log", 100_000, 0.3)
    text = after(process, 40)
    process.send_signal(number)
    said, error = rest(process)
    assert process.returncode == 1 and error == "", error
    assert said.splitlines()[-1] == "stopped interrupted; the same line continues"
    found, kept = words(text + said), logged(tmp_path / "log")
    assert set(found["done"]) == set(found["paid"]) == kept and 16 <= len(kept) < 80
    assert len(set(found["call"]) - kept) <= 8  # those that met a fault were not tried again


def test_a_second_signal_stops_at_once(tmp_path: Path) -> None:
    process = child(tmp_path / "log", 100_000, 60.0)
    after(process, 16)
    began = time.monotonic()
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    said, error = rest(process)
    assert process.returncode == 1 and "stopped interrupted" in said and error == ""
    assert time.monotonic() - began < 5


def test_budget_is_not_passed_and_can_be_raised(tmp_path: Path) -> None:
    """A request costs 10 x 1 + 5 x 2 = 20 millionths; 20 + 100 x 2 = 220 millionths are reserved at most."""
    path, prices = tmp_path / "log", {"prompt": 1.0, "response": 2.0}
    asked = [(n, question(n, max_tokens=100)) for n in range(300)]
    spent = []
    for usd in (0.001, 0.002):
        got = 0

        async def job(usd: float = usd) -> None:
            nonlocal got
            with RequestLog(path) as log:
                more = {
                    "meter": meter(**prices),
                    "budget": usd,
                    "tokens": lambda request: 20,
                    "backoff": SOON,
                }
                async for _ in ask(Scripted(0.001), asked, log, limits(), **more):
                    got += 1

        with pytest.raises(
            Stopped, match=rf"budget.usd={usd:g} does not bear another .*the same line continues"
        ):
            asyncio.run(job())
        with RequestLog(path) as log:
            spent.append(log.usage("scripted", "echo").answers * 20e-6)
        assert got == round(spent[-1] / 20e-6)  # nothing that was asked for is missing
        assert usd - 220e-6 < spent[-1] <= usd
    assert len(run(Scripted(), asked, path, meter=meter(**prices), budget=1.0)) == 300


def test_a_budget_that_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    asked = [(0, question(0, max_tokens=1000))]
    for prices, usd, said in (
        ((1.0, 2.0), 0.001, r"budget\.usd=0\.001 is below the price of one request, about \$0\.002"),
        ((None, 2.0), 1.0, r"budget\.usd needs teacher\.prices\.prompt"),
        ((1.0, 2.0), -1.0, r"budget\.usd=-1 must be"),
    ):
        teacher = Scripted()
        with pytest.raises(UserError, match=said):
            run(teacher, asked, tmp_path / "log", meter=meter(*prices), budget=usd)
        assert not teacher.calls

    class Mute(Scripted):
        async def answer(self, request: Request) -> Answer:
            return Answer((await super().answer(request)).text, "stop", None, None, "m")

    with pytest.raises(UserError, match=r"does not tell how many tokens .* budget\.usd=null"):
        run(Mute(), asked, tmp_path / "log", meter=meter(1.0, 2.0), budget=1.0)
    assert logged(tmp_path / "log") == {"0"}


class Ending(Scripted):
    """The first request shows a mistake of the whole job; the others fail later, worth another try."""

    async def answer(self, request: Request) -> Answer:
        self.calls[request.messages[0].content] += 1
        if request.messages[0].content == "0":
            await asyncio.sleep(0.02)
            raise UserError("no such model")
        await asyncio.sleep(0.2)
        raise Transient("reset", "gone")


def test_after_the_end_nothing_is_tried_again(tmp_path: Path) -> None:
    teacher = Ending()

    async def job() -> None:
        with RequestLog(tmp_path / "log") as log:
            await asyncio.wait_for(gather(teacher, questions(8), log, backoff=Backoff(60.0, 60.0)), 20)

    with pytest.raises(UserError, match="no such model"):
        asyncio.run(job())
    assert set(teacher.calls.values()) == {1}


def test_a_mistake_of_ours_in_the_log_does_not_hang_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OverflowError("too large an integer")

    async def job() -> None:
        with RequestLog(tmp_path / "log") as log:
            monkeypatch.setattr(RequestLog, "put", broken)
            await asyncio.wait_for(gather(Scripted(), questions(500), log), 20)

    with pytest.raises(OverflowError):
        asyncio.run(job())
