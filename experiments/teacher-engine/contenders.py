"""The job that is timed, done by our engine and by a plain loop, each in a process of its own.

    python experiments/teacher-engine/contenders.py ours http://127.0.0.1:<port>/v1 --requests 10000

Prints one JSON line: answers, seconds, processor seconds and peak memory of this process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

SYSTEM = "You answer instructions. Keep the answer concise."
RETRIES = 20


def prompt(number: int) -> str:
    """An instruction of usual length; the number makes it one of its own."""
    return (
        f"Instruction {number}: name three things that a lighthouse keeper would miss in a desert, and why."
    )


async def ours(url: str, requests: int, slots: int, timeout: float) -> dict[str, Any]:
    """`ask` with the real OpenAI teacher and the log on disk."""
    from lamini.config import Limits
    from lamini.teacher.asking import ask
    from lamini.teacher.log import RequestLog
    from lamini.teacher.meter import Meter
    from lamini.teacher.options import OpenAI
    from lamini.teacher.prices import Prices
    from lamini.teacher.protocol import Message, Request

    option = OpenAI("stub", url, "LAMINI_STUB_KEY", False, Prices(0.5, 1.5), {})
    limits = Limits(slots, None, None, RETRIES, timeout)
    meter = Meter(option.prices)
    system = Message("system", SYSTEM)
    source: Iterator[tuple[int, Request]] = (
        (number, Request((system, Message("user", prompt(number))))) for number in range(requests)
    )
    answers = 0
    with tempfile.TemporaryDirectory() as folder, RequestLog(path := Path(folder) / "log.sqlite") as log:
        teacher = option.build(path, timeout, slots)
        async with aclosing(ask(teacher, source, log, limits, meter=meter)) as outcomes:
            async for number, outcome in outcomes:
                answer = outcome.answer
                answers += answer is not None and answer.text.endswith(prompt(number))
        rows = sum(1 for row in log.rows() if row.entry.answer is not None)
        await teacher.close()
    return {"answers": answers, "rows": rows, "faults": meter.faults, "failed": meter.failed}


async def bare(url: str, requests: int, slots: int, timeout: float) -> dict[str, Any]:
    """What one writes in ten lines: the openai client, a semaphore, answers in a list, nothing on disk."""
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=url, api_key="none", timeout=timeout)
    semaphore = asyncio.Semaphore(slots)

    async def one(number: int) -> str:
        messages: Any = [
            {"role": "system", "content": SYSTEM}, {"role": "user", "content": prompt(number)},
        ]  # fmt: skip
        async with semaphore:
            response = await client.chat.completions.create(model="stub", messages=messages)
        return response.choices[0].message.content or ""

    texts = await asyncio.gather(*(one(number) for number in range(requests)))
    await client.close()
    return {"answers": sum(text.endswith(prompt(number)) for number, text in enumerate(texts))}


async def wire(url: str, requests: int, slots: int, timeout: float) -> dict[str, Any]:
    """The ceiling: one connection a slot, bytes that were made beforehand, answers that nobody looks into."""
    port = int(url.split(":")[2].split("/")[0])
    numbers = iter(range(requests))
    answers = 0

    def canned(number: int) -> bytes:
        turns = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": prompt(number)}]
        body = json.dumps({"model": "stub", "messages": turns}).encode()
        return b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)

    async def slot() -> None:
        nonlocal answers
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            writer.write(canned(number))
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.rsplit(b":", 1)[1]))
            answers += 1
        writer.close()

    await asyncio.gather(*(slot() for _ in range(slots)))
    return {"answers": answers}


def peak_megabytes() -> float:
    """Of this process alone; ru_maxrss would count the parent's memory from before the exec."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def main() -> None:
    """Read the arguments, do the job, say how it went."""
    parser = argparse.ArgumentParser(description="Do one timed job.")
    parser.add_argument("who", choices=["ours", "bare", "wire"])
    parser.add_argument("url")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--slots", type=int, default=64)
    parser.add_argument("--timeout", type=float, default=60.0)
    arguments = parser.parse_args()
    os.environ["LAMINI_STUB_KEY"] = "none"
    job = {"ours": ours, "bare": bare, "wire": wire}[arguments.who]
    began = time.perf_counter()
    facts = asyncio.run(job(arguments.url, arguments.requests, arguments.slots, arguments.timeout))
    used = resource.getrusage(resource.RUSAGE_SELF)
    facts |= {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_megabytes": peak_megabytes(),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
