"""What a kind of instruction is: how to say it, how to draw one, how to answer it.

A kind is plain data and three functions, so that instruction, answer and check come from one place
and cannot drift apart. The price is that everything a kind knows has to fit into the named fields
of its phrasings: an answer is a function of those fields and of nothing else.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

Fields = dict[str, str]

SELF_INSTRUCT = "self_instruct_without_topic"
TOPIC = "self_instruct_with_topic"
GENERATED_P3 = "generated_p3"
GENERATED_FLAN = "generated_flan"
ALPACA = "alpaca"
P3 = "original_p3"
FLAN = "original_flan"
SOURCES = (SELF_INSTRUCT, TOPIC, GENERATED_P3, GENERATED_FLAN, ALPACA, P3, FLAN)


@dataclass(frozen=True)
class Kind:
    """One kind of instruction.

    `phrasings` and `held_out_phrasings` are templates with fields in braces. `sample` draws the
    fields of one instance; `answer` computes the exact answer from them and raises ValueError or
    LookupError for fields that make no sense. `accepts(fields, text)` says whether a free text is a
    right answer; None means normalised equality with the answer. `weight` is the kind's share of
    the training pairs relative to the others; an `unseen` kind is never trained.
    """

    name: str
    sources: tuple[str, ...]
    phrasings: tuple[str, ...]
    held_out_phrasings: tuple[str, ...]
    sample: Callable[[random.Random], Fields]
    answer: Callable[[Fields], str]
    accepts: Callable[[Fields, str], bool] | None = None
    weight: float = 1.0
    unseen: bool = False


def instance_of(fields: Fields) -> str:
    """The content of an instance as one line: `{"b": "2", "a": "1"}` -> `a=1; b=2`."""
    return "; ".join(f"{name}={fields[name]}" for name in sorted(fields))
