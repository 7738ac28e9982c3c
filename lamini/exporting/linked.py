"""A Hugging Face folder with some files in other words, for tools that read an older spelling.

transformers 5 writes other keys into config.json than before: a tool that asks for the old ones stops, or
takes its own defaults without a word, which shows in the answers only.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def linked(source: Path, changed: Mapping[str, bytes], patterns: Sequence[str] = ("*",)) -> Iterator[Path]:
    """A temporary folder with links to the files of `source`, and `changed` in place of theirs or beside."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for file in {file for pattern in patterns for file in source.glob(pattern) if file.is_file()}:
            if file.name not in changed:
                (folder / file.name).symlink_to(file.resolve())
        for name, content in changed.items():
            (folder / name).write_bytes(content)
        yield folder


def spelled(file: Path) -> bytes:
    """A config.json in both spellings, for tools of which one cannot know what they ask for."""
    config = json.loads(file.read_text(encoding="utf-8"))
    return json.dumps(both(config)).encode()


def both(config: dict[str, Any]) -> dict[str, Any]:
    """
    >>> both({"model_type": "gpt2", "n_positions": 1024})
    {'model_type': 'gpt2', 'n_positions': 1024, 'n_ctx': 1024}
    """
    told = {**older(config), **config}
    if "n_positions" in told:
        told.setdefault("n_ctx", told["n_positions"])
    return told


def older(config: dict[str, Any]) -> dict[str, Any]:
    """A config of transformers 5 as transformers 4 spells it: rotary embeddings have keys of their own there,
    which it would otherwise fill with its defaults, without a word.

    >>> older({"model_type": "llama", "rope_parameters": {"rope_theta": 5e5, "rope_type": "default"}})
    {'model_type': 'llama', 'rope_theta': 500000.0, 'rope_scaling': None}
    """
    told = dict(config)
    rope = told.pop("rope_parameters", None)
    if not rope:
        return told
    theta, part = rope.get("rope_theta"), rope.get("partial_rotary_factor")
    names = ("rotary_emb_base", "rotary_pct") if told["model_type"] == "gpt_neox" else ("rope_theta", "")
    if theta is not None:
        told[names[0]] = theta
    if part is not None:
        told[names[1] or "partial_rotary_factor"] = part
    scaling = {
        key: value for key, value in rope.items() if key not in ("rope_theta", "partial_rotary_factor")
    }
    told["rope_scaling"] = None if scaling.get("rope_type", "default") == "default" else scaling
    return told
