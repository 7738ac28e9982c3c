"""Where an open teacher is, found out before anything heavy is imported."""

from __future__ import annotations

from pathlib import Path

from lamini.errors import UserError
from lamini.students import locate

NEEDED = (("weights", locate.WEIGHTS), ("tokenizer", locate.TOKENIZERS))
PATTERNS = ("*.json", "*.safetensors", "*.bin", "*.model", "*.txt")  # what is fetched of a hub id


def place_of(teacher: str) -> str:
    """Folder (given, or in the Hugging Face cache) or hub id of `objective.teacher`.

    Raises:
        UserError: it is nowhere, or a folder without weights or tokenizer.
    """
    if locate.is_path(teacher):
        folder = Path(teacher).expanduser()
        for what, files in NEEDED:
            if not locate.complete(folder, what, files):
                state = f"has no {what} ({' or '.join(files[:2])})" if folder.is_dir() else "is no folder"
                raise UserError(
                    f"objective.teacher={teacher} {state}; name a folder with config.json, weights and"
                    " tokenizer (save_pretrained's files, an export of ours) or a hub id"
                )
        return str(folder)
    found = [locate.cached(teacher, what, files) for what, files in NEEDED]
    if all(found):
        return str(found[0])
    trouble = locate.hub_trouble(teacher)
    if trouble:
        raise UserError(
            f"objective.teacher={teacher} is no folder, is not in the Hugging Face cache, and {trouble}"
        )
    return teacher


def folder_of(teacher: str) -> Path:
    """The folder of its files, fetched from the hub where it has to be."""
    place = place_of(teacher)
    if Path(place).is_dir():
        return Path(place)
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(place, allow_patterns=list(PATTERNS)))
