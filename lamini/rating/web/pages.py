"""What the templates show. Owners, ids and groups are not in here, so no template can let them slip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lamini.rating.records import Rating
from lamini.rating.study import Item, Study, Target
from lamini.rating.web.posting import NOTE
from lamini.rating.web.text import Shown, shown
from lamini.web.templates import templates

TITLES = {
    "responses": "Rating responses",
    "pairs": "Rating instructions and responses",
    "hallucination": "Rejected or made up?",
    "preference": "Which one is better?",
}


@dataclass(frozen=True, slots=True)
class Card:
    """One target on the page, with what the rater said of it."""

    key: str
    title: str
    texts: tuple[Shown, ...]  # none: it is the instruction, which stands above
    names: tuple[str, ...]  # of the texts, where there are two
    level: str
    note: str
    skipped: bool
    flagged: bool


def cards(
    item: Item, targets: Sequence[Target], ratings: Mapping[str, Rating], scale: Sequence[str]
) -> list[Card]:
    """The cards of an item, in the order in which this rater sees the targets."""
    number, found = 0, []
    several = sum(target.part != "instruction" for target in targets) > 1
    for target in targets:
        number += target.part != "instruction"
        rating = ratings.get(target.key)
        found.append(
            Card(
                key=target.key,
                title=_title(target.part, number if several else None),
                texts=tuple(map(shown, target.texts)) if not _stands_above(target, item) else (),
                names=tuple(scale[: len(target.texts)]) if len(target.texts) > 1 else (),
                level=(rating.level if rating else None) or "",
                note=rating.note if rating else "",
                skipped=bool(rating and rating.skipped),
                flagged=bool(rating and rating.flagged),
            )
        )
    return found


def page(name: str, study: Study, **values: Any) -> str:
    """The HTML of templates/<name>.html."""
    about = {"title": TITLES.get(study.sheet, "Rating"), "scale": study.scale, "note_length": NOTE}
    return templates("lamini.rating.web").get_template(f"{name}.html").render(about | values)


def _stands_above(target: Target, item: Item) -> bool:
    return target.part == "instruction" and target.texts == (item.instruction,)


def _title(part: str, number: int | None) -> str:
    words = {"instruction": "The instruction by itself", "pair": "Pair"}.get(part, "Response")
    return words if number is None else f"{words} {number}"
