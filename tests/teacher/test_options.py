"""What is wrong with a teacher's settings is said before anything heavy is imported, in one sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from lamini.errors import UserError
from lamini.teacher.options import OpenAI, Oracle, Replay, Transformers
from lamini.teacher.prices import Prices
from lamini.teacher.protocol import log_name

ROOT = Path(__file__).resolve().parents[2]


def openai(**change: Any) -> OpenAI:
    values = {"model": "m", "base_url": None, "key": "TEST_KEY", "batch": False, "prices": Prices(0.5, 1.5)}
    return OpenAI(**{**values, "extra": {}, **change})


def test_openai_s_own_endpoint_needs_a_key_and_a_local_server_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_KEY", raising=False)
    with pytest.raises(UserError, match="environment variable TEST_KEY is not set.*teacher.base_url"):
        openai().check()
    local = openai(base_url="http://localhost:8000/v1/")
    local.check()
    assert (local.secret(), local.url) == ("none", "http://localhost:8000/v1")
    monkeypatch.setenv("TEST_KEY", " sk-secret-1\n")
    openai().check()
    assert openai().secret() == "sk-secret-1"
    assert "sk-secret-1" not in repr(openai())


def test_the_client_s_own_variables_do_not_send_the_key_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere:1/v1")
    monkeypatch.setenv("TEST_KEY", "sk-secret-1")
    teacher = openai().build(Path("log"), 1.0, 1)
    assert str(teacher.client.base_url) == "https://api.openai.com/v1/"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": " "}, "teacher.model is empty"),
        ({"base_url": "localhost:8000/v1"}, "teacher.base_url=localhost:8000/v1 must be http://host:port/v1"),
        ({"base_url": "ftp://host/v1"}, "teacher.base_url=ftp://host/v1 must be"),
        ({"base_url": "http://"}, "teacher.base_url=http:// must be"),
        ({"base_url": "http://host:port/v1"}, "teacher.base_url=http://host:port/v1 is no address"),
        ({"base_url": "http://h/v1/chat/completions"}, "leave out /chat/completions"),
        ({"prices": Prices(-0.5, 1.0)}, "teacher.prices.prompt=-0.5 must be 0 or more"),
        ({"prices": Prices(None, float("nan"))}, "teacher.prices.response=nan"),
        ({"prices": Prices(float("inf"), None)}, "teacher.prices.prompt=inf"),
        ({"extra": {"messages": []}}, "teacher.extra.messages is decided by"),
        ({"extra": {"temperature": 1}}, "teacher.extra.temperature is decided by"),
        ({"extra": {"stream": True}}, "teacher.extra.stream is decided by"),
    ],
)
def test_bad_settings(change: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "sk-secret-1")
    with pytest.raises(UserError) as refused:
        openai(**change).check()
    assert words in str(refused.value)


def test_secrets_in_the_configuration_are_refused_without_showing_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for change in ({"key": "sk-proj-abc"}, {"base_url": "http://me:abc-secret@host/v1"}):
        with pytest.raises(UserError) as refused:
            openai(**change).check()
        assert "abc" not in str(refused.value)
    monkeypatch.setenv("TEST_KEY", "sk-sécret")
    with pytest.raises(UserError, match="TEST_KEY holds characters that no API key has"):
        openai().check()


def test_the_batch_api_costs_half() -> None:
    assert openai(batch=True, prices=Prices(0.5, None)).paid() == Prices(0.25, None)
    assert openai().paid() == Prices(0.5, 1.5)


def test_names_in_the_log() -> None:
    assert log_name("m", {}) == "m"
    assert log_name("m", {"top_k": 5, "a": None}) == 'm {"a": null, "top_k": 5}'


@pytest.mark.parametrize("name", ["openai", "oracle", "replay", "transformers"])
def test_each_yaml_fills_its_option(name: str) -> None:
    tree = OmegaConf.load(ROOT / f"conf/teacher/{name}.yaml")
    values: Any = OmegaConf.to_container(tree)
    option = {"openai": OpenAI, "oracle": Oracle, "replay": Replay, "transformers": Transformers}[name]
    assert values.pop("_target_") == f"lamini.teacher.options.{option.__name__}"
    assert set(values) == set(option.__dataclass_fields__)


def test_checks_import_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from lamini.teacher.options import *\n"
        "Oracle('oracle', 0.0, Prices(0.0, 0.0)).check()\n"
        "Replay('openai', 'm', Prices(0.0, 0.0)).check()\n"
        "OpenAI('m', 'http://h/v1', 'K', False, Prices(0.0, 0.0), {}).check()\n"
        "print([m for m in ('torch', 'transformers', 'openai', 'aiohttp', 'pyarrow') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
