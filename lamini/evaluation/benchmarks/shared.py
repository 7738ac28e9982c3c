"""lm-eval's task, as students share it: rows processed once, and taken from files where there is a folder."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import datasets
from lm_eval.api.task import ConfigurableTask
from lm_eval.utils import env

from lamini.errors import UserError
from lamini.evaluation.benchmarks import local_data
from lamini.evaluation.hub import said

TEMPLATES = ("doc_to_text", "doc_to_target", "doc_to_choice")


def shown(task: ConfigurableTask) -> str | None:
    """The split, other than the scored one, that a task draws its examples from; None where it shows none."""
    config, fewshot = task.config, task.fewshot_cfg
    if not config.num_fewshot or (fewshot.samples is not None and not fewshot.split):
        return None
    split = fewshot.split or config.training_split or config.validation_split or config.test_split
    return None if split == (config.test_split or config.validation_split) else split


class Shared(ConfigurableTask):
    """A task whose rows are processed once, and whose examples are drawn only where it shows any."""

    def __init__(self, config: dict[str, Any]) -> None:
        """`config` is what a task's YAML says."""
        self._docs: dict[str, Any] = {}
        super().__init__(config={key: value for key, value in config.items() if key != "class"})

    def _once(self, split: str, make: Callable[[], Any]) -> Any:
        if split not in self._docs:
            with quiet():
                self._docs[split] = make()
        return self._docs[split]

    def training_docs(self) -> Any:
        """See lm-eval."""
        return self._once("training", super().training_docs)

    def validation_docs(self) -> Any:
        """See lm-eval."""
        return self._once("validation", super().validation_docs)

    def test_docs(self) -> Any:
        """See lm-eval."""
        return self._once("test", super().test_docs)

    def fewshot_docs(self) -> Any:
        """See lm-eval; None, and hence nothing to draw from, for a task that shows no examples."""
        return super().fewshot_docs() if self.config.num_fewshot else None


class Local(Shared):
    """A task with rows from files; its subclasses know from which."""

    data_dir: ClassVar[Path]
    stems: ClassVar[Mapping[str, str]]

    def __init__(self, config: dict[str, Any]) -> None:
        """As `Shared`. A CSV tells no types: where its numbers do not suit the task, they are read as text.

        Raises:
            UserError: a file is missing, cannot be read, or has other columns than the task's data set.
        """
        stem = self.stems.get(config["task"], config["task"])
        self.file = local_data.file_of(self.data_dir, stem)
        if self.file is None and not callable(config.get("custom_dataset")):  # that makes rows on the spot
            local_data.needed(self.data_dir, stem)
        self.as_text = False
        try:
            self._build(config)
        except UserError as error:
            if self.file is None or not self.file.name.endswith((".csv", ".csv.gz")):
                raise
            self.as_text = True
            try:
                self._build(config)
            except UserError:
                raise error from None

    def _build(self, config: dict[str, Any]) -> None:
        try:
            super().__init__(config)
        except UserError:
            raise
        except Exception as error:  # lm-eval tries one row, with functions of the task's own
            if self.file is None:
                raise
            raise UserError(
                f"{self.file} does not suit lm-eval's {config['task']}: its first row raises {said(error)};"
                f" its columns must be those of {_published(config)} on the hub"
            ) from error
        self._check(self.task_docs)

    def download(self, dataset_kwargs: dict[str, Any] | None = None, **more: Any) -> None:
        """Read the scored split and, where examples are shown, that which they are drawn from."""
        if self.file is None:
            super().download(dataset_kwargs, **more)
            return
        config = self.config
        scored = config.test_split or config.validation_split
        if scored is None:
            raise UserError(f"{config.task} has neither a test nor a validation split")
        splits = {scored: local_data.read(self.file, self.as_text)}
        examples = shown(self)
        if examples:
            stem = self.stems.get(config.task, config.task)
            file = local_data.needed(self.data_dir, f"{stem}.{examples}")
            splits[examples] = local_data.read(file, self.as_text)
        self.dataset = splits
        if config.process_docs is None:
            self._check(splits[scored])

    def has_training_docs(self) -> bool:
        """See lm-eval; of the splits that the task names only those that were read are there."""
        return self.config.training_split in self.dataset

    def has_validation_docs(self) -> bool:
        """See lm-eval."""
        return self.config.validation_split in self.dataset

    def has_test_docs(self) -> bool:
        """See lm-eval."""
        return self.config.test_split in self.dataset

    def _check(self, rows: Any) -> None:
        """Raise UserError for columns that templates name in vain: lm-eval would print the name instead."""
        if self.file is None:
            return
        fields = {key: getattr(self.config, key) for key in TEMPLATES}
        trouble = local_data.lacking(rows, fields, self.file)
        if trouble:
            raise UserError(trouble)
        if local_data.hidden(rows, self.config.doc_to_target):
            raise UserError(
                f"{self.file} has no answers: all of its {self.config.doc_to_target} are negative"
            )


def local(data_dir: Path, stems: Mapping[str, str]) -> type[Local]:
    """The class of tasks whose rows stand in a folder."""
    return type("Local", (Local,), {"data_dir": data_dir, "stems": dict(stems)})


def _published(config: Mapping[str, Any]) -> str:
    words = [str(config[key]) for key in ("dataset_path", "dataset_name") if config.get(key)]
    return " ".join(words) or "its data set"


def remember_templates() -> None:
    """lm-eval compiles a task's templates anew for every row, which costs more than all else; now once."""
    if not hasattr(env.from_string, "cache_info"):
        env.from_string = lru_cache(maxsize=1024)(env.from_string)  # type: ignore[method-assign]


@contextmanager
def quiet() -> Iterator[None]:
    """No bars of `datasets` and no warnings of lm-eval's about its own YAML."""
    logger, bars = logging.getLogger("lm_eval"), not datasets.are_progress_bars_disabled()
    level = logger.level
    logger.setLevel(logging.ERROR)
    if bars:
        datasets.disable_progress_bars()
    try:
        yield
    finally:
        logger.setLevel(level)
        if bars:
            datasets.enable_progress_bars()
