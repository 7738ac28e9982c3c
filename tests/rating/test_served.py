"""rate.py from the first page to the last, in processes of its own: stopped, gone on with, summed up."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from lamini.rating.store import Store
from tests.rating import files

ROOT = Path(__file__).resolve().parents[2]
Served = Callable[..., tuple["subprocess.Popen[str]", str]]


@pytest.fixture
def served(environment: dict[str, str]) -> Iterator[Served]:
    """served("answers=...") -> the process and the first address that it printed."""
    processes: list[subprocess.Popen[str]] = []

    def start(*words: str) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [sys.executable, "rate.py", *words, "port=0"], cwd=ROOT, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        processes.append(process)
        said = []
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if found := re.search(r"http://[0-9.]+:\d+\S*", line):
                return process, found[0]
        pytest.fail("".join(said))

    yield start
    for process in processes:
        process.kill()
        process.wait()


def stopped(process: subprocess.Popen[str], number: int = signal.SIGINT) -> str:
    """What it says at the end; it ends well."""
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and "Traceback" not in out, out
    return out


def value(page: str, name: str) -> str:
    found = re.search(rf'{name}="([^"]+)"', page)
    assert found, page[:500]
    return found[1]


def rate(browser: httpx.Client, levels: str) -> str:
    """Rate the item at hand, one level a response in the order shown; returns its key."""
    page = browser.get("/rate").text
    item, targets = value(page, "data-item"), list(dict.fromkeys(re.findall(r"\bt[0-9a-f]{16}\b", page)))
    for target, level in zip(targets, levels, strict=True):
        rating = {
            "id": str(uuid.uuid4()), "item": item, "target": target, "level": level, "note": "",
            "skipped": False, "flagged": False, "seconds": 2.5,
        }  # fmt: skip
        answer = browser.post("/ratings", json=rating, headers={"X-Form-Token": value(page, "data-form")})
        assert answer.json() == {"saved": True, "new": True}
    return item


def browser(address: str) -> httpx.Client:
    found = re.match(r"http://[^/]+", address)
    assert found
    return httpx.Client(base_url=found[0], headers={"Origin": found[0]}, follow_redirects=True)


def join(address: str, name: str) -> httpx.Client:
    """A browser in which `name` has signed in."""
    client = browser(address)
    form = value(client.get("/").text, 'name="form" value')
    assert client.post("/join", data={"form": form, "name": name}).status_code == 200
    return client


def test_from_the_first_page_to_the_summary(
    tmp_path: Path, served: Served, environment: dict[str, str]
) -> None:
    answers = f"answers={files.parquet(tmp_path / 'a.parquet')}"
    process, address = served(answers, "overlap=1")
    with closing(join(address, "Ann Lee")) as ann, closing(join(address, "ben")) as ben:
        first = rate(ann, "ABC")
        assert rate(ben, "BBC") != first, "what nobody has comes first"
        out = stopped(process)
    assert "6 ratings by 2 raters" in out and f"python rate.py {answers} overlap=1" in out

    process, address = served(answers, "overlap=1")  # the same line goes on
    with closing(join(address, "Ann Lee")) as ann:
        assert first not in [rate(ann, "AAD") for _ in range(3)]
        assert "/done" in str(ann.get("/rate").url)
        stopped(process, signal.SIGTERM)
    with Store.open(tmp_path / "a.responses.ratings.sqlite") as store:
        assert len(store.current()) == 15

    summary = subprocess.run(
        [sys.executable, "rate.py", answers, "mode=summary", "resamples=100"], cwd=ROOT, env=environment,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert summary.returncode == 0, summary.stderr
    assert {"summary.md", "summary.json"} <= {
        path.name for path in (tmp_path / "a.responses.ratings.summary").iterdir()
    }


def test_a_link_for_each_rater(tmp_path: Path, served: Served) -> None:
    path = files.parquet(tmp_path / "a.parquet")
    process, address = served(f"answers={path}", "raters=[ann,ben]")
    with browser(address) as ann:
        assert 'name="name"' not in ann.get("/").text, "nobody comes in by name"
        page = ann.get(address).text
        token, form = value(page, 'name="token" value'), value(page, 'name="form" value')
        assert ann.post("/join", data={"form": form, "token": token}).status_code == 200
        rate(ann, "ABC")
    assert "3 ratings by 1 raters" in stopped(process)


def test_no_name_is_sent(tmp_path: Path, served: Served) -> None:
    rows = [
        files.row(
            student, number, response=f"answer {number}", app="the-app", instruction_id=f"hidden-{number}"
        )
        for student in ("student-one", "student-two", "student-three")
        for number in range(2)
    ]
    path = files.parquet(tmp_path / "a.parquet", rows)
    process, address = served(f"answers={path}")
    with closing(join(address, "ann")) as ann:
        pages = [ann.get("/").text, ann.get("/rate").text, ann.get("/progress").text, ann.get("/done").text]
        rate(ann, "ABC")
        pages.append(ann.get("/rate").text)
    stopped(process)
    for word in ("student-", "the-app", "hidden-", str(tmp_path)):
        assert not [page for page in pages if word in page], word


def test_a_port_that_is_taken(tmp_path: Path, served: Served, environment: dict[str, str]) -> None:
    answers = f"answers={files.parquet(tmp_path / 'a.parquet')}"
    process, address = served(answers)
    line = [sys.executable, "rate.py", answers, f"port={address.rsplit(':', 1)[1]}"]
    second = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert second.returncode == 2 and "is taken" in second.stderr and len(second.stderr.splitlines()) == 1
    stopped(process)
