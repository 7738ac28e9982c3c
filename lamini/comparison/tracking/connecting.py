"""Whether W&B is to be reached, and the one question that tells whether it takes the key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lamini.errors import UserError
from lamini.training.loggers import has_key

FILES = "offline=true writes what would be sent as files"


def check_key() -> None:
    """Raise UserError unless there is a key; imports nothing heavy and asks nobody."""
    if not has_key():
        raise UserError(f"wandb=true needs a key in WANDB_API_KEY (wandb login keeps one), or {FILES}")


def owner(entity: str | None, project: str) -> str:
    """The W&B team or user that the herd belongs to; the project is made where it is not there yet.

    Raises:
        UserError: no key, a wrong one, or no server.
    """
    import wandb

    check_key()
    with refusals():
        api = wandb.Api(timeout=20)
        whose = entity or str(api.viewer.entity)
        if project not in (one.name for one in api.projects(whose)):
            api.create_project(project, whose)
        return whose


@contextmanager
def refusals() -> Iterator[None]:
    """What W&B says against it, as one sentence; its own lines on the terminal are left out.

    Raises:
        UserError: instead of any exception of W&B's.
    """
    import wandb

    wandb.setup(wandb.Settings(silent=True))
    try:
        yield
    except Exception as error:
        own = isinstance(error, ValueError | OSError) or type(error).__module__.startswith("wandb")
        if not own:
            raise
        said = " ".join(str(error).split()).rstrip(".")
        raise UserError(
            f"wandb=true: W&B refuses ({said}); look at WANDB_API_KEY and the network, or {FILES}"
        ) from error
