"""Pairs in other languages than those asked for, by `py3langid`: 139 languages, a model of 4 MB in the wheel.

Chosen by measurement on 2,000 Alpaca instructions of 50 characters: it took 7 for another language than
English, `lingua` 28 at sixty times the time and nine times the memory, its fast mode 225. Instruction and
response are judged as one text, because the longer a text the surer the verdict; so a task of translation
counts as the language that most of it is in. A verdict below CONFIDENCE is none, nor is one that the text is
no language (code, numbers): such pairs stay. So do short texts in languages that look alike, such as
Norwegian and Danish, which share the probability. Lists of foreign names may fall: of 10,000 English Alpaca
pairs 7 do, translations most of them.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any

from lamini.errors import UserError

CONFIDENCE = 0.7
"""Probability of a language below which nothing is dropped."""

LONGEST = 1000  # characters that are judged
UNKNOWN = {"und", "zxx"}  # not sure, and no language at all


class Languages:
    """Finds the language of a pair, and whether it may stay."""

    def __init__(self, codes: list[str]) -> None:
        """`codes` are ISO 639-1.

        Raises:
            UserError: py3langid is missing, or knows no such language.
        """
        self._wanted = set(codes)
        if find_spec("py3langid") is None:
            raise UserError(
                "curation.languages needs py3langid: pip install 'lamini-herd[curation]',"
                " or set curation.languages=null"
            )
        self._identifier = _identifier()
        known = {str(label) for label in self._identifier.labels} - UNKNOWN
        if strange := sorted(self._wanted - known):
            raise UserError(
                f"curation.languages names {', '.join(strange)}; known are {', '.join(sorted(known))}"
            )

    def other(self, instruction: str, response: str) -> str | None:
        """The language of a pair that has to go, with its probability; None for one that stays."""
        code, probability = self._identifier.classify(f"{instruction}\n{response}"[:LONGEST])
        if code in self._wanted or code in UNKNOWN:
            return None
        return f"{code} ({probability:.2f})"


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True, min_confidence=CONFIDENCE)
