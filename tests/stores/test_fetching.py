"""lamini.stores.fetching: data.path=<URL> reads the same rows as the local file, fetched once a content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lamini.compose import compose
from lamini.data.corpus import fingerprint
from lamini.errors import UserError
from lamini.stores.fetching import name_of

ROWS = [{"instruction": f"Say {n}.", "response": f"{n}"} for n in range(20)]


def config(path: Any, cache: Path) -> Any:
    return compose("train", ["model=t5-nano", "data=file", f"data.path='{path}'", f"paths.cache_dir={cache}"])


def shards(folder: Path) -> Path:
    folder.mkdir()
    for number in (0, 1):
        pq.write_table(pa.Table.from_pylist(ROWS[10 * number :][:10]), folder / f"train-0000{number}.parquet")
    return folder


def load(path: Any, cache: Path) -> Any:
    data = config(path, cache).data
    data.check()
    return data.load(cache, 0)


@pytest.mark.parametrize("protocol", ["s3", "memory", "file"])
def test_a_folder_of_shards_elsewhere_is_the_same_data(
    protocol: str, s3: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    local = shards(tmp_path / "pairs")
    url = {"s3": f"{s3}/pairs", "memory": "memory://some/pairs", "file": f"file://{tmp_path}/there/pairs"}[
        protocol
    ]
    system, path = fsspec.url_to_fs(url)
    system.makedirs(path, exist_ok=True)
    for file in local.iterdir():
        system.put_file(str(file), f"{path}/{file.name}")
    cache = tmp_path / "cache"
    elsewhere, here = load(url, cache), load(local, cache)
    assert fingerprint(elsewhere.sources) == fingerprint(here.sources) and elsewhere.pairs == 20
    assert capsys.readouterr().out.count(f"fetching {url}: 2 file(s)") == 1
    pattern = load(f"{url}/train-*.parquet", cache)
    assert pattern.pairs == 20 and pattern.sources[0].name == "train"
    load(url, cache)
    assert f"fetching {url}:" not in capsys.readouterr().out.replace(f"{url}/train", "")


def test_another_content_is_fetched_again(s3: str, tmp_path: Path) -> None:
    system = fsspec.filesystem("s3")
    system.pipe_file("bucket/pairs.jsonl", b'{"instruction": "a", "response": "b"}\n')
    assert load(f"{s3}/pairs.jsonl", tmp_path).pairs == 1
    system.pipe_file("bucket/pairs.jsonl", b'{"instruction": "a", "response": "c"}\n' * 2)
    assert load(f"{s3}/pairs.jsonl", tmp_path).pairs == 2


def test_a_source_of_a_mixture_may_lie_elsewhere(s3: str, tmp_path: Path) -> None:
    fsspec.filesystem("s3").pipe_file("bucket/mine.jsonl", b'{"instruction": "a", "response": "b"}\n')
    words = [
        "data=lamini",
        "data.hub=null",
        "~data.sources",
        f"+data.sources={{mine: {{path: '{s3}/mine.jsonl'}}}}",
    ]
    data: Any = compose("train", ["model=t5-nano", *words]).data
    data.check()
    assert [source.name for source in data.load(tmp_path, 0).sources] == ["mine"]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("{s3}/none.jsonl", "does not exist"),
        ("s3://nobucket/none.jsonl", "does not exist"),
        ("{s3}/empty", "holds no .parquet shards"),
        ("{s3}/some.txt", "has an unknown format"),
        ("gopher://a/b.jsonl", "has a protocol that fsspec does not know"),
        ("adl://store/b.jsonl", "needs a package that is not installed: pip install"),
    ],
)
def test_a_mistake_gets_its_sentence(path: str, sentence: str, s3: str, tmp_path: Path) -> None:
    system = fsspec.filesystem("s3")
    system.pipe_file("bucket/empty/note.txt", b"x")
    system.pipe_file("bucket/some.txt", b"x")
    with pytest.raises(UserError, match=sentence) as caught:
        config(path.format(s3=s3), tmp_path).data.check()
    assert str(caught.value).startswith("data.path=") and "\n" not in str(caught.value)


def test_without_credentials(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(UserError, match="needs credentials, and there are none"):
        config(f"{s3}/pairs.jsonl", tmp_path).data.check()


def test_a_store_that_is_away_is_told_soon(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(UserError, match="cannot be reached"):
        config(f"{s3}/pairs.jsonl", tmp_path).data.check()


def test_names() -> None:
    assert name_of("s3://bucket/v1.5") == "v1.5"
    assert name_of("s3://bucket/mine/*.parquet") == "mine"
