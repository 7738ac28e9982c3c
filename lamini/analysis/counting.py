"""How many tokens a text has, by the ruler that `tokenizer=` names.

    words            what stands between blanks
    marks            words and punctuation marks: the paper's unit, as far as it can be told (words.py)
    anything else    a tokenizer: a folder, a name under paths.tokenizers, or a hub id; without special tokens

A tokenizer is looked for before anything heavy is imported, and there is no second choice behind one that
is named.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from lamini.analysis.words import UNITS, split
from lamini.errors import UserError
from lamini.students import locate

PLAIN = ("words", "marks")
LABELS = {"words": "words between blanks", "marks": "words and punctuation marks"}


def place(tokenizer: str, tokenizers: str | None) -> str:
    """`words`, `marks`, or the folder or hub id to load the tokenizer from.

    Raises:
        UserError: it is nowhere; the sentence names what needs none.
    """
    if tokenizer in PLAIN:
        return tokenizer
    folders = [Path(tokenizer).expanduser()]
    if tokenizers is not None:
        folders.append(Path(tokenizers).expanduser() / tokenizer)
    for folder in folders:
        if any((folder / name).is_file() for name in locate.TOKENIZERS):
            return str(folder)
    looked = " or ".join(str(folder) for folder in folders)
    ways_out = "tokenizer=marks and tokenizer=words need none"
    if folders[0].is_dir() or tokenizer.startswith((".", "/", "~")) or tokenizer.count("/") > 1:
        raise UserError(f"tokenizer={tokenizer}: no tokenizer in {looked}; {ways_out}")
    try:
        snapshot = locate.cached(tokenizer, "tokenizer", locate.TOKENIZERS)
    except UserError:  # it names a key of train.py
        raise UserError(f"tokenizer={tokenizer} is neither a folder nor a hub id; {ways_out}") from None
    trouble = None if snapshot else locate.hub_trouble(tokenizer)
    if trouble:
        raise UserError(f"tokenizer={tokenizer} not found in {looked}, and {trouble}; {ways_out}")
    return str(snapshot or tokenizer)


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
