"""What a worker of evaluate.py does: asks one student one task, or one set of instructions.

Answers go into a file of the worker's own; evaluate.py merges it into the store it belongs to, and then finds
nothing left to ask. Nothing is judged here. The model stays loaded while the worker keeps to its student.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

from lamini.config import EvaluateConfig
from lamini.evaluation.filled import Cost
from lamini.evaluation.hub import stay_offline
from lamini.evaluation.running import prepare_process
from lamini.evaluation.subjects import Subject
from lamini.workers.board import Here

ANSWERS = ".answers.sqlite"  # how a worker's file of answers ends

Filled = dict[str, Cost | None]
"""As lamini/evaluation/filled.py has it."""


def ask(here: Here, config: EvaluateConfig, subject: Subject, unit: str) -> Filled:
    """Ask one unit of a suite; which stores it filled.

    Raises:
        UserError: the student or the task cannot be asked.
    """
    if config.data_dir is not None:
        stay_offline()
    prepare_process(config)
    if config.suite.asks_texts:
        return _texts(here, config, subject)
    from lamini.evaluation.benchmarks.filling import fill

    told = asdict(config.suite.chosen()[unit])
    return fill(here, replace(config, suite=replace(config.suite, tasks={unit: told})), subject)


def _texts(here: Here, config: EvaluateConfig, subject: Subject) -> Filled:
    """Have a student answer the instructions of a suite."""
    from lamini.evaluation.answer_store import name_of
    from lamini.evaluation.answering import answered

    texts, most = config.suite.texts(config)
    found = answered(config, subject, texts, most, own=here.file(ANSWERS), others=here.files(ANSWERS))
    return {name_of(found.setting): Cost(found.generated, found.tokens, found.seconds)}


def merge(config: EvaluateConfig, folder: Path, fresh: bool) -> int:
    """Put the files of all workers of a board into the stores; how many answers they hold.

    `fresh`: in place of what stands there.

    Raises:
        UserError: a store cannot be written.
    """
    from lamini.evaluation.answer_store import AnswerStore
    from lamini.evaluation.benchmarks import filling

    cache = Path(config.paths.cache_dir).expanduser()
    files = sorted((folder / "files").iterdir())
    count = filling.merge([file for file in files if file.suffix == ".jsonl"], cache / "evaluation", fresh)
    answers = [file for file in files if file.name.endswith(ANSWERS)]
    if answers:
        with AnswerStore(cache / "answers.sqlite") as store:
            for file in answers:
                count += store.absorb(file, replace=fresh)
    return count
