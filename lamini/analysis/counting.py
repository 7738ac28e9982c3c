"""How many tokens a text has, by one of the rulers of rulers.py. Suffix: N texts."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

import numpy as np

from lamini.analysis.words import UNITS, split


def counts(texts: list[str], ruler: str) -> np.ndarray:
    """Tokens of each text, int64 (N,). "Sort: b a" has 3 words and 4 marks."""
    if ruler == "words":
        return np.fromiter((len(text.split()) for text in texts), np.int64, len(texts))
    if ruler in UNITS:
        return np.fromiter((len(split(text, ruler)) for text in texts), np.int64, len(texts))
    tokenizer = _loaded(ruler)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        found = backend.encode_batch_fast(texts, add_special_tokens=False)
    else:
        found = tokenizer(texts, add_special_tokens=False)["input_ids"]
    return np.fromiter(map(len, found), np.int64, len(texts))


@lru_cache
def _loaded(source: str) -> Any:
    from lamini.students.tokenizers import load_tokenizer

    logging.getLogger("transformers").setLevel(logging.ERROR)  # longer than some model bears: no matter here
    return load_tokenizer(source)
