"""What lm-eval's IFEval needs beside lm-eval: packages of an extra, and nltk's model of English sentences.

Importing the task's code downloads `punkt_tab` where nltk does not have it, even where data_dir=<folder>
promises that nothing opens a socket. So both are looked for beforehand, and the model has its place in that
folder: <data_dir>/nltk_data/tokenizers/punkt_tab.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamini.errors import UserError

if TYPE_CHECKING:
    from lamini.evaluation.prefetching.manifest import Manifest

PACKAGES = ("immutabledict", "langdetect", "nltk")
MODEL = "punkt_tab"


def concerned(tasks: Iterable[str]) -> bool:
    """Whether one of these tasks is judged by IFEval's code (ifeval, leaderboard_ifeval, ifeval_de, ...)."""
    return any("ifeval" in task for task in tasks)


def check(tasks: Iterable[str], data_dir: str | None) -> None:
    """Make sure that IFEval's code can run if one of these tasks needs it.

    Where there is no `data_dir`, nltk may fetch its model.

    Children of this process find the model by NLTK_DATA in their environment.

    Raises:
        UserError: a package or, where nothing may be downloaded, the model is not there.
    """
    if not concerned(tasks):
        return
    lacking = [package for package in PACKAGES if find_spec(package) is None]
    if lacking:
        raise UserError(
            f"suite.tasks: ifeval needs {' and '.join(lacking)}: pip install 'lamini-herd[ifeval]'"
        )
    if data_dir is not None:
        _known(_place(Path(data_dir)))
    if (data_dir is not None or os.environ.get("HF_HUB_OFFLINE") == "1") and not _found():
        raise UserError(
            f"suite.tasks: ifeval counts sentences with nltk's {MODEL}, which is not here; mode=prefetch or"
            f" python -m nltk.downloader -d <data_dir>/nltk_data {MODEL} fetches it on a connected machine"
        )


def fetch(manifest: Manifest) -> dict[str, Any]:
    """Put the model into the manifest's folder, for machines without a network.

    Raises:
        UserError: it cannot be fetched.
    """
    import nltk

    folder = _place(manifest.folder)
    if not nltk.download(MODEL, download_dir=str(folder), quiet=True):
        raise UserError(f"nltk cannot fetch {MODEL}, with which ifeval counts sentences; is there a network?")
    files = [path for path in (folder / "tokenizers").rglob("*") if path.is_file()]
    facts = {"revision": None, "licence": None}  # nltk's index tells neither
    return manifest.add(f"nltk/{MODEL}", files, sources={"nltk_data": facts})


def _place(data_dir: Path) -> Path:
    return data_dir.expanduser() / "nltk_data"


def _known(folder: Path) -> None:
    """Make nltk look there first, in this process and in its children."""
    import nltk

    paths = [path for path in os.environ.get("NLTK_DATA", "").split(os.pathsep) if path]
    if str(folder) not in paths:
        os.environ["NLTK_DATA"] = os.pathsep.join([str(folder), *paths])
    if str(folder) not in nltk.data.path:
        nltk.data.path.insert(0, str(folder))


def _found() -> bool:
    import nltk

    try:
        nltk.data.find(f"tokenizers/{MODEL}")
    except LookupError:
        return False
    return True
