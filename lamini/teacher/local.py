"""A local model as a teacher: any causal or T5-like checkpoint of transformers, or a herd member's export.

Requests that wait at the same time are answered together, in one worker thread, so that one process keeps its
device busy however many are asked. Without a temperature and top_p, or with a temperature of 0, answers are
greedy: a checkpoint has no defaults of its own that could be relied on. Otherwise they are drawn, each row by
its request's key, so that sample k of a request is the same in any company (see `drawing`).
"""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from transformers import GenerationConfig, LogitsProcessorList

from lamini.errors import UserError
from lamini.students.protocol import answering
from lamini.students.tensors import length_mask, pad_rows
from lamini.teacher.drawing import Drawing
from lamini.teacher.layout import Layout
from lamini.teacher.protocol import LENGTH, STOP, Answer, Request, Unanswerable, log_name
from lamini.teacher.weights import device_named, load

GATHER = 0.005  # seconds in which requests may still join a batch that is not full


@dataclass(frozen=True, slots=True)
class Job:
    """One request on its way: its prompt as ids, and how many tokens it may get."""

    request: Request
    ids: list[int]
    room: int
    seed: int

    @property
    def way(self) -> tuple[int, float, float]:
        """What the rows of a batch must share: room, temperature (0: greedy) and top_p."""
        asked = self.request.sampling
        drawn = asked.top_p if asked.temperature is None else asked.temperature
        temperature = asked.temperature if asked.temperature is not None else 1.0
        return self.room, temperature if drawn else 0.0, asked.top_p if asked.top_p is not None else 1.0


class LocalModel:
    """A model in this process."""

    kind = "transformers"

    def __init__(
        self, model: str, source: str, device: str, precision: str, batch_size: int, max_tokens: int
    ) -> None:
        """Load the weights; `source` is a folder or hub id, `model` what the user called it.

        Raises:
            UserError: the device is not there, or the weights do not load.
        """
        self.model = log_name(model, {"max_tokens": max_tokens})
        self._name, self._batch_size, self._max_tokens = model, batch_size, max_tokens
        self._device = device_named(device)
        self._weights = load(model, source, self._device, precision)
        self._layout = Layout(source, self._weights.config)
        self._waiting: deque[tuple[Job, asyncio.Future[Answer]]] = deque()
        self._worker: asyncio.Task[None] | None = None

    async def answer(self, request: Request) -> Answer:
        """The answer, as soon as its batch is done.

        Raises:
            Unanswerable: the prompt leaves no room for an answer.
            UserError: several samples were asked for, but nothing is drawn; or memory is short.
        """
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._job(request), future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await future

    async def close(self) -> None:
        """Stop after the batch at hand and give back the memory."""
        while self._waiting:
            self._waiting.popleft()[1].cancel()
        if self._worker is not None:
            await self._worker
        del self._weights
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _job(self, request: Request) -> Job:
        ids = self._layout.encode(request.messages)
        if not ids:
            raise Unanswerable("empty", "there is nothing to continue")
        wanted = request.sampling.max_tokens or self._max_tokens
        room = self._layout.room(len(ids), wanted)
        if room < 1:
            raise Unanswerable(
                "too_long", f"{len(ids)} tokens, the context of {self._name} is {self._layout.context}"
            )
        job = Job(request, ids, room, int(request.key(self.kind, self.model)[:15], 16))
        if request.sample and job.way[1] == 0:
            raise UserError(
                f"several samples of {self._name} would all be the same, its answers are greedy;"
                " set a sampling.temperature above 0"
            )
        return job

    async def _work(self) -> None:
        """Answer batches until nobody waits."""
        while self._waiting:
            if len(self._waiting) < self._batch_size:
                await asyncio.sleep(GATHER)
            size = min(self._batch_size, len(self._waiting))
            batch = [self._waiting.popleft() for _ in range(size)]
            batch = [(job, future) for job, future in batch if not future.done()]  # whose time-out is over
            try:
                answers = await asyncio.to_thread(self._answers, [job for job, _ in batch])
            except Exception as error:  # whatever it is, those who wait for it must hear of it
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)

    def _answers(self, jobs: list[Job]) -> list[Answer]:
        """Answers in the order of the jobs; those that differ in room or sampling are not mixed."""
        order = sorted(range(len(jobs)), key=lambda n: jobs[n].way)
        answers: dict[int, Answer] = {}
        for _, group in groupby(order, key=lambda n: jobs[n].way):
            numbers = list(group)
            together = [jobs[n] for n in numbers]
            rows = self._generate(together)
            for number, job, row in zip(numbers, together, rows, strict=True):
                answers[number] = self._read(job, row)
        return [answers[n] for n in range(len(jobs))]

    def _generate(self, jobs: list[Job]) -> list[list[int]]:
        """New ids of each job, the end token and what follows it included."""
        room, temperature, top_p = jobs[0].way
        prompts = [job.ids for job in jobs]
        side = self._layout.padding_side
        ids_BT = torch.from_numpy(pad_rows(prompts, self._layout.pad, side))
        mask_BT = torch.from_numpy(length_mask(prompts, side))
        drawing = [Drawing([job.seed for job in jobs], temperature, top_p)] if temperature else []
        model: Any = self._weights
        with answering(model, self._greedy(room)):
            try:
                out_BT = model.generate(
                    input_ids=ids_BT.to(self._device),
                    attention_mask=mask_BT.to(self._device),
                    logits_processor=LogitsProcessorList(drawing),
                )
            except torch.OutOfMemoryError:
                raise UserError(
                    f"{len(jobs)} requests do not fit into the device's memory together;"
                    f" lower teacher.batch_size={self._batch_size}"
                ) from None
        # Both kinds of output begin with what the model was given: prompt or decoder start.
        given = 1 if model.config.is_encoder_decoder else ids_BT.shape[1]
        rows: list[list[int]] = out_BT[:, given:].tolist()
        return rows

    def _read(self, job: Job, row: list[int]) -> Answer:
        """Text up to the end token, which is not counted."""
        ends = (n for n, token in enumerate(row) if token in self._layout.ends)
        length = next(ends, None)
        raw = self._layout.decode(row[:length])
        return Answer(
            text=raw.strip(),
            finish=LENGTH if length is None else STOP,
            prompt_tokens=len(job.ids),
            response_tokens=len(row) if length is None else length,
            model=self._name,
            raw=raw,
        )

    def _greedy(self, room: int) -> GenerationConfig:
        shipped, config = self._weights.generation_config, self._weights.config
        return GenerationConfig(
            do_sample=False,
            num_beams=1,
            max_new_tokens=room,
            eos_token_id=self._layout.ends,
            pad_token_id=self._layout.pad,
            bos_token_id=getattr(shipped, "bos_token_id", None),
            decoder_start_token_id=getattr(shipped, "decoder_start_token_id", None)
            or getattr(config, "decoder_start_token_id", None),
        )
