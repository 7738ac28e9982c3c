"""Tiny tokenizers and models made in code: real classes, real files, no downloads, milliseconds."""

from __future__ import annotations

import torch
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    GPTJConfig,
    GPTJForCausalLM,
    GPTNeoConfig,
    GPTNeoForCausalLM,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from lamini.students.protocol import Batch, Student

WORDS = ["add", "1", "2", "say", "three", "hi"]

PAIRS = [
    ("add 1 2", "three"),
    ("say hi", "hi hi"),
    ("Name the colour of the sky.", "Blue."),
    ("Reverse the word stone.", "enots"),
    ("Which is larger, 3 or 7?", "7"),
    ("Write a short greeting to a friend.", "Hello, my friend!"),
    ("Count from one to five.", "one two three four five"),
    ("Is a whale a fish? Answer yes or no and say why.", "No: it is a mammal."),
]

TEXT = [part for pair in PAIRS for part in pair] + [
    "Below is an instruction that describes a task. Write a response that appropriately completes "
    "the request.\n\n### Instruction:\n\n### Response:"
]


def word_tokenizer(pad: bool) -> PreTrainedTokenizerFast:
    """One id a word: add=3, 1=4, 2=5, say=6, three=7, hi=8, end=1, padding=0 (with `pad`) or 1."""
    vocabulary = {"<pad>": 0, "</s>": 1, "<unk>": 2}
    vocabulary |= {word: 3 + index for index, word in enumerate(WORDS)}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>" if pad else "</s>",
    )


def t5_tokenizer() -> PreTrainedTokenizerFast:
    """Unigram over Metaspace, padding=0, end=1, every text ended with </s>, as T5's does."""
    backend = Tokenizer(models.Unigram())
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=160,
        special_tokens=["<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    backend.train_from_iterator(TEXT * 4, trainer)
    backend.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )


def gpt2_tokenizer(bos: bool = False) -> PreTrainedTokenizerFast:
    """Byte-level BPE, one special token for end and padding; with `bos` texts begin with it."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    special = "<|endoftext|>"
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=[special],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(TEXT * 4, trainer)
    if bos:
        backend.post_processor = processors.TemplateProcessing(
            single=f"{special} $A", special_tokens=[(special, 0)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token=special, bos_token=special, pad_token=special
    )


def llama_tokenizer(scheme: str) -> PreTrainedTokenizerFast:
    """BPE over Metaspace, <s> before every text; `scheme`: who puts the first blank."""
    backend = Tokenizer(models.BPE(unk_token="<unk>"))
    if scheme == "normaliser":
        backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        backend.decoder = decoders.Metaspace()
    else:
        backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
        backend.decoder = decoders.Metaspace(prepend_scheme=scheme)
    trainer = trainers.BpeTrainer(
        vocab_size=260, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False
    )
    backend.train_from_iterator(TEXT * 4, trainer)
    backend.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )


def t5(vocabulary: int, tied: bool = True, d_kv: int = 12) -> T5ForConditionalGeneration:
    """T5 v1.0 (tied, scaled head) or v1.1 and Flan (untied, gated)."""
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=vocabulary,
        d_model=48,
        d_kv=d_kv,
        d_ff=96,
        num_layers=2,
        num_heads=4,
        dropout_rate=0.0,
        tie_word_embeddings=tied,
        feed_forward_proj="relu" if tied else "gated-gelu",
        decoder_start_token_id=0,
    )
    if not tied:
        config.scale_decoder_outputs = False
    return T5ForConditionalGeneration(config)


def causal(kind: str, vocabulary: int, context: int = 256) -> PreTrainedModel:
    """gpt2, gpt-neo (local window 8), gpt-j (biased head), pythia, llama or qwen3 (grouped keys)."""
    torch.manual_seed(0)
    if kind == "gpt2":
        return GPT2LMHeadModel(
            GPT2Config(
                vocab_size=vocabulary,
                n_positions=context,
                n_embd=48,
                n_layer=2,
                n_head=4,
                resid_pdrop=0.0,
                embd_pdrop=0.0,
                attn_pdrop=0.0,
                bos_token_id=0,
                eos_token_id=0,
                pad_token_id=0,
            )
        )
    if kind == "gpt-neo":
        return GPTNeoForCausalLM(
            GPTNeoConfig(
                vocab_size=vocabulary,
                max_position_embeddings=context,
                hidden_size=48,
                num_layers=2,
                num_heads=4,
                attention_types=[[["global", "local"], 1]],
                window_size=8,
                bos_token_id=0,
                eos_token_id=0,
            )
        )
    if kind == "gpt-j":
        model = GPTJForCausalLM(
            GPTJConfig(
                vocab_size=vocabulary,
                n_positions=context,
                n_embd=48,
                n_layer=2,
                n_head=4,
                rotary_dim=8,
                bos_token_id=0,
                eos_token_id=0,
            )
        )
        torch.nn.init.normal_(model.lm_head.bias)  # zero at birth: a lost one would not show
        return model
    return rotary(kind, vocabulary, context)


def rotary(kind: str, vocabulary: int, context: int) -> PreTrainedModel:
    """pythia, and with grouped keys llama or qwen3: rotary positions."""
    shape: dict[str, int] = {
        "vocab_size": vocabulary,
        "max_position_embeddings": context,
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "bos_token_id": 0,
        "eos_token_id": 0,
    }
    if kind == "pythia":
        return GPTNeoXForCausalLM(GPTNeoXConfig(**shape))
    if kind == "qwen3":
        return Qwen3ForCausalLM(Qwen3Config(**shape, num_key_value_heads=2, head_dim=12))
    assert kind == "llama"
    return LlamaForCausalLM(LlamaConfig(**shape, num_key_value_heads=2))


def lively(model: PreTrainedModel) -> PreTrainedModel:
    """Larger random weights: at birth a model gives every prompt one answer, which compares nothing."""
    torch.manual_seed(1)
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.4)
    return model


def batch_of(student: Student, pairs: list[tuple[str, str]]) -> Batch:
    features = student.encode([p[0] for p in pairs], [p[1] for p in pairs])
    kept = [row for row in features if row is not None]
    assert len(kept) == len(pairs)
    return student.collate([row.prompt for row in kept], [row.response for row in kept])


def overfit(student: Student, steps: int = 150) -> list[str]:
    """Train on PAIRS until the loss is small; the answers, with room to run on."""
    batch = batch_of(student, PAIRS)
    assert student.model is not None
    optimizer = torch.optim.AdamW(student.model.parameters(), lr=5e-3)
    for _ in range(steps):
        total, count = student.loss(batch)
        (total / count).backward()
        torch.nn.utils.clip_grad_norm_(student.model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if total / count < 0.01:
            break
    return student.generate([instruction for instruction, _ in PAIRS], 60)
