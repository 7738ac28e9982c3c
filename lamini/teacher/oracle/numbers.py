"""Kinds about numbers and units.

Exact arithmetic is hard for tiny students and stays in as an honest difficulty at a low weight;
factors of ten and comparisons are learnable and carry more of it.
"""

import random

from lamini.teacher.oracle.checking import normalise, same_items
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

# (larger unit, smaller unit) -> how many of the smaller make one of the larger
_FACTORS = {
    ("metres", "centimetres"): 100,
    ("kilometres", "metres"): 1000,
    ("kilograms", "grams"): 1000,
    ("litres", "millilitres"): 1000,
    ("centimetres", "millimetres"): 10,
    ("centuries", "years"): 100,
    ("decades", "years"): 10,
    ("euros", "cents"): 100,
    ("hours", "minutes"): 60,
    ("weeks", "days"): 7,
    ("years", "months"): 12,
    ("days", "hours"): 24,
}


def _two(rng: random.Random) -> Fields:
    a, b = rng.sample(range(10, 100), 2)
    return {"a": str(a), "b": str(b)}


def _three(rng: random.Random) -> Fields:
    return {"numbers": ", ".join(map(str, rng.sample(range(10, 100), 3)))}


def _sorted(fields: Fields) -> list[int]:
    return sorted(int(number) for number in fields["numbers"].split(", "))


def _ascending(fields: Fields) -> str:
    return ", ".join(map(str, _sorted(fields)))


def _descending(fields: Fields) -> str:
    return ", ".join(map(str, _sorted(fields)[::-1]))


def _sample_difference(rng: random.Random) -> Fields:
    a, b = sorted(rng.sample(range(1, 60), 2))
    return {"a": str(b), "b": str(a)}


def _sample_product(rng: random.Random) -> Fields:
    return {"a": str(rng.randint(2, 12)), "b": str(rng.randint(2, 12))}


def _sample_parity(rng: random.Random) -> Fields:
    numbers = rng.sample(range(10, 100, 2), 2) + [rng.randrange(11, 100, 2)]
    wanted = rng.choice(("odd", "even"))
    if wanted == "even":
        numbers = [number ^ 1 for number in numbers]
    rng.shuffle(numbers)
    return {"parity": wanted, "numbers": ", ".join(map(str, numbers))}


def _of_parity(fields: Fields) -> str:
    remainder = ("even", "odd").index(fields["parity"])
    (answer,) = (n for n in _sorted(fields) if n % 2 == remainder)
    return str(answer)


def _sample_sequence(rng: random.Random) -> Fields:
    start, step = rng.randint(1, 60), rng.choice((1, 2, 3, 5, 10))
    return {"numbers": ", ".join(str(start + step * i) for i in range(3))}


def _next(fields: Fields) -> str:
    a, b, c = (int(number) for number in fields["numbers"].split(", "))
    if b - a != c - b:
        raise ValueError("the steps differ")
    return str(c + c - b)


def _sample_units(rng: random.Random) -> Fields:
    (large, small), factor = rng.choice(list(_FACTORS.items()))
    most = 99 if factor % 10 == 0 and factor != 60 else 12
    return {"count": str(rng.randint(2, most)), "large": large, "small": small}


def _converted(fields: Fields) -> str:
    return str(int(fields["count"]) * _FACTORS[fields["large"], fields["small"]])


def _accepts_amount(fields: Fields, text: str) -> bool:
    return normalise(normalise(text).removesuffix(fields["small"])) == _converted(fields)


NUMBER_KINDS = (
    Kind(
        name="addition",
        sources=(ALPACA, FLAN, GENERATED_FLAN, SELF_INSTRUCT),
        phrasings=(
            "What is {a} plus {b}?",
            "Add {a} and {b}.",
            "Work out {a} + {b}.",
            "What is the sum of {a} and {b}?",
        ),
        held_out_phrasings=("How much is {a} and {b} together?",),
        sample=_two,
        answer=lambda fields: str(int(fields["a"]) + int(fields["b"])),
        weight=0.3,
    ),
    Kind(
        name="subtraction",
        sources=(ALPACA, FLAN, GENERATED_FLAN),
        phrasings=(
            "What is {a} minus {b}?",
            "Take {b} away from {a}.",
            "Work out {a} - {b}.",
            "What is the difference between {a} and {b}?",
        ),
        held_out_phrasings=("How much is left of {a} without {b}?",),
        sample=_sample_difference,
        answer=lambda fields: str(int(fields["a"]) - int(fields["b"])),
        weight=0.3,
    ),
    Kind(
        name="multiplication",
        sources=(ALPACA, FLAN),
        phrasings=(
            "What is {a} times {b}?",
            "Multiply {a} by {b}.",
            "Work out {a} * {b}.",
            "What is the product of {a} and {b}?",
        ),
        held_out_phrasings=("How much is {a} times {b}?",),
        sample=_sample_product,
        answer=lambda fields: str(int(fields["a"]) * int(fields["b"])),
        weight=0.3,
    ),
    Kind(
        name="larger_of_two",
        sources=(P3, GENERATED_P3, SELF_INSTRUCT),
        phrasings=(
            "Which is larger: {a} or {b}?",
            "Which number is greater, {a} or {b}?",
            "Of {a} and {b}, write the larger number.",
            "Compare {a} with {b} and give the greater one.",
        ),
        held_out_phrasings=("Write the larger number of {a} and {b}.",),
        sample=_two,
        answer=lambda fields: str(max(int(fields["a"]), int(fields["b"]))),
        weight=0.3,
    ),
    Kind(
        name="smallest_number",
        sources=(P3, GENERATED_P3, TOPIC),
        phrasings=(
            "Which of these numbers is the smallest: {numbers}?",
            "Find the smallest number: {numbers}",
            "Write the least of {numbers}.",
            "What is the minimum of {numbers}?",
        ),
        held_out_phrasings=("Write the smallest number of {numbers}.",),
        sample=_three,
        answer=lambda fields: str(_sorted(fields)[0]),
        weight=0.3,
    ),
    Kind(
        name="middle_number",
        sources=(P3, GENERATED_P3),
        phrasings=(
            "Which of these numbers is the middle one in size: {numbers}?",
            "Find the median: {numbers}",
            "What is the median of {numbers}?",
        ),
        held_out_phrasings=("Neither the smallest nor the largest of {numbers}: which one is it?",),
        sample=_three,
        answer=lambda fields: str(_sorted(fields)[1]),
        unseen=True,
    ),
    Kind(
        name="sort_numbers",
        sources=(ALPACA, SELF_INSTRUCT, GENERATED_FLAN),
        phrasings=(
            "Sort these numbers from small to large: {numbers}",
            "Put {numbers} in ascending order.",
            "Arrange the numbers {numbers}, smallest first.",
            "Order {numbers} from the smallest to the largest.",
        ),
        held_out_phrasings=("Write {numbers} in order, smallest first.",),
        sample=_three,
        answer=_ascending,
        accepts=same_items(_ascending),
        weight=0.3,
    ),
    Kind(
        name="sort_down",
        sources=(ALPACA, SELF_INSTRUCT),
        phrasings=(
            "Sort these numbers from large to small: {numbers}",
            "Put {numbers} in descending order.",
            "Arrange the numbers {numbers}, largest first.",
        ),
        held_out_phrasings=("Write {numbers} in order, largest first.",),
        sample=_three,
        answer=_descending,
        accepts=same_items(_descending),
        unseen=True,
    ),
    Kind(
        name="odd_or_even",
        sources=(P3, FLAN, GENERATED_P3),
        phrasings=(
            "Which of these numbers is {parity}: {numbers}?",
            "Find the {parity} number: {numbers}",
            "Only one of {numbers} is {parity}. Which number?",
            "Choose the {parity} number from {numbers}.",
        ),
        held_out_phrasings=("Here are some numbers: {numbers}. Which one is {parity}?",),
        sample=_sample_parity,
        answer=_of_parity,
        weight=0.3,
    ),
    Kind(
        name="next_number",
        sources=(SELF_INSTRUCT, GENERATED_FLAN, ALPACA),
        phrasings=(
            "Which number comes next: {numbers}?",
            "Continue the sequence: {numbers}",
            "What follows {numbers}?",
            "Give the next number after {numbers}.",
        ),
        held_out_phrasings=("What is the next number in the sequence {numbers}?",),
        sample=_sample_sequence,
        answer=_next,
        weight=0.3,
    ),
    Kind(
        name="units",
        sources=(ALPACA, SELF_INSTRUCT, FLAN, TOPIC),
        phrasings=(
            "How many {small} are {count} {large}?",
            "Convert {count} {large} to {small}.",
            "What is {count} {large} in {small}?",
            "Express {count} {large} as {small}.",
        ),
        held_out_phrasings=("Give {count} {large} in {small}.",),
        sample=_sample_units,
        answer=_converted,
        accepts=_accepts_amount,
        weight=0.3,
    ),
)
