"""Rows of tasks and probes, fetched into files that data_dir= reads: <data_dir>/<task>.parquet.

Parquet keeps the types that a data set has on the hub. A task's file holds the split that is scored, and
<task>.<split>.parquet that which examples are drawn from, where it shows any.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamini.errors import UserError
from lamini.evaluation.hub import said
from lamini.evaluation.prefetching.manifest import Manifest
from lamini.evaluation.prefetching.models import licence
from lamini.runs import draft

if TYPE_CHECKING:
    from datasets import Dataset


def fetch_task(
    name: str, include_path: Path | None, stems: Mapping[str, str], manifest: Manifest
) -> dict[str, Any]:
    """Fetch the rows of a task, or of all tasks of a group or tag, from where lm-eval knows them to be.

    `stems` names files that are not called as their tasks.

    Raises:
        UserError: it cannot be loaded, or loads its rows in a way of its own.
    """
    from importlib.metadata import version

    from lamini.evaluation.benchmarks.shared import Shared, shown
    from lamini.evaluation.benchmarks.tasks import load_tasks

    found, failed = load_tasks([name], None, include_path)
    if failed:
        raise UserError(failed[name])
    files, count, sources = [], 0, {}
    for label, task in found.items():
        if not isinstance(task, Shared):
            raise UserError(f"{label} is written in Python and fetches its rows itself: data_dir is no use")
        config, stem = task.config, stems.get(label, label)
        if config.custom_dataset:
            continue  # made on the spot
        scored, examples = config.test_split or config.validation_split, shown(task)
        splits = {f"{stem}.parquet": scored} | ({f"{stem}.{examples}.parquet": examples} if examples else {})
        files += [write(task.dataset[split], manifest.folder / file) for file, split in splits.items()]
        count += len(task.dataset[scored])
        sources[config.dataset_path] = origin(config.dataset_path)
    return manifest.add(f"tasks/{name}", files, sources=sources, rows=count, lm_eval=version("lm-eval"))


def fetch_rows(stem: str, source: str, split: str, manifest: Manifest) -> dict[str, Any]:
    """Fetch one split of a data set of the hub as <stem>.jsonl.gz.

    Raises:
        UserError: it cannot be had.
    """
    import datasets

    try:
        rows = datasets.load_dataset(source, split=split)
    except Exception as error:  # a zoo of classes: offline, not found, gated, damaged, disk full
        raise UserError(f"{source} cannot be fetched ({said(error)})") from error
    path = write(rows, manifest.folder / f"{stem}.jsonl.gz")
    return manifest.add(
        f"probes/{stem}", [path], sources={source: origin(source)}, split=split, rows=len(rows)
    )


def write(rows: Dataset, path: Path) -> Path:
    """Write beside, then rename: a file that is there is whole.

    Raises:
        UserError: the disk is full or not writable.
    """
    temporary = draft(path)
    try:
        if path.suffix == ".parquet":
            rows.to_parquet(temporary)
        else:
            rows.to_json(temporary, compression="gzip", force_ascii=False)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(f"{path} cannot be written: {error}") from error
    return path


def origin(source: str | None) -> dict[str, str | None]:
    """Revision and licence of a data set of the hub, null where it tells neither or is a folder."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    unknown: dict[str, str | None] = {"revision": None, "licence": None}
    if source is None or Path(source).exists() or "/" not in source:
        return unknown
    try:
        info = HfApi().dataset_info(source)
    except (HfHubHTTPError, HFValidationError, OSError):
        return unknown  # rows that came from the cache of `datasets`
    return {"revision": info.sha, "licence": licence(info)}
