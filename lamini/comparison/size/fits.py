"""Scaling: how the error falls with size and with data, family by family, and what the next size would have.

Error is 100 less the mean score, or bits a byte of response text where students were trained on the same
data. What the curve is and how sure it is: lamini/comparison/size/scaling.py. Series too short for one are
told as such.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lamini.analysis.tables import Cell, Column, Table
from lamini.comparison import cells, scores
from lamini.comparison.blocks import Block, Drawing, Listing, Text
from lamini.comparison.comparable import groups
from lamini.comparison.evaluation import differences
from lamini.comparison.herd import Herd, Kind, Member
from lamini.comparison.size import flops, scaling
from lamini.comparison.size.extrapolation import draw_series
from lamini.comparison.size.scaling import Fit
from lamini.comparison.size.series import Series, amount, by_both, by_data, by_size, families_of, parameters
from lamini.rating.summary.bootstrap import Estimate

WHOLE = 100.0  # percent, of which an error is what the score lacks
SIZES, AMOUNTS = "sizes", "amounts of data"


@dataclass(frozen=True)
class Measure:
    """What is fitted: `number` is an error, `shown` turns it into what people read, and back."""

    name: str
    title: str
    number: Callable[[Member], float | None]
    noise: Callable[[Member], float | None]
    percent: bool
    families: Sequence[str]  # of the herd: one colour in all figures

    def shown(self, error: float) -> float:
        """A score of an error of percent, bits a byte as they are."""
        return WHOLE - error if self.percent else error

    def bounds(self, one: Estimate) -> tuple[float, float, float]:
        """Value, low and high as people read them, within what can be."""
        assert one.value is not None and one.interval is not None
        ends = sorted(self.shown(end) for end in one.interval)
        low, high = (max(end, 0.0) for end in ends)
        return (
            self.shown(one.value),
            min(low, WHOLE) if self.percent else low,
            min(high, WHOLE) if self.percent else high,
        )


@dataclass(frozen=True)
class Fitted:
    """A series with its curve, and the next place of it: what it is called, and where."""

    series: Series
    curve: Fit
    next_name: str
    next_place: tuple[float, ...]


def blocks(herd: Herd) -> list[Block]:
    """Over size, over data, and over both, for every suite and for bits a byte."""
    found: list[Block] = []
    for measure, members in _measures(herd):
        found += _over(measure, by_size(members), (SIZES,), [lambda row: float(parameters(row))])
        found += _over(measure, by_data(members), (AMOUNTS,), [lambda row: float(amount(row))])
        both = by_both(members)
        if both:
            places = [lambda row: float(parameters(row)), lambda row: float(amount(row))]
            found += _over(measure, both, (SIZES, AMOUNTS), places)
    return found


def _measures(herd: Herd) -> Iterator[tuple[Measure, list[Member]]]:
    families = families_of(herd)
    for suite in scores.benchmarks(herd.members):
        for number, group in enumerate(groups(herd.members, suite)):
            members = [member for member in group.members if scores.mean(member, suite) is not None]
            name = cells.slug("scaling", suite, *([str(number + 1)] if number else []))
            title = f"the mean of {suite}" + (f" ({group.reason})" if group.reason else "")
            yield Measure(name, title, _error(suite), _noise(suite), True, families), members
    trained = [m for m in herd.members if m.kind is Kind.run and m.status == "done" and _bits(m) is not None]
    if trained:
        yield Measure("scaling_bits", "bits a byte", _bits, _unknown, False, families), trained


def _error(suite: str) -> Callable[[Member], float | None]:
    def error(member: Member) -> float | None:
        mean = scores.mean(member, suite)
        return None if mean is None else WHOLE - mean

    return error


def _noise(suite: str) -> Callable[[Member], float | None]:
    return lambda member: differences.mean_error(member, suite)


def _unknown(member: Member) -> None:
    """How sure a loss is: nobody says."""


def _bits(member: Member) -> float | None:
    found = member.record.get("validation_bits_per_byte")
    return None if found is None else float(found)


def _over(
    measure: Measure, series: Sequence[Series], names: tuple[str, ...], places: Sequence[Callable[..., float]]
) -> Iterator[Block]:
    """Curves of all series over the same things, then why the others have none."""
    fitted: list[Fitted] = []
    refused: dict[str, list[str]] = {}
    for one in series:
        points = [
            (member, tuple(place(row) for place in places)) for row in one.rows for member in row.members
        ]
        known = [
            (error, at, member) for member, at in points if (error := measure.number(member)) is not None
        ]
        obstacle = scaling.obstacle([at for _, at, _ in known], names) if known else None
        if obstacle:
            refused.setdefault(obstacle, []).append(cells.code(one.label))
        elif known:
            noise = [found for _, _, member in known if (found := measure.noise(member)) is not None]
            typical = math.sqrt(statistics.fmean(error**2 for error in noise)) if noise else 0.0
            curve = scaling.fit([at for _, at, _ in known], [error for error, _, _ in known], typical)
            fitted.append(Fitted(one, curve, *_next(one, names)))
    over = " and ".join(names)
    name = measure.name + ("_both" if len(names) > 1 else "" if names == (SIZES,) else "_data")
    if fitted:
        yield Text(f"### Scaling of {measure.title} over {over}\n\n{_explained(measure, names)}")
        if len(names) == 1:
            yield _drawing(measure, fitted, names[0], name)
        yield _curves(measure, fitted, names, name)
        yield _forecasts(measure, fitted, names, f"{name}_forecast")
    if refused and (fitted or names == (SIZES,)):
        told = "; ".join(f"{', '.join(labels)}: {obstacle}" for obstacle, labels in refused.items())
        yield Text(f"No curve of {measure.title} over {over} for {told}.")


def _explained(measure: Measure, names: tuple[str, ...]) -> str:
    terms = {SIZES: "a · parameters^-b", AMOUNTS: "d · pairs^-e"}
    error = "100 less the mean" if measure.percent else "bits a byte"
    law = " + ".join(terms[name] for name in names)
    return (
        f"error = floor + {law}, where the error is {error}. A curve needs three different places, and one"
        " more for a floor. Intervals of 95 % are profiles: every curve inside fits the points nearly as"
        " well. With few points they are wide, and that is what the points say."
    )


def _next(one: Series, names: tuple[str, ...]) -> tuple[str, tuple[float, ...]]:
    """The next size of the family, else a step as far as the last one; the next amount of data likewise."""
    sizes = sorted({parameters(row) for row in one.rows})
    amounts = sorted({amount(row) for row in one.rows})
    if names == (AMOUNTS,):
        step = _step(amounts)
        return f"{step:,.0f} pairs", (step,)
    label, size = next_size(one.family, sizes)
    if len(names) == 1:
        return label, (size,)
    return f"{label} on {amounts[-1]:,} pairs", (size, float(amounts[-1]))


def next_size(family: str, sizes: Sequence[int]) -> tuple[str, float]:
    """The family's next published size above the largest, else one as much larger as that was than the one
    before.

    Flan-T5 with 77, 248 and 783 million: xl, 2.85 billion.
    """
    facts = flops.family_facts(family).get("sizes", {})
    above = [
        (told["parameters"], label) for label, told in facts.items() if told["parameters"] > 1.1 * sizes[-1]
    ]
    if above:
        size, label = min(above)
        return f"{family}-{label}", float(size)
    from lamini.comparison.figures.axes import short

    step = _step(sizes)
    return f"{family} of {short(step)}", step


def _step(places: Sequence[int]) -> float:
    return places[-1] * places[-1] / places[-2]


def _curves(measure: Measure, fitted: Sequence[Fitted], names: tuple[str, ...], name: str) -> Listing:
    unit = "%" if measure.percent else "bits a byte"
    columns = [Column("series"), Column("points", "d"), *(Column(one, "d") for one in names)]
    for axis in names:
        exponent = f"exponent of {axis}"
        columns += [Column(f"{exponent}{end}", ".3f") for end in ("", ", from", ", to")]
    columns += [Column(f"floor, {unit}", ".2f"), Column("floor, from", ".2f"), Column("floor, to", ".2f")]
    columns += [Column("residual", ".3f"), Column("degrees of freedom", "d")]
    lines: list[Sequence[Cell]] = []
    for one in fitted:
        curve, floor = one.curve, one.curve.limit()
        places = [len(set(column)) for column in curve.place_NK.T.tolist()]
        exponents: list[Cell] = []
        for found in curve.exponents():
            exponents += [found.value, *(found.interval or (None, None))]
        limits: list[Cell] = [floor.value, *(floor.interval or ())] if floor else [None, None, None]
        lines.append(
            [
                one.series.label,
                len(curve.error_N),
                *places,
                *exponents,
                *limits,
                curve.residual(),
                curve.freedom,
            ]
        )
    low, high = scaling.EXPONENTS
    notes = [
        f"from, to: 95 %. Exponents are looked for between {low:g} and {high:g}; an interval that ends there"
        " is open. The floor is the error of an endless student of this recipe; empty where there are too few"
        " places for one.",
        *(
            []
            if measure.percent
            else ["Students of different data are different series: their losses do not compare."]
        ),
    ]
    owners = ["\n".join(cells.owner(row) for row in one.series.rows) for one in fitted]
    title = f"Curves of {measure.title} over {' and '.join(names)}"
    return Listing(Table(name, title, columns, lines, notes), rows=owners)


def _forecasts(measure: Measure, fitted: Sequence[Fitted], names: tuple[str, ...], name: str) -> Listing:
    """What the curve says of one more student: a forecast and no measurement."""
    unit = "mean, %" if measure.percent else "bits a byte"
    columns = [Column("series"), Column("forecast of"), *(Column(one, ",.0f") for one in _places(names))]
    columns += [Column(unit, ".2f"), Column("from", ".2f"), Column("to", ".2f"), Column("so far", ".2f")]
    lines: list[Sequence[Cell]] = []
    for one in fitted:
        value, low, high = measure.bounds(one.curve.forecast(*one.next_place))
        last = [
            found for member in one.series.rows[-1].members if (found := measure.number(member)) is not None
        ]
        so_far = measure.shown(statistics.fmean(last)) if last else None
        lines.append([one.series.label, one.next_name, *one.next_place, value, low, high, so_far])
    notes = [
        "**A forecast, not a measurement.** from, to: where one more student of the same recipe would lie"
        " with 95 %, if the curve goes on; scores and bits that cannot be are cut off. It knows nothing of"
        " another recipe or other data, nor of tasks that jump once a size is reached."
    ]
    owners = ["\n".join(cells.owner(row) for row in one.series.rows) for one in fitted]
    title = f"Forecast of the next: {measure.title} over {' and '.join(names)}"
    return Listing(Table(name, title, columns, lines, notes), rows=owners)


def _places(names: tuple[str, ...]) -> list[str]:
    return [{SIZES: "parameters", AMOUNTS: "pairs"}[one] for one in names]


def _drawing(measure: Measure, fitted: Sequence[Fitted], what: str, name: str) -> Drawing:
    axis = "parameters" if what == SIZES else "pairs"
    place = parameters if what == SIZES else amount
    told = []
    for one in fitted:
        value, low, high = measure.bounds(one.curve.forecast(*one.next_place))
        told.append(f"{one.series.label}: {one.next_name} {value:.1f} ({low:.1f} to {high:.1f})")
    unit = "mean score, %" if measure.percent else "bits a byte"
    return Drawing(
        name,
        f"Scaling of {measure.title} over {what}",
        "Points are measured; lines are fitted, bands are the curves' 95 % intervals. Hollow diamonds with"
        " bars to the right are forecasts of the next, with the interval of one more student.",
        f"Fitted curves over {axis}. Forecasts: {'; '.join(told)}.",
        lambda canvas: draw_series(canvas, measure, fitted, place, (axis, unit)),
        width=9.0,
        height=2.9 * math.ceil(len(fitted) / 2) + 0.6,
    )
