"""Whether W&B is to be reached, and the one question that tells whether it takes the key."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from lamini.errors import UserError
from lamini.training.loggers import has_key

FILES = "WANDB_MODE=offline writes workspace and report as files"


def offline() -> bool:
    """Whether nothing is to be sent: by WANDB_MODE, or because there is no key."""
    return os.environ.get("WANDB_MODE", "online") != "online" or not has_key()


def owner(entity: str | None) -> str:
    """The W&B team or user that the herd belongs to; the server is asked who the key is.

    Raises:
        UserError: no key, a wrong one, or no server.
    """
    import wandb

    if not has_key():
        raise UserError(f"wandb=true needs a key in WANDB_API_KEY (wandb login keeps one), or {FILES}")
    with refusals():
        who = wandb.Api(timeout=20).viewer
        return entity or str(who.entity)


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
        raise UserError(f"wandb=true: W&B refuses ({said}); mend WANDB_API_KEY, or {FILES}") from error
