"""Where a student's weights and tokenizer are, found out before anything heavy is imported.

With the hub unreachable transformers retries for half a minute and then answers with a traceback. So
folders and the Hugging Face cache are looked at first, the hub is asked once for at most three seconds,
and what is missing is told together with three ways out. Nothing is fallen back to silently.
"""

from __future__ import annotations

import json
import os
import shlex
import threading
import urllib.error
import urllib.request
from functools import lru_cache
from pathlib import Path

from lamini.config import Init, TrainConfig
from lamini.errors import UserError

TIMEOUT = 3.0  # seconds the hub has for its answer
WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json")


def check_tokenizer(folder: str, key: str) -> None:
    """Raise UserError unless `folder`, which `key` names, holds a tokenizer."""
    place = Path(folder).expanduser()
    if not any((place / name).is_file() for name in TOKENIZERS):
        what = "holds no tokenizer" if place.is_dir() else "is no folder"
        raise UserError(f"{key}={folder} {what}; name one with a tokenizer in it, or null")


def weights(config: TrainConfig) -> str:
    """Folder (given, or in the Hugging Face cache) or hub id to load the weights of `config` from.

    Raises:
        UserError: they are nowhere; one sentence that starts with "<student>: weights".
    """
    return found(config, "weights", WEIGHTS, [*checkpoint_folders(config)], hub_id(config))


def tokenizer_source(config: TrainConfig) -> str:
    """Folder or hub id to load the tokenizer from; `tokenizer=trained` has none and is not asked for.

    Raises:
        UserError: it is nowhere; one sentence that starts with "<student>: tokenizer".
    """
    if config.tokenizer != "family":
        return found(config, "tokenizer", TOKENIZERS, [Path(config.tokenizer).expanduser()], None)
    own = config.paths.tokenizers
    shared = [Path(own).expanduser() / config.family.tokenizer] if own else []
    if shared and shared[0].is_dir():  # a folder put there on purpose is used or complained about
        return found(config, "tokenizer", TOKENIZERS, shared, None)
    folders = [*shared, *checkpoint_folders(config)]
    return found(config, "tokenizer", TOKENIZERS, folders, hub_id(config))


def problems(config: TrainConfig) -> list[str]:
    """What of this student cannot be loaded: at most its weights and its tokenizer, a sentence each."""
    result = []
    for needed, look in (
        (config.init is Init.pretrained, weights),
        (config.tokenizer != "trained", tokenizer_source),
    ):
        try:
            if needed:
                look(config)
        except UserError as error:
            result.append(str(error))
    return result


def ways_out(problems: list[str], command_line: list[str], data_reachable: bool) -> str:
    """One message: what is missing, and three command lines, the user's own, that need none of it.

    Overrides that would contradict a way out are replaced, e.g. for
    `["python", "train.py", "model=t5-small", "init=pretrained"]` the second one reads
    `python train.py model=t5-small init=scratch tokenizer=trained`.
    """
    students = list(dict.fromkeys(problem.split(":")[0] for problem in problems))
    folder = f"/path/to/{students[0]}" if len(students) == 1 else "/path/to/checkpoints"
    one_each = "" if len(students) == 1 else f", with a subfolder for each of {', '.join(students)}"
    key = "checkpoint" if any(": weights " in problem for problem in problems) else "tokenizer"
    scratch = {"init": "scratch", "tokenizer": "trained"} | ({} if data_reachable else {"data": "oracle"})
    pairs = {} if data_reachable else {"data": "file", "data.path": "/path/to/pairs.jsonl"}
    return "\n".join(
        [
            "What these students start from cannot be loaded:",
            *(f"  {problem}" for problem in problems),
            "Three ways out:",
            f"  1. load it from a folder (save_pretrained's files{one_each}):",
            f"       {with_overrides(command_line, {key: folder} | pairs)}",
            "  2. start from random weights and learn the tokenizer from the data:",
            f"       {with_overrides(command_line, scratch)}",
            "  3. rehearse the whole line in minutes, to see that the rest of it works:",
            f"       {with_overrides(command_line, {'experiment': 'rehearsal'}, data_reachable)}",
        ]
    )


def with_overrides(command_line: list[str], overrides: dict[str, str], data_reachable: bool = True) -> str:
    """The command line as text for a shell, with these overrides instead of those they contradict.

    The rehearsal chooses weights, tokenizer and, where the user's cannot be had, data by itself.
    """
    against = set(overrides)
    if overrides.get("init") == "scratch":
        against |= {"checkpoint"}
    if "experiment" in overrides:
        against |= {"init", "tokenizer", "checkpoint"} | (set() if data_reachable else {"data"})

    def contradicts(argument: str) -> bool:
        key = argument.partition("=")[0].lstrip("+~")
        return "=" in argument and (key in against or ("data" in against and key[:5] == "data."))

    kept = [argument for argument in command_line if not contradicts(argument)]
    return shlex.join(kept + [f"{key}={value}" for key, value in overrides.items()])


def student(config: TrainConfig) -> str:
    return f"{config.family.name}-{config.size.name}"


def published(config: TrainConfig) -> str | None:
    """Hub id of this size or, where it exists from scratch only, of a size with its tokenizer."""
    sizes = config.family.sizes
    own = sizes[config.size.name].checkpoint if config.size.name in sizes else None
    if own or config.init is Init.pretrained:
        return own
    return next((size.checkpoint for size in sizes.values() if size.checkpoint), None)


def is_path(checkpoint: str) -> bool:
    """Whether `checkpoint=` means a folder: one that exists, or nothing that could be a hub id."""
    return Path(checkpoint).expanduser().is_dir() or (
        checkpoint.startswith((".", "/", "~")) or checkpoint.count("/") != 1
    )


def hub_id(config: TrainConfig) -> str | None:
    """Hub id to ask for; None where `checkpoint=` names a folder, which then has to have the files."""
    if config.checkpoint is None:
        return published(config)
    if not is_path(config.checkpoint):
        return config.checkpoint
    return published(config) if config.init is Init.scratch else None


def checkpoint_folders(config: TrainConfig) -> list[Path]:
    """`checkpoint=<folder>` and its subfolders named after the student and the hub id's last part."""
    if config.checkpoint is None or not is_path(config.checkpoint):
        return []
    folder = Path(config.checkpoint).expanduser()
    names = [student(config), (published(config) or "").rpartition("/")[2]]
    return [folder, *(folder / name for name in names if name)]


def found(
    config: TrainConfig, what: str, files: tuple[str, ...], folders: list[Path], repo: str | None
) -> str:
    """The first of these that has `files`: the folders, the cached snapshot of `repo`, the hub."""
    for folder in folders:
        if complete(folder, what, files):
            return str(folder)
    looked = [str(folder) for folder in folders]
    if repo is None:
        places = ", ".join(looked) or "any place: this size has no published checkpoint"
        raise UserError(f"{student(config)}: {what} not found in {places} ({' or '.join(files)})")
    snapshot = cached(repo, what, files)
    if snapshot:
        return str(snapshot)
    trouble = hub_trouble(repo)
    if trouble is None:
        return repo
    looked.append(f"the Hugging Face cache {cache_folder()}")
    raise UserError(f"{student(config)}: {what} of {repo} not found in {', '.join(looked)}, and {trouble}")


def complete(folder: Path, what: str, files: tuple[str, ...]) -> bool:
    """Whether the folder has one of the files (and, for weights, config.json and every shard)."""
    present = [folder / name for name in files if (folder / name).is_file()]
    if what != "weights":
        return bool(present)
    if not present or not (folder / "config.json").is_file():
        return False
    if present[0].suffix != ".json":
        return True
    shards = set(json.loads(present[0].read_text())["weight_map"].values())
    return all((folder / shard).is_file() for shard in shards)


def cache_folder() -> str:
    from huggingface_hub import constants  # 0.4 s: only where a folder did not answer

    return str(constants.HF_HUB_CACHE)


def cached(repo: str, what: str, files: tuple[str, ...]) -> Path | None:
    """Snapshot folder of `repo` in the Hugging Face cache, if what is needed of it is there."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    for name in files:
        try:
            path = try_to_load_from_cache(repo, name, cache_dir=cache_folder())
        except HFValidationError as error:
            raise UserError(f"checkpoint={repo} is neither a folder nor a hub id: {error}") from error
        if isinstance(path, str) and complete(Path(path).parent, what, files):
            return Path(path).parent
    return None


def hub_trouble(repo: str) -> str | None:
    """Why `repo` cannot be fetched, or None if the hub has it."""
    from huggingface_hub import constants
    from huggingface_hub.utils import build_hf_headers

    if constants.HF_HUB_OFFLINE or os.environ.get("HF_HUB_OFFLINE", "0").lower() in ("1", "true"):
        return "the hub is not asked because HF_HUB_OFFLINE is set"
    endpoint = os.environ.get("HF_ENDPOINT", constants.ENDPOINT).rstrip("/")
    unreachable = f"the hub {endpoint} does not answer within {TIMEOUT:g} s"
    if not reachable(endpoint):
        return unreachable
    url = f"{endpoint}/{repo}/resolve/main/config.json"
    status = head(url, tuple(build_hf_headers().items()))
    if status in (401, 403, 404):
        return f"the hub {endpoint} answers {status}: no such model, or one that needs HF_TOKEN"
    return None if status else unreachable


@lru_cache
def reachable(endpoint: str) -> bool:
    return head(endpoint, ()) is not None


@lru_cache
def head(url: str, headers: tuple[tuple[str, str], ...]) -> int | None:
    """HTTP status of a HEAD request, None without an answer in time.

    A thread, because name resolution heeds no timeout.
    """
    answer: list[int] = []

    def ask() -> None:
        request = urllib.request.Request(url, headers=dict(headers), method="HEAD")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                answer.append(response.status)
        except urllib.error.HTTPError as error:
            answer.append(error.code)
        except (OSError, ValueError):
            return  # no answer

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(TIMEOUT)
    return answer[0] if answer else None
