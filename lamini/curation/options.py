"""The checks of `curation` that need nothing heavy, before a request is paid for."""

from __future__ import annotations

from importlib.util import find_spec

from lamini.config import Curation, LengthFilter, NearDuplicates
from lamini.curation.languages import Languages
from lamini.errors import UserError
from lamini.students.locate import check_tokenizer


def check(curation: Curation) -> None:
    """Refuse what no curation could do.

    Raises:
        UserError: names the key.
    """
    if curation.near is not None:
        check_near(curation.near, "curation.near")
    if curation.length is not None:
        _check_length(curation.length)
    if curation.languages is not None:
        if not curation.languages:
            raise UserError("curation.languages=[] would drop everything; curation.languages=null keeps all")
        Languages(curation.languages)  # its model is loaded only here, where it is wanted
    if curation.lossy is not None:
        check_tokenizer(curation.lossy, "curation.lossy")


def check_near(near: NearDuplicates, key: str) -> None:
    """Raise UserError for numbers that make no sketch, and where the library is missing."""
    if not 0 < near.threshold <= 1:
        raise UserError(f"{key}.threshold={near.threshold} must be above 0 and at most 1")
    if near.ngram < 1:
        raise UserError(f"{key}.ngram={near.ngram} must be at least 1 word")
    if not 16 <= near.permutations <= 4096:
        raise UserError(f"{key}.permutations={near.permutations} must be between 16 and 4096")
    if find_spec("rensa") is None:
        raise UserError(f"{key} needs rensa: pip install 'lamini-herd[curation]', or set {key}=null")


def _check_length(length: LengthFilter) -> None:
    sides = (
        ("instruction", length.instruction_min, length.instruction_max),
        ("response", length.response_min, length.response_max),
    )
    for side, least, most in sides:
        if not 0 <= least <= most:
            raise UserError(
                f"curation.length.{side}_min={least} must be between 0 and curation.length.{side}_max={most}"
            )
