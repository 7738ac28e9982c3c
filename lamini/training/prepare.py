"""From a configuration to tokens and steps: what `plan` and `fit` stand on; cached, so twice is cheap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from lamini.config import TrainConfig
from lamini.data.batching import Auto, Batching, Bucketed, Packed
from lamini.data.cache import Tokens, encode_table
from lamini.data.corpus import Corpus, Source, enforce, fingerprint, limited, quarantine, split
from lamini.data.order import Order
from lamini.data.stats import MixtureStats, mixture_stats, padding_share
from lamini.errors import UserError
from lamini.students.loading import build_tokenizer
from lamini.students.prompts import Wrapper, wrapper_named
from lamini.students.protocol import Student
from lamini.targets import locate
from lamini.training.backends import attention_of

UNKNOWN = 8192  # micro_tokens where they are still to be found; as in conf/size/published.yaml


@dataclass(frozen=True)
class Prepared:
    """Everything of a run but the weights."""

    student: Student  # tokens only: its model is None
    corpus: Corpus
    fingerprint: str
    train: Tokens
    validation: Tokens
    validation_table: pa.Table
    order: Order
    stats: MixtureStats  # of one epoch
    batching: Batching  # what `auto` came to
    batching_note: str  # and why; empty where it was asked for by name
    micro_tokens: int  # positions of a micro-batch at most
    longest: int  # positions of the longest pair, which a packed micro-batch must hold
    steps: int
    warnings: tuple[str, ...]

    @property
    def pairs(self) -> int:
        """Pairs of one epoch."""
        return self.order.pairs_per_epoch


def student_class(config: TrainConfig) -> type[Student]:
    """The class that `family._target_` names."""
    found = locate(config.family._target_, "family._target_")
    if not (isinstance(found, type) and issubclass(found, Student)):
        raise UserError(f"family._target_={config.family._target_} is no student class")
    return found


def prepare(config: TrainConfig) -> Prepared:
    """Load the pairs, build the tokenizer, encode, plan the steps.

    Raises:
        UserError: data that cannot be used; too many rejected rows; fewer pairs than a batch.
    """
    cache = Path(config.paths.cache_dir)
    corpus = _at_most(config.data.load(cache, config.seed), config.limit)
    train, held_back = split(corpus, config.validation.share, config.validation.limit)
    mark = fingerprint(corpus.sources)
    tokenizer = build_tokenizer(config, lambda: _texts(train, wrapper_named(config.family.wrapper)))
    student = student_class(config)(tokenizer, config.context, config.family.wrapper)
    parts = [encode_table(student, source.table, cache) for source in train]
    validation = encode_table(student, held_back, cache)
    rejected = [*corpus.rejected, *(row for part in [*parts, validation] for row in part.rejected)]
    warnings = []
    if rejected:
        place = quarantine(rejected, cache / "quarantine" / mark)
        total = sum(source.table.num_rows for source in corpus.sources) + len(corpus.rejected)
        enforce(rejected, total, config.max_rejected, place)
        warnings.append(f"{len(rejected):,} of {total:,} rows set aside in {place}")
    truncated = sum(part.truncated for part in parts)
    if truncated:
        warnings.append(f"{truncated:,} prompts are longer than the context and are cut")
    tokens = Tokens.join(parts, [source.table.num_rows for source in train])
    weights = [source.weight for source in train]
    order = Order(tokens.sizes, weights, config.seed)
    if order.pairs_per_epoch < config.batch_size:
        raise UserError(
            f"batch_size={config.batch_size} is more than the {order.pairs_per_epoch} training pairs of an"
            f" epoch; set batch_size to at most {order.pairs_per_epoch}"
        )
    steps = config.trainer.max_steps or order.steps(config.trainer.max_epochs, config.batch_size)
    stats = mixture_stats(tokens, weights, order)
    longest_K, pair = _longest(student, [part for part in (tokens, validation) if len(part)])
    budget = config.size.micro_tokens or max(UNKNOWN, pair)
    batching, note = _batching(config, student, tokens, order, budget, longest_K, pair)
    return Prepared(
        student, corpus, mark, tokens, validation, held_back, order, stats, batching, note, budget, pair,
        steps, tuple(warnings),
    )  # fmt: skip


def rebatched(config: TrainConfig, prepared: Prepared, micro_tokens: int) -> Prepared:
    """The same run with micro-batches of another size, and the batching that suits it.

    Raises:
        UserError: as `prepare`, where packing was asked for.
    """
    student, tokens = prepared.student, prepared.train
    longest_K, pair = _longest(student, [part for part in (tokens, prepared.validation) if len(part)])
    batching, note = _batching(config, student, tokens, prepared.order, micro_tokens, longest_K, pair)
    return replace(prepared, batching=batching, batching_note=note, micro_tokens=micro_tokens)


def _batching(
    config: TrainConfig,
    student: Student,
    tokens: Tokens,
    order: Order,
    budget: int,
    longest_K: np.ndarray,
    pair: int,
) -> tuple[Batching, str]:
    """The batching of the run, `auto` resolved, and what there is to say about it.

    Raises:
        UserError: packing was asked for and cannot be: the architecture, or a pair longer than the budgets.
    """
    obstacle = student.packing_obstacle(config.family.model_type)
    chosen: Batching
    if isinstance(config.batching, Auto):
        share = padding_share(order, tokens, config.batch_size, budget, student.sides, Bucketed())
        chosen, note = config.batching.choose(obstacle, share, pair <= budget)
    else:
        chosen, note = config.batching, ""
    if isinstance(chosen, Packed) and obstacle is not None:
        raise UserError(f"batching=packed: {obstacle}; use batching=bucketed")
    chosen.check(longest_K, pair, budget)
    return suited(chosen, config, student, longest_K), note


def suited(batching: Batching, config: TrainConfig, student: Student, longest_K: np.ndarray) -> Batching:
    """Long rows where packed rows meet attention whose cost does not grow with them.

    Raises:
        UserError: as `attention_of`.
    """
    if isinstance(batching, Packed) and attention_of(config.trainer, type(student)) == "triton":
        return batching.lengthened(longest_K)
    return batching


def _longest(student: Student, parts: list[Tokens]) -> tuple[np.ndarray, int]:
    """Positions of the longest pair: on each side (K,), and over all sides together."""
    sides = [student.sides(part.prompt_lengths_N, part.response_lengths_N) for part in parts]
    return np.max([s.max(axis=0) for s in sides], axis=0), max(int(s.sum(axis=1).max()) for s in sides)


def _at_most(corpus: Corpus, limit: int | None) -> Corpus:
    """The corpus cut to about `limit` pairs, every source by the same share, the first by content hash."""
    if limit is None or limit >= corpus.pairs:
        return corpus
    share = limit / corpus.pairs
    cut = [
        replace(s, table=limited(s.table, max(1, round(share * s.table.num_rows)))) for s in corpus.sources
    ]
    return replace(corpus, sources=cut)


def _texts(sources: list[Source], wrap: Wrapper) -> Iterator[str]:
    """What a trained tokenizer learns from: prompts as the student sees them (the wrapper's words are in
    every one and deserve pieces of their own), and responses.
    """
    for source in sources:
        for batch in source.table.select(["instruction", "response"]).to_batches(max_chunksize=4096):
            yield from map(wrap, batch["instruction"].to_pylist())
            yield from batch["response"].to_pylist()
