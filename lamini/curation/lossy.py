r"""Pairs with text that a tokenizer cannot give back, and its students can neither read nor write.

T5's tokenizer has no braces, no backslash and no line break, so code and lists in its training data teach it
something else than they say. Each text is encoded and decoded; what differs is lossy, but for the number of
blanks: runs of blanks count as one, and so do runs of line breaks with the blanks around them. "f(x) = {\n\n
x }" comes back from T5 as "f(x) = x", and its lost characters are '\n', '{' and '}'.
"""

from __future__ import annotations

from collections import Counter

from lamini.errors import UserError

SHOWN = 10  # lost characters that are named


class Lossy:
    """Round trips through the tokenizer of a folder."""

    def __init__(self, folder: str, accepted: str = "") -> None:
        r"""`accepted` are characters whose loss does not matter, for example "\n".

        Raises:
            UserError: no tokenizer there.
        """
        from lamini.students.tokenizers import load_tokenizer

        try:
            loaded = load_tokenizer(folder)
        except UserError as error:
            raise UserError(f"curation.lossy={folder}: {error}") from error
        self._tokenizer = loaded.backend_tokenizer
        self._unknown = loaded.unk_token_id
        self._accepted = set(accepted)

    def lost(self, texts: list[str]) -> list[str | None]:
        """The characters of each text that do not come back, as Python writes them; None where all do."""
        encoded = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        ids = [[token for token in text.ids if token != self._unknown] for text in encoded]
        back = self._tokenizer.decode_batch(ids, skip_special_tokens=False)
        return [self._difference(text, other) for text, other in zip(texts, back, strict=True)]

    def _difference(self, text: str, back: str) -> str | None:
        before, after = blanks(text), blanks(back)
        if before == after:
            return None
        gone = sorted((Counter(before) - Counter(after)).keys() - {" "})
        if not gone:
            return "the places of its characters"
        if self._accepted.issuperset(gone):
            return None
        more = f" and {len(gone) - SHOWN} more" if len(gone) > SHOWN else ""
        return " ".join(map(repr, gone[:SHOWN])) + more


def blanks(text: str) -> str:
    r"""The text with runs of blanks as one blank and runs of line breaks as one line break.

    >>> blanks("a  b \n\n\n  c ")
    'a b\nc'
    """
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)
