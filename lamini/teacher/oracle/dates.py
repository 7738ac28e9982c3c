"""Kinds about days, months and dates.

Names of people make the many instances of a question whose core has only a few dozen; the weekday
of a real date is an honest impossibility for a tiny student and keeps a low weight.
"""

import calendar
import random

from lamini.teacher.oracle.kinds import (
    ALPACA,
    FLAN,
    GENERATED_FLAN,
    GENERATED_P3,
    P3,
    SELF_INSTRUCT,
    TOPIC,
    Fields,
    Kind,
)
from lamini.teacher.oracle.vocabulary import COUNTS, DAYS, MONTHS, NAMES, PLACES


def _sample_day(rng: random.Random) -> Fields:
    return {
        "name": rng.choice(NAMES),
        "place": rng.choice(PLACES),
        "day": rng.choice(DAYS),
        "count": rng.choice(COUNTS[1:6]),
    }


def _day_after(fields: Fields) -> str:
    shift = COUNTS.index(fields["count"]) + 1
    return DAYS[(DAYS.index(fields["day"]) + shift) % 7]


def _sample_month(rng: random.Random) -> Fields:
    first, second = rng.sample(NAMES, 2)
    month, count = rng.choice(MONTHS), rng.choice(COUNTS[1:4])
    return {"a": first, "b": second, "month": month, "count": count}


def _month_after(fields: Fields) -> str:
    shift = COUNTS.index(fields["count"]) + 1
    return MONTHS[(MONTHS.index(fields["month"]) + shift) % 12]


def _sample_date(rng: random.Random) -> Fields:
    return {
        "day": str(rng.randint(1, 28)),
        "month": rng.choice(MONTHS),
        "year": str(rng.randint(1990, 2029)),
    }


def _iso(fields: Fields) -> str:
    month = MONTHS.index(fields["month"]) + 1
    return f"{int(fields['year']):04}-{month:02}-{int(fields['day']):02}"


def _weekday(fields: Fields) -> str:
    month = MONTHS.index(fields["month"]) + 1
    return DAYS[calendar.weekday(int(fields["year"]), month, int(fields["day"]))]


def _sample_earlier(rng: random.Random) -> Fields:
    first, second = rng.sample(MONTHS, 2)
    a, b = rng.sample(NAMES, 2)
    return {
        "a": a,
        "b": b,
        "first": first,
        "second": second,
        "which": rng.choice(("first", "last")),
    }


def _earlier(fields: Fields) -> str:
    a, b = MONTHS.index(fields["first"]), MONTHS.index(fields["second"])
    if a == b or fields["which"] not in ("first", "last"):
        raise ValueError("no order between the two")
    return fields["a"] if (a < b) == (fields["which"] == "first") else fields["b"]


DATE_KINDS = (
    Kind(
        name="day_after",
        sources=(P3, GENERATED_P3, SELF_INSTRUCT, TOPIC),
        phrasings=(
            "{name} left the {place} on {day} and came back {count} days later. On which day?",
            "On {day} {name} said: I go to the {place} in {count} days. Which day is that?",
            "Today is {day}. In {count} days {name} opens the {place}. What day is it then?",
            "The {place} of {name} closes {count} days after {day}. Which day is it?",
        ),
        held_out_phrasings=(
            "{name} was at the {place} on {day} and again {count} days later. Which day was it?",
        ),
        sample=_sample_day,
        answer=_day_after,
        weight=0.3,
    ),
    Kind(
        name="month_after",
        sources=(P3, GENERATED_P3, FLAN),
        phrasings=(
            "{a} was born in {month}, {b} {count} months later. In which month was {b} born?",
            "{b} came {count} months after {a}. {a} came in {month}. When did {b} come?",
            "In {month} {a} wrote to {b}, who answered {count} months later. In which month?",
            "{a} left in {month}. {b} left {count} months later. When did {b} leave?",
        ),
        held_out_phrasings=(
            "{a} came in {month}. {b} came {count} months later. In which month did {b} come?",
        ),
        sample=_sample_month,
        answer=_month_after,
        weight=0.3,
    ),
    Kind(
        name="earlier_month",
        sources=(P3, FLAN, GENERATED_P3),
        phrasings=(
            "{a} came in {first} and {b} came in {second} of the same year. Who came {which}?",
            "In one year {a} left in {first} and {b} left in {second}. Who left {which}?",
            "{a} has a birthday in {first}, {b} in {second}. Whose is {which} in the year?",
            "This year {a} starts in {first} and {b} in {second}. Who starts {which}?",
        ),
        held_out_phrasings=("This year {a} left in {first} and {b} in {second}. Who left {which}?",),
        sample=_sample_earlier,
        answer=_earlier,
        weight=0.5,
    ),
    Kind(
        name="date_format",
        sources=(SELF_INSTRUCT, ALPACA, GENERATED_FLAN),
        phrasings=(
            "Write {day} {month} {year} as year-month-day.",
            "Give the date {day} {month} {year} in digits, the year first.",
            "Turn {month} {day}, {year} into an ISO date.",
            "How is {day} {month} {year} written in the ISO format?",
        ),
        held_out_phrasings=("Write the date {month} {day}, {year} as year-month-day.",),
        sample=_sample_date,
        answer=_iso,
        weight=0.6,
    ),
    Kind(
        name="weekday",
        sources=(ALPACA, FLAN),
        phrasings=(
            "Which weekday was {day} {month} {year}?",
            "On which day of the week does {day} {month} {year} fall?",
            "Name the weekday of {month} {day}, {year}.",
        ),
        held_out_phrasings=("What day of the week is {month} {day}, {year}?",),
        sample=_sample_date,
        answer=_weekday,
        weight=0.2,
    ),
)
