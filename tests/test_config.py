"""The configuration is strict, its values live in YAML, every key is documented, read and on record."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import lamini.config as config_module
from lamini.compose import CONF, compose
from lamini.config import TrainConfig
from lamini.data import batching, options
from lamini.errors import UserError
from lamini.evaluation import options as suites
from lamini.evaluation.toxicity import options as classifiers
from lamini.rating import options as sheets
from lamini.students import adapters
from lamini.teacher import options as teachers
from lamini.teacher.prices import Prices
from lamini.training import loggers, optimizers, trackio_logger
from lamini.training.objectives import forward_kl, hidden, jsd, reverse_kl, sequence, skewed_kl

PACKAGE = Path(config_module.__file__).parent
TREE = [cls for cls in vars(config_module).values() if dataclasses.is_dataclass(cls)]
OPTIONS = [options.FileData, options.MixtureData, options.OracleData, optimizers.AdamW, optimizers.Adafactor,
           batching.Auto, batching.Packed, batching.Bucketed, batching.Plain, loggers.Wandb, loggers.Csv,
           loggers.Nothing, teachers.OpenAI, teachers.Transformers, teachers.Oracle, teachers.Replay, Prices,
           sequence.Sequence, forward_kl.ForwardKL, reverse_kl.ReverseKL, jsd.JSD, skewed_kl.SkewedKL,
           hidden.Hidden, adapters.Lora, suites.Benchmarks, suites.Hallucination, suites.Judge,
           suites.Toxicity, suites.Answers, classifiers.Local, classifiers.Detoxify,
           classifiers.Moderation, sheets.ResponsesSheet, sheets.HallucinationSheet, sheets.PreferenceSheet,
           sheets.PairsSheet, suites.Latency, trackio_logger.Trackio]  # fmt: skip
# Entries of open mappings: their users write only what differs.
OPEN = [options.SourceOptions, suites.BenchmarkTask]
PUBLIC = """
adapter architecture batch_size batching checkpoint context data family force init limit logger max_rejected
mode name objective optimizer paths scheduler seed size tokenizer trainer validation vocabulary
AnalyzeConfig: contamination data diversity figures force near paths processes seed semantic tokenizer
Budget: usd
CTranslate2: least quantization
ChatConfig: at_once data_dir device host max_new_tokens open_browser paths port precision students temperature
  threads wrapper
Collection: columns hub limit path template
Columns: group input instruction
CompareConfig: analysis answers entity offline open_browser output paper paths project ratings resamples runs
  seed wandb
Contamination: ngram shortest tasks
Curation: echoes exact languages length lossy lossy_accepted near refusals
Diversity: order sample threshold units window
EvaluateConfig: batch_tokens budget classifier data_dir device force limit limits log mode name paths
  precision samples seed students suite teacher threads workers wrapper
ExportConfig: ctranslate2 data_dir force gguf hub name onnx parity paths students threads to
Family: _target_ architecture context learning_rate licence model_type name sizes tokenizer
  tokenizer_algorithm wrapper
FamilySize: architecture checkpoint parameters
GenerateConfig: budget curation diversity dry_run dry_run_sample force instructions limits log name paths
  responses seed shard_rows store teacher tokenizer workers
Gguf: converter least type
Hub: message private push repo
InstructionSource: ask collection examples generate limit prompt topics
Instructions: collections sampling sources topics
LearningRate: pretrained scratch
LengthFilter: instruction_max instruction_min response_max response_min
Limits: concurrency requests_per_minute timeout tokens_per_minute tries
NearDuplicates: ngram permutations threshold
Onnx: least python
Parity: instructions limit max_new_tokens
Paths: cache_dir output_dir tokenizers
RateConfig: answers budget file host items_per_rater judge limits log mode open_browser overlap paths port
  raters raters_per_item ratings resamples seed sheet teacher
RatingJudge: prompt sampling tries
Responses: length samples sampling system
SamplingOptions: max_tokens temperature top_p
Scheduler: name warmup_ratio
Semantic: map model points sample
Size: micro_tokens name
TopicFilter: pages_above subcategories_above words_below
Topics: filter path
Trainer: accelerator attention checkpoint_every checkpoint_minutes compile devices gradient_checkpointing
  gradient_clip head keep_best keep_last log_every max_epochs max_steps precision strategy threads
Validation: answers every held_out limit share
FileData: format path
MixtureData: hub sources
OracleData: fault_rate held_out pairs seed
AdamW: betas eps lr weight_decay
Adafactor: clip_threshold decay_rate lr weight_decay
Auto: padding
Packed: budgets padding
Wandb: entity mode project tags
OpenAI: base_url batch extra key model prices
Transformers: batch_size device max_tokens model precision prices
Oracle: fault_rate model prices
Replay: kind model prices
Prices: prompt response
ForwardKL: mix source teacher temperature top_k
ReverseKL: mix source teacher temperature top_k
JSD: beta mix source teacher temperature top_k
SkewedKL: direction mix skew source teacher temperature top_k
Hidden: distance mix teacher
Lora: alpha dropout r targets
Benchmarks: include_path limit name tasks
Hallucination: judge max_new_tokens name questions rules verdicts
Judge: prompt sampling tries
Toxicity: each max_new_tokens name prefix prompts
Answers: add instructions max_new_tokens name sampling selection system template
Local: batch_size digest label model revision threshold
Detoxify: batch_size checkpoint config digest label threshold
Moderation: base_url key model threshold
ResponsesSheet: common
HallucinationSheet: common
PreferenceSheet: against common comparisons
PairsSheet: each
Latency: name new_tokens prompt_tokens repeats
Trackio: project space_id tags
SourceOptions: limit path weight
BenchmarkTask: metric paper rows
"""


def fields(cls: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(cls)]


def ids(cls: Any) -> str:
    return str(cls.__name__)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("+foo=1", ["foo", "TrainConfig", "batch_size"]),
        ("++foo=1", ["foo", "TrainConfig"]),
        ("+trainer.max_stps=3", ["trainer.max_stps", "Trainer", "max_steps"]),
        ("trainer.max_stps=3", ["trainer.max_stps", "Trainer", "did you mean trainer.max_steps"]),
        ("+optimizer.lrr=1", ["optimizer.lrr", "AdamW", "weight_decay"]),
        ("optimizer.lrr=1", ["optimizer.lrr", "AdamW"]),
        ("+scheduler.x=1", ["scheduler.x", "Scheduler"]),
        ("+data.pears=1", ["data.pears", "OracleData", "fault_rate"]),
        ("+logger.x=1", ["logger.x", "Wandb"]),
        ("+paths.x=1", ["paths.x", "Paths"]),
        ("+size.x=1", ["size.x", "Size"]),
        ("+validation.x=1", ["validation.x", "Validation"]),
        ("+family.x=1", ["family.x", "Family"]),
        ("+family.sizes.nano.x=1", ["family.sizes.nano.x", "FamilySize"]),
        ("+family.learning_rate.x=1", ["family.learning_rate.x", "LearningRate"]),
        ("batch_size=many", ["batch_size", "many", "Integer"]),
        ("batch_size=1.5", ["batch_size", "1.5"]),
        ("trainer.max_steps=x", ["trainer.max_steps", "x"]),
        ("optimizer.lr=fast", ["optimizer.lr", "fast"]),
        ("data.pairs=x", ["data.pairs", "x"]),
        ("force=maybe", ["force", "maybe"]),
        ("mode=tarin", ["mode", "tarin", "plan"]),
        ("init=random", ["init", "random", "scratch"]),
        ("batch_size=null", ["batch_size"]),
        ("seed=???", ["seed", "Missing"]),
        ("~seed", ["seed", "missing"]),
        ("data=file", ["data.path", "Missing"]),
        ("data=null", ["data=null", "--help"]),
        ("logger=null", ["logger=null", "--help"]),
        ("trainer=5", ["trainer=5", "--help"]),
        ("data._target_=os.system", ["data._target_=os.system", "LAMINI_TARGETS"]),
        ("data._target_=lamini.runs.RunFolder", ["data._target_", "dataclass"]),
        ("data._target_=lamini.data.options.Nix", ["data._target_", "Nix"]),
    ],
)
def test_what_does_not_fit_is_named(override: str, words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        compose("train", ["model=t5-nano", override])
    said = str(caught.value)
    assert not [word for word in words if word not in said], said
    assert "\n" not in said


def test_open_mappings_are_open() -> None:
    config = compose(
        "train",
        ["model=t5-nano", "data=lamini", "+data.sources.mine={path: x.jsonl}", "~data.sources.alpaca",
         "data.sources.original_p3.weight=0", "architecture.d_ff=64"],
    )  # fmt: skip
    assert config.data.sources["mine"] == options.SourceOptions("x.jsonl", 1.0, None)
    assert "alpaca" not in config.data.sources
    assert config.data.sources["original_p3"].weight == 0
    assert config.architecture == {"d_ff": 64}


@pytest.mark.parametrize("cls", [*TREE, *OPTIONS], ids=ids)
def test_values_live_in_yaml_only(cls: Any) -> None:
    defaults = [
        field.name
        for field in dataclasses.fields(cls)
        if (field.default, field.default_factory) != (dataclasses.MISSING, dataclasses.MISSING)
    ]
    allowed = ["format"] if cls is options.FileData else []  # tests and notebooks build it by hand
    assert defaults == allowed


@pytest.mark.parametrize("cls", [*TREE, *OPTIONS, *OPEN], ids=ids)
def test_every_key_has_a_line_of_documentation(cls: Any) -> None:
    bases = (base for base in cls.__mro__ if dataclasses.is_dataclass(base))
    lines = [line for base in bases for line in inspect.getsource(base).splitlines()]
    named = {"family", "size", "data", "validation", "optimizer", "scheduler", "trainer", "logger", "paths"}
    for name in fields(cls):
        (line,) = (line for line in lines if re.match(rf"    {name}: ", line))
        own_class = cls is TrainConfig and name in named and get_type_hints(cls)[name] is not Any
        assert own_class or re.search(r"  # \S.{7,}", line), line


@lru_cache
def _used_names() -> frozenset[str]:
    """Attributes read in the package, config.py apart, and keys that conf/ refers to: `${family.context}`."""
    used: set[str] = set()
    for file in CONF.rglob("*.yaml"):
        for path in re.findall(r"\$\{([a-z_.]+)", file.read_text(encoding="utf-8")):
            used.update(path.split("."))
    for file in PACKAGE.rglob("*.py"):
        if file == PACKAGE / "config.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                used.add(node.attr)
    return frozenset(used)


@pytest.mark.parametrize("cls", [*TREE, *OPTIONS, *OPEN], ids=ids)
def test_every_key_is_read_somewhere(cls: Any) -> None:
    """As an attribute of its name outside config.py, or by another key."""
    assert not [name for name in fields(cls) if name not in _used_names()]


def test_the_reading_test_would_notice() -> None:
    assert "no_such_key_of_ours" not in _used_names()


def test_public_keys_are_on_record() -> None:
    """Users' scripts rely on them: whoever changes one changes this list and the changelog."""
    known = [" ".join(sorted(fields(TrainConfig)))]
    others = [cls for cls in sorted(TREE, key=ids) if cls is not TrainConfig] + OPTIONS + OPEN
    known += [f"{cls.__name__}: {' '.join(sorted(fields(cls)))}" for cls in others if fields(cls)]
    assert " ".join(known).split() == PUBLIC.split()
