"""One question to several students at the same time, and their answers as messages in the order they come.

    {"student": "s1", "state": "begun"}                   the student is at work
    {"student": "s1", "add": " words"}                    goes behind what was told
    {"student": "s1", "text": "whole text so far"}        replaces it: decoding changed what stood before
    {"student": "s1", "end": "whole", "text": ..., "tokens": 12, "seconds": 0.8, "cut": false}

A generation runs in a thread, where torch lets others run; the messages reach the event loop by a queue. Who
stops listening (a stop button, a closed tab) stops all students after their next token.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import torch

from lamini.chatting.asking import Question
from lamini.chatting.speakers import Speaker, Speakers
from lamini.chatting.streaming import answer
from lamini.errors import UserError
from lamini.web.text import visible

Message = dict[str, Any]


class Rounds:
    """Asks; `at_once` students answer at the same time and share the threads."""

    def __init__(self, speakers: Speakers, at_once: int, threads: int) -> None:
        """Starts nothing yet."""
        each = max(1, threads // at_once)
        self.speakers = speakers
        # In each worker: OpenMP keeps the number by thread.
        self._pool = ThreadPoolExecutor(at_once, "answer", lambda: torch.set_num_threads(each))

    async def ask(self, question: Question) -> AsyncGenerator[Message, None]:
        """The messages, until the last student has ended."""
        loop, queue, left = asyncio.get_running_loop(), asyncio.Queue[Message](), threading.Event()

        def tell(message: Message) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(queue.put_nowait, message)

        def stopped() -> bool:
            return left.is_set() or self.speakers.closing.is_set()

        chosen = [self.speakers.all[key] for key in question.students]
        tasks = [self._pool.submit(_one, speaker, question, tell, stopped) for speaker in chosen]
        try:
            open_ones = len(tasks)
            while open_ones:
                message = await queue.get()
                open_ones -= "end" in message
                yield message
        finally:
            left.set()
            for task in tasks:
                task.cancel()

    def close(self) -> None:
        """Stop what answers, and wait for it: a thread within torch must not outlive the process."""
        self.speakers.closing.set()
        self._pool.shutdown(cancel_futures=True)


def _one(
    speaker: Speaker, question: Question, tell: Callable[[Message], None], stopped: Callable[[], bool]
) -> None:
    """One student's part of a round; whatever happens, its last message has an end."""
    last: Message = {"end": "stopped", "text": "", "tokens": 0, "seconds": 0.0, "cut": False}
    try:
        with speaker.turn:
            if speaker.student is None:
                last = {"end": "failed", "why": f"{speaker.name} {speaker.about}"}
            elif not stopped():
                last = _answered(speaker, question, tell, stopped)
    except UserError as error:
        last = {"end": "failed", "why": str(error)}
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        last = {"end": "failed", "why": f"{type(error).__name__}; the terminal of chat.py says more"}
    tell({"student": speaker.key, **last})


def _answered(
    speaker: Speaker, question: Question, tell: Callable[[Message], None], stopped: Callable[[], bool]
) -> Message:
    assert speaker.student is not None
    before = ""

    def grown(text: str) -> None:
        nonlocal before
        message, before = difference(before, visible(text)), visible(text)
        if message:
            tell({"student": speaker.key, **message})

    tell({"student": speaker.key, "state": "begun"})
    found = answer(speaker.student, question, grown, stopped)
    return {
        "end": found.end, "text": visible(found.text), "tokens": found.tokens,
        "seconds": round(found.seconds, 3), "cut": found.cut,
    }  # fmt: skip


def difference(before: str, after: str) -> Message:
    """What to send so that who has the text before has the text after; nothing where they are the same.

    >>> difference("A red", "A red fox"), difference("A red", "A blue"), difference("A", "A")
    ({'add': ' fox'}, {'text': 'A blue'}, {})
    """
    if after == before:
        return {}
    return {"add": after[len(before) :]} if after.startswith(before) else {"text": after}
