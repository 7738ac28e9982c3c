"""Kinds about which word belongs to which group.

The groups share no word (`vocabulary.GROUPS`), so every question has exactly one answer. What a
student needs is the group of each of a hundred words, which it sees often, and then to copy.
"""

import random

from lamini.teacher.oracle.checking import items, normalise, same_items, same_name
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
from lamini.teacher.oracle.vocabulary import COUNTS, GROUP_OF, GROUPS, SINGULAR, WORDS, an

_GROUP_OF_SINGULAR = {singular: group for group, singular in SINGULAR.items()}


def _words(fields: Fields) -> list[str]:
    return fields["words"].split(", ")


def _members(fields: Fields) -> list[str]:
    members = GROUPS[fields["group"]]
    return [word for word in _words(fields) if word in members]


def _mixed(rng: random.Random, group: str, inside: int, outside: int) -> str:
    others = [word for word in WORDS if GROUP_OF[word] != group]
    words = rng.sample(GROUPS[group], inside) + rng.sample(others, outside)
    rng.shuffle(words)
    return ", ".join(words)


def _sample_which(rng: random.Random) -> Fields:
    group = rng.choice(list(GROUPS))
    return {"singular": SINGULAR[group], "words": _mixed(rng, group, 1, rng.randint(2, 3))}


def _which(fields: Fields) -> str:
    group = _GROUP_OF_SINGULAR[fields["singular"]]
    (answer,) = (word for word in _words(fields) if GROUP_OF.get(word) == group)
    return answer


def _sample_odd(rng: random.Random) -> Fields:
    return {"words": _mixed(rng, rng.choice(list(GROUPS)), 3, 1)}


def _odd(fields: Fields) -> str:
    groups = [GROUP_OF[word] for word in _words(fields)]
    (answer,) = (w for w in _words(fields) if groups.count(GROUP_OF[w]) == 1)
    return answer


def _sample_same_group(rng: random.Random) -> Fields:
    return {"words": ", ".join(rng.sample(GROUPS[rng.choice(list(GROUPS))], 3))}


def _common_group(fields: Fields) -> str:
    (group,) = {GROUP_OF[word] for word in _words(fields)}
    return group


def _accepts_group(fields: Fields, text: str) -> bool:
    group = _common_group(fields)
    said = normalise(text)
    return said in (group, SINGULAR[group], SINGULAR[group].split(" ", 1)[1])


def _sample_some(rng: random.Random) -> Fields:
    group = rng.choice(list(GROUPS))
    inside = rng.randint(1, 3)
    return {"group": group, "words": _mixed(rng, group, inside, rng.randint(1, 4 - inside))}


def _kept(fields: Fields) -> str:
    return ", ".join(_members(fields))


def _dropped(fields: Fields) -> str:
    members = _members(fields)
    return ", ".join(word for word in _words(fields) if word not in members)


def _sample_define(rng: random.Random) -> Fields:
    first, second = rng.sample(WORDS, 2)
    return {"first": first, "second": second}


def _defined(fields: Fields) -> str:
    first, second = (SINGULAR[GROUP_OF[fields[key]]] for key in ("first", "second"))
    return f"{fields['first']} is {first} and {fields['second']} is {second}"


def _sample_name(rng: random.Random) -> Fields:
    group = rng.choice(list(GROUPS))
    not_this, nor_this = rng.sample(GROUPS[group], 2)
    return {"count": rng.choice(COUNTS[1:4]), "group": group, "a": not_this, "b": nor_this}


def _allowed(fields: Fields) -> list[str]:
    return [word for word in GROUPS[fields["group"]] if word not in (fields["a"], fields["b"])]


def _named(fields: Fields) -> str:
    return ", ".join(_allowed(fields)[: COUNTS.index(fields["count"]) + 1])


def _accepts_members(fields: Fields, text: str) -> bool:
    said, allowed = items(text), _allowed(fields)
    right_number = len(said) == len(set(said)) == COUNTS.index(fields["count"]) + 1
    return right_number and all(word in allowed for word in said)


def _articled(fields: Fields) -> str:
    return ", ".join(an(word) for word in _words(fields))


CATEGORY_KINDS = (
    Kind(
        name="which_is",
        sources=(P3, FLAN, GENERATED_P3, SELF_INSTRUCT),
        phrasings=(
            "Which of these is {singular}: {words}?",
            "Find the word that is {singular}: {words}",
            "Only one of {words} is {singular}. Which one?",
            "Choose {singular} from this list: {words}",
        ),
        held_out_phrasings=("Here are some words: {words}. Which one is {singular}?",),
        sample=_sample_which,
        answer=_which,
        accepts=same_name(_which),
        weight=2.5,
    ),
    Kind(
        name="odd_one_out",
        sources=(FLAN, GENERATED_FLAN, ALPACA, P3),
        phrasings=(
            "Which word does not belong: {words}?",
            "Find the odd one out: {words}",
            "One of {words} is not like the others. Which one?",
            "Choose the word that does not fit: {words}",
        ),
        held_out_phrasings=("Which one of {words} does not fit with the others?",),
        sample=_sample_odd,
        answer=_odd,
        accepts=same_name(_odd),
        weight=0.6,
    ),
    Kind(
        name="common_group",
        sources=(P3, FLAN, GENERATED_FLAN, ALPACA),
        phrasings=(
            "What are {words}?",
            "To which group do {words} belong?",
            "Name the group of these words: {words}",
            "What do {words} have in common? They are all",
        ),
        held_out_phrasings=("Which group do these words belong to: {words}?",),
        sample=_sample_same_group,
        answer=_common_group,
        accepts=_accepts_group,
        weight=0.3,
    ),
    Kind(
        name="keep_group",
        sources=(SELF_INSTRUCT, GENERATED_FLAN, FLAN),
        phrasings=(
            "List only the {group}: {words}",
            "Which of {words} are {group}?",
            "Keep the {group} and leave out the rest: {words}",
            "Copy all {group} from this list: {words}",
        ),
        held_out_phrasings=("From the list {words} copy only the {group}.",),
        sample=_sample_some,
        answer=_kept,
        accepts=same_items(_kept),
        weight=0.3,
    ),
    Kind(
        name="drop_group",
        sources=(SELF_INSTRUCT, GENERATED_FLAN),
        phrasings=(
            "Leave out the {group}: {words}",
            "Which of {words} are not {group}?",
            "Copy this list without the {group}: {words}",
        ),
        held_out_phrasings=("Delete all {group} from this list: {words}",),
        sample=_sample_some,
        answer=_dropped,
        accepts=same_items(_dropped),
        unseen=True,
    ),
    Kind(
        name="count_group",
        sources=(GENERATED_P3, P3, TOPIC),
        phrasings=(
            "How many {group} are here: {words}?",
            "Count the {group} in this list: {words}",
            "Give the number of {group} in: {words}",
            "How many of {words} are {group}?",
        ),
        held_out_phrasings=("Here are some words: {words}. How many are {group}?",),
        sample=_sample_some,
        answer=lambda fields: str(len(_members(fields))),
        weight=0.3,
    ),
    Kind(
        name="define_two",
        sources=(ALPACA, SELF_INSTRUCT, TOPIC),
        phrasings=(
            "What do {first} and {second} mean?",
            "Explain the words {first} and {second} in one sentence.",
            "Tell me what {first} is and what {second} is.",
            "Define {first} and {second}.",
        ),
        held_out_phrasings=("Explain in one sentence what {first} and {second} are.",),
        sample=_sample_define,
        answer=_defined,
        weight=1.5,
    ),
    Kind(
        name="name_members",
        sources=(ALPACA, SELF_INSTRUCT, TOPIC),
        phrasings=(
            "Name {count} {group} other than {a} and {b}.",
            "Give me {count} {group}, but not {a} or {b}.",
            "Besides {a} and {b}, list {count} more {group}.",
            "Write down {count} {group} without {a} and {b}.",
        ),
        held_out_phrasings=("List {count} {group}, but leave out {a} and {b}.",),
        sample=_sample_name,
        answer=_named,
        accepts=_accepts_members,
        weight=0.3,
    ),
    Kind(
        name="add_articles",
        sources=(SELF_INSTRUCT, ALPACA, TOPIC),
        phrasings=(
            "Put a or an before each word: {words}",
            "Write {words} with the right article a or an.",
            "Add the articles a or an to: {words}",
            "Which article, a or an, do these take: {words}?",
        ),
        held_out_phrasings=("Write each word with a or an before it: {words}",),
        sample=lambda rng: {"words": ", ".join(rng.sample(WORDS, rng.randint(2, 3)))},
        answer=_articled,
        accepts=same_items(_articled),
        weight=0.6,
    ),
)
