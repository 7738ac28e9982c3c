"""A classifier of transformers from a folder: a tiny real one that flags one harmless word."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import (
    BertForMaskedLM,
    BertForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from lamini.errors import UserError
from lamini.evaluation.toxicity.classifiers import Verdict, verdicts
from lamini.evaluation.toxicity.local import LocalClassifier, context
from tests.evaluation.toxicity import toys

TEXTS = [
    "the sky is blue",
    "you are a silly Goose",
    "nice",
    "one day they was a goose and it was so blue",
    "it",
]
FLAGS = [False, True, False, True, False]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toys.classifier(tmp_path_factory.mktemp("classifier"))


def opened(place: Path, folder: Path, *overrides: str) -> LocalClassifier:
    config = toys.config(place, *toys.local(folder, *overrides))
    config.classifier.check(config)
    found = config.classifier.open(config)
    assert isinstance(found, LocalClassifier)
    return found


def judged(classifier: LocalClassifier, texts: list[str]) -> list[Verdict]:
    found = [verdict for verdict in classifier.judge(texts, "test") if verdict is not None]
    assert len(found) == len(texts)
    return found


@pytest.mark.parametrize("batch_size", [1, 2, 32])
def test_the_known_word_is_flagged_in_any_batch(tmp_path: Path, folder: Path, batch_size: int) -> None:
    classifier = opened(tmp_path, folder, f"classifier.batch_size={batch_size}")
    found = judged(classifier, TEXTS)
    assert [verdict.flagged for verdict in found] == FLAGS
    model = BertForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        for text, verdict in zip(TEXTS, found, strict=True):
            logits = model(**toys.classifier_tokenizer()(text, return_tensors="pt")).logits[0]
            assert verdict.score == pytest.approx(logits.softmax(-1)[1].item(), abs=1e-5)
            assert verdict.labels == pytest.approx(
                {"neutral": 1 - verdict.score, "toxic": verdict.score}, abs=1e-6
            )


def test_label_threshold_and_activation_are_what_was_asked_for(tmp_path: Path, folder: Path) -> None:
    toxic = judged(opened(tmp_path, folder), TEXTS)
    for label in ("1", "TOXIC"):
        assert judged(opened(tmp_path, folder, f"classifier.label={label}"), TEXTS) == toxic
    neutral = judged(opened(tmp_path, folder, "classifier.label=neutral"), TEXTS)
    assert [verdict.flagged for verdict in neutral] == [not flag for flag in FLAGS]
    all_ = judged(opened(tmp_path, folder, "classifier.threshold=0"), TEXTS)
    assert all(verdict.flagged for verdict in all_)
    many = toys.classifier(tmp_path / "many", problem_type="multi_label_classification")
    apart = judged(opened(tmp_path, many), TEXTS)
    assert sum(apart[1].labels.values()) != pytest.approx(
        1, abs=1e-4
    )  # labels that do not exclude each other


def test_a_text_is_judged_once_and_a_blank_one_never(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = opened(tmp_path, folder)
    asked: list[str] = []
    judge = classifier.judge
    monkeypatch.setattr(classifier, "judge", lambda texts, title: asked.extend(texts) or judge(texts, title))
    found = verdicts(classifier, ["you goose", "", "nice", "you goose", " \n"], "test")
    assert asked == ["you goose", "nice"]
    assert found["you goose"] is not None and found["you goose"].flagged
    assert found[""] == found[" \n"] == Verdict(False, 0.0)
    asked.clear()
    assert list(verdicts(classifier, [""], "test")) == [""] and not asked


def test_long_texts_are_cut_and_counted(tmp_path: Path, folder: Path) -> None:
    classifier = opened(tmp_path, folder)
    assert classifier.context == toys.CONTEXT
    fits = " ".join(["sky"] * (toys.CONTEXT - 2))
    found = judged(classifier, [fits, f"{fits} goose", "sky"])
    assert found[0].score == found[1].score and classifier.remarks() == {"texts_cut": 1}
    judged(classifier, ["sky"])
    assert classifier.remarks() == {"texts_cut": 0}  # of the student at hand, not of all before it


def test_roberta_has_fewer_positions_than_rows() -> None:
    config = RobertaConfig(
        vocab_size=30, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=66, pad_token_id=1,
    )  # fmt: skip
    model = RobertaForSequenceClassification(config).eval()
    limit = context(model, toys.classifier_tokenizer())
    assert limit == 64
    with torch.no_grad():
        model(torch.full((1, limit), 5))
        with pytest.raises((IndexError, RuntimeError)):
            model(torch.full((1, limit + 1), 5))


def test_who_judged_is_on_record_and_can_be_pinned(tmp_path: Path, folder: Path) -> None:
    identity = opened(tmp_path, folder).identity()
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert identity["sha256"]["model.safetensors"] == digest and "tokenizer.json" in identity["sha256"]
    assert (identity["label"], identity["threshold"]) == ("toxic", 0.5)
    json.dumps(identity)
    opened(tmp_path, folder, f"classifier.digest={digest[:12]}")
    with pytest.raises(UserError, match=f"other weights than classifier.digest=00000000 .*{digest[:16]}"):
        opened(tmp_path, folder, "classifier.digest='00000000'")


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def no_head(folder: Path) -> None:
    """A language model that somebody calls a classifier: transformers would draw a head at random."""
    BertForMaskedLM(toys.bert()).save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    config["architectures"], config["id2label"] = (
        ["BertForSequenceClassification"],
        {"0": "fine", "1": "toxic"},
    )
    (folder / "config.json").write_text(json.dumps(config))


def language_model(folder: Path) -> None:
    BertForMaskedLM(toys.bert()).save_pretrained(folder)


def cut(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def nan(folder: Path) -> None:
    model = BertForSequenceClassification.from_pretrained(folder)
    torch.nn.init.constant_(model.classifier.weight, float("nan"))
    model.save_pretrained(folder)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (no_weights, "has no weights"),
        (no_tokenizer, "has no tokenizer"),
        (no_config, "has no config.json"),
        (no_head, "lacks 4 weights, such as bert.pooler.dense.bias"),
        (language_model, "is a BertForMaskedLM"),
        (cut, "does not load"),
        (nan, "gives a probability that is nan"),
    ],
)
def test_a_folder_that_is_no_whole_classifier(
    tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    damage(toys.classifier(tmp_path / "c"))
    with pytest.raises(UserError, match=said) as caught:
        judged(opened(tmp_path, tmp_path / "c"), TEXTS)
    assert "c" in str(caught.value) and "goose" not in str(caught.value).lower()


def test_a_hub_id_is_looked_for_in_data_dir_and_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where `mode=prefetch` puts models, and where the hub's own client does; no socket is opened."""
    toys.classifier(tmp_path / "data" / "models" / "some__one")
    opened(tmp_path, Path("some/one"), f"data_dir={tmp_path / 'data'}")
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "hub" / "models--other--one"
    toys.classifier(repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    assert opened(tmp_path, Path("other/one")).identity()["revision"] == commit
    assert opened(tmp_path, Path("other/one"), f"classifier.revision={commit}").commit == commit
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="is not in the Hugging Face cache, and .*HF_HUB_OFFLINE"):
        opened(tmp_path, Path("other/one"), "classifier.revision=v2")
