"""The figure of the overview: every student's mean over the tasks of its suite, best at the top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lamini.comparison import comparable, scores
from lamini.comparison.blocks import Drawing
from lamini.comparison.figures.drawing import FAINT, INK, colour_of, gid, marker_of
from lamini.comparison.herd import Herd, Member
from lamini.comparison.size.series import tuned

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

SHOWN = 40


def standing(herd: Herd) -> Drawing | None:
    """Of the suite that most students have, whole ones first; None where fewer than two compare."""
    found = [(group, suite) for suite in scores.benchmarks(herd.members)
             for group in comparable.groups(herd.members, suite)]  # fmt: skip
    group, suite = max(found, key=lambda one: (len(one[0].members), not one[0].limit), default=(None, ""))
    if group is None or len(group.members) < 2:
        return None
    means = {m.key: mean for m in group.members if (mean := scores.mean(m, suite)) is not None}
    ranked = sorted((m for m in group.members if m.key in means), key=lambda m: -means[m.key])[:SHOWN]
    chances = [score.chance for task in scores.columns(ranked[0], suite)
               if (score := scores.score(ranked[0], suite, task)) and score.share]  # fmt: skip
    known = [chance for chance in chances if chance is not None]
    chance = sum(known) / len(known) if known and len(known) == len(chances) else None
    more = f", the first {SHOWN} of {len(means)}" if len(means) > SHOWN else ""

    places = [(member, means[member.key], scores.mean_error(member, suite)) for member in ranked]

    def draw(canvas: Canvas) -> None:
        _draw(canvas, places, chance)

    return Drawing(
        "standing",
        f"Mean over {len(group.tasks)} tasks",
        f"Mean of `{suite}` in percent{more}, with its standard error where it is known."
        + (" Hollow: not trained on the pairs." if not all(map(tuned, ranked)) else "")
        + (" Dashed: what guessing gets." if chance is not None else ""),
        f"Students ranked by their mean of {suite}: from {ranked[0].key} with {means[ranked[0].key]:.1f}"
        f" down to {ranked[-1].key} with {means[ranked[-1].key]:.1f} percent.",
        draw,
        8.0,
        1.2 + 0.26 * len(ranked),
    )


def _draw(canvas: Canvas, places: Sequence[tuple[Member, float, float | None]], chance: float | None) -> None:
    axes = canvas.subplots()
    families = sorted({member.family for member, _, _ in places})
    labelled: set[str] = set()
    for place, (member, mean, error) in enumerate(places):
        colour = colour_of(member.family, families)
        dot = axes.errorbar(
            [mean], [place], xerr=error, fmt=marker_of(member.family, families), color=colour, elinewidth=1,
            markersize=6, markerfacecolor=colour if tuned(member) else "none",
            label=None if member.family in labelled else member.family,
        )  # fmt: skip
        labelled.add(member.family)
        gid(dot, member.key)
    if chance is not None:
        axes.axvline(chance, color=FAINT, linestyle="--", linewidth=1)
    axes.set_yticks(range(len(places)), [member.key for member, _, _ in places], color=INK)
    for tick, (member, _, _) in zip(axes.get_yticklabels(), places, strict=True):
        gid(tick, member.key)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("percent")
    axes.legend(loc="lower right")
