"""Tokenizers: loaded from where they lie, or learned from the mixture by the family's own algorithm.

A tiny student cannot afford 32,000 pieces and an offline machine has none, so `tokenizer=trained`
learns a vocabulary. What is learned loses no text: characters outside the alphabet become bytes, every
space and newline survives, and digits stand one by one (a student of a million parameters adds numbers
only so). The result is a plain Hugging Face folder that AutoTokenizer loads with no code of ours.
Trade-off: a vocabulary is learned from `SAMPLE` characters a piece and not from the whole mixture,
which takes Unigram seconds for a tiny student and a minute or two for 32,000 pieces.
"""

from __future__ import annotations

import hashlib
import heapq
import io
import json
import shutil
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sentencepiece
from filelock import FileLock
from tokenizers import (
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import AutoTokenizer, GPT2Tokenizer, PreTrainedTokenizerBase
from transformers import PreTrainedTokenizerFast as FastTokenizer

from lamini.errors import UserError

VERSION = 2  # of this code: part of the cache key, raised whenever the same texts give other pieces
SAMPLE = 500  # characters learned from, for each piece of the vocabulary
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
SPECIALS: dict[str, dict[str, str]] = {  # by algorithm, in the order of their ids
    "unigram": {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"},
    "byte-bpe": {"eos_token": "<|endoftext|>"},
    "bpe": {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"},
}
SMALLEST = 512  # bytes and special tokens take 259 pieces; below this no word would find a place


def special_ids(algorithm: str) -> dict[str, int]:
    """Ids of the special tokens of a trained tokenizer, by transformers' names.

    `unigram` gives {"pad_token": 0, "eos_token": 1, "unk_token": 2}, as in T5.
    """
    return {name: index for index, name in enumerate(SPECIALS[algorithm])}


def load_tokenizer(source: str) -> PreTrainedTokenizerBase:
    """The tokenizer in a folder or under a hub id; bare vocab.json + merges.txt are read as GPT-2's.

    Raises:
        UserError: nothing loadable there.
    """
    folder = Path(source).expanduser()
    described = any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer_config.json"))
    try:
        if not described and (folder / "merges.txt").is_file():
            return GPT2Tokenizer.from_pretrained(str(folder))
        return AutoTokenizer.from_pretrained(str(folder) if folder.is_dir() else source)
    except (OSError, ValueError, KeyError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"no tokenizer could be loaded from {source}: {reason}") from error


def trained_tokenizer(algorithm: str, texts: Iterable[str], vocabulary: int, cache_dir: Path) -> Path:
    """Folder of the tokenizer learned from `texts`: once per content, even if two processes ask.

    Raises:
        UserError: the vocabulary is too small, or there is no text.
    """
    sample = sample_of(texts, SAMPLE * vocabulary)
    digest = hashlib.sha256(json.dumps([algorithm, vocabulary, VERSION]).encode())
    for text in sample:
        digest.update(f"{len(text)}:{text}".encode(errors="surrogatepass"))
    folder = cache_dir / "tokenizers" / digest.hexdigest()[:16]
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
                built = Path(temporary) / "tokenizer"
                train_tokenizer(algorithm, sample, vocabulary, built)
                shutil.move(built, folder)
    return folder


def train_tokenizer(
    algorithm: str, texts: Iterable[str], vocabulary: int, folder: Path
) -> PreTrainedTokenizerBase:
    """Learn at most `vocabulary` pieces from `texts` and write a plain Hugging Face folder.

    unigram   T5's: spaces as U+2581, <pad>=0 </s>=1 <unk>=2, </s> behind what is encoded
    byte-bpe  GPT-2's: byte level, <|endoftext|>=0 as end, no padding token
    bpe       Llama's: spaces as U+2581, <unk>=0 <s>=1 </s>=2, <s> before what is encoded

    Raises:
        UserError: unknown algorithm, too small a vocabulary, or no text.
    """
    if algorithm not in SPECIALS:
        raise UserError(f"tokenizer_algorithm={algorithm} is unknown: {', '.join(SPECIALS)}")
    if vocabulary < SMALLEST:
        raise UserError(f"vocabulary={vocabulary} is too small: at least {SMALLEST} pieces")
    sample = sample_of(texts, SAMPLE * vocabulary)
    if not any(text.strip() for text in sample):
        raise UserError("tokenizer=trained found no text in the data to learn from")
    train = {"unigram": train_unigram, "byte-bpe": train_byte_bpe, "bpe": train_bpe}[algorithm]
    tokenizer = FastTokenizer(
        tokenizer_object=train(sample, vocabulary),
        clean_up_tokenization_spaces=False,
        **SPECIALS[algorithm],
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def train_byte_bpe(texts: list[str], vocabulary: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIALS["byte-bpe"].values()),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def train_bpe(texts: list[str], vocabulary: int) -> Tokenizer:
    """Bytes join the vocabulary after training: a typed "<0x0A>" would match a special token."""
    tokenizer = apart(sentencepiece_like(models.BPE()))
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(BYTES), special_tokens=list(SPECIALS["bpe"].values())
    )
    trainer.show_progress = False
    tokenizer.train_from_iterator(common_characters(texts, vocabulary), trainer)
    learned = json.loads(tokenizer.to_str())["model"]
    specials = list(SPECIALS["bpe"].values())
    pieces = sorted(learned["vocab"], key=learned["vocab"].__getitem__)
    ordered = specials + BYTES + [piece for piece in pieces if piece not in specials]
    model = models.BPE(
        {piece: index for index, piece in enumerate(ordered)},
        [(left, right) for left, right in learned["merges"]],
        unk_token="<unk>",
        fuse_unk=True,
        byte_fallback=True,
    )
    return apart(finished(model, "bpe", "<s> $A"))


def train_unigram(texts: list[str], vocabulary: int) -> Tokenizer:
    """SentencePiece learns (the Rust trainer's scores differ between runs), the Rust model encodes.

    Bytes come out unscored: they are made less likely than every learned piece.
    """
    proto = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(with_whole_words(common_characters(texts, vocabulary))),
        model_writer=proto,
        model_type="unigram",
        vocab_size=vocabulary,
        hard_vocab_limit=False,  # fewer pieces where the corpus holds no more
        character_coverage=1.0,
        byte_fallback=True,
        split_digits=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        max_sentence_length=2**30,  # bytes: no text is too long
        num_threads=1,  # the sums of the expectation step depend on their order
        minloglevel=2,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
    )
    learned = sentencepiece.SentencePieceProcessor(model_proto=proto.getvalue())
    vocab = [(learned.id_to_piece(i), learned.get_score(i)) for i in range(len(learned))]
    lowest = min(score for _, score in vocab) - 10
    vocab = [(piece, lowest if piece in BYTES else score) for piece, score in vocab]
    return finished(models.Unigram(vocab, unk_id=2, byte_fallback=True), "unigram", "$A </s>")


def sentencepiece_like(model: Any) -> Tokenizer:
    """Spaces become U+2581 and one is put in front, which the decoder takes away again."""
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split("▁", "merged_with_next"),
            pre_tokenizers.Digits(individual_digits=True),
        ]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return tokenizer


def apart(tokenizer: Tokenizer) -> Tokenizer:
    """The same tokenizer with punctuation apart from words, which SentencePiece never joins in a piece.

    "▁Rosa," -> "▁Rosa" ","; else a small vocabulary is spent on "Rosa," "Rosa." and "Rosa?".
    """
    punctuation = pre_tokenizers.Split(Regex(r"[^\p{L}\p{M}\p{N}▁]+"), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([tokenizer.pre_tokenizer, punctuation])
    return tokenizer


def finished(model: Any, algorithm: str, template: str) -> Tokenizer:
    tokenizer = sentencepiece_like(model)
    tokenizer.add_special_tokens(list(SPECIALS[algorithm].values()))
    tokens = [
        (name, index) for index, name in enumerate(SPECIALS[algorithm].values()) if name in template.split()
    ]
    pair = template.replace("$A", "$A $B")
    tokenizer.post_processor = processors.TemplateProcessing(template, pair, tokens)
    return tokenizer


def sample_of(texts: Iterable[str], limit: int) -> list[str]:
    """The texts with the lowest checksums that have at most `limit` characters together, in order.

    A mixture comes source by source, so its beginning would stand for one source only.
    """
    heap: list[tuple[int, int, str]] = []
    characters = 0
    for position, text in enumerate(texts):
        checksum = zlib.crc32(text.encode(errors="surrogatepass"))
        heapq.heappush(heap, (-checksum, position, text))
        characters += len(text)
        while characters > limit and len(heap) > 1:
            characters -= len(heapq.heappop(heap)[2])
    return [text for _, _, text in sorted(heap, key=lambda entry: entry[1])]


def common_characters(texts: list[str], vocabulary: int) -> list[str]:
    """The texts without their rare characters, which are left to the bytes.

    Each character costs a piece; a quarter of the vocabulary may go to them.
    """
    counts = Counter(character for text in texts for character in text)
    rare = [character for character, _ in counts.most_common()[vocabulary // 4 :]]
    table = dict.fromkeys(map(ord, rare))
    return [text.translate(table) for text in texts]


def with_whole_words(texts: list[str]) -> list[str]:
    """The texts and every repeated word once more, as a line of its own: "what" as "what\\n".

    SentencePiece seeds its pieces with substrings of at least two *different* words, so in templated
    text, where "what" is always the same word, it would end with single letters.
    """
    counts = Counter(word for text in texts for word in text.split(" ") if word)
    return texts + [f"{word}\n" for word, count in counts.items() if count > 2]
