"""Where a data set of the hub can be had from: a local folder, the cache of `datasets`, or the hub.

The check asks once with a time limit, because the hub's own clients retry for half a minute when
there is no network. What is cached is found by the folder name that `datasets` gives it: importing
that library to ask would take longer than the whole check may.
"""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from lamini.data import files
from lamini.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa

    from lamini.data.records import Rejected

PATIENCE = 3.0
"""Seconds the hub has to answer."""

WAYS_OUT = (
    "use local copies with data.hub=<folder or file>, your own pairs with data=file"
    " data.path=<file>, or the embedded data=oracle"
)


def is_local(hub: str) -> bool:
    """True when `hub` names a place on this machine rather than a data set of the hub."""
    return hub.startswith((".", "/", "~")) or Path(hub).exists()


def local_files(hub: str) -> list[Path]:
    """The data files of a local copy, sorted by name.

    Raises:
        UserError: no such place, or no file of a known format in it.
    """
    place = Path(hub).expanduser()
    if not place.is_dir():
        return [files.check(place, "data.hub")]
    endings = (".parquet", ".jsonl", ".json", ".csv", ".jsonl.gz", ".json.gz", ".csv.gz")
    found = sorted(p for p in place.rglob("*") if p.is_file() and p.name.endswith(endings))
    parquet = [path for path in found if path.suffix == ".parquet"]
    if not found:
        raise UserError(f"data.hub={hub} holds no data file; it needs {files.ACCEPTED}")
    return [files.check(path, "data.hub") for path in parquet or found]


def cached(hub: str) -> bool:
    """True when `datasets` has prepared this data set on this machine before."""
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    cache = Path(os.environ.get("HF_DATASETS_CACHE", home / "datasets")).expanduser()
    *namespace, name = hub.split("/")
    snake = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    snake = re.sub(r"([a-z\d])([A-Z])", r"\1_\2", snake).lower()
    folder = cache / "___".join([*namespace, snake])
    return any(folder.glob("*/*/*/dataset_info.json"))


def check(hub: str) -> None:
    """Raise UserError unless the data set is local, cached or answered for by the hub."""
    if is_local(hub):
        local_files(hub)
        return
    if cached(hub):
        return
    obstacle = _ask(hub)
    if obstacle:
        raise UserError(f"data.hub={hub} is not cached and {obstacle}; {WAYS_OUT}")


def _ask(hub: str) -> str | None:
    """What keeps the hub from serving the data set; None when it would."""
    import huggingface_hub as client
    from huggingface_hub import constants  # not there as an attribute until somebody imported it

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    answer = [f"{constants.ENDPOINT} did not answer within {PATIENCE:.0f} seconds"]

    def ask() -> None:
        try:
            client.HfApi().dataset_info(hub, timeout=PATIENCE)
            answer.clear()
        except Exception as error:  # whatever the client raises is an obstacle, and said so
            first = (str(error).splitlines() or [""])[0]
            answer[:] = [f"{constants.ENDPOINT} refused: {type(error).__name__} {first}"]

    # Name resolution knows no time limit, a thread that may be left behind does.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return answer[0] if answer else None


def load(hub: str) -> tuple[pa.Table, list[Rejected]]:
    """All pairs of the data set, from a local copy, the cache or the hub (split `train`).

    Raises:
        UserError: it cannot be had, or has no usable row.
    """
    import pyarrow as pa

    from lamini.data.readers import read, usable

    if is_local(hub):
        tables, rejected = [], []
        for path in local_files(hub):
            table, bad = read(path, source=path.name, key="data.hub")
            tables.append(table)
            rejected += bad
        return pa.concat_tables(tables), rejected
    import datasets

    try:
        rows = datasets.load_dataset(hub, split="train")
    except Exception as error:  # a zoo of classes: offline, not found, gated, damaged, disk full
        first = (str(error).splitlines() or [""])[0]
        reason = f"{type(error).__name__}: {first}"
        raise UserError(f"data.hub={hub} cannot be loaded ({reason}); {WAYS_OUT}") from error
    batches = rows.data.table.to_batches(max_chunksize=10_000)
    records = (record for batch in batches for record in batch.to_pylist())
    return usable(records, hub, f"data.hub={hub}")
