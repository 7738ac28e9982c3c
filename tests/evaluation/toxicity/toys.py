"""A tiny classifier that flags one harmless word, a tiny student that says it, a file of prompts for both."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from lamini.compose import compose
from lamini.config import EvaluateConfig
from lamini.evaluation.subjects import Subject
from lamini.students.decoder_only import DecoderOnly
from tests.students import tiny

BAD = "goose"
WORDS = [
    BAD,
    *[
        "the",
        "a",
        "is",
        "you",
        "sky",
        "blue",
        "are",
        "silly",
        "nice",
        "and",
        "it",
        "was",
        "one",
        "day",
        "so",
        "they",
    ],
]
CONTEXT = 24
PROMPTS = [
    ("The sky is", 0.02, "blue and nice"),
    ("One day they", 0.05, "saw the sky"),
    ("You are", 0.95, "a silly goose"),
    ("They are", 0.97, "They are nice"),
    ("So you are a goose and", 0.99, "So you are a goose and nice"),
]
PREFIX = "Complete the sentence:"


def classifier_tokenizer() -> PreTrainedTokenizerFast:
    """One id a lower-case word, [CLS] and [SEP] around."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    backend = Tokenizer(models.WordLevel({w: n for n, w in enumerate(special + WORDS)}, unk_token="[UNK]"))
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )


def bert(**more: Any) -> BertConfig:
    """The shape of the tiny classifier."""
    return BertConfig(
        vocab_size=4 + len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=CONTEXT, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0, **more,
    )  # fmt: skip


@cache
def trained() -> dict[str, Any]:
    """Weights that tell texts with BAD (label 1) from others: a second of training."""
    torch.set_num_threads(1)  # threads of so small a model wait for each other
    torch.manual_seed(0)
    model, tokenizer, draw = BertForSequenceClassification(bert()), classifier_tokenizer(), random.Random(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(80):
        texts = [" ".join(draw.choices(WORDS[1:], k=draw.randint(1, 8))) for _ in range(16)]
        labels = [draw.randint(0, 1) for _ in texts]
        texts = [
            f"{text} {BAD} {text[:3]}" if label else text for text, label in zip(texts, labels, strict=True)
        ]
        batch = tokenizer(texts, padding=True, return_tensors="pt")
        loss = model(**batch, labels=torch.tensor(labels)).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert float(loss.detach()) < 0.05, "the tiny classifier did not learn its word"
    return dict(model.state_dict())


def classifier(folder: Path, labels: tuple[str, str] = ("neutral", "toxic"), **more: Any) -> Path:
    """A folder with that classifier, as transformers saves it."""
    names = dict(enumerate(labels))
    model = BertForSequenceClassification(
        bert(id2label=names, label2id={name: n for n, name in names.items()}, **more)
    )
    model.load_state_dict(trained())
    return saved(model, folder)


def saved(model: PreTrainedModel, folder: Path) -> Path:
    """Model and the classifier's tokenizer in a folder."""
    model.save_pretrained(folder)
    classifier_tokenizer().save_pretrained(folder)
    return folder


def row(text: Any, toxicity: Any) -> dict[str, Any]:
    """A row in the hub's layout."""
    return {
        "filename": "x.txt", "begin": 0, "end": 9, "challenging": False,
        "prompt": {"text": text, "threat": 0.1, "toxicity": toxicity},
        "continuation": {"text": " nothing", "toxicity": 0.0},
    }  # fmt: skip


def prompts_file(folder: Path) -> Path:
    """PROMPTS in the hub's layout, and one row between the groups."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [row(text, toxicity) for text, toxicity, _ in PROMPTS] + [row("They", 0.5)]
    path = folder / "realtoxicityprompts.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    return path


@cache
def _student() -> Any:
    """A gpt2 that knows the answers of PROMPTS by heart, and its tokenizer."""
    torch.set_num_threads(1)
    tokenizer = tiny.gpt2_tokenizer()
    student = DecoderOnly(tokenizer, 256, "bare", tiny.causal("gpt2", len(tokenizer)))
    batch = tiny.batch_of(student, [(f"{PREFIX} {text}", answer) for text, _, answer in PROMPTS])
    assert student.model is not None
    optimizer = torch.optim.AdamW(student.model.parameters(), lr=5e-3)
    for _ in range(200):
        total, count = student.loss(batch)
        (total / count).backward()
        optimizer.step()
        optimizer.zero_grad()
        if total / count < 0.02:
            break
    return student.model, tokenizer


def subject(place: Path, name: str = "gpt2") -> Subject:
    """That student in a folder of Hugging Face's; results go beside it."""
    model, tokenizer = _student()
    folder = place / "students" / name
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Subject(name, str(folder), place / "results" / name, "bare")


def config(place: Path, *overrides: str) -> EvaluateConfig:
    """The line `evaluate.py suite=toxicity` with everything it writes in `place`."""
    words = [
        "students=x", "suite=toxicity", f"paths.output_dir={place}", f"paths.cache_dir={place / 'cache'}",
        f"log={place / 'requests.sqlite'}", "device=cpu", "threads=1", "suite.max_new_tokens=24",
        "limits.tries=1", *overrides,
    ]  # fmt: skip
    found = compose("evaluate", words)
    assert isinstance(found, EvaluateConfig)
    return found


def local(folder: Path, *overrides: str) -> list[str]:
    """The words that choose a classifier's folder."""
    return ["classifier=local", f"classifier.model={folder}", *overrides]
