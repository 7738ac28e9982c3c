"""Texts as sets of word n-grams, each a hash: what near-duplicates are compared by.

Words are lower-case runs of letters, digits and marks. Signs that carry meaning alone (+, -, =, %, #, emoji)
are words too, or "3 + 4" and "3 - 4" were the same; punctuation of sentences is not, so that a lost full stop
makes no difference. Scripts without blanks between words (Han, kana, Thai, Lao, Khmer, Burmese) count each
character as one.

Arrow splits and numpy hashes whole batches: a word costs about half a microsecond. A shingle is known by 48
bits, so that its text's number fits beside it and one sort orders a batch: among two texts of 100 shingles
each, one in 28 billion pairs of texts has a shingle that passes for another.

Suffixes: N texts, W words of all of them, S shingles of all of them, one text after another.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ALONE = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{S}%&*/@#\\-]"
BETWEEN = r"[^\p{L}\p{N}\p{M}\p{S}%&*/@#\\ -]+"
BITS, MASK = np.uint64(48), np.uint64(2**48 - 1)  # of a shingle's hash
LARGEST = 2**16  # texts at a time
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
    """The different word n-grams of each text as hashes, uint64 (S,), and where each text's begin, int64 (N +
    1,).

    Those of one text are ascending. A text of fewer words is one shingle of all its words; one without words
    is one shingle of its very characters. "a b c d" and "a b", n-grams of 3: abc and bcd in some order, ab;
    they begin at 0, 2, 3. At most LARGEST texts at a time.
    """
    split = words(texts)
    starts_N = np.asarray(split.offsets, dtype=np.int64)[:-1]
    size_N = np.asarray(pc.list_value_length(split), dtype=np.int64)
    word_W = _word_hashes(split.values)
    count_N = np.maximum(size_N - ngram + 1, 1)
    first_N = np.cumsum(count_N) - count_N
    place_S = np.arange(count_N.sum()) + np.repeat(starts_N - first_N, count_N)
    end_S = np.repeat(starts_N + size_N, count_N)
    hash_S = np.zeros(len(place_S), np.uint64)
    for step in range(ngram):
        inside_S = place_S + step < end_S
        word_S = word_W[np.minimum(place_S + step, len(word_W) - 1)]
        hash_S = mixed(hash_S, np.where(inside_S, word_S, np.uint64(0)))
    for row in np.flatnonzero((size_N == 1) & (word_W[starts_N] == EMPTY)).tolist():
        hash_S[first_N[row]] = _hash(texts[row].as_py())
    return _different(hash_S, count_N)


def _different(hash_S: np.ndarray, count_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The hashes of each text cut to 48 bits, sorted, each once; and where each text's begin."""
    assert len(count_N) <= LARGEST
    row_S = np.repeat(np.arange(len(count_N), dtype=np.uint64), count_N)
    key_S = np.sort((row_S << BITS) | (hash_S >> np.uint64(16)))
    key_S = key_S[np.concatenate((np.ones(1, bool), key_S[1:] != key_S[:-1]))[: len(key_S)]]
    size_N = np.bincount((key_S >> BITS).astype(np.int64), minlength=len(count_N))
    return key_S & MASK, np.concatenate((np.zeros(1, np.int64), np.cumsum(size_N)))


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
