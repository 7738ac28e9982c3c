"""The closed word lists of the oracle.

Closed on purpose: every word occurs often, so that a scratch student of a million parameters can
learn the words in a minute and what is left to measure is whether it learned the *skills*.
"""


def listed(words: str) -> list[str]:
    """A word list as it reads best: "red blue" -> ["red", "blue"]."""
    return words.split()


WOMEN = listed("Anna Maria Lucy Emma Nina Rosa")
MEN = listed("Tom Sam Peter David Leo Max")
NAMES = WOMEN + MEN

# group -> members; no word stands in two groups, so that every category question has one answer
GROUPS: dict[str, list[str]] = {
    "fruits": listed("apple pear plum cherry lemon banana peach"),
    "animals": listed("dog cat horse sheep tiger mouse bear"),
    "tools": listed("hammer saw drill spade axe ladder rake"),
    "colours": listed("red blue green yellow black white brown"),
    "vehicles": listed("car bus train ship tram plane boat"),
    "drinks": listed("water milk coffee tea juice wine beer"),
    "clothes": listed("hat coat shirt scarf glove shoe belt"),
    "jobs": listed("baker farmer doctor painter nurse pilot singer"),
}
SINGULAR = {
    "fruits": "a fruit",
    "animals": "an animal",
    "tools": "a tool",
    "colours": "a colour",
    "vehicles": "a vehicle",
    "drinks": "a drink",
    "clothes": "a piece of clothing",
    "jobs": "a job",
}
GROUP_OF = {word: group for group, words in GROUPS.items() for word in words}
WORDS = list(GROUP_OF)

THINGS = listed("lamp book key ball letter cup clock map knife")
CONTAINERS = listed("bag box drawer pocket trunk crate")
PLACES = listed("kitchen garden market school station park library office")
COLOURS = GROUPS["colours"]
JOBS = GROUPS["jobs"]

DAYS = listed("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
MONTHS = listed("January February March April May June July August September October November December")
COUNTS = ("one", "two", "three", "four", "five", "six")

_PAIRS = listed(
    "hot-cold big-small tall-short old-young fast-slow happy-sad rich-poor light-dark "
    "clean-dirty wet-dry hard-soft strong-weak loud-quiet full-empty early-late cheap-expensive"
)
OPPOSITES = {word: twin for pair in _PAIRS for word, twin in (pair.split("-"), pair.split("-")[::-1])}
ADJECTIVES = list(OPPOSITES)

# third person, past and past participle, regular and irregular, each fit for a thing as object
_FORMS = listed(
    "cleans-cleaned-cleaned paints-painted-painted moves-moved-moved drops-dropped-dropped "
    "wants-wanted-wanted finds-found-found sells-sold-sold buys-bought-bought takes-took-taken "
    "breaks-broke-broken sees-saw-seen hides-hid-hidden"
)
VERBS = [(third, past, participle) for third, past, participle in (v.split("-") for v in _FORMS)]
PAST_OF = {third: past for third, past, _ in VERBS}
PARTICIPLE_OF = {past: participle for _, past, participle in VERBS}

IRREGULAR_PLURALS = {
    "sheep": "sheep",
    "mouse": "mice",
    "child": "children",
    "man": "men",
    "woman": "women",
    "foot": "feet",
    "tooth": "teeth",
    "goose": "geese",
    "knife": "knives",
    "leaf": "leaves",
}


def an(word: str) -> str:
    """The word with its indefinite article: "apple" -> "an apple"."""
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
