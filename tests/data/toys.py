"""Small real parts for the tests of data: a word tokenizer, a student without weights, tables."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from lamini.data.records import Pair, table
from lamini.students.encoder_decoder import EncoderDecoder


def tokenizer(words: int = 50) -> PreTrainedTokenizerFast:
    """One id a word: padding=0, end=1, unknown=2, w0=3, w1=4, …"""
    vocabulary = {"<pad>": 0, "</s>": 1, "<unk>": 2} | {f"w{i}": 3 + i for i in range(words)}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="</s>", unk_token="<unk>", pad_token="<pad>"
    )


def student(context: int = 16, words: int = 50) -> EncoderDecoder:
    """An encoder-decoder student with tokens only."""
    return EncoderDecoder(tokenizer(words), context, "bare")


def phrase(*words: int) -> str:
    """phrase(0, 1) -> "w0 w1"."""
    return " ".join(f"w{word}" for word in words)


def rows(count: int, source: str = "toy") -> pa.Table:
    """Different pairs of differing lengths."""
    return table(
        Pair(f"w{i} " + phrase(*range(i % 5)), phrase(*range(1 + i % 3)), source) for i in range(count)
    )


def shared_data() -> Path:
    """The folder of real data; skips the test where there is none."""
    beside = Path(__file__).parents[3] / "shared" / "data"
    folder = Path(os.environ.get("LAMINI_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder} (set LAMINI_DATA)")
    return folder
