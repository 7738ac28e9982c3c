"""A spiece.model made from a tokenizer.json cuts text as the tokenizer does, and holds T5's own pieces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lamini.errors import UserError
from lamini.exporting.sentences import sentencepiece_of
from lamini.students.tokenizers import load_tokenizer
from tests.data.toys import shared_data
from tests.students import tiny

TEXTS = [
    "Name one colour.", "  two   spaces ", "Ünïcode ﬁ ligature ½", "price: 12.50 €", "日本語 text", "a\tb\nc",
    "Translate into German: Good morning.",
]  # fmt: skip


def test_the_pieces_of_t5_are_those_of_its_own_file() -> None:
    processor = pytest.importorskip("sentencepiece").SentencePieceProcessor
    folder = shared_data() / "tokenizers" / "t5"
    made, own = processor(), processor()
    made.LoadFromSerializedProto(sentencepiece_of(folder / "tokenizer.json"))
    own.LoadFromFile(str(folder / "spiece.model"))
    tokenizer: Any = load_tokenizer(str(folder))
    for text in TEXTS:
        assert made.EncodeAsIds(text) == own.EncodeAsIds(text)
        assert made.EncodeAsIds(text) == tokenizer(text, add_special_tokens=False)["input_ids"]
    for at in range(own.vocab_size()):
        assert (made.IdToPiece(at), made.IsControl(at), made.IsUnknown(at)) == (
            own.IdToPiece(at), own.IsControl(at), own.IsUnknown(at),
        )  # fmt: skip
        assert made.GetScore(at) == pytest.approx(own.GetScore(at), abs=1e-4)


def test_other_tokenizers_are_refused(tmp_path: Path) -> None:
    tiny.gpt2_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(UserError, match="is no Unigram tokenizer"):
        sentencepiece_of(tmp_path / "tokenizer.json")
