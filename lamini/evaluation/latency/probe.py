"""One student from a prompt to <student>/evaluation/latency.json: milliseconds a generated token.

    format        1
    suite, student, source, scratch, versions, wrapper   as of every suite
    device        cpu
    threads       of torch
    precision     of the weights
    hardware      machine, processor, cores: times of different ones do not compare
    key           weights, lengths and repeats: what is the same is not timed again
    tokens        prompt and new tokens of each answer
    token_ms      between one token and the next: median, low and high (the middle 90 %), n
    first_ms      from the prompt to the first token, in the same form
    answer_ms     from the prompt to the last token, in the same form

Medians, since a busy machine makes some tokens late and none early.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamini.children import cores
from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation.identity import versions
from lamini.evaluation.latency.clock import prompt_of, timed
from lamini.evaluation.loading import digest, student_of
from lamini.evaluation.outcome import Outcome
from lamini.evaluation.subjects import Subject
from lamini.runs import ensure_writable, write_atomically

if TYPE_CHECKING:
    from lamini.evaluation.options import Latency

FORMAT = 1
ENDS = (5, 95)  # percentiles


def score(options: Latency, config: EvaluateConfig, subject: Subject) -> Outcome:
    """Time a student, unless its times of these weights, lengths, threads and hardware stand there already.

    Raises:
        UserError: the student cannot be loaded, has no room for the answer, or its folder cannot be written.
    """
    student = student_of(config, subject)
    about = {
        "device": str(student.ready().device),
        "threads": config.threads or cores(),
        "precision": str(student.ready().dtype).removeprefix("torch."),
        "hardware": hardware(),
        "versions": versions(),
        "key": {
            "weights": digest(config, subject), "prompt_tokens": options.prompt_tokens,
            "new_tokens": options.new_tokens, "repeats": options.repeats,
        },
    }  # fmt: skip
    old = read(subject.result(options.name))
    if old and all(old.get(name) == value for name, value in about.items()) and not config.force:
        return Outcome(subject.name, "skipped", numbers(old))
    ensure_writable(subject.result(options.name).parent, "paths.output_dir")
    prompt = prompt_of(student, options.prompt_tokens)
    if student.room(len(prompt), options.new_tokens) < options.new_tokens:
        raise UserError(
            f"suite.prompt_tokens={options.prompt_tokens} and suite.new_tokens={options.new_tokens} do not"
            f" fit into the {student.context} positions of {subject.name}"
        )
    timed(student, prompt, options.new_tokens)  # caches of memory and of code are cold
    answers = [timed(student, prompt, options.new_tokens) for _ in range(options.repeats)]
    record = {
        "format": FORMAT, "suite": options.name, "student": subject.name, "source": subject.source,
        "scratch": subject.scratch, "wrapper": student.wrapper, **about,
        "tokens": {"prompt": len(prompt), "new": options.new_tokens}, **summary(answers),
    }  # fmt: skip
    write_atomically(subject.result(options.name), json.dumps(record, indent=2) + "\n")
    return Outcome(subject.name, "done", numbers(record))


def summary(answers: Sequence[Sequence[float]]) -> dict[str, dict[str, float]]:
    """Of seconds by answer and token. One answer of 3 and 1 and 2 seconds: 1500 ms a token, 3000 to the
    first."""
    return {
        "token_ms": _spread([seconds for answer in answers for seconds in answer[1:]]),
        "first_ms": _spread([answer[0] for answer in answers]),
        "answer_ms": _spread([sum(answer) for answer in answers]),
    }


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    ms = 1000 * np.asarray(seconds)
    low, high = np.percentile(ms, ENDS)
    return {
        "median": round(float(np.median(ms)), 4), "low": round(float(low), 4), "high": round(float(high), 4),
        "n": len(ms),
    }  # fmt: skip


def numbers(record: dict[str, Any]) -> dict[str, float]:
    """Column -> milliseconds."""
    return {name: record[name]["median"] for name in ("token_ms", "first_ms", "answer_ms")}


def read(file: Path) -> dict[str, Any] | None:
    """The times that stand there; None where there are none of this format."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("format") == FORMAT else None


def hardware() -> dict[str, Any]:
    """What the times are of."""
    return {"machine": platform.machine(), "processor": _processor(), "cores": cores()}


def _processor() -> str | None:
    """The model's name, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or None
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, None)
