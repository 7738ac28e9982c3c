"""What an instruction is on its way from a collection or a teacher to its response."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction and where it comes from; those of a collection have no examples, topics or request."""

    text: str
    source: str  # instruction_source
    examples: tuple[str, ...] = ()  # shown to the teacher that wrote it
    topics: tuple[str, ...] = ()  # named to it
    request: str = ""  # key of the request that wrote it
