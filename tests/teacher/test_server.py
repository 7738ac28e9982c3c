"""The OpenAI teacher against a real server: `transformers serve` on loopback with a tiny scratch model."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from lamini.errors import UserError
from lamini.teacher.openai_compatible import OpenAICompatible
from lamini.teacher.options import OpenAI
from lamini.teacher.prices import Prices
from lamini.teacher.protocol import Answer, Message, Request, Sampling
from tests.generation import small
from tests.students import tiny

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (find_spec("fastapi") and find_spec("uvicorn")), reason="needs transformers[serving]"
    ),
]
START = 120.0  # seconds the server has to come up
CHAT = (
    "{% for m in messages %}{{ m['content'] }}\n{% endfor %}{% if add_generation_prompt %}Answer:{% endif %}"
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    tokenizer = tiny.gpt2_tokenizer()
    tokenizer.chat_template = CHAT
    weights = tiny.lively(tiny.causal("llama", len(tokenizer)))
    weights.generation_config.eos_token_id = tokenizer.eos_token_id
    weights.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def url(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    said = tmp_path_factory.mktemp("server") / "output"
    command = [
        str(Path(sys.executable).with_name("transformers")), "serve", str(model),
        "--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32",
    ]  # fmt: skip
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with said.open("wb") as out:
        server = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        for _ in range(int(START * 4)):
            if server.poll() is not None or answers(port):
                break
            time.sleep(0.25)
        if server.poll() is not None or not answers(port):
            pytest.fail(f"the server did not come up:\n{said.read_text(errors='replace')[-3000:]}")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(20)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def teacher(url: str, model: str, **extra: object) -> OpenAICompatible:
    option = OpenAI(model, url, "NO_KEY_IN_THE_ENVIRONMENT", False, Prices(0.0, 0.0), extra)
    option.check()
    built = option.build(Path("log"), 60.0, 4)
    assert isinstance(built, OpenAICompatible)
    return built


def ask(built: OpenAICompatible, *requests: Request) -> list[Answer]:
    async def asked() -> list[Answer]:
        try:
            return list(await asyncio.gather(*map(built.answer, requests)))
        finally:
            await built.close()

    return asyncio.run(asked())


def request(text: str, **sampling: float) -> Request:
    chosen = Sampling(sampling.get("temperature"), sampling.get("top_p"), int(sampling.get("max_tokens", 6)))
    return Request((Message("system", "Be brief."), Message("user", text)), chosen)


def test_a_real_server_answers_with_finish_and_usage(url: str, model: Path) -> None:
    tokenizer = tiny.gpt2_tokenizer()
    texts = ["Name a colour.", "Say hi.", "Count from one to five."]
    got = ask(teacher(url, str(model)), *(request(text, temperature=0.0) for text in texts))
    for text, answer in zip(texts, got, strict=True):
        assert answer.finish in ("stop", "length")
        prompt = f"Be brief.\n{text}\nAnswer:"
        assert answer.prompt_tokens == len(tokenizer(prompt)["input_ids"])
        assert answer.response_tokens is not None and 0 < answer.response_tokens <= 6
        assert '"usage"' in answer.raw
    assert len({answer.text for answer in got}) > 1


def test_sampling_reaches_the_server(url: str, model: Path) -> None:
    (short,) = ask(teacher(url, str(model)), request("Name a colour.", max_tokens=2))
    assert short.response_tokens is not None and short.response_tokens <= 2


def test_a_model_that_is_not_there_ends_the_job(url: str) -> None:
    with pytest.raises(UserError, match="requested .nobody/nothing.*teacher.model"):
        ask(teacher(url, "nobody/nothing"), request("hi"))


def test_an_address_without_v1_is_named(url: str, model: Path) -> None:
    with pytest.raises(UserError, match="teacher.base_url=.*/v1"):
        ask(teacher(url.removesuffix("/v1"), str(model)), request("hi"))


def test_generate_has_its_seeds_answered_by_the_server(url: str, model: Path, tmp_path: Path) -> None:
    words = [
        "teacher=openai", f"teacher.model={model}", f"teacher.base_url={url}", "instructions=embedded",
        "~instructions.sources.self_instruct_without_topic", "~instructions.sources.self_instruct_with_topic",
        "instructions.sources.seeds.limit=6", "responses.sampling.max_tokens=8", "limits.concurrency=2",
        f"paths.output_dir={tmp_path}",
    ]  # fmt: skip
    for again in (False, True):
        done = subprocess.run(
            [sys.executable, "generate.py", *words, f"name={'again' if again else 'first'}"],
            cwd=Path(__file__).resolve().parents[2], text=True, capture_output=True, timeout=200, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert f"{0 if again else 6} answers asked for" in done.stdout
    first, second = (small.rows(tmp_path / "instructions" / name) for name in ("first", "again"))
    assert first == second and len(first) == 6
    assert all(row["response_tokens"] > 0 and row["price_usd"] > 0 for row in first)
