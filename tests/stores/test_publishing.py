"""lamini.stores.publishing: a finished folder elsewhere, whole, and only what is missing is copied again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import fsspec
import pytest

from lamini.compose import compose
from lamini.data.corpus import fingerprint
from lamini.errors import UserError
from lamini.stores import publishing
from tests.generation import small

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "made"
    (made / "dropped").mkdir(parents=True)
    (made / ".hydra").mkdir()
    for name in ("a.parquet", "b.parquet", "dropped/c.parquet", "manifest.json", ".hydra/x", "lock"):
        (made / name).write_bytes(name.encode() * 100)
    return made


def there(url: str) -> dict[str, bytes]:
    system, path = fsspec.url_to_fs(url)
    system.invalidate_cache()
    return {name.removeprefix(path).strip("/"): system.cat_file(name) for name in system.find(path)}


class Watched:
    """A file system that remembers what was put, and may break at one of them."""

    def __init__(self, system: Any, breaks: str = "", changes: str = "") -> None:
        self.system, self.breaks, self.changes, self.put = system, breaks, changes, list[str]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.system, name)

    def put_file(self, local: str, remote: str) -> None:
        name = Path(remote).name
        if name == self.breaks:
            raise ConnectionResetError("connection reset")
        self.put.append(name)
        self.system.put_file(local, remote)
        if name == self.changes:
            self.system.pipe_file(remote, b"other bytes")


def watched(monkeypatch: pytest.MonkeyPatch, url: str, **how: str) -> Watched:
    system, path = fsspec.url_to_fs(url)
    found = Watched(system, **how)
    monkeypatch.setattr(publishing, "opened", lambda url, key: (found, path))
    return found


@pytest.fixture(params=["s3", "memory", "file"])
def url(request: pytest.FixtureRequest, s3: str, tmp_path: Path) -> str:
    places = {
        "s3": f"{s3}/made",
        "memory": f"memory://{tmp_path.name}/made",
        "file": f"file://{tmp_path}/there",
    }
    return places[request.param]


def test_everything_is_there_and_the_record_comes_last(
    folder: Path, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    system = watched(monkeypatch, url)
    publishing.check(url)
    publishing.publish(folder, url, "manifest.json")
    found = there(url)
    assert set(found) == {"a.parquet", "b.parquet", "dropped/c.parquet", "manifest.json", "digests.json"}
    assert all(found[name] == (folder / name).read_bytes() for name in found if name != "digests.json")
    assert system.put[-1] == "manifest.json"
    assert f"{url}: 4 files, 0.0 MB; 4 copied now" in capsys.readouterr().out
    publishing.publish(folder, url, "manifest.json")
    assert "0 copied now" in capsys.readouterr().out and len(system.put) == 4


def test_what_broke_off_is_continued(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    watched(monkeypatch, url, breaks="c.parquet")
    with pytest.raises(UserError, match="store=.* cannot be"):
        publishing.publish(folder, url, "manifest.json")
    assert "manifest.json" not in there(url)
    system = watched(monkeypatch, url)
    publishing.publish(folder, url, "manifest.json")
    assert system.put == ["c.parquet", "manifest.json"]


def test_a_new_version_takes_the_place_of_the_old_one(
    folder: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publishing.publish(folder, url, "manifest.json")
    (folder / "b.parquet").unlink()
    (folder / "a.parquet").write_bytes(b"new")
    (folder / "manifest.json").write_bytes(b"new too")
    system = watched(monkeypatch, url, breaks="a.parquet")
    with pytest.raises(UserError):
        publishing.publish(folder, url, "manifest.json")
    assert "manifest.json" not in there(url)  # half a version is none
    system = watched(monkeypatch, url)
    publishing.publish(folder, url, "manifest.json")
    assert system.put == ["a.parquet", "manifest.json"]
    assert set(there(url)) == {"a.parquet", "dropped/c.parquet", "manifest.json", "digests.json"}


def test_bytes_that_are_not_what_was_sent(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    watched(monkeypatch, url, changes="b.parquet")
    with pytest.raises(UserError, match=r"b\.parquet is not what was sent; the same line sends it again"):
        publishing.publish(folder, url, "manifest.json")
    assert "manifest.json" not in there(url)


def test_a_line_of_generate_and_training_data_from_there(s3: str, tmp_path: Path) -> None:
    words = ["teacher=oracle", "instructions=embedded", *small.LITTLE, f"paths.output_dir={tmp_path}"]
    line = [sys.executable, "generate.py", *words, f"store={s3}/pairs"]
    first = subprocess.run(line, cwd=ROOT, text=True, capture_output=True, env=os.environ.copy(), timeout=200)
    assert first.returncode == 0, first.stderr
    assert "5 files" in first.stdout and "5 copied now" in first.stdout
    again = subprocess.run(line, cwd=ROOT, text=True, capture_output=True, env=os.environ.copy(), timeout=200)
    assert "done already, skipped" in again.stdout and "0 copied now" in again.stdout
    prints = []
    for path in (f"{s3}/pairs", tmp_path / "instructions" / "pairs"):
        data: Any = compose("train", ["model=t5-nano", "data=file", f"data.path={path}"]).data
        prints.append(fingerprint(data.load(tmp_path, 0).sources))
    assert prints[0] == prints[1]


def test_a_bucket_that_is_not_there_is_refused_before_anybody_is_asked(s3: str, tmp_path: Path) -> None:
    words = ["teacher=oracle", "instructions=embedded", f"paths.output_dir={tmp_path}", "store=gopher://x/y"]
    line = [sys.executable, "generate.py", *words]
    done = subprocess.run(line, cwd=ROOT, text=True, capture_output=True, timeout=100)
    assert done.returncode == 2 and "store=gopher://x/y has a protocol" in done.stderr
    assert not list(tmp_path.iterdir())
