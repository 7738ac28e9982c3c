"""conf/family: every size built without memory and held against the published parameter counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from lamini.config import Family, Init
from lamini.students.loading import architecture_of, count_parameters
from lamini.students.tokenizers import SPECIALS
from lamini.targets import check
from tests.students.configs import FAMILIES, config_of, family_of

PAPER = {  # Table 3: name of the published student -> initial checkpoint
    "T5-61M": "google-t5/t5-small",
    "T5-223M": "google-t5/t5-base",
    "T5-738M": "google-t5/t5-large",
    "Flan-T5-77M": "google/flan-t5-small",
    "Flan-T5-248M": "google/flan-t5-base",
    "Flan-T5-783M": "google/flan-t5-large",
    "Neo-125M": "EleutherAI/gpt-neo-125m",
    "Neo-1.3B": "EleutherAI/gpt-neo-1.3B",
    "Cerebras-111M": "cerebras/Cerebras-GPT-111M",
    "Cerebras-256M": "cerebras/Cerebras-GPT-256M",
    "Cerebras-590M": "cerebras/Cerebras-GPT-590M",
    "Cerebras-1.3B": "cerebras/Cerebras-GPT-1.3B",
    "GPT-124M": "openai-community/gpt2",
    "GPT-774M": "openai-community/gpt2-large",
    "GPT-1.5B": "openai-community/gpt2-xl",
    "GPT-J-6B": "EleutherAI/gpt-j-6b",
    "LLaMA-7B": "huggyllama/llama-7b",
}
ALL = [(family, size) for family in FAMILIES for size in family_of(family).sizes]


def rounded(parameters: int, label: str) -> str:
    """The count written as precisely as the label: 1557611200 as "1.5B" is one of 1.5 and 1.6."""
    number, unit = label[:-1], label[-1]
    digits = len(number.partition(".")[2])
    return f"{parameters / {'M': 1e6, 'B': 1e9}[unit]:.{digits}f}{unit}"


@pytest.mark.parametrize(("family", "size"), ALL)
def test_parameters_are_the_published_ones(family: str, size: str) -> None:
    config = config_of(family, size, init=Init.scratch)
    assert count_parameters(config, 2048) == config.family.sizes[size].parameters


@pytest.mark.parametrize(("family", "size"), [pair for pair in ALL if pair[1][0].isdigit()])
def test_counts_agree_with_the_size_label(family: str, size: str) -> None:
    count = family_of(family).sizes[size].parameters
    # Published labels are loose: LLaMA-7B has 6.7 billion, Pythia-410M 405 million
    assert abs(float(rounded(count, size)[:-1]) / float(size[:-1]) - 1) < 0.05


def test_the_paper_s_seventeen_checkpoints_are_there() -> None:
    sizes = [size for family in FAMILIES for size in family_of(family).sizes.values()]
    by_checkpoint = {size.checkpoint: size.parameters for size in sizes if size.checkpoint}
    assert len(PAPER) == 17
    assert set(PAPER.values()) <= set(by_checkpoint)
    assert "openai-community/gpt2-medium" in by_checkpoint
    for name, checkpoint in PAPER.items():
        label = name.rpartition("-")[2]
        count = float(rounded(by_checkpoint[checkpoint], label)[:-1])
        assert count == pytest.approx(float(label[:-1]), rel=0.07), name


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_is_complete_and_consistent(name: str) -> None:
    family = family_of(name)
    assert family.name == name
    check(family._target_, "_target_")
    decoder_only = family._target_.endswith("DecoderOnly")
    assert family.wrapper == ("alpaca" if decoder_only else "bare")
    assert family.learning_rate.pretrained == (2e-5 if decoder_only else 5e-4)
    assert family.tokenizer_algorithm in SPECIALS
    for size, facts in family.sizes.items():
        scratch_only = size in ("nano", "micro")
        assert (facts.checkpoint is None) == scratch_only
        fields: dict[str, Any] = {**family.architecture, **facts.architecture}
        assert ("vocab_size" in fields) != scratch_only
        assert "tie_word_embeddings" in fields
        assert "eos_token_id" in fields


@pytest.mark.parametrize("name", FAMILIES)
def test_every_field_reaches_the_config(name: str) -> None:
    """A misspelt field would be kept by transformers as an attribute that nothing reads."""
    family = family_of(name)
    size = next(reversed(family.sizes))
    hf_config = architecture_of(config_of(name, size, init=Init.scratch), 2048)
    for field, value in (family.architecture | family.sizes[size].architecture).items():
        if (name, field) == ("flan-t5", "tie_word_embeddings"):  # told by scale_decoder_outputs
            assert hf_config.scale_decoder_outputs is False
        elif isinstance(value, dict):
            assert value.items() <= getattr(hf_config, field).items()
        else:
            assert getattr(hf_config, field) == value


@pytest.mark.parametrize("size", ["nano", "micro"])
def test_scratch_sizes_mean_the_embedded_recipe(size: str) -> None:
    path = Path(__file__).parents[2] / "conf" / "size" / f"{size}.yaml"
    assert path.read_text().startswith("# @package _global_")
    values = OmegaConf.to_container(OmegaConf.load(path))
    assert isinstance(values, dict)
    assert values["defaults"] == [{"override /data": "oracle"}]
    assert values["size"]["name"] == size
    assert (values["init"], values["tokenizer"]) == ("scratch", "trained")


def test_families_validate() -> None:
    assert all(isinstance(family_of(name), Family) for name in FAMILIES)
    assert {"t5", "flan-t5", "gpt2", "gpt-neo", "cerebras-gpt", "gpt-j", "llama"} <= set(FAMILIES)
