"""Tasks of lm-eval as objects, each loaded once in a process and shared by all students.

Only the folders that tell the asked tasks are indexed (lamini/evaluation/benchmarks/names.py). A task's
prompts, choices and metrics are lm-eval's; ours are where its rows come from and that they are processed once
(lamini/evaluation/benchmarks/shared.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lm_eval.api.group import Group
from lm_eval.api.task import Task
from lm_eval.defaults import DEFAULT_OTHER_SEED
from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml

from lamini.data.hub import cached
from lamini.errors import UserError
from lamini.evaluation.benchmarks import squad
from lamini.evaluation.benchmarks.names import Names, known_names
from lamini.evaluation.benchmarks.shared import Local, Shared, local, quiet, remember_templates
from lamini.evaluation.hub import said, silence


@dataclass
class Loaded:
    """What `lm_eval.evaluate` takes as tasks and groups, and why the rest could not be loaded."""

    tasks: dict[str, Task] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)  # name as it was asked for -> one sentence

    def task_dict(self) -> dict[str, Any]:
        """The form that `lm_eval.evaluate` takes."""
        members = {name: group.child_names for name, group in self.groups.items()}
        return {"tasks": self.tasks, "groups": self.groups, "group_map": members}

    def add(self, other: Loaded) -> None:
        """Put the other's parts to these."""
        self.tasks |= other.tasks
        self.groups |= other.groups
        self.failed |= other.failed


_loaded: dict[tuple[Any, ...], Loaded] = {}


def load_tasks(
    names: Sequence[str],
    data_dir: Path | None,
    include_path: Path | None,
    rows: Mapping[str, str] | None = None,
) -> tuple[dict[str, Task], dict[str, str]]:
    """Tasks by name (groups and tags become their tasks), and name -> why for those that cannot be loaded.

    `rows` names the file of a task in `data_dir` where it is not the task's own name. What stops one task
    does not stop the others. See `load` for groups.
    """
    loaded = load(names, data_dir, include_path, rows)
    return loaded.tasks, loaded.failed


def load(
    names: Sequence[str],
    data_dir: Path | None,
    include_path: Path | None,
    rows: Mapping[str, str] | None = None,
) -> Loaded:
    """As `load_tasks`, with the groups that were asked for."""
    known, result = known_names(include_path), Loaded()
    where = (data_dir, include_path, tuple(sorted((rows or {}).items())))
    fresh = [name for name in dict.fromkeys(names) if (name, *where) not in _loaded]
    kind = local(data_dir, rows or {}) if data_dir else Shared
    squad.provide()
    remember_templates()
    with quiet():
        manager = _manager(known, fresh, include_path) if fresh else None
        for name in names:
            if (name, *where) not in _loaded:
                assert manager is not None
                _loaded[name, *where] = _load(name, known, manager, kind)
            result.add(_loaded[name, *where])
    return result


def _manager(known: Names, names: Sequence[str], include_path: Path | None) -> TaskManager:
    """lm-eval's own, of the folders that tell these names; a user's come last, which makes them win."""
    folders = known.folders(name for name in names if name in known)
    folders.sort(key=lambda folder: include_path is not None and include_path in (folder, *folder.parents))
    return TaskManager(include_defaults=False, include_path=[str(folder) for folder in folders])


def _load(name: str, known: Names, manager: TaskManager, kind: type[Shared]) -> Loaded:
    """One name that was asked for; what it raises becomes a sentence."""
    try:
        if name not in known:
            raise UserError("no task, group or tag of lm-eval")
        built = _build(name, known, manager, kind)
        for task in built.tasks.values():
            _finish(task)
        return built
    except UserError as error:
        return Loaded(failed={name: str(error)})
    except ImportError as error:
        return Loaded(failed={name: f"needs a package that is not installed: {error}"})
    except Exception as error:  # a zoo: lm-eval's, jinja's, the hub's, and whatever a task's own code raises
        return Loaded(failed={name: f"lm-eval could not load it ({said(error)})"})


def _build(name: str, known: Names, manager: TaskManager, kind: type[Shared]) -> Loaded:
    """lm-eval builds what was asked for; each task in it is told to be one of ours."""
    for leaf in known.leaves(name):
        told = manager.task_index[leaf]
        if not issubclass(kind, Local):
            _reachable((told.cfg or {}).get("dataset_path"))
        if told.yaml_path is None or "class" in (told.cfg or {}):
            if issubclass(kind, Local) and told.yaml_path is not None:
                raise UserError(
                    f"{leaf} is written in Python and fetches its rows itself: data_dir is no use"
                )
            continue  # as lm-eval has it, or seen to before
        config = {**load_yaml(told.yaml_path), "class": kind}
        manager.task_index[leaf] = replace(told, yaml_path=None, cfg=config)
    found = manager.load(name)
    return Loaded(dict(found["tasks"]), dict(found["groups"]))


def _finish(task: Task) -> None:
    """What lm-eval's simple_evaluate does before it evaluates; what it would refuse is told beforehand."""
    if getattr(task, "UNSAFE_CODE", False):
        raise UserError(f"{task.task_name} runs code that the student writes, which is not done here")
    if getattr(task, "MULTIMODAL", False):
        raise UserError(f"{task.task_name} shows pictures or sounds, which these students cannot take in")
    if task.get_config("num_fewshot") is None:
        task.set_config("num_fewshot", 0)
    task.set_fewshot_seed(DEFAULT_OTHER_SEED)


def _reachable(path: Any) -> None:
    """Raise UserError where a data set would have to come from a hub that does not answer."""
    if not isinstance(path, str) or Path(path).exists() or "/" not in path or cached(path):
        return
    trouble = silence()
    if trouble:
        raise UserError(
            f"its rows are {path} on the hub, which is not cached, and {trouble}; data_dir=<folder> takes"
            " them from files, mode=prefetch fetches those on a connected machine"
        )
