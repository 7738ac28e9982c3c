"""Round trips through real tokenizers."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamini.curation.lossy import Lossy, blanks
from lamini.errors import UserError
from tests.data.toys import shared_data

T5 = {
    "f(x) = {\n\n x }": r"'\n' '{' '}'",
    "Name the capital of <country>": "'<'",
    "a  b ": None,
    "Hello, world! It's 3.5 %.": None,
    "a^2 ~ 3": "'^' '~'",
    "C:\\temp": r"'\\'",
    "½ …": "'½' '…'",
    "犬": "'犬'",
    "": None,
    "{}^~\\<½犬…`²π": "'<' '\\\\' '^' '`' '{' '}' '~' '²' '½' 'π' and 2 more",
}


@pytest.fixture(scope="module")
def t5() -> Lossy:
    return Lossy(str(shared_data() / "tokenizers" / "t5"))


@pytest.mark.parametrize("text", T5)
def test_t5_loses(text: str, t5: Lossy) -> None:
    assert t5.lost([text]) == [T5[text]]


def test_gpt2_loses_nothing() -> None:
    """Its files are bare vocab.json and merges.txt."""
    gpt2 = Lossy(str(shared_data() / "tokenizers" / "gpt2"))
    assert gpt2.lost(list(T5)) == [None] * len(T5)


def test_accepted_characters() -> None:
    lossy = Lossy(str(shared_data() / "tokenizers" / "t5"), accepted="\n")
    assert lossy.lost(["a\nb", "a\n{"]) == [None, r"'\n' '{'"]


def test_blanks() -> None:
    assert blanks("a  b \n\n\n  c ") == "a b\nc"


def test_no_tokenizer_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"curation\.lossy={tmp_path}: no tokenizer"):
        Lossy(str(tmp_path))
