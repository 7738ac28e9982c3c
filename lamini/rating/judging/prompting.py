"""What a judge is asked about one target, and the level in what it said.

It sees what a person sees of the target: the instruction, the text or the two that are compared, in the order
in which people see them, and every level with its criteria. No owner, no item id, no group.
"""

from __future__ import annotations

from pathlib import Path

from lamini.generation import judges
from lamini.instructions.templates import Template
from lamini.rating.study import Item, Scale, Target
from lamini.teacher.words import word_in

OURS = Path(__file__).with_name("prompt.txt")
KEY = "judge.prompt"
NEEDED = ("levels", "texts")
ALLOWED = ("question", "levels", "instruction", "texts", "letters")


def template(prompt: str | None) -> Template:
    """The text of a file with {levels} and {texts}, ours without one.

    Raises:
        UserError: no such file, or a text that is no template.
    """
    file = OURS if prompt is None else Path(prompt).expanduser()
    return judges.template(file, f"{KEY}={prompt}", ALLOWED, NEEDED)


def asked_about(template: Template, scale: Scale, item: Item, target: Target) -> str:
    """The prompt on one target; an instruction that is rated itself stands alone."""
    letters = [*scale.letters]
    return template.fill(
        question=scale.question,
        levels="\n".join(f"{level.letter}: {level.name}. {level.criteria}" for level in scale.levels),
        instruction="" if target.part == "instruction" else item.instruction,
        texts=tagged(target),
        letters=f"{', '.join(letters[:-1])} or {letters[-1]}",
    )


def tagged(target: Target) -> str:
    """The texts of a target between tags that name its part.

    >>> tagged(Target("", "pair", ("Yes", "No"), ("gpt2", "t5")))
    '<response_1>Yes</response_1>\\n<response_2>No</response_2>'
    """
    if len(target.texts) == 1:
        return f"<{target.part}>{target.texts[0]}</{target.part}>"
    numbered = enumerate(target.texts, start=1)
    return "\n".join(f"<response_{number}>{text}</response_{number}>" for number, text in numbered)


def level_in(text: str, scale: Scale) -> str | None:
    """The letter that a text is, whatever its case and marks; None for every other text.

    Strict on purpose: a judge that was told to say one letter and says more may mean anything by it.
    """
    word = word_in(text).upper()
    return word if word in scale.letters else None
