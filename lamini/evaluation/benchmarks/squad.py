"""Overlap of two answers as SQuAD counts it, under the name by which lm-eval's tasks import it.

ReCoRD, CoQA, XQuAD and others of lm-eval 0.4.13 use transformers.data.metrics.squad_metrics, which
transformers 5 no longer has. `provide` puts this module in its place, so that those tasks load as they are.
The functions are those of SQuAD's official script (Rajpurkar et al. 2018), which transformers had copied.
"""

from __future__ import annotations

import re
import string
import sys
from collections import Counter
from importlib.util import find_spec
from types import ModuleType

ARTICLES = re.compile(r"\b(a|an|the)\b")
PLACE = "transformers.data.metrics"


def provide() -> None:
    """Make `import transformers.data.metrics.squad_metrics` work where transformers lacks it."""
    if PLACE not in sys.modules and find_spec(PLACE) is None:
        sys.modules[PLACE] = ModuleType(PLACE)
        sys.modules[f"{PLACE}.squad_metrics"] = sys.modules[__name__]


def normalize_answer(text: str) -> str:
    """Lower case, without punctuation, articles and superfluous blanks."""
    plain = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    return " ".join(ARTICLES.sub(" ", plain).split())


def compute_exact(gold: str, predicted: str) -> int:
    """1 where both are the same once normalised."""
    return int(normalize_answer(gold) == normalize_answer(predicted))


def compute_f1(gold: str, predicted: str) -> float:
    """Harmonic mean of the shares of words that each has in common with the other, 0 to 1.

    >>> compute_f1("the Ann Lee", "Ann"), compute_f1("Bob", "Ann"), compute_f1("", "a")
    (0.6666666666666666, 0.0, 1.0)
    """
    golds, words = normalize_answer(gold).split(), normalize_answer(predicted).split()
    if not golds or not words:
        return float(golds == words)
    return 2 * sum((Counter(golds) & Counter(words)).values()) / (len(golds) + len(words))
