"""python evaluate.py mode=prefetch data_dir=<folder> students=<hub ids> suite=<suite>: all in one folder.

What is in the folder already is skipped; what cannot be fetched is told at the end and stops nothing else.
Carried to a machine without a net, the folder serves `data_dir=<folder>` with the same students and suite.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation import ifeval
from lamini.evaluation.benchmarks import names
from lamini.evaluation.hub import silence
from lamini.evaluation.options import Benchmarks, Hallucination, Toxicity
from lamini.evaluation.prefetching.manifest import Manifest
from lamini.runs import ensure_writable
from lamini.students import locate

PROBES = {
    Toxicity: ("realtoxicityprompts", "allenai/real-toxicity-prompts", "train"),
    Hallucination: ("hallucination", "MBZUAI/LaMini-Hallucination", "train"),
}
"""suite -> file in data_dir, data set of the hub, split"""

Part = tuple[str, Callable[[Manifest], dict[str, Any]]]


def check(config: EvaluateConfig) -> None:
    """Raise UserError where nothing could be fetched: no folder named, or no hub."""
    if not config.data_dir:
        raise UserError("mode=prefetch needs data_dir=<folder>, where everything is put")
    folder = Path(config.data_dir).expanduser()
    if folder.exists() and not folder.is_dir():
        raise UserError(f"data_dir={config.data_dir} is a file; name a folder")
    ensure_writable(folder, "data_dir")
    models(config.students)
    suite = config.suite
    if isinstance(suite, Benchmarks) and suite.tasks:
        names.check(files(suite.tasks), _include(suite))
    trouble = silence()
    if trouble:
        raise UserError(
            f"mode=prefetch needs the hub, and {trouble}; run it on a connected machine, or name a mirror in"
            " HF_ENDPOINT"
        )


def models(students: Any) -> list[str]:
    """The hub ids among `students=`; what is a folder of this machine is not fetched.

    Raises:
        UserError: a word that is neither.
    """
    words = [students] if isinstance(students, str) else students or []
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise UserError("students= needs a hub id or a list of such: students='[google/flan-t5-small,gpt2]'")
    found = []
    for word in filter(None, ",".join(words).split(",")):
        if Path(word).expanduser().exists():
            print(f"{word}: a folder of this machine, copy it yourself", flush=True)
        elif locate.is_path(word):
            raise UserError(f"students={word} is neither a folder nor a hub id")
        else:
            found.append(word)
    return list(dict.fromkeys(found))


def prefetch(config: EvaluateConfig) -> int:
    """Fetch everything, tell what was fetched, and return the exit status: 0, or 1 where something failed."""
    assert config.data_dir is not None
    folder = Path(config.data_dir).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    manifest = Manifest(folder)
    failed = []
    for name, fetch in _parts(config):
        if manifest.has(name) and not config.force:
            print(f"{name}: there already", flush=True)
            continue
        try:
            print(f"{name}: {_told(fetch(manifest))}", flush=True)
        except UserError as error:
            failed.append(f"{name}: {error}")
            print(f"{name}: failed", flush=True)
    for line in failed:
        print(line, file=sys.stderr, flush=True)
    if not failed:
        print(f"all is in {folder}; elsewhere: data_dir=<that folder>", flush=True)
    return 1 if failed else 0


def _parts(config: EvaluateConfig) -> Iterator[Part]:
    """Names in the manifest, and what fetches them."""
    from lamini.evaluation.prefetching.models import fetch_model
    from lamini.evaluation.prefetching.rows import fetch_rows, fetch_task

    for repo in models(config.students):
        yield f"models/{repo}", lambda manifest, repo=repo: fetch_model(repo, manifest)
    suite = config.suite
    if isinstance(suite, Benchmarks):
        include, chosen = _include(suite), suite.chosen()
        stems = {task: told.rows for task, told in chosen.items() if told.rows}
        for task in chosen:
            yield f"tasks/{task}", lambda manifest, task=task: fetch_task(task, include, stems, manifest)
        if ifeval.concerned(chosen):
            yield "nltk/punkt_tab", ifeval.fetch
    for kind, (stem, source, split) in PROBES.items():
        if isinstance(suite, kind):
            yield (
                f"probes/{stem}",
                lambda manifest, probe=(stem, source, split): fetch_rows(*probe, manifest),
            )


def files(tasks: Any) -> dict[str, str | None]:
    """The tasks of a suite, and of those that name one the file in data_dir."""
    if not isinstance(tasks, Mapping):
        return dict.fromkeys([tasks] if isinstance(tasks, str) else tasks)
    return {
        name: one.get("rows") if isinstance(one, Mapping) else getattr(one, "rows", None)
        for name, one in tasks.items()
        if one is not None
    }


def _include(suite: Benchmarks) -> Path | None:
    return Path(suite.include_path).expanduser() if suite.include_path else None


def _told(part: dict[str, Any]) -> str:
    """What was fetched, in one line."""
    words = [f"{part['rows']:,} rows"] if "rows" in part else [f"{len(part['files'])} files"]
    words.append(f"{sum(file['bytes'] for file in part['files'].values()) / 1e6:.1f} MB")
    for source, facts in part["sources"].items():
        revision = facts["revision"][:12] if facts["revision"] else "unknown"
        words.append(f"from {source} (revision {revision}, licence {facts['licence'] or 'not stated'})")
    return "fetched, " + ", ".join(words)
