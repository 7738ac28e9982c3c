"""Whether two tokenizers give the same tokens the same ids: logits can be compared only then.

Models pad their vocabularies to round sizes, so the widths of two heads say nothing; the tokens do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from lamini.compose import CONF

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from lamini.config import TrainConfig


def first_difference(ours: dict[str, int], theirs: dict[str, int]) -> tuple[int, str, str] | None:
    """The lowest id of our vocabulary that is another token in theirs, and both tokens; None if all agree.

    Their further tokens behind our last one do not matter: no text of ours holds them, and they are cut off
    like padding. {"a": 0, "b": 1} agrees with {"a": 0, "b": 1, "<pad>": 2}, not the other way round: id 2 is
    "<pad>" here and "nothing" there.
    """
    their_tokens = {index: token for token, index in theirs.items()}
    for token, index in sorted(ours.items(), key=lambda item: item[1]):
        other = their_tokens.get(index, "nothing")
        if other != token:
            return index, token, other
    return None


def mismatch(student: PreTrainedTokenizerBase, teacher: PreTrainedTokenizerBase) -> str | None:
    """Why the student's ids mean something else to the teacher, or None."""
    found = first_difference(student.get_vocab(), teacher.get_vocab())
    if found is None:
        return None
    index, ours, theirs = found
    return (
        f"its vocabulary ({len(teacher):,} tokens) is not the student's ({len(student):,}):"
        f" id {index} is {theirs!r} there and {ours!r} here"
    )


def way_out(config: TrainConfig) -> str:
    """What to do instead, for the student of `config`."""
    if config.tokenizer == "family":
        teacher = f"a teacher of the families that share its tokenizer: {', '.join(relatives(config))}"
    else:
        teacher = "a teacher trained with this very tokenizer (tokenizer=family for the family's own)"
    return f"use objective=sequence, which learns from any teacher's text, or {teacher}"


def relatives(config: TrainConfig) -> list[str]:
    """The families of this repository whose tokenizer is the student's."""
    families = (yaml.safe_load(file.read_text(encoding="utf-8")) for file in CONF.glob("family/*.yaml"))
    own = config.family.tokenizer
    return sorted({config.family.name, *(f["name"] for f in families if f["tokenizer"] == own)})
