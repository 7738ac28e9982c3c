"""What `tokenizer=` may name, found out before anything heavy is imported.

    words            what stands between blanks
    marks            words and punctuation marks: the paper's unit, as far as it can be told (words.py)
    anything else    a tokenizer: a folder, a name under paths.tokenizers, or a hub id; without special tokens

There is no second choice behind a tokenizer that is named: it is had or the line is refused.
"""

from __future__ import annotations

from pathlib import Path

from lamini.errors import UserError
from lamini.students import locate

LABELS = {"words": "words between blanks", "marks": "words and punctuation marks"}
"""Rulers that need no tokenizer, as reports call them."""


def label(tokenizer: str) -> str:
    """What its units are, as reports call them."""
    return LABELS.get(tokenizer, f"those of the tokenizer {tokenizer}")


def place(tokenizer: str, tokenizers: str | None) -> str:
    """`words`, `marks`, or the folder or hub id to load the tokenizer from.

    Raises:
        UserError: it is nowhere; the sentence names what needs none.
    """
    if tokenizer in LABELS:
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
