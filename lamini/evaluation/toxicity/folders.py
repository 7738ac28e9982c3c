"""What stands in a classifier's folder, found out before torch is imported, and its digests afterwards."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from lamini.errors import UserError
from lamini.students import locate

TOKENIZERS = (*locate.TOKENIZERS, "vocab.txt", "sentencepiece.bpe.model")  # BERT's and XLM-R's of old
HEAD = "ForSequenceClassification"
USED = (".json", ".txt", ".model", ".safetensors", ".bin")  # endings of what transformers may read


def present(model: str, revision: str | None, data_dir: str | None) -> Path | None:
    """The folder of a model: one of this machine, of data_dir (`mode=prefetch` puts models there), or the
    cached snapshot of a hub id; None: only the hub has it.

    Raises:
        UserError: it is written like a folder and there is none.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    if locate.is_path(model):
        raise UserError(f"classifier.model={model} is no folder, and no hub id such as tomh/toxigen_roberta")
    for name in (model.replace("/", "__"), model) if data_dir is not None else ():
        fetched = Path(str(data_dir)).expanduser() / "models" / name
        if fetched.is_dir():
            return fetched
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(model, "config.json", locate.cache_folder(), revision)
    snapshot = Path(path).parent if isinstance(path, str) else None
    whole = snapshot and locate.complete(snapshot, "weights", locate.WEIGHTS) and _tokenizer(snapshot)
    return snapshot if whole else None


def check_hub(model: str, revision: str | None, data_dir: str | None) -> None:
    """Raise UserError unless the hub has a model that is not cached, and may be asked."""
    if data_dir is not None:
        raise UserError(
            f"classifier.model={model} is not cached nor in data_dir/models, and with data_dir the hub is not"
            " asked; give its folder, or fetch it with mode=prefetch students=<its id>"
        )
    trouble = locate.hub_trouble(model)
    if trouble:
        raise UserError(
            f"classifier.model={model} is no folder, is not in the Hugging Face cache, and {trouble}"
        )


def check(model: str, folder: Path) -> None:
    """Raise UserError unless the folder holds a whole sequence classifier, as far as its files tell."""
    what = f"classifier.model={model}"
    check_shape(what, folder)
    if not locate.complete(folder, "weights", locate.WEIGHTS):
        raise UserError(f"{what} has no weights, or not all of them ({' or '.join(locate.WEIGHTS[:3])})")
    built = facts(folder).get("architectures") or []
    if built and not any(HEAD in str(name) for name in built):
        raise UserError(f"{what} is a {built[0]}; a classifier of texts is a ...{HEAD}")


def check_shape(what: str, folder: Path) -> None:
    """Raise UserError unless the folder holds config.json and a tokenizer."""
    if not folder.is_dir():
        raise UserError(f"{what} is no folder")
    if not (folder / "config.json").is_file():
        raise UserError(f"{what} has no config.json")
    if not _tokenizer(folder):
        raise UserError(f"{what} has no tokenizer ({' or '.join(TOKENIZERS)})")
    facts(folder)


def facts(folder: Path) -> dict[str, Any]:
    """What config.json says.

    Raises:
        UserError: it is no JSON object.
    """
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{folder / 'config.json'} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise UserError(f"{folder / 'config.json'} holds no JSON object")
    return found


def labels(folder: Path) -> list[str]:
    """The names of the labels by number, transformers' own where config.json has none."""
    told = facts(folder)
    names = told.get("id2label") or {n: f"LABEL_{n}" for n in range(told.get("num_labels", 2))}
    return [str(names[key]) for key in sorted(names, key=int)]


def index(label: str, names: list[str], what: str) -> int:
    """The number of a label by its name, without regard to case where that is clear, or by its number.

    >>> index("Toxic", ["neutral", "toxic"], "a model"), index("1", ["LABEL_0", "LABEL_1"], "a model")
    (1, 1)

    Raises:
        UserError: there is no such label; the sentence lists them.
    """
    if label in names:
        return names.index(label)
    alike = [n for n, name in enumerate(names) if name.casefold() == label.casefold()]
    if len(alike) == 1:
        return alike[0]
    if label.isdecimal() and int(label) < len(names):
        return int(label)
    raise UserError(f"{what} has no label {label}; classifier.label may be {', '.join(names)} or its number")


def digests(folder: Path) -> dict[str, str]:
    """File -> SHA-256 of everything that decides a verdict: weights, config, tokenizer."""
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and file.suffix in USED]
    return {file.name: sha256(file) for file in files}


def sha256(file: Path) -> str:
    """Hex digits of a file (about a second a gigabyte)."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_digest(wanted: str | None, found: dict[str, str], what: str) -> None:
    """Raise UserError unless one of the weight files found begins its digest as wanted."""
    weights = {
        name: digest for name, digest in found.items() if not name.endswith((".json", ".txt", ".model"))
    }
    if wanted is not None and not any(digest.startswith(wanted) for digest in weights.values()):
        shown = ", ".join(f"{name} {digest[:16]}" for name, digest in weights.items())
        raise UserError(f"{what} has other weights than classifier.digest={wanted} names: {shown}")


def _tokenizer(folder: Path) -> bool:
    return any((folder / name).is_file() for name in TOKENIZERS)
