"""The answers: how many calls and tokens 2.58 million pairs take, what bounds them, what they cost.

A call answers one instruction; further calls wrote the instructions, 20 a call from self-instruct's examples
and 10 from those of P3 and FLAN (section 3.1). Tokens are those of the paper's Table 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml
from constants import ROOT, Constants

from lamini.teacher.money import dollars
from lamini.teacher.prices import Prices

TABLE: dict[str, Any] = yaml.safe_load((ROOT / "lamini" / "analysis" / "paper.yaml").read_text("utf-8"))[
    "table1"
]
WRITTEN = {  # by the teacher -> instructions a call
    "self_instruct_without_topic": 20,
    "self_instruct_with_topic": 20,
    "generated_p3": 10,
    "generated_flan": 10,
}
MILLION = 1e6


@dataclass(frozen=True)
class Stage:
    """One part of the job: seconds, and what they are bound by."""

    name: str
    seconds: float
    bound: str


def writing_calls() -> float:
    """Calls that wrote instructions: 13,500 + 14,000 + 30,000 + 29,000."""
    return sum(TABLE[name]["pairs"] * MILLION / a_call for name, a_call in WRITTEN.items())


def requests(c: Constants) -> float:
    """Calls of the teacher."""
    return c["pairs"] + writing_calls()


def tokens(c: Constants) -> tuple[float, float]:
    """Tokens sent and received."""
    sent = TABLE["all"]["instruction"]["tokens"] * MILLION + c["pairs"] * c["system_tokens"]
    sent += writing_calls() * c["instruction_prompt_tokens"]
    received = TABLE["all"]["response"]["tokens"]
    received += sum(TABLE[name]["instruction"]["tokens"] for name in WRITTEN)
    return sent, received * MILLION


def answers(c: Constants, gpus: int, teacher: str) -> Stage:
    """The stage of asking: `api` and `top` of a paid endpoint by its limits, `local` on the GPUs.

    This project's engine on two cores is a limit too; an own teacher has an engine on each of its machines.
    """
    sent, received = tokens(c)
    engines = 1
    if teacher == "local":
        limits = {"GPU time of the teacher": received / (gpus * c["local_teacher_tokens_per_second"])}
        engines = -(-gpus // int(c["gpus_per_machine"]))
    else:
        top = "top_" if teacher == "top" else ""
        limits = {
            "requests a minute": requests(c) / c[f"{top}requests_per_minute"] * 60,
            "tokens a minute": (sent + received) / c[f"{top}tokens_per_minute"] * 60,
        }
    limits["the engine"] = requests(c) / (engines * c["engine_requests_per_second"])
    bound = max(limits, key=lambda name: limits[name])
    return Stage("answers", limits[bound], bound)


def answer_dollars(c: Constants, teacher: str, gpus: int) -> float:
    """What the teacher costs: tokens of an endpoint, or GPU hours."""
    if teacher == "local":
        return gpus * answers(c, gpus, teacher).seconds / 3600 * c["gpu_hour_dollars"]
    return dollars(Prices(c["prompt_dollars"], c["response_dollars"]), *tokens(c)) or 0.0
