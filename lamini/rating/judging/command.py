"""`rate.py mode=judge`: a teacher gives every target a level, and stands among the raters as a judge.

Targets come in the order in which a person in its place would see them; each is one request, so that none is
judged by its neighbours. The request log holds every answer: the same line again asks only what is missing,
and rates nothing twice. Ratings are stored when all targets have been asked about.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from uuid import uuid4

from lamini.config import RateConfig
from lamini.errors import UserError
from lamini.generation import judges
from lamini.generation.judges import Judgement
from lamini.rating.assignment import order
from lamini.rating.judging.prompting import asked_about, level_in, template
from lamini.rating.records import NAME
from lamini.rating.store import Event, Rater, Store
from lamini.rating.study import Item, Target, hashed
from lamini.teacher.sampling import sampling

JUDGE = "judge"  # kind of rater


def check(config: RateConfig) -> None:
    """Raise UserError for a teacher that cannot judge, and for a prompt or numbers that cannot work."""
    if config.judge.tries < 1:
        raise UserError(f"judge.tries={config.judge.tries} must be at least 1")
    sampling(config.judge.sampling, "judge.sampling")
    template(config.judge.prompt)
    if config.teacher is None:
        raise UserError("mode=judge needs a teacher=<teacher> that judges, such as openai or transformers")
    judges.check_teacher(config)


def judge(store: Store, config: RateConfig) -> None:
    """Ask the teacher about every target of the study, store its levels, and print what came of it.

    Raises:
        UserError: the teacher cannot be asked, falls silent, or the budget is used up; what came is logged.
        KeyboardInterrupt: a signal came; the same line continues.
    """
    study, prompt = store.study, template(config.judge.prompt)
    first = sampling(config.judge.sampling, "judge.sampling")
    with judges.judge_of(config) as asked:
        rater = store.join(name_of(asked.teacher.model), kind=JUDGE)
        name = rater.name
        pages = [(item, target) for item in study.items for target in order(study, item, rater.id)]
        texts = [asked_about(prompt, study.scale, item, target) for item, target in pages]
        found = judges.rounds(
            asked,
            f"{name}: levels",
            texts,
            lambda text: level_in(text, study.scale),
            first,
            config.judge.tries,
        )
    added = stored(store, rater, pages, found)
    print(told(name, found, added), flush=True)


def name_of(model: str) -> str:
    """The judge among raters; another model, or other settings of it, is another judge.

    >>> name_of("gpt-4o-2024-11-20")
    'judge gpt-4o-2024-11-20'
    """
    name = f"{JUDGE} {model}"
    return name if len(name) <= NAME else f"{name[: NAME - 9]} {hashed(model)[:8]}"


def stored(
    store: Store, rater: Rater, pages: Sequence[tuple[Item, Target]], found: Sequence[Judgement]
) -> int:
    """Add what the judge has not said before; how much that is.

    A target that was set aside is stored as skipped, with the reason as its note.
    """
    before = {one.target: (one.level, one.note) for one in store.current(rater.id)}
    added, now = 0, time.time()
    for (item, target), judgement in zip(pages, found, strict=True):
        said = (judgement.verdict, judgement.set_aside or "")
        if before.get(target.key) != said:
            event = Event(
                str(uuid4()), rater.id, item.key, target.key, judgement.verdict, judgement.set_aside or "",
                skipped=judgement.verdict is None, at=now,
            )  # fmt: skip
            added += store.rate(event)
    return added


def told(name: str, found: Sequence[Judgement], added: int) -> str:
    """What the line ends with."""
    levels = Counter(one.verdict for one in found if one.verdict)
    counts = judges.counted(found)
    told = f"{name}: {sum(levels.values()):,} of {len(found):,} texts have a level ("
    told += ", ".join(f"{letter} {count:,}" for letter, count in sorted(levels.items())) + ")"
    if counts["asked_again"]:
        told += f", asked again {counts['asked_again']:,} time(s)"
    if aside := counts["set_aside"]:
        told += f", set aside {', '.join(f'{why} {count:,}' for why, count in aside.items())}"
    return f"{told}; {added:,} are new. mode=summary tells how far it agrees with people"
