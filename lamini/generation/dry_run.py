"""dry_run=true: what the job will cost, from the real token counts of a small sample of its own requests.

The sample are the job's first requests, `dry_run_sample` of each source and stage, sent once. Their answers
stay in the log, so that the job itself does not pay for them again. What the sample cost is said.

With a mean of 120 prompt and 400 response tokens a call, 18 instructions a call, and 1,800 wanted: 100 calls,
12,000 and 40,000 tokens.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from rich.table import Table

from lamini import responses
from lamini.config import GenerateConfig
from lamini.errors import UserError
from lamini.generation.asked import Asked, asking
from lamini.instructions.records import Instruction
from lamini.instructions.sources import read, taken, writing
from lamini.instructions.writing import Call, Writing
from lamini.report import console, count
from lamini.teacher.log import Entry
from lamini.teacher.money import dollars
from lamini.teacher.options import OpenAI
from lamini.teacher.prices import Prices
from lamini.teacher.protocol import Answer, Request
from lamini.teacher.stopping import Interruption


@dataclass(frozen=True)
class Estimate:
    """What one stage of a source takes: `requests` at the mean tokens of `sampled` answers."""

    source: str
    stage: str
    sampled: int
    requests: int
    prompt: float  # mean tokens of a request
    response: float  # mean tokens of an answer

    def usd(self, prices: Prices) -> float | None:
        """Dollars of all requests; None where prices are not known."""
        return dollars(prices, self.requests * self.prompt, self.requests * self.response)


def price(config: GenerateConfig, interruption: Interruption) -> None:
    """Print what the job of `config` costs, stage by stage.

    Raises:
        UserError: the sample brought no answer, or one without token counts.
        Stopped: the budget or a signal ended the sample.
    """
    with asking(_at_once(config), interruption) as asked:
        before = asked.log.usage(asked.teacher.kind, asked.teacher.model)
        estimates = list(_estimates(asked))
        after = asked.log.usage(asked.teacher.kind, asked.teacher.model)
    sample = dollars(
        config.teacher.prices,
        after.prompt_tokens - before.prompt_tokens,
        after.response_tokens - before.response_tokens,
    )
    _show(estimates, config.teacher.paid(), sample, after.answers - before.answers)


def _at_once(config: GenerateConfig) -> GenerateConfig:
    """A sample does not wait hours for a batch; it costs the full price instead."""
    if isinstance(config.teacher, OpenAI):
        return replace(config, teacher=replace(config.teacher, batch=False))
    return config


def _estimates(asked: Asked) -> Iterator[Estimate]:
    options = asked.config.instructions
    prompts, topic_list = read(options)
    for name, source in options.sources.items():
        here = prompts[source.collection]
        if source.generate is None:
            wanted = min(here.table.num_rows, source.limit or here.table.num_rows)
            sample: Iterable[Instruction] = taken(name, source, here)
        else:
            wanted = source.generate
            job = writing(name, options, asked.config.seed, here, topic_list)
            estimate, sample = _calls(asked, job)
            yield estimate
        yield _responses(asked, name, sample, wanted)


def _calls(asked: Asked, job: Writing) -> tuple[Estimate, list[Instruction]]:
    """The instruction stage of a written source, and the instructions of the sample."""
    calls: list[tuple[Call, Request]] = list(islice(job.wave(), asked.config.dry_run_sample))
    answers = _sampled(asked, f"{job.name}, sample", calls)
    for (call, _), answer in zip(calls, answers, strict=True):
        job.take(call, answer)
    if not job.written:
        raise UserError(
            f"instructions.sources.{job.name}: the sample of {len(calls)} requests gave no instruction"
        )
    needed = math.ceil(job.wanted * len(calls) / job.written)
    known = dict(enumerate(answers))  # calls of the wave beyond the sample were not made
    found = list(job.instructions(lambda several: (("", known.get(call.number)) for call in several)))
    return _estimate(job.name, "instructions", answers, needed), found


def _responses(asked: Asked, name: str, instructions: Iterable[Instruction], wanted: int) -> Estimate:
    """The response stage of a source."""
    options = asked.config.responses
    requests = responses.requests(instructions, options, asked.config.seed)
    sample = list(islice(requests, asked.config.dry_run_sample))
    answers = _sampled(asked, f"{name}, sample of responses", sample)
    return _estimate(name, "responses", answers, wanted * options.samples)


def _sampled(asked: Asked, title: str, requests: list[tuple[Any, Request]]) -> list[Answer | None]:
    """The answers to the requests in their order; None where there is none."""
    asked.ask(title, requests, len(requests), lambda *_: None)
    entries: list[Entry | None] = [entry for _, entry in asked.answers(requests)]
    return [entry.answer if entry else None for entry in entries]


def _estimate(name: str, stage: str, answers: list[Answer | None], requests: int) -> Estimate:
    got = [answer for answer in answers if answer is not None]
    told = [
        (answer.prompt_tokens, answer.response_tokens)
        for answer in got
        if answer.prompt_tokens is not None and answer.response_tokens is not None
    ]
    if not told:
        why = "the teacher does not tell its tokens" if got else "no answer"
        raise UserError(f"{name}, {stage}: a sample of {len(answers)} requests cannot be priced ({why})")
    prompt, response = (sum(side) / len(told) for side in zip(*told, strict=True))
    return Estimate(name, stage, len(told), requests, prompt, response)


def _show(estimates: list[Estimate], prices: Prices, sample: float | None, answers: int) -> None:
    view = Table(title="Dry run", title_justify="left")
    for column in ("source", "stage", "sampled", "requests", "prompt tokens", "response tokens", "usd"):
        view.add_column(column, justify="left" if column in ("source", "stage") else "right")
    for item in estimates:
        view.add_row(
            item.source, item.stage, f"{item.sampled}", f"{item.requests:,}", f"{item.prompt:.0f}",
            f"{item.response:.0f}", _dollars(item.usd(prices)),
        )  # fmt: skip
    console().print(view)
    prompt = sum(item.requests * item.prompt for item in estimates)
    response = sum(item.requests * item.response for item in estimates)
    print(
        f"in all about {_dollars(dollars(prices, prompt, response))} for {count(prompt)} prompt and"
        f" {count(response)} response tokens (means of the sample times requests; failures not counted)"
    )
    print(f"this sample: {answers:,} new answers, {_dollars(sample)}; they stay in the log, paid once")


def _dollars(usd: float | None) -> str:
    return "not known" if usd is None else f"${usd:,.2f}" if usd >= 1 or not usd else f"${usd:.4f}"
