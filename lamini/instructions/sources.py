"""From a source of the configuration to its instructions: taken as they are, or written by a teacher.

read(options)            -> prompts of every collection that is used, and the topics where a source names any
source.generate is null  -> taken(name, source, prompts)
otherwise                -> writing(name, options, seed, prompts, topics): waves of calls, then instructions
"""

from __future__ import annotations

from collections.abc import Iterator

from lamini.config import Instructions, InstructionSource
from lamini.errors import UserError
from lamini.instructions import existing, topics
from lamini.instructions.checks import template_of, used
from lamini.instructions.drawing import Examples
from lamini.instructions.existing import Prompts
from lamini.instructions.records import Instruction
from lamini.instructions.topics import TopicList
from lamini.instructions.writing import Writing
from lamini.teacher.sampling import sampling


def read(options: Instructions) -> tuple[dict[str, Prompts], TopicList | None]:
    """The prompts of every collection that a source draws from, and the topics if a source names any.

    Raises:
        UserError: a file, column or the hub is missing, or nothing in it is usable.
    """
    prompts = {}
    for name in used(options):
        print(f"reading {name} ...", flush=True)
        prompts[name] = existing.load(name, options.collections[name])
    named = any(source.generate and source.topics for source in options.sources.values())
    return prompts, topics.load(options.topics) if named else None


def taken(name: str, source: InstructionSource, prompts: Prompts) -> Iterator[Instruction]:
    """The collection's own prompts, `source.limit` of them, in order of their hash."""
    return (Instruction(text, name) for text in prompts.texts(source.limit))


def writing(
    name: str, options: Instructions, seed: int, prompts: Prompts, topic_list: TopicList | None
) -> Writing:
    """The calls of source `name`; `topic_list` may be None where it names no topics.

    Raises:
        UserError: fewer prompts or topics than one request shows.
    """
    source = options.sources[name]
    examples = Examples(prompts, source.examples, f"instructions.sources.{name}.examples")
    assert topic_list is not None or not source.topics
    if topic_list is not None and len(topic_list) < source.topics:
        raise UserError(
            f"instructions.sources.{name}.topics={source.topics}, but there are only {len(topic_list)} topics"
            " in instructions.topics"
        )
    return Writing(
        name,
        source,
        seed,
        examples,
        topic_list if source.topics else None,
        template_of(name, source),
        sampling(options.sampling, "instructions.sampling"),
    )
