"""What a teacher is asked for each instruction: system message and the bare instruction (paper §3.2, App. B).

The paper told the teacher once and for all to be concise, and all answers became short. With
`responses.length`, a sentence is drawn for each instruction and added to the system message: a pure
function of seed and text, so that the same instruction is asked the same way in every order, process and
rerun. Repeats of an instruction are therefore one request, paid for once; further answers are `samples`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b

from lamini.config import Responses
from lamini.errors import UserError
from lamini.instructions.records import Instruction
from lamini.instructions.templates import load
from lamini.teacher.protocol import Message, Request
from lamini.teacher.sampling import sampling


def check(options: Responses) -> None:
    """Raise UserError for impossible numbers and an unknown template."""
    if options.samples < 1:
        raise UserError(f"responses.samples={options.samples} must be at least 1")
    for sentence, weight in (options.length or {}).items():
        if not (math.isfinite(weight) and weight >= 0):
            raise UserError(
                f"responses.length has the weight {weight} for {sentence!r}; it must be 0 or more"
            )
    if options.length is not None and not any(options.length.values()):
        raise UserError("responses.length has no sentence with a weight above 0; null adds none")
    _system(options)
    sampling(options.sampling, "responses.sampling")


def requests(
    instructions: Iterable[Instruction], options: Responses, seed: int
) -> Iterator[tuple[Instruction, Request]]:
    """`samples` requests for each instruction, streamed; `request.sample` tells them apart."""
    system, how = _system(options), sampling(options.sampling, "responses.sampling")
    for instruction in instructions:
        told = system
        if options.length:
            told = " ".join(filter(None, (system, length(instruction.text, options.length, seed))))
        head = (Message("system", told),) if told else ()
        messages = (*head, Message("user", instruction.text))
        for sample in range(options.samples):
            yield instruction, Request(messages, how, sample)


def length(text: str, weights: Mapping[str, float], seed: int) -> str:
    """The sentence about length that goes with an instruction; each as often as its weight says.

    The order in which the sentences stand in the configuration does not count.

    >>> length("Sing", {"Answer in one sentence.": 1.0, "Answer at length.": 3.0}, seed=42)
    'Answer at length.'
    """
    place = int.from_bytes(blake2b(f"{seed}/{text}".encode(), digest_size=8).digest(), "big") / 2**64
    sentences = sorted(sentence for sentence, weight in weights.items() if weight)
    left = place * sum(weights[sentence] for sentence in sentences)
    for sentence in sentences[:-1]:
        left -= weights[sentence]
        if left < 0:
            return sentence
    return sentences[-1]


def _system(options: Responses) -> str:
    """The system message without a word about length; "" for none."""
    return load(options.system, "responses.system", ()).fill() if options.system is not None else ""
