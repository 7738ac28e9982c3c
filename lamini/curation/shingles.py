"""Texts as sets of word n-grams, each a 64-bit hash: what near-duplicates are compared by.

Words are lower-case runs of letters, digits and marks. Signs that carry meaning alone (+, -, =, %, #, emoji)
are words too, or "3 + 4" and "3 - 4" were the same; punctuation of sentences is not, so that a lost full stop
makes no difference. Scripts without blanks between words (Han, kana, Thai, Lao, Khmer, Burmese) count each
character as one.

Arrow splits and numpy hashes whole batches: a word costs about half a microsecond.

Suffixes: N texts, W words of all of them, S shingles of all of them, one text after another.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ALONE = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{S}%&*/@#\\-]"
BETWEEN = r"[^\p{L}\p{N}\p{M}\p{S}%&*/@#\\ -]+"
FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, next to 2^64 / golden ratio: multiplying spreads the bits


def words(texts: pa.Array) -> pa.Array:
    """The words of each text, list<large_string> (N,); a text without any has one empty word.

    >>> words(pa.array(["Sum up: 3 + x!", "?"], pa.large_string())).to_pylist()
    [['sum', 'up', '3', '+', 'x'], ['']]
    """
    lower = pc.utf8_lower(texts.cast(pa.large_string()))
    apart = pc.replace_substring_regex(lower, pattern=f"({ALONE})", replacement=r" \1 ")
    plain = pc.replace_substring_regex(apart, pattern=BETWEEN, replacement=" ")
    return pc.ascii_split_whitespace(pc.ascii_trim_whitespace(plain))


def shingles(texts: pa.Array, ngram: int) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of the word n-grams of each text, uint64 (S,), and where each text's begin, int64 (N + 1,).

    Repeats of an n-gram are repeated. A text of fewer words is one shingle of all its words; one without
    words is one shingle of its very characters. "a b c d" and "a b", n-grams of 3: abc, bcd, ab; they begin
    at 0, 2, 3.
    """
    split = words(texts)
    starts_N = np.asarray(split.offsets, dtype=np.int64)[:-1]
    size_N = np.asarray(pc.list_value_length(split), dtype=np.int64)
    word_W = _word_hashes(split.values)
    count_N = np.maximum(size_N - ngram + 1, 1)
    offsets = np.concatenate(([0], np.cumsum(count_N)))
    place_S = np.arange(offsets[-1]) + np.repeat(starts_N - offsets[:-1], count_N)
    end_S = np.repeat(starts_N + size_N, count_N)
    hash_S = np.zeros(len(place_S), np.uint64)
    for step in range(ngram):
        inside_S = place_S + step < end_S
        word_S = word_W[np.minimum(place_S + step, len(word_W) - 1)]
        hash_S = mixed(hash_S, np.where(inside_S, word_S, np.uint64(0)))
    empty = np.flatnonzero((size_N == 1) & (word_W[np.minimum(starts_N, len(word_W) - 1)] == EMPTY))
    for row in empty:
        hash_S[offsets[row]] = _hash(texts[int(row)].as_py())
    return hash_S, offsets


def mixed(hash_S: np.ndarray, more_S: np.ndarray) -> np.ndarray:
    """One hash of two, uint64 (S,); their order counts."""
    result_S = (hash_S ^ more_S) * FACTOR
    return result_S ^ (result_S >> np.uint64(32))


def _hash(word: str) -> int:
    return int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


EMPTY = np.uint64(_hash(""))


def _word_hashes(word_W: pa.Array) -> np.ndarray:
    """A hash of every word, uint64 (W,); each different word of the batch is hashed once."""
    encoded = pc.dictionary_encode(word_W)
    different = np.fromiter(map(_hash, encoded.dictionary.to_pylist()), np.uint64)
    return different[np.asarray(encoded.indices)]
