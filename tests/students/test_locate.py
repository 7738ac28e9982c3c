"""lamini.students.locate: which folder is taken, and what is said when there is none."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from lamini.config import Init
from lamini.errors import UserError
from lamini.students import locate
from lamini.students.locate import problems, tokenizer_source, ways_out, weights
from tests.students.configs import config_of


def model_folder(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (folder / name).write_text("{}")
    return folder


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty Hugging Face cache and no hub, whatever the machine has."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    locate.head.cache_clear()
    locate.reachable.cache_clear()


def cache_model(hub: Path, repo: str, files: dict[str, str]) -> Path:
    """The layout huggingface_hub keeps: refs/main names the snapshot."""
    folder = hub / f"models--{repo.replace('/', '--')}"
    snapshot = folder / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc")
    for name, text in files.items():
        (snapshot / name).write_text(text)
    return snapshot


@pytest.mark.parametrize("name", ["", "flan-t5-small"])
def test_checkpoint_folder_or_its_subfolder(tmp_path: Path, name: str) -> None:
    folder = model_folder(tmp_path / "own" / name)
    config = config_of("flan-t5", "small", checkpoint=str(tmp_path / "own"))
    assert weights(config) == tokenizer_source(config) == str(folder)


def test_subfolder_named_as_on_the_hub(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "Cerebras-GPT-111M")
    assert weights(config_of("cerebras-gpt", "111M", checkpoint=str(tmp_path))) == str(folder)


def test_a_given_folder_is_never_replaced_by_the_cache(tmp_path: Path) -> None:
    cache_model(tmp_path / "hub", "google/flan-t5-small", {"config.json": "{}"})
    config = config_of("flan-t5", "small", checkpoint=str(tmp_path / "nothing"))
    with pytest.raises(UserError, match=f"flan-t5-small: weights not found in {tmp_path}/nothing"):
        weights(config)


def test_cache_serves_whole_snapshots_only(tmp_path: Path) -> None:
    index = json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})
    files = {"config.json": "{}", "model.safetensors.index.json": index, "model-1.safetensors": ""}
    snapshot = cache_model(tmp_path / "hub", "openai-community/gpt2-xl", files)
    config = config_of("gpt2", "xl")
    with pytest.raises(UserError, match="openai-community/gpt2-xl not found in the Hugging Face"):
        weights(config)
    (snapshot / "model-2.safetensors").write_text("")
    assert weights(config) == str(snapshot)


def test_tokenizer_order(tmp_path: Path) -> None:
    hub = cache_model(tmp_path / "hub", "google-t5/t5-small", {"spiece.model": ""})
    checkpoint = model_folder(tmp_path / "checkpoint")
    own = tmp_path / "tokenizers"
    # nano has no checkpoint of its own: the family's smallest published size has its tokenizer
    assert tokenizer_source(config_of("t5", "nano", own, init=Init.scratch)) == str(hub)
    given = config_of("t5", "small", own, checkpoint=str(checkpoint))
    assert tokenizer_source(given) == str(checkpoint)
    (own / "t5").mkdir(parents=True)
    with pytest.raises(UserError, match="t5-small: tokenizer not found in .*tokenizers/t5"):
        tokenizer_source(given)
    (own / "t5" / "spiece.model").write_text("")
    assert tokenizer_source(given) == str(own / "t5")
    folder = config_of("t5", "small", own, tokenizer=str(checkpoint))
    assert tokenizer_source(folder) == str(checkpoint)


def test_problems_of_weights_and_tokenizer(tmp_path: Path) -> None:
    both = problems(config_of("gpt2", "medium"))
    assert [problem.split(" of ")[0] for problem in both] == [
        "gpt2-medium: weights",
        "gpt2-medium: tokenizer",
    ]
    assert all("HF_HUB_OFFLINE" in problem for problem in both)
    assert problems(config_of("gpt2", "nano", init=Init.scratch, tokenizer="trained")) == []


def test_nano_has_no_published_weights() -> None:
    with pytest.raises(UserError, match="no published checkpoint"):
        weights(config_of("t5", "nano"))


@pytest.fixture
def hub() -> Iterator[str]:
    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(404 if "flan" in self.path else 200)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_hub_is_asked(monkeypatch: pytest.MonkeyPatch, hub: str) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", hub)
    assert weights(config_of("gpt2", "small")) == "openai-community/gpt2"
    assert weights(config_of("gpt2", "nano", checkpoint="some/model")) == "some/model"
    with pytest.raises(UserError, match="answers 404: no such model, or one that needs HF_TOKEN"):
        weights(config_of("flan-t5", "small"))


def test_a_silent_hub_costs_three_seconds_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(locate, "TIMEOUT", 0.3)
    with socket.socket() as silent:  # accepts, never answers
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        begin = time.monotonic()
        assert all(len(problems(config_of("gpt2", size))) == 2 for size in ("small", "large", "xl"))
        assert time.monotonic() - begin < 1.5


LINE = ["python", "train.py", "-m", "model=t5-small,gpt2-small", "init=pretrained", "seed=2"]


def test_ways_out_are_the_user_s_own_line() -> None:
    both = ["t5-small: weights of a/b not found", "gpt2-small: weights of c/d not found"]
    message = ways_out(both, LINE, data_reachable=False)
    start = "python train.py -m model=t5-small,gpt2-small"
    assert both[0] in message and both[1] in message
    assert f"{start} init=pretrained seed=2 checkpoint=/path/to/checkpoints data=file" in message
    assert "a subfolder for each of t5-small, gpt2-small" in message
    assert f"{start} seed=2 init=scratch tokenizer=trained data=oracle\n" in message
    assert message.endswith(f"{start} seed=2 experiment=rehearsal")


def test_ways_out_replace_what_contradicts() -> None:
    line = ["train.py", "checkpoint=/old", "tokenizer=family", "+data.limit=3", "name=a b"]
    message = ways_out(["t5-small: weights x"], line, data_reachable=True)
    assert "train.py tokenizer=family +data.limit=3 'name=a b' checkpoint=/path/to/t5-small\n" in (message)
    assert "train.py +data.limit=3 'name=a b' init=scratch tokenizer=trained\n" in message
    offline = ways_out(["t5-small: weights x"], line, data_reachable=False)
    assert "train.py 'name=a b' init=scratch tokenizer=trained data=oracle\n" in offline


def test_ways_out_for_a_tokenizer_alone() -> None:
    message = ways_out(["t5-small: tokenizer of a/b not found"], ["train.py"], data_reachable=True)
    assert "train.py tokenizer=/path/to/t5-small\n" in message


def test_nothing_heavy_is_imported() -> None:
    code = "import sys, lamini.students.locate; print({'torch', 'transformers'} & set(sys.modules))"
    root = Path(__file__).parents[2]
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"
