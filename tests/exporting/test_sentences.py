"""A spiece.model made from a tokenizer.json cuts text as the tokenizer does, and holds T5's own pieces."""

from __future__ import annotations

import json
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


def test_bytes_of_a_tokenizer_that_was_trained_here_stay_bytes(tmp_path: Path) -> None:
    processor = pytest.importorskip("sentencepiece").SentencePieceProcessor
    bytes_of = [[f"<0x{n:02X}>", -9.0] for n in range(256)]
    told: Any = {
        "model": {
            "type": "Unigram", "unk_id": 1, "byte_fallback": True,
            "vocab": [["</s>", 0.0], ["<unk>", 0.0], ["\u2581a", -1.0], *bytes_of],
        },
        "added_tokens": [{"content": "</s>", "special": True}],
    }  # fmt: skip
    (tmp_path / "tokenizer.json").write_text(json.dumps(told))
    made = processor()
    made.LoadFromSerializedProto(sentencepiece_of(tmp_path / "tokenizer.json"))
    assert made.EncodeAsPieces("a\u00e9") == ["\u2581a", "<0xC3>", "<0xA9>"]
    assert made.IsControl(0) and made.IsUnknown(1) and made.IsByte(3)


def test_other_tokenizers_are_refused(tmp_path: Path) -> None:
    tiny.gpt2_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(UserError, match="is no Unigram tokenizer"):
        sentencepiece_of(tmp_path / "tokenizer.json")
