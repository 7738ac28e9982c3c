"""The jobs that Hydra hands to a launcher, composed and typed as the job itself will be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, open_dict

from lamini.config import TrainConfig
from lamini.runs import Job
from lamini.schema import typed


def composed(
    given: dict[str, Any], job_overrides: Sequence[Sequence[str]], first: int
) -> Iterator[tuple[DictConfig, Job]]:
    """Each configuration as Hydra's own launchers make it, and its job; `given` is a launcher's setup."""
    loader = given["hydra_context"].config_loader
    for number, overrides in enumerate(job_overrides, first):
        config = loader.load_sweep_config(given["config"], list(overrides))
        with open_dict(config):
            config.hydra.job.id = config.hydra.job.num = number
        HydraConfig.instance().set_config(config)
        place = Path(config.hydra.sweep.dir) / config.hydra.sweep.subdir
        yield config, Job(typed(config, TrainConfig), place)
