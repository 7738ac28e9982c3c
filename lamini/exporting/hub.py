"""A student's repository on the hub: its export, the card with its scores, and the score files themselves."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

from lamini.config import ExportConfig
from lamini.errors import UserError
from lamini.evaluation.subjects import Subject

NAME = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}")
PLACE = "*"  # braces would need quoting twice on a command line


def check_repo(config: ExportConfig) -> None:
    """Raise UserError where the repository has no proper name, or nobody may push to it."""
    repo = config.hub.repo
    if repo is None or not NAME.fullmatch(repo.replace(PLACE, "run")):
        raise UserError(
            f"hub.repo={repo} must be <user>/<name>; {PLACE} stands for the student: me/lamini-{PLACE}"
        )
    if not config.hub.push:
        return
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON"):
        raise UserError(
            "HF_HUB_OFFLINE forbids to=hub; hub.push=false writes the folder that would be pushed"
        )
    from huggingface_hub import get_token

    if get_token() is None:
        raise UserError(
            "to=hub needs a token that may write: `hf auth login`, or HF_TOKEN in the environment;"
            " hub.push=false writes the folder that would be pushed"
        )


def repository(pattern: str, subject: Subject) -> str:
    """The repository of a student: what a name on the hub cannot hold becomes a hyphen.

    >>> repository("me/lamini-*", Subject("gpt2-nano,seed=2", "", Path(), None))
    'me/lamini-gpt2-nano-seed-2'
    """
    name = re.sub(r"[^\w.-]+", "-", subject.name).strip("-.")
    return pattern.replace(PLACE, name)


def check_repositories(pattern: str, subjects: list[Subject]) -> None:
    """Raise UserError where two students would go to one repository."""
    seen: dict[str, str] = {}
    for one in subjects:
        other = seen.setdefault(repository(pattern, one), one.name)
        if other != one.name:
            raise UserError(
                f"hub.repo={pattern} would push {other} and {one.name} to one repository; put {PLACE} into it"
            )


def prepare(subject: Subject, folder: Path) -> None:
    """Fill the empty `folder` with what is pushed.

    Raises:
        UserError: the student is no folder, or as `card_of`.
    """
    from lamini.exporting.card import card_of

    source = Path(subject.source).expanduser()
    if not source.is_dir():
        raise UserError(f"{subject.source} is on the hub already")
    for file in source.iterdir():
        if file.is_file() and file.name != "README.md":
            shutil.copyfile(file, folder / file.name)
    (folder / "evaluation").mkdir()
    for file in subject.folder.glob("evaluation/*.json"):
        shutil.copyfile(file, folder / "evaluation" / file.name)
    card_of(subject).save(folder / "README.md")


def push(folder: Path, repo: str, *, private: bool, message: str, endpoint: str | None = None) -> str:
    """Make the repository where it is missing, push the folder as one commit, and return its address.

    Raises:
        UserError: the hub refuses, or is not to be reached.
    """
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    api = HfApi(endpoint=endpoint)
    try:
        api.create_repo(repo, private=private, exist_ok=True)
        done: Any = api.upload_folder(repo_id=repo, folder_path=folder, commit_message=message)
    except HfHubHTTPError as error:
        status = int(getattr(getattr(error, "response", None), "status_code", 0))
        why = {401: "the token is not valid", 403: "the token may not write there"}.get(status)
        told = why or " ".join(str(error).split())[:300]
        raise UserError(f"hub.repo={repo} was not pushed: {told}") from error
    except (OSError, httpx2.HTTPError) as error:
        raise UserError(f"hub.repo={repo} was not pushed: the hub is not to be reached ({error})") from error
    return str(getattr(done, "commit_url", "") or f"{api.endpoint}/{repo}")
