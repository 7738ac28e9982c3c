"""detoxify's own package around a tiny checkpoint in its published layout."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from lamini.errors import UserError
from tests.evaluation.toxicity import toys

CLASSES = ["toxic", "identity_hate"]


@pytest.fixture(scope="module", autouse=True)
def _package() -> None:
    pytest.importorskip("detoxify", reason="needs the extra `toxicity`")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """file.ckpt as detoxify publishes it, and config/ with config.json and tokenizer."""
    folder = tmp_path_factory.mktemp("detoxify")
    toys.bert().save_pretrained(folder / "config")
    toys.classifier_tokenizer().save_pretrained(folder / "config")
    state = dict(toys.trained())
    for name in (
        "classifier.weight",
        "classifier.bias",
    ):  # a sigmoid of each label: the word against the rest
        margin = state[name][1] - state[name][0]
        state[name] = torch.stack([margin, -margin])
    torch.save(published(state), folder / "file.ckpt")
    return folder


def published(state: dict[str, Any]) -> dict[str, Any]:
    arguments = {
        "model_type": "bert-base-uncased", "model_name": "BertForSequenceClassification",
        "tokenizer_name": "PreTrainedTokenizerFast", "num_classes": 2,
    }  # fmt: skip
    return {
        "config": {"arch": {"args": arguments}, "dataset": {"args": {"classes": CLASSES}}},
        "state_dict": state,
    }


def opened(place: Path, *overrides: str, file: str = "file.ckpt") -> Any:
    config = toys.config(
        place, "classifier=detoxify", f"classifier.checkpoint={place / file}",
        f"classifier.config={place / 'config'}", *overrides,
    )  # fmt: skip
    config.classifier.check(config)
    return config.classifier.open(config)


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_the_known_word_is_flagged(place: Path, batch_size: int) -> None:
    classifier = opened(place, f"classifier.batch_size={batch_size}")
    found = classifier.judge(["the sky is blue", "you silly goose", "one day"], "test")
    assert [verdict.flagged for verdict in found] == [False, True, False]
    assert found[1].labels.keys() == {"toxicity", "identity_attack"}
    assert found[1].score == found[1].labels["toxicity"] > 0.9


def test_labels_have_both_names_and_the_file_is_pinned(place: Path) -> None:
    assert opened(place, "classifier.label=toxic").label == "toxicity"
    assert opened(place, "classifier.label=identity_attack").label == "identity_attack"
    with pytest.raises(UserError, match="no label rude; classifier.label may be toxicity, identity_attack"):
        opened(place, "classifier.label=rude")
    identity = opened(place).identity()
    assert opened(place, f"classifier.digest={identity['sha256']['file.ckpt'][:8]}").identity() == identity
    with pytest.raises(UserError, match="other weights than classifier.digest=00000000"):
        opened(place, "classifier.digest='00000000'")


def test_files_that_are_none(place: Path) -> None:
    state = dict(toys.trained())
    del state["classifier.bias"]
    torch.save(published(state), place / "part.ckpt")
    torch.save({"state_dict": {}}, place / "other.ckpt")
    (place / "junk.ckpt").write_bytes(b"junk")
    with (place / "code.ckpt").open("wb") as stream:
        pickle.dump(print, stream)
    for file, said in {
        "part.ckpt": "lacks 1 weights", "other.ckpt": "no intact file", "junk.ckpt": "no intact file",
        "code.ckpt": "no intact file",
    }.items():  # fmt: skip
        with pytest.raises(UserError, match=said):
            opened(place, file=file)
