"""Models and their tokenizers, fetched into <data_dir>/models/<id> and found there again."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from lamini.errors import UserError
from lamini.evaluation.hub import said
from lamini.evaluation.prefetching.manifest import Manifest
from lamini.students import locate

TEXTS = (
    "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model",
    "special_tokens_map.json", "added_tokens.json", "chat_template.jinja", "chat_template.json",
    "spiece.model", "vocab.json", "vocab.txt", "merges.txt",
)  # fmt: skip
WEIGHTS = (
    ("model.safetensors",),
    ("model.safetensors.index.json", "model-*.safetensors"),
    ("pytorch_model.bin",),
    ("pytorch_model.bin.index.json", "pytorch_model-*.bin"),
)
"""Spellings of weights, the first that a repository has is fetched."""


def folder_of(data_dir: Path, repo: str) -> Path:
    """Where a model of the hub is put."""
    return data_dir / "models" / repo.replace("/", "__")


def fetched(data_dir: Path, repo: str) -> Path | None:
    """The folder of a model in data_dir, as prefetch puts it or as `models/<owner>/<name>`; None without."""
    for folder in (folder_of(data_dir, repo), data_dir / "models" / repo):
        wanted = (("weights", locate.WEIGHTS), ("tokenizer", locate.TOKENIZERS))
        if all(locate.complete(folder, what, files) for what, files in wanted):
            return folder
    return None


def needed_files(names: Iterable[str]) -> list[str]:
    """Of a repository's files those that a model is loaded from: one spelling of the weights, not all.

    >>> needed_files(["config.json", "flax_model.msgpack", "pytorch_model.bin", "model.safetensors"])
    ['config.json', 'model.safetensors']
    """
    names = sorted(names)
    texts = [name for name in names if name in TEXTS]
    for spelling in WEIGHTS:
        if spelling[0] in names:
            return texts + [name for name in names if any(fnmatch(name, pattern) for pattern in spelling)]
    return texts


def fetch_model(repo: str, manifest: Manifest) -> dict[str, Any]:
    """Fetch what a model is loaded from; what an earlier call left half done is gone on with.

    Raises:
        UserError: the hub does not have it, does not give it, or fails on the way.
    """
    from huggingface_hub import HfApi, snapshot_download

    place = folder_of(manifest.folder, repo)
    try:
        info = HfApi().model_info(repo)
        files = needed_files(file.rfilename for file in info.siblings or ())
        if not any(name.startswith(("model", "pytorch_model")) for name in files):
            raise UserError(f"{repo} has no {' or '.join(spelling[0] for spelling in WEIGHTS)}")
        snapshot_download(repo, revision=info.sha, local_dir=place, allow_patterns=files)
    except UserError:
        raise
    except Exception as error:  # a zoo of classes: not found, gated, a broken line, a full disk
        raise UserError(f"it cannot be fetched ({said(error)}); the same line goes on from there") from error
    shutil.rmtree(place / ".cache", ignore_errors=True)  # the client's notes about half-fetched files
    sources = {repo: {"revision": info.sha, "licence": licence(info)}}
    return manifest.add(f"models/{repo}", [place / name for name in files], sources=sources)


def licence(info: Any) -> str | None:
    """What the hub's tags say of a repository's licence."""
    tags = [tag.partition(":")[2] for tag in info.tags or () if tag.startswith("license:")]
    return tags[0] if tags else None
