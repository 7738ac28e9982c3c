"""A teacher behind OpenAI's chat protocol: OpenAI, vLLM, SGLang, llama.cpp, Ollama, transformers serve.

The `openai` client speaks for us, over aiohttp and without its own retries, and hands back the bare HTTP
answer: its typed answers cost four times the processor time a request (2.4 ms against 0.6 ms on one core),
which decides at hundreds of requests a second. So the JSON is read here, and every way in which it can
be wrong has a name.

What an error means depends on whether this endpoint has ever answered well. Before that it is a wrong address
or setting and ends the job; afterwards the server is in trouble for a while: worth another try.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, ClassVar

import aiohttp
import httpx2
import openai

from lamini.errors import UserError
from lamini.teacher import openai_errors as errors
from lamini.teacher.protocol import Answer, Request, Transient, log_name

CONNECT = 10.0  # seconds to reach the server, of the whole time-out


class OpenAICompatible:
    """One model of one endpoint."""

    kind = "openai"
    path: ClassVar[str] = "/chat/completions"
    wording: ClassVar[type[errors.Endpoint]] = errors.Endpoint

    def __init__(
        self,
        model: str,
        base_url: str,
        key_name: str,
        key: str,
        extra: dict[str, Any],
        timeout: float,
        concurrency: int,
    ) -> None:
        """Nothing is sent yet; `timeout` is of a whole request, in seconds."""
        self.model = log_name(model, extra)
        self.endpoint = self.wording(base_url, model, key_name, key)
        self._name, self._extra, self._timeout = model, extra, timeout
        limits = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
        self.client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=key,
            max_retries=0,  # `asking` does that, for all teachers
            timeout=httpx2.Timeout(None, connect=min(CONNECT, timeout)),
            http_client=openai.DefaultAioHttpClient(limits=limits),
        )
        self._works = False  # whether this endpoint has ever answered well

    def body(self, request: Request) -> dict[str, Any]:
        """The JSON body; what the sampling leaves open is not sent, so that the endpoint decides (App. B)."""
        sampling = request.sampling
        numbers = {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
        }
        return {
            "model": self._name,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            **{name: number for name, number in numbers.items() if number is not None},
            **self._extra,
        }

    async def answer(self, request: Request) -> Answer:
        """One chat completion; see `Teacher.answer` and the module."""
        try:
            async with asyncio.timeout(self._timeout):
                response = await self.client.post(self.path, cast_to=httpx2.Response, body=self.body(request))
        except openai.APIStatusError as error:
            raise await self._refusal(error.response) from None
        except TimeoutError:
            raise Transient("timeout", f"no answer within {self._timeout:g} s") from None
        except (openai.APIConnectionError, aiohttp.ClientError, OSError) as error:
            raise await self._broken(error) from None
        answer = self.read(response.content, response.headers.get("content-type", ""))
        self._works = True
        return answer

    def read(self, content: bytes, content_type: str = "application/json") -> Answer:
        """The answer in a body that came with status 200.

        Raises:
            Transient: cut JSON; or no chat completion, from an endpoint that has answered well before.
            UserError: no chat completion, from one that has not.
        """
        raw = self.endpoint.without_key(content.decode("utf-8", "replace"))
        if not raw.lstrip().startswith("{"):
            raise self._no_completion("html" if "html" in content_type + raw[:200].lower() else "text", raw)
        try:
            body = json.loads(raw)
        except ValueError:
            raise Transient("cut_json", f"{len(content)} bytes that end in {raw[-40:]!r}") from None
        try:
            return self.answer_in(body, raw)
        except (LookupError, TypeError, AttributeError):
            pass
        status, message = errors.inside(body)
        if status is not None:  # routers wrap the error of the server behind them into a 200
            raise self.endpoint.refused(status, message, body, self._works, None)
        raise self._no_completion("shape", raw)

    def answer_in(self, body: dict[str, Any], raw: str) -> Answer:
        """The first choice of a chat completion.

        Raises:
            LookupError, TypeError, AttributeError: the body has another shape.
        """
        choice = body["choices"][0]
        message = choice["message"]
        text = message.get("content") or message.get("refusal") or ""
        usage = body.get("usage") or {}
        return Answer(
            text=storable(text),
            finish=storable(str(choice.get("finish_reason") or "unknown")),
            prompt_tokens=_count(usage.get("prompt_tokens")),
            response_tokens=_count(usage.get("completion_tokens")),
            model=storable(str(body.get("model") or self._name)),
            raw=raw,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self.client.close()

    def _no_completion(self, what: str, raw: str) -> Exception:
        if self._works:
            return Transient(what, f"no {self.endpoint.result}: {raw[:80]!r}")
        return self.endpoint.no_api(what, raw)

    async def _refusal(self, response: httpx2.Response) -> Exception:
        """What a status of 400 and above means."""
        body, message = errors.message_in(response.content)
        message = self.endpoint.without_key(message)
        after = errors.wait(response.headers)
        if response.status_code == 404 and not self._works:
            return self.endpoint.not_found(message, body is not None, await self._models())
        return self.endpoint.refused(response.status_code, message, body, self._works, after)

    async def _broken(self, error: Exception) -> Exception:
        """What a connection that failed means."""
        kind, detail = errors.broken(error)
        if kind == "unreachable" and not self._works and await self._silent():
            return UserError(
                f"nothing answers at {self.endpoint.section}.base_url={self.endpoint.url} ({detail});"
                " start the server there, or give the address of one that runs"
            )
        return Transient(kind, self.endpoint.without_key(detail))

    async def _silent(self) -> bool:
        """Whether a second call cannot reach the server either: one failure may be chance."""
        try:
            await self.client.get("/models", cast_to=httpx2.Response)
        except (openai.APIConnectionError, aiohttp.ClientError, OSError) as error:
            return errors.broken(error)[0] == "unreachable"
        except openai.APIStatusError:
            pass
        return False

    async def _models(self) -> list[str]:
        """What the endpoint offers; empty where it does not tell."""
        try:
            async with asyncio.timeout(CONNECT):
                response = await self.client.get("/models", cast_to=httpx2.Response)
            return [str(entry["id"]) for entry in json.loads(response.content)["data"]]
        except (openai.OpenAIError, aiohttp.ClientError, OSError, ValueError, LookupError, TypeError):
            return []


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 2**63 else None


def storable(text: str) -> str:
    """The text with half surrogate pairs, which no log or file takes, as question marks."""
    return text.encode("utf-8", "replace").decode()
