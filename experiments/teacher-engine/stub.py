"""A stand-in for a model server: OpenAI's chat protocol with a latency, slots, and faults on demand.

    python experiments/teacher-engine/stub.py --latency 0.25 --slots 64 --faults 0.2

Prints its port, answers until it is killed, and tells at /counts what it did. It is for timing and faults,
and never an endpoint whose answers mean something. Written on bare asyncio because it shares a small machine
with what it measures: an answer costs it about 0.1 ms, a web framework several times that.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections import Counter, deque

ANSWER = "The quick brown fox jumps over the lazy dog, and nobody knows why it does that so often. " * 3
STATUS = {200: "OK", 404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error"}
FAULTS = ("429", "500", "reset", "stall", "cut JSON")
RETRY_AFTER = "0.5"  # seconds


class Stub:
    """What all connections share: the slots, the queue before them, and the counts."""

    def __init__(self, latency: float, slots: int, faults: float, seed: int) -> None:
        self.latency, self.slots, self.faults = latency, slots, faults
        self.rng = random.Random(seed)
        self.busy, self.queue = 0, deque[tuple[Connection, bytes]]()
        self.answered, self.met = Counter[str](), Counter[str]()
        self.first = self.last = 0.0

    def arrived(self, connection: Connection, body: bytes) -> None:
        """A whole request; it waits for a slot as long as need be, as in a real server."""
        self.first = self.first or time.monotonic()
        self.queue.append((connection, body))
        self.start()

    def start(self) -> None:
        """Fill the slots; a stalled request takes none, so that the others are not slowed down."""
        while self.queue and self.busy < self.slots:
            connection, body = self.queue.popleft()
            fault = self.rng.choice(FAULTS) if self.rng.random() < self.faults else None
            if fault == "stall":
                self.met[fault] += 1
                continue
            self.busy += 1
            asyncio.get_running_loop().call_later(self.latency, self.finish, connection, body, fault)

    def finish(self, connection: Connection, body: bytes, fault: str | None) -> None:
        """The latency is over."""
        self.busy -= 1
        self.start()
        request = json.loads(body)
        text = request["messages"][-1]["content"]
        if connection.transport.is_closing():
            self.met["client left"] += 1
        elif fault is None:
            connection.send(200, json.dumps(completion(request["model"], text)).encode())
            self.answered[text] += 1
        else:
            self.met[fault] += 1
            misbehave(connection, fault, completion(request["model"], text))
        self.last = time.monotonic()

    def counts(self) -> bytes:
        """Requests answered, those answered more than once, faults by kind, and the seconds in between."""
        more = sum(n - 1 for n in self.answered.values())
        return json.dumps(
            {
                "answered": self.answered.total(), "answered_again": more, "faults": self.met,
                "seconds": self.last - self.first,
            }
        ).encode()  # fmt: skip


def misbehave(connection: Connection, fault: str, answer: dict[str, object]) -> None:
    """What a server in trouble does."""
    if fault == "429":
        connection.send(429, b'{"error": {"message": "slow down"}}', f"retry-after: {RETRY_AFTER}\r\n")
    elif fault == "500":
        connection.send(500, b'{"error": {"message": "out of luck"}}')
    elif fault == "reset":
        connection.transport.abort()
    elif fault == "cut JSON":
        body = json.dumps(answer).encode()
        connection.send(200, body[: len(body) // 2])


def completion(model: str, prompt: str) -> dict[str, object]:
    """A chat completion in OpenAI's shape; words count as tokens."""
    prompt_tokens, tokens = len(prompt.split()), len(ANSWER.split())
    return {
        "id": "chatcmpl-stub", "object": "chat.completion", "created": 1700000000, "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": f"{ANSWER}{prompt}"},
                     "finish_reason": "stop", "logprobs": None}],
        "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": tokens,
                  "total_tokens": prompt_tokens + tokens},
    }  # fmt: skip


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive and Content-Length, which is all that the clients use."""

    def __init__(self, stub: Stub) -> None:
        self.stub, self.buffer = stub, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody is there."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Part of a request, or a whole one; no client pipelines."""
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        if len(body) < length:
            return
        self.buffer = b""
        if b"/chat/completions" in head[:200]:
            self.stub.arrived(self, body)
        else:
            found_it = b"/counts" in head[:200]
            self.send(200 if found_it else 404, self.stub.counts() if found_it else b"{}")

    def send(self, status: int, body: bytes, headers: str = "") -> None:
        """A whole answer."""
        head = (
            f"HTTP/1.1 {status} {STATUS[status]}\r\ncontent-type: application/json\r\n{headers}"
            f"content-length: {len(body)}\r\n\r\n"
        )
        self.transport.write(head.encode() + body)


async def serve(stub: Stub) -> None:
    """Listen on a free port of loopback and print it."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(stub), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description="Stand in for a model server.")
    parser.add_argument("--latency", type=float, default=0.25, help="seconds an answer takes")
    parser.add_argument("--slots", type=int, default=64, help="answers at once; others wait")
    parser.add_argument("--faults", type=float, default=0.0, help="share of requests that meet a fault")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    asyncio.run(serve(Stub(arguments.latency, arguments.slots, arguments.faults, arguments.seed)))


if __name__ == "__main__":
    main()
