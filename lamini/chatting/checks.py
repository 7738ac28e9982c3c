"""What can be wrong with a line of chat.py, known before any weights are read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lamini.chatting.asking import LONGEST_ANSWER, WARMEST
from lamini.config import ChatConfig
from lamini.errors import UserError
from lamini.evaluation.hub import stay_offline
from lamini.evaluation.subjects import Subject, named
from lamini.students.prompts import WRAPPERS
from lamini.web.addresses import is_loopback

CHOICES = {
    "wrapper": ("auto", *WRAPPERS),
    "device": ("auto", "cpu", "cuda", "mps"),
    "precision": ("auto", "fp32", "bf16"),
}


def check(config: ChatConfig) -> None:
    """Raise UserError for what cannot work: one sentence that names the key and says what would."""
    for key, known in CHOICES.items():
        if (value := getattr(config, key)) not in known:
            raise UserError(f"{key}={value} is unknown; it can be {' '.join(known)}")
    for key in ("at_once", "threads"):
        if (value := getattr(config, key)) is not None and value < 1:
            raise UserError(f"{key}={value} must be at least 1, or null")
    if not 1 <= config.max_new_tokens <= LONGEST_ANSWER:
        raise UserError(f"max_new_tokens={config.max_new_tokens} must lie between 1 and {LONGEST_ANSWER}")
    if not 0 <= config.temperature <= WARMEST:
        raise UserError(f"temperature={config.temperature} must lie between 0 (greedy) and {WARMEST:g}")
    if not 0 <= config.port <= 65535:
        raise UserError(f"port={config.port} must lie between 0 (any that is free) and 65535")
    if not is_loopback(config.host):
        raise UserError(
            f"host={config.host} can be reached from elsewhere, and the page knows no users: host=127.0.0.1"
            f" serves this machine alone; from another one, ssh -L {config.port}:127.0.0.1:{config.port}"
            " <machine> leads to it"
        )
    if config.data_dir is not None:
        stay_offline()
    whole(config, lambda sentence: None)


def whole(config: ChatConfig, say: Callable[[str], None]) -> list[Subject]:
    """The students of the line; `say` is told of what is not whole among them, which is left out.

    Raises:
        UserError: as `named`, or none is whole.
    """
    found = named(config.students, Path(config.paths.output_dir), config.data_dir, say)
    obstacles = [one.obstacle for one in found if one.obstacle]
    if len(obstacles) == len(found):
        raise UserError(f"students: {'; '.join(obstacles)}")
    for obstacle in obstacles:
        say(f"{obstacle}, left out")
    return [one for one in found if not one.obstacle]
