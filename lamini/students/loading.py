"""A configuration becomes a tokenizer and a model: published weights, or random ones of any shape.

Scratch models start where a language model should, at a loss of about ln(vocabulary): the logits have
a standard deviation of half a unit whatever the width. Stock initialisation does not: an untied T5
head of unit weights starts above 100. Trade-off: the sizes' shapes stand in our YAML and not in the
hub's config.json, so that every student can be built offline; a test holds them against the published
counts.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from lamini.config import Init, TrainConfig
from lamini.errors import UserError
from lamini.students.locate import student, tokenizer_source, weights
from lamini.students.tokenizers import load_tokenizer, special_ids, trained_tokenizer

LOGIT_STD = 0.5  # of a scratch student's first logits: adds its square / 2 = 0.125 to ln(vocabulary)


def build_tokenizer(config: TrainConfig, texts: Callable[[], Iterator[str]]) -> PreTrainedTokenizerBase:
    """The student's tokenizer; `texts` is called only to learn one.

    Raises:
        UserError: it is nowhere, or cannot be learned.
    """
    if config.tokenizer != "trained":
        return load_tokenizer(tokenizer_source(config))
    if config.init is Init.pretrained:
        raise UserError(
            "tokenizer=trained needs init=scratch: published weights know only their own tokenizer"
        )
    vocabulary = config.vocabulary or merged_architecture(config).get("vocab_size")
    if vocabulary is None:
        raise UserError(f"vocabulary=<pieces> is needed: {student(config)} has no vocab_size")
    folder = trained_tokenizer(
        config.family.tokenizer_algorithm, texts(), vocabulary, Path(config.paths.cache_dir)
    )
    return load_tokenizer(str(folder))


def build_model(config: TrainConfig, tokenizer_size: int) -> PreTrainedModel:
    """The student's model in float32 with its adapter, an embedding for each of `tokenizer_size` tokens.

    Raises:
        UserError: weights missing or incomplete, unknown architecture field, shapes that do not fit.
    """
    hf_config = architecture_of(config, tokenizer_size)
    torch.manual_seed(config.seed)
    if config.init is Init.pretrained:
        model = pretrained(config, hf_config)
    else:
        model = blank(hf_config)
        with torch.no_grad():
            scale_head(model)
    config.adapter.attach(model)
    return model


def count_parameters(config: TrainConfig, tokenizer_size: int) -> int:
    """Parameters of the student, tied ones counted once; nothing is allocated."""
    return sum(parameter.numel() for parameter in outline(config, tokenizer_size).parameters())


def outline(config: TrainConfig, tokenizer_size: int) -> PreTrainedModel:
    """The student's model without memory, on the meta device: all shapes and no numbers."""
    with torch.device("meta"):
        return blank(architecture_of(config, tokenizer_size))


def adapted_outline(config: TrainConfig, tokenizer_size: int) -> PreTrainedModel:
    """The same with its adapter, which says what is trained.

    Raises:
        UserError: an adapter that does not fit the model.
    """
    model = outline(config, tokenizer_size)
    with torch.device("meta"):
        config.adapter.attach(model)
    return model


def architecture_of(config: TrainConfig, tokenizer_size: int) -> PretrainedConfig:
    """Hugging Face config of the student: the checkpoint's own, or the family's YAML and overrides.

    Raises:
        UserError: unknown field, vocabulary smaller than the tokenizer, fewer positions than `context`.
    """
    build = published_config if config.init is Init.pretrained else scratch_config
    hf_config = build(config, tokenizer_size)
    if hf_config.vocab_size < tokenizer_size:
        raise UserError(
            f"{student(config)} has a vocabulary of {hf_config.vocab_size}, its tokenizer"
            f" {tokenizer_size} tokens: use the family's tokenizer or, with init=scratch, a smaller"
            " vocabulary=... or a larger architecture.vocab_size=..."
        )
    positions = getattr(hf_config, "max_position_embeddings", None)  # None: relative, any length
    if positions is not None and positions < config.context:
        raise UserError(
            f"context={config.context} is longer than the {positions} positions of"
            f" {student(config)}: at most context={positions}"
        )
    return hf_config


def published_config(config: TrainConfig, tokenizer_size: int) -> PretrainedConfig:
    if config.architecture:
        raise UserError(
            f"architecture.{next(iter(config.architecture))} has no effect on published weights:"
            " leave it out or add init=scratch"
        )
    source = weights(config)
    try:
        hf_config = AutoConfig.from_pretrained(source)
    except (OSError, ValueError, StrictDataclassError) as error:
        raise UserError(f"{student(config)}: no config in {source}: {first_line(error)}") from error
    if hf_config.model_type != config.family.model_type:
        raise UserError(
            f"{source} holds a {hf_config.model_type} model, but family {config.family.name}"
            f" is {config.family.model_type}"
        )
    return hf_config


def scratch_config(config: TrainConfig, tokenizer_size: int) -> PretrainedConfig:
    values = {"vocab_size": tokenizer_size} | merged_architecture(config)
    try:
        hf_config = AutoConfig.for_model(config.family.model_type, **values)
    except (ValueError, TypeError, StrictDataclassError) as error:
        raise UserError(f"the architecture of {student(config)}: {first_line(error)}") from error
    # transformers sizes the decoder's cache by the encoder's depth, so a deeper decoder cannot answer.
    deeper = getattr(hf_config, "num_decoder_layers", None) or 0
    if deeper > hf_config.num_hidden_layers:
        raise UserError(
            f"architecture.num_decoder_layers={deeper} must not exceed"
            f" architecture.num_layers={hf_config.num_hidden_layers}; set both"
        )
    return hf_config


def merged_architecture(config: TrainConfig) -> dict[str, Any]:
    """Fields of family, size, tokenizer and `architecture.*`, later ones first; aliases made one name.

    Example: for GPT-2 {"n_embd": 768} and {"hidden_size": 64} make {"n_embd": 64}.
    """
    template = type(AutoConfig.for_model(config.family.model_type))
    size = config.family.sizes.get(config.size.name)
    if size is None:
        known = ", ".join(config.family.sizes)
        raise UserError(f"size={config.size.name} is no size of {config.family.name}: {known}")
    merged: dict[str, Any] = {}
    layers = (config.family.architecture, size.architecture, token_ids(config), config.architecture)
    for layer in layers:
        for name, value in layer.items():
            check_field(name, template)
            own = template.attribute_map.get(name, name)
            nested = isinstance(value, dict) and isinstance(merged.get(own), dict)
            merged[own] = merged[own] | value if nested else value
    return merged


def check_field(name: str, template: type[PretrainedConfig]) -> None:
    """Raise UserError unless the model's config class has this field of its own, or an alias."""
    base = {field.name for field in fields(PretrainedConfig)}
    known = {field.name for field in fields(template)} - base
    known |= {*template.attribute_map, "tie_word_embeddings", "decoder_start_token_id"}
    if name not in known:
        near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.4)
        hint = f"near ones: {', '.join(near)}" if near else f"it has: {', '.join(sorted(known))}"
        raise UserError(f"architecture.{name} is no field of {template.__name__}; {hint}")


def token_ids(config: TrainConfig) -> dict[str, int | None]:
    """Special ids where the tokenizer is not the family's: the published ones would lie outside."""
    if config.tokenizer == "family" or config.init is Init.pretrained:
        return {}
    if config.tokenizer == "trained":
        own = special_ids(config.family.tokenizer_algorithm)
        pad, bos, eos = (own.get(f"{name}_token") for name in ("pad", "bos", "eos"))
    else:
        tokenizer = load_tokenizer(tokenizer_source(config))
        pad, bos, eos = tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id
    if "decoder_start_token_id" in config.family.architecture:
        return {"pad_token_id": pad, "eos_token_id": eos, "decoder_start_token_id": pad}
    return {"bos_token_id": bos, "eos_token_id": eos}  # no padding id: batches mask by length


def pretrained(config: TrainConfig, hf_config: PretrainedConfig) -> PreTrainedModel:
    """Published weights in float32, all of them: transformers would fill gaps with random numbers."""
    source = weights(config)
    try:
        model, report = auto_class(hf_config).from_pretrained(
            source, dtype=torch.float32, output_loading_info=True, **config.adapter.loading()
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise UserError(f"{student(config)}: {source} does not load: {first_line(error)}") from error
    missing = sorted(report["missing_keys"])
    if missing:
        raise UserError(f"{student(config)}: {source} lacks {len(missing)} weights, e.g. {missing[0]}")
    mark_untied(model)
    return model


def blank(hf_config: PretrainedConfig) -> PreTrainedModel:
    """A model with stock random weights; T5's head gets weights of its own where it has to.

    transformers 5 sets `tie_word_embeddings` on every T5 config and keeps the old flag's meaning in
    `scale_decoder_outputs`; switching the flag off by hand would untie the two input embeddings as well.
    """
    try:
        model: PreTrainedModel = auto_class(hf_config).from_config(hf_config, dtype=torch.float32)
    except ValueError as error:  # shapes that do not divide
        raise UserError(f"architecture: {first_line(error)}") from error
    if getattr(hf_config, "scale_decoder_outputs", None) is False:
        head = model.get_output_embeddings()
        head.weight = nn.Parameter(torch.empty_like(head.weight))
        nn.init.normal_(head.weight)
        model.all_tied_weights_keys.pop("lm_head.weight", None)
    mark_untied(model)
    return model


def scale_head(model: PreTrainedModel) -> None:
    """Draw the output weights anew so that the first logits have a standard deviation of LOGIT_STD.

    Tied heads of the other families are small already (0.02 to 0.06 a weight); T5's tied output is multiplied
    with d_model^-0.5 by the model, so its embeddings (stock: 1 a weight) carry LOGIT_STD themselves.
    """
    head = model.get_output_embeddings()
    tied = head.weight is model.get_input_embeddings().weight
    if tied and getattr(model.config, "scale_decoder_outputs", False):
        nn.init.normal_(head.weight, std=LOGIT_STD)
    elif not tied:
        nn.init.normal_(head.weight, std=LOGIT_STD * head.weight.shape[1] ** -0.5)


def mark_untied(model: PreTrainedModel) -> None:
    """Say so in the config where the head has weights of its own: older libraries believe the flag."""
    if model.get_output_embeddings().weight is not model.get_input_embeddings().weight:
        model.config.tie_word_embeddings = False


def auto_class(hf_config: PretrainedConfig) -> Any:
    return AutoModelForSeq2SeqLM if hf_config.is_encoder_decoder else AutoModelForCausalLM


def first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2]) or type(error).__name__
