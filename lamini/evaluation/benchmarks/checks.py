"""What can be known of tasks before anything heavy is imported."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lamini.errors import UserError
from lamini.evaluation.benchmarks import local_data, names


def check_tasks(tasks: Mapping[str, str | None], data_dir: str | None, include_path: str | None) -> None:
    """Raise UserError for names that lm-eval does not know, and for a folder with the rows of no task.

    `tasks` says of each which file in `data_dir` it has (None: its own name). What concerns one task alone,
    such as a file that is missing, is told with its results: the others are scored.
    """
    include = Path(include_path).expanduser() if include_path else None
    names.check(tasks, include)
    if data_dir is None:
        return
    folder, known = Path(data_dir).expanduser(), names.known_names(include)
    leaves = [leaf for name in tasks for leaf in known.leaves(name)]
    if any("custom_dataset" in known.config(leaf) for leaf in leaves):
        if not folder.is_dir():
            raise UserError(f"data_dir={data_dir} is no folder")
        return  # made on the spot
    local_data.check(folder, [tasks.get(leaf) or leaf for leaf in leaves])
