"""From the composed line of a search to its question, and to jobs at the corners of what it may choose.

The jobs of a search are not known before it runs. What is checked before the first one are the ends of
everything that may be chosen: a size that a family lacks, a weight that is not there, a batch of 0 pairs.
"""

from __future__ import annotations

from pathlib import Path

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig

from lamini.compose import opened
from lamini.config import TrainConfig
from lamini.errors import UserError
from lamini.launching.options import launcher_of
from lamini.runs import Job
from lamini.schema import typed
from lamini.search.options import LOSSES, search_of
from lamini.search.space import Question, corners, space_of


def question_of(master: DictConfig, loader: ConfigLoader) -> tuple[Question, list[str]]:
    """What is searched for, and the words that every trial shares.

    Raises:
        UserError: an unknown key of hydra.sweeper, or a space that cannot be searched.
    """
    HydraConfig.instance().set_config(master)
    search = search_of(master.hydra.sweeper)
    given = opened([f"{key}={value}" for key, value in search.params.items()])
    parser = OverridesParser.create(config_loader=loader)
    dimensions, fixed = space_of(parser.parse_overrides([*given, *master.hydra.overrides.task]))
    return Question(search, tuple(dimensions)), fixed


def corner_jobs(master: DictConfig, loader: ConfigLoader) -> list[Job]:
    """A job at every corner, all in the folder of the search.

    Raises:
        UserError: one of them is no configuration, or nothing will tell which is better.
    """
    question, fixed = question_of(master, loader)
    launcher, folder = launcher_of(master.hydra.launcher), Path(master.hydra.sweep.dir)
    jobs = []
    for words in corners(question.dimensions):
        config = loader.load_sweep_config(master, [*fixed, *words])
        HydraConfig.instance().set_config(config)
        jobs.append(Job(typed(config, TrainConfig), folder, launcher, question))
    if question.search.metric in ("auto", *LOSSES) and jobs[0].config.validation.share == 0:
        raise UserError(
            f"hydra.sweeper.metric={question.search.metric} needs pairs to validate on, and"
            " validation.share=0 leaves none"
        )
    return jobs


def metric_of(jobs: list[Job]) -> str:
    """What `metric: auto` means: losses of students with different tokenizers do not compare."""
    return (
        "validation_loss" if len({_pieces(job.config) for job in jobs}) == 1 else "validation_bits_per_byte"
    )


def _pieces(config: TrainConfig) -> tuple[object, ...]:
    """What decides into which tokens a student cuts a response."""
    size = config.family.sizes.get(config.size.name)
    learned = size.architecture.get("vocab_size") if size and config.tokenizer == "trained" else None
    return config.family.name, config.tokenizer, config.vocabulary or learned
