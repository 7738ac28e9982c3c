"""The provider's batch API: a file of requests goes up; within a day files of answers come down, for less.

What a batch is called is only known once it exists, so a process that dies in between would pay twice. Each
batch therefore carries an intent in its metadata, a name of ours that the request log knows before the batch
is made, and by which it can be found afterwards.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import IO, Any, TypeVar

import aiohttp
import httpx2
import openai

from lamini.errors import UserError
from lamini.teacher import openai_errors as errors
from lamini.teacher.batch_files import key_in, request_in
from lamini.teacher.calling import Backoff
from lamini.teacher.log import Entry
from lamini.teacher.openai_compatible import CONNECT, OpenAICompatible
from lamini.teacher.protocol import Request, Transient, Unanswerable
from lamini.teacher.stopping import Stopped

T = TypeVar("T")
ENDED = ("completed", "failed", "expired", "cancelled")
SILENT = 60.0  # seconds without a byte: `answer` has a limit of its own, these calls have none
CLOCKS = 3600.0  # seconds by which the provider's clock and ours may differ


@dataclass(frozen=True)
class State:
    """Where a batch stands; `files` hold its answers and errors, `said` why it failed."""

    status: str
    input: str
    files: tuple[str, ...]
    said: str


class BatchAPI:
    """The calls of one endpoint, each tried again where that is worth it."""

    def __init__(self, teacher: OpenAICompatible, tries: int, backoff: Backoff) -> None:
        self.client = teacher.client.with_options(timeout=httpx2.Timeout(SILENT, connect=CONNECT))
        self.endpoint, self.tries, self.backoff = teacher.endpoint, tries, backoff

    async def submit(self, file: IO[bytes], intent: str) -> str:
        """Send a file and have it answered; returns the batch's id.

        Raises:
            UserError: the endpoint has no batch API, or refuses.
            Stopped: it cannot be reached.
        """

        async def upload() -> str:
            file.seek(0)
            return (await self.client.files.create(file=("requests.jsonl", file), purpose="batch")).id

        uploaded = await self._call(upload)
        begun = False

        async def create() -> str:
            nonlocal begun
            found = await self._find(intent) if begun else None  # a lost answer is no lost batch
            begun = True
            if found is not None:
                return found
            batch = await self.client.batches.create(
                input_file_id=uploaded,
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata={"lamini": intent},
            )
            return batch.id

        return await self._call(create)

    async def find(self, intent: str) -> str | None:
        """The batch that was made with this intent, or None."""
        return await self._call(lambda: self._find(intent))

    async def state(self, id: str) -> State:
        """Where the batch stands."""
        batch = await self._call(lambda: self.client.batches.retrieve(id))
        said = [f"{e.code}: {e.message}" for e in (batch.errors.data if batch.errors else None) or []]
        files = tuple(file for file in (batch.output_file_id, batch.error_file_id) if file)
        return State(batch.status, batch.input_file_id, files, self.endpoint.without_key("; ".join(said[:3])))

    async def lines(self, file: str) -> AsyncIterator[dict[str, Any]]:
        """The JSON lines of a file; it is never in memory as a whole.

        Raises:
            Transient: it broke off.
            UserError: refused.
        """
        try:
            async with self.client.files.with_streaming_response.content(file) as response:
                left = b""
                async for block in response.iter_bytes():  # iter_lines also splits at U+2028, inside answers
                    *lines, left = (left + block).split(b"\n")
                    for line in lines:
                        if line.strip():
                            yield json.loads(line)
                if left.strip():
                    yield json.loads(left)
        except openai.APIStatusError as error:
            raise self._refusal(error) from None
        except (openai.APIConnectionError, aiohttp.ClientError, OSError) as error:
            raise Transient(*errors.broken(error)) from None
        except ValueError:
            raise Transient("cut_json", f"file {file}") from None

    async def requests(self, id: str) -> dict[str, Request]:
        """The requests of a batch by key, from the file that it was made of; see `request_in`.

        Raises:
            Stopped: the file breaks off.
        """
        file = (await self.state(id)).input
        try:
            return {key_in(line): request_in(line) async for line in self.lines(file)}
        except Transient as trouble:
            raise Stopped(f"batch {id} cannot be read ({trouble}); the same line continues") from None

    async def _find(self, intent: str) -> str | None:
        oldest = int(intent.split("-")[1]) - CLOCKS
        async for batch in self.client.batches.list(limit=100):  # newest first
            if batch.created_at < oldest:
                return None
            if (batch.metadata or {}).get("lamini") == intent:
                return batch.id
        return None

    async def _call(self, call: Callable[[], Awaitable[T]]) -> T:
        tries = 0
        while True:
            tries += 1
            try:
                return await call()
            except openai.APIStatusError as error:
                trouble = self._refusal(error)
            except (openai.APIConnectionError, aiohttp.ClientError, OSError) as error:
                trouble = Transient(*errors.broken(error))
            if not isinstance(trouble, Transient):
                raise trouble from None
            if tries >= self.tries:
                raise Stopped(
                    f"the batch API of {self.endpoint.url} fails ({trouble}); the same line continues"
                )
            await asyncio.sleep(self.backoff.seconds(tries, trouble.after))

    def _refusal(self, error: openai.APIStatusError) -> Exception:
        response = error.response
        body, message = errors.message_in(response.content)
        message = self.endpoint.without_key(message)
        after = errors.wait(response.headers)
        meaning = self.endpoint.refused(response.status_code, message, body, True, after)
        if isinstance(meaning, UserError | Transient):
            return meaning
        return UserError(
            f"{self.endpoint.url} has no batch API, or refuses this ({response.status_code}: {message});"
            " set teacher.batch=false"
        )


def meaning(line: dict[str, Any], teacher: OpenAICompatible) -> Entry | Transient:
    """What one line of a batch's answers or errors means: something for the log, or worth another try."""
    response, error = line.get("response") or {}, line.get("error") or {}
    status, body = response.get("status_code"), response.get("body")
    try:
        if status == 200:
            return Entry(teacher.read(json.dumps(body).encode()))
        body, said = errors.message_in(json.dumps(body or {"error": error}).encode())
        said = teacher.endpoint.without_key(said)
        if status is None:
            return Transient(str(error.get("code") or "batch_error"), said)
        raise teacher.endpoint.refused(int(status), said, body, True, None)
    except Unanswerable as never:
        return Entry(None, str(never))
    except Transient as trouble:
        return trouble
    except UserError as trouble:  # what is the whole job's fault shows in single lines here
        return Transient("refused", str(trouble))
