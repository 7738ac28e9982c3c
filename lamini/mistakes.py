"""What Hydra and OmegaConf say in many lines becomes one sentence: the key or option, and what would work.

Their messages name search paths, struct flags and a `+` that our own validation would refuse a moment
later. The price of rewording is that it follows Hydra's classes and wordings: a wording it does not know is
passed on as it is, on one line.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import is_dataclass
from typing import get_type_hints

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException

Herd = dict[str, list[str]]
GONE = {
    "classifier/perspective": "the Perspective API is switched off on 2026-12-31 (arXiv 2604.25580), and"
    " nobody could repeat its scores"
}
PLUGINS = {  # what an option of ours stands on -> the extra that brings it
    "hydra/launcher/submitit_slurm": ("hydra/launcher=slurm", "slurm"),
}
NO_OPTION = "Config group override must be"  # Hydra's answer to `data=null`, a bare ValueError


def foreseen(error: Exception) -> bool:
    """Whether a wrong line makes Hydra or OmegaConf raise this; anything else is a mistake of ours."""
    return isinstance(error, HydraException | OmegaConfBaseException) or NO_OPTION in str(error)


def explain(error: OmegaConfBaseException) -> str:
    """The full key, the class that refused it, and, where the key is unknown, the keys of that class."""
    known = getattr(error.object_type, "__dataclass_fields__", {})
    name = getattr(error.object_type, "__name__", "")
    first = str(error.msg or error).splitlines()[0] if str(error) else type(error).__name__
    where = f"{error.full_key}: " if error.full_key else ""
    hint = f" ({name} has: {', '.join(known)})" if known and "not in" in first else ""
    return f"{where}{first}{hint}"


def sentence(error: Exception, herd: Herd, schema: type, overrides: list[str]) -> str:
    """One line for any error that composing the `overrides` of a command line raised."""
    text = " ".join(str(error).split())
    if isinstance(error, OmegaConfBaseException):
        return explain(error)
    if isinstance(error, OverrideParseException):
        return f"{error.override!r} is no key=value: {error.message.splitlines()[0]}; quote what is special"
    if (missing := getattr(error, "missing_cfg_file", None)) in PLUGINS:
        option, extra = PLUGINS[str(missing)]
        return f"{option} needs what is not installed here: pip install 'lamini-herd[{extra}]'"
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options is not None:
        return _unknown_option(error.missing_cfg_file, list(error.options), herd)
    if "You must specify" in text:
        return f"which student? model=<family>-<size> is missing; there are: {_students(herd)}"
    if NO_OPTION in text:
        return f"{_no_option(overrides)} names no option of a config group; --help lists them"
    if found := re.search(r"Ambiguous value for argument '([^']*)'", text):
        return f"{found[1]} has several values: add -m to run one after the other"
    if (found := re.search(r"Could not override '([^']*)'", text)) and "defaults list" not in text:
        return f"there is no key {found[1]}{_siblings(schema, found[1])}"
    if "Cannot find primary config" in text:
        return text.split(" Check that")[0]
    cause = f" {error.__cause__}" if error.__cause__ and str(error.__cause__) not in str(error) else ""
    return " ".join(f"{text}{cause}".split())


def _unknown_option(file: str, options: list[str], herd: Herd) -> str:
    """`model/t5-nan` -> what there is, the nearest names first in doubt."""
    group, _, name = file.removesuffix(".yaml").rpartition("/")
    if not group:
        return f"there is no config named {name}"
    close = difflib.get_close_matches(name, options, n=2, cutoff=0.7)
    hint = f" (did you mean {' or '.join(close)}?)" if close else ""
    known = _students(herd) if group == "model" else " ".join(sorted(options))
    if f"{group}/{name}" in GONE:
        return f"{group}={name} is not there: {GONE[f'{group}/{name}']}; there are: {known}"
    return f"{group}={name} is unknown{hint}; there are: {known}"


def _students(herd: Herd) -> str:
    return " ".join(f"{family}-{size}" for family, sizes in herd.items() for size in sizes)


def _no_option(overrides: list[str]) -> str:
    """The overrides to blame: `data=null`, `trainer=5`; no name, and no dot in the key."""
    values = {text: text.partition("=")[2] for text in overrides if "." not in text.partition("=")[0]}
    blamed = (text for text, value in values.items() if re.fullmatch(r"null|[^A-Za-z\[].*", value))
    return " or ".join(blamed) or "a config group"


def _siblings(schema: type, key: str) -> str:
    """The keys that stand beside an unknown one: `trainer.max_stps` -> those of Trainer."""
    if key.startswith("hydra."):
        return "; --cfg hydra shows those of Hydra and of the launcher"
    place = ""
    for name in key.split("."):
        known = get_type_hints(schema)
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {place}{close[0]}? " if close else ""
            return f"; {hint}{schema.__name__} has: {', '.join(known)}"
        schema, place = known[name], f"{place}{name}."
        if not is_dataclass(schema):
            break
    return f"; what is chosen for {place[:-1]} decides which keys it has: add --cfg job to see them"
