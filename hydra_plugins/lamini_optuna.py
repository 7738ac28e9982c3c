"""hydra/sweeper=optuna: Hydra takes sweepers from this package only; the search is in lamini/search."""

from __future__ import annotations

from typing import Any

from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class OptunaSweeper(Sweeper):
    """One study. (hydra-optuna-sweeper on PyPI wants Optuna 2, cannot prune and cannot continue.)"""

    def __init__(self, **options: Any) -> None:
        """The options are read anew from the configuration, typed."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Hydra's way to hand over what a sweeper needs."""
        self.config, self.hydra_context = config, hydra_context
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        """Run the trials; what came out is in their folders and in search.json."""
        from lamini.launching.line import LINE
        from lamini.search.trials import Trials

        assert self.config is not None and self.hydra_context is not None and self.launcher is not None
        trials = Trials(self.config, self.hydra_context.config_loader)
        LINE.total = trials.search.n_trials
        trials.run(self.launcher.launch, lambda: LINE.stopped_by is not None)
