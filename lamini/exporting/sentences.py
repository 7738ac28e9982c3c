"""A SentencePiece model from a tokenizer.json: llama.cpp's converter reads a T5's vocabulary only as such.

Fast tokenizers were made from such a file, and all of it is in them: pieces with their scores, which of them
is the unknown one, and the compiled table of characters (the normalizer).
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from lamini.errors import UserError


def sentencepiece_of(tokenizer: Path) -> bytes:
    """The bytes of a spiece.model.

    Raises:
        UserError: it is no Unigram tokenizer.
    """
    from sentencepiece import sentencepiece_model_pb2

    model: Any = sentencepiece_model_pb2  # its classes are made when it is imported

    told = json.loads(tokenizer.read_text(encoding="utf-8"))
    if told["model"]["type"] != "Unigram":
        raise UserError(f"{tokenizer} is no Unigram tokenizer, as T5's are; llama.cpp reads no other of a T5")
    special = {one["content"] for one in told["added_tokens"] if one["special"]}
    made = model.ModelProto()
    kinds = made.SentencePiece
    for at, (piece, score) in enumerate(told["model"]["vocab"]):
        kind = kinds.NORMAL
        if at == told["model"]["unk_id"]:
            kind = kinds.UNKNOWN
        elif piece in special:
            kind = kinds.CONTROL
        elif told["model"].get("byte_fallback") and len(piece) == 6 and piece.startswith("<0x"):
            kind = kinds.BYTE
        made.pieces.add(piece=piece, score=score, type=kind)
    made.trainer_spec.model_type = made.trainer_spec.UNIGRAM
    made.trainer_spec.vocab_size = len(made.pieces)
    made.trainer_spec.byte_fallback = bool(told["model"].get("byte_fallback"))
    made.normalizer_spec.add_dummy_prefix = made.normalizer_spec.remove_extra_whitespaces = True
    made.normalizer_spec.precompiled_charsmap = _charsmap(told.get("normalizer"))
    content: bytes = made.SerializeToString()
    return content


def _charsmap(normalizer: Any) -> bytes:
    """The table of the `Precompiled` step, wherever it stands; empty where there is none."""
    steps = (normalizer or {}).get("normalizers", [normalizer or {}])
    return next(
        (
            base64.b64decode(step["precompiled_charsmap"])
            for step in steps
            if step.get("type") == "Precompiled"
        ),
        b"",
    )
