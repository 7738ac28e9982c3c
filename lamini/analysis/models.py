"""Which model turns instructions into vectors, found out before anything heavy is imported.

    a folder or hub id   that model, through sentence-transformers; refused where it cannot be had
    tfidf                words and pairs of words weighted by rarity, then 256 dimensions of a truncated SVD
    auto                 the paper's model where it can be had, else tfidf, and the report says why

Vectors of tfidf are fitted on the data at hand, so their numbers compare the sets of one report, not of two.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from lamini.errors import UserError
from lamini.students import locate

PAPER = "sentence-transformers/all-mpnet-base-v2"
FILES = ("modules.json",)
INSTALL = "pip install 'lamini-herd[analysis]'"


@dataclass(frozen=True)
class Chosen:
    """What vectors come from: `source` is a folder, a hub id or tfidf; `note` goes where they are shown."""

    source: str
    note: str


def choose(model: str) -> Chosen:
    """The model that `semantic.model` means.

    Raises:
        UserError: it cannot be had; the sentence says what needs none.
    """
    if model == "tfidf":
        return Chosen("tfidf", "TF-IDF with SVD, as asked for")
    if model != "auto":
        trouble, source = _found(model)
        if trouble:
            raise UserError(
                f"semantic.model={model}: {trouble}; semantic.model=tfidf needs no model, null no map"
            )
        return Chosen(source, f"sentence embeddings of {model}")
    trouble, source = _found(PAPER)
    if trouble:
        return Chosen("tfidf", f"TF-IDF with SVD, because {trouble} (semantic.model=auto)")
    return Chosen(source, f"sentence embeddings of {PAPER}")


def _found(model: str) -> tuple[str | None, str]:
    """What is in the way, if anything, and the folder or hub id to load from."""
    if find_spec("sentence_transformers") is None:
        return f"sentence-transformers is not installed ({INSTALL})", ""
    folder = Path(model).expanduser()
    if folder.is_dir():
        if not (folder / FILES[0]).is_file():
            return f"{folder} is no folder of sentence-transformers, {FILES[0]} is missing", ""
        return None, str(folder)
    if locate.is_path(model) and "/" in model:
        return f"there is no folder {folder}", ""
    name = model if "/" in model else f"sentence-transformers/{model}"
    try:
        snapshot = locate.cached(name, "model", FILES)
    except UserError:  # it names a key of train.py
        return f"{name} is no hub id", ""
    trouble = None if snapshot else locate.hub_trouble(name)
    return (f"{name} is not cached and {trouble}" if trouble else None), str(snapshot or name)
