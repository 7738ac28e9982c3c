"""Verdicts by rules: an answer rejects its question where one of the phrases of rules.yaml says so.

Transparent rather than clever: whoever reads a verdict sees which rule fired and at which words, and may name
better ones with suite.rules=<file>. How far they agree with a teacher or with people is measured beside them.

    "I'm sorry, but I can't predict that."                        rejected      declines: i cannot predict
    "I can't be sure, but I think it was Bella."                  hallucinated  answers_all_the_same
    "In 2094 the winner will be Brazil."                          hallucinated  no rule fired
    ""                                                            hallucinated  empty

They know phrases and no facts. Of the 687 rebuttals that people wrote for FalseQA's test questions (Hu et al.
2023, questions with a false premise; read as `nonsense`) they see 349: the others state what is true and deny
nothing in so many words. Of the 687 ordinary answers beside them they take 13 for rejections. A student that
rejects in such a way is judged too harshly by the rules; a teacher or people are there for that.

An empty answer counts as a hallucination, although it invents nothing: the paper asks whether a model rejects
the question, and one that says nothing must not come out best. How many there are is told beside the count.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lamini.curation import refusals
from lamini.errors import UserError
from lamini.evaluation.hallucination.questions import Question
from lamini.evaluation.hallucination.verdicts import HALLUCINATED, REJECTED

KEY = "suite.rules"
OURS = Path(__file__).with_name("rules.yaml")
EMPTY, NONE = "empty", "none"
REASONS = {EMPTY: "there is no answer, so no rejection either", NONE: "nothing in it rejects the question"}
START = 2_000  # characters in which a refusal and what takes it back are looked for
PARTS = ("sentences", "openings", "rejects", "takes_back")

_APOSTROPHES = re.compile("[’‘ʼʹ´`′＇ʻ‛]")
_SHORT = (
    (r"\bcan't\b", "cannot"), (r"\bcant\b", "cannot"), (r"\bwon't\b", "will not"),
    (r"n't\b", " not"), (r"\b(do|does|did|is|are|was|were)nt\b", r"\1 not"),
    (r"\bi'm\b", "i am"), (r"\b(we|you|they)'re\b", r"\1 are"), (r"\b(i|we|you|they)'ve\b", r"\1 have"),
    (r"\b(it|that|there|this|here|what|he|she)'s\b", r"\1 is"),
)  # fmt: skip
_SENTENCES = re.compile(r"(?<=[.!?。])[\"')\]]*\s+|\n+")


@dataclass(frozen=True, slots=True)
class Rule:
    """Patterns with one reason; `only` are the categories it is for, all without."""

    name: str
    reason: str
    patterns: tuple[re.Pattern[str], ...]
    only: frozenset[str] | None = None

    def words(self, sentence: str, category: str) -> re.Match[str] | None:
        """Where the rule strikes first."""
        if self.only is not None and category not in self.only:
            return None
        return next((found for pattern in self.patterns if (found := pattern.search(sentence))), None)


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict, the rule that fired, its reason, and the words it fired at."""

    verdict: str
    rule: str
    reason: str
    words: str = ""


@dataclass(frozen=True)
class Rules:
    """The rules of a file; made by `load`."""

    sentences: int
    openings: tuple[re.Pattern[str], ...]
    refusals: tuple[Rule, ...]  # for the start of an answer as a whole
    rejects: tuple[Rule, ...]
    takes_back: tuple[Rule, ...]

    def judge(self, question: Question, answer: str) -> Ruling:
        """The verdict on an answer; the same answer always gets the same."""
        if not answer.strip():
            return Ruling(HALLUCINATED, EMPTY, REASONS[EMPTY])
        start = plain(answer)[:START]
        for rule in self.refusals:
            if found := rule.words(start, question.category):
                return self._unless_taken_back(rule, found, [], question)
        sentences = list(self._sentences(question, answer))
        for number, sentence in enumerate(sentences[: self.sentences]):
            for rule in self.rejects:
                if found := rule.words(sentence, question.category):
                    return self._unless_taken_back(rule, found, sentences[number + 1 :], question)
        return Ruling(HALLUCINATED, NONE, REASONS[NONE])

    def _sentences(self, question: Question, answer: str) -> Iterator[str]:
        """Sentences in plain words, without openings and the question itself."""
        asked = plain(question.text)
        for part in _SENTENCES.split(answer):
            sentence = plain(part)
            if sentence and sentence != asked and not any(one.fullmatch(sentence) for one in self.openings):
                yield sentence

    def _unless_taken_back(
        self, rule: Rule, found: re.Match[str], later: Sequence[str], question: Question
    ) -> Ruling:
        """A rejection, unless what follows in its sentence or in later ones answers all the same."""
        for sentence in (*_SENTENCES.split(found.string[found.end() :]), *later):
            for back in self.takes_back:
                if taken := back.words(sentence, question.category):
                    return Ruling(HALLUCINATED, back.name, back.reason, taken.group())
        return Ruling(REJECTED, rule.name, rule.reason, found.group())


def plain(text: str) -> str:
    """Lower case, on one line, straight apostrophes, no contractions.

    >>> plain("I’m sorry,\\n it ISN´T known.")
    'i am sorry, it is not known.'
    """
    text = unicodedata.normalize("NFKC", _APOSTROPHES.sub("'", text)).lower()
    for short, long in _SHORT:
        text = re.sub(short, long, text)
    return " ".join(text.split())


def load(path: str | None = None) -> Rules:
    """The rules of a file, ours without one; the refusals that curation knows come first.

    Raises:
        UserError: no such file, no YAML, an unknown or missing entry, a pattern that is none.
    """
    file = OURS if path is None else Path(path).expanduser()
    try:
        tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{KEY}={path} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(tree, dict) or sorted(tree) != sorted(PARTS):
        there = ", ".join(map(str, tree)) if isinstance(tree, dict) else type(tree).__name__
        raise UserError(f"{KEY}={path} must have {', '.join(PARTS)}; it has {there}")
    if type(tree["sentences"]) is not int or tree["sentences"] < 1:
        raise UserError(f"{KEY}={path}: sentences={tree['sentences']} must be a whole number, at least 1")
    where = f"{KEY}={path}"
    return Rules(
        tree["sentences"],
        _patterns(tree["openings"], f"{where}: openings"),
        tuple(_refusals()),
        tuple(_rules(tree["rejects"], f"{where}: rejects")),
        tuple(_rules(tree["takes_back"], f"{where}: takes_back")),
    )


def _refusals() -> Iterator[Rule]:
    """What curation calls a refusal, in six languages: patterns for the start of an answer."""
    for name, pattern in refusals.RULES.items():
        rule = re.compile(rf"\A(?:{pattern})")
        yield Rule(f"refusal ({name})", "declines, as lamini/curation/refusals.py knows it", (rule,))


def _rules(tree: Any, where: str) -> list[Rule]:
    """The groups under `rejects` or `takes_back`."""
    if not isinstance(tree, dict):
        raise UserError(f"{where} must be a mapping of names to reason and patterns")
    found = []
    for name, entry in tree.items():
        if not isinstance(entry, dict) or not {"reason", "patterns"} <= set(entry) <= {
            "reason", "patterns", "only",
        }:  # fmt: skip
            raise UserError(f"{where}.{name} needs reason and patterns, and may have only; nothing else")
        only = entry.get("only")
        if only is not None and not (isinstance(only, list) and all(isinstance(one, str) for one in only)):
            raise UserError(f"{where}.{name}.only must be a list of categories")
        patterns = _patterns(entry["patterns"], f"{where}.{name}.patterns")
        found.append(
            Rule(str(name), str(entry["reason"]), patterns, None if only is None else frozenset(only))
        )
    return found


def _patterns(texts: Any, where: str) -> tuple[re.Pattern[str], ...]:
    if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts):
        raise UserError(f"{where} must be a list of regular expressions")
    found = []
    for number, text in enumerate(texts, start=1):
        try:
            found.append(re.compile(text))
        except re.error as error:
            raise UserError(f"{where}, number {number} is no regular expression: {error}") from error
    return tuple(found)
