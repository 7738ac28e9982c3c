"""conf/family/*.yaml -> the shorthands `model=<family>-<size>`; and `compose("train", [...])` for notebooks.

A family is one YAML. For every size it lists, Hydra's ConfigStore gets a node `model/<family>-<size>` that
overrides /family and /size, and a node `size/<label>` for labels that have no file of their own.
Registering the whole herd costs about 0.1 s: nothing heavy is imported here.
"""

from __future__ import annotations

import hashlib
import re
import string
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from lamini.config import (
    AnalyzeConfig,
    ChatConfig,
    CompareConfig,
    EvaluateConfig,
    ExportConfig,
    GenerateConfig,
    RateConfig,
    TrainConfig,
)
from lamini.errors import UserError
from lamini.mistakes import Herd, foreseen, sentence
from lamini.schema import typed

CONF = Path(__file__).resolve().parent.parent / "conf"
SCHEMAS = {
    "train": TrainConfig, "generate": GenerateConfig, "analyze": AnalyzeConfig, "evaluate": EvaluateConfig,
    "rate": RateConfig, "compare": CompareConfig, "chat": ChatConfig, "export": ExportConfig,
}  # fmt: skip
LATE = re.compile(
    r"^\+?((architecture|(architecture|family|size)\.[^=]+|(data|objective|optimizer|logger|teacher|suite|classifier|sheet)\.[^.=]+)=)"
)
# hydra-ray-launcher stores its schema under the name of our option, and Hydra warns of that at each look.
warnings.filterwarnings("ignore", message=r"\s*'hydra/launcher/ray' is validated against ConfigStore schema")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def families(folders: Iterable[Path] = (CONF,)) -> Herd:
    """Family name -> its size labels, from family/*.yaml of each config folder, in alphabetical order.

    Raises:
        UserError: a family file that is no YAML, or has no mapping `sizes`.
    """
    files = sorted(
        (file for folder in folders for file in folder.glob("family/*.yaml")), key=lambda f: f.stem
    )
    return {file.stem: _sizes(file) for file in files}


def _sizes(file: Path) -> list[str]:
    try:
        facts = yaml.load(file.read_text(encoding="utf-8"), _Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{file} is no YAML: {' '.join(str(error).split())}") from error
    sizes = facts.get("sizes") if isinstance(facts, dict) else None
    if not isinstance(sizes, dict):
        raise UserError(f"{file} needs a mapping `sizes`: label to checkpoint, parameters, architecture")
    return [str(size) for size in sizes]


def register(extra: Path | None = None) -> Herd:
    """Store the derived nodes of conf/ and of a user's --config-dir; return the herd."""
    folders = [CONF] + ([extra] if extra else [])
    herd = families(folders)
    store = ConfigStore.instance()
    for family, sizes in herd.items():
        for size in sizes:
            name = f"{family}-{size}"
            store.store(group="model", name=name, package="_global_", node=_student(family, size))
            if not any((folder / "size" / f"{size}.yaml").exists() for folder in folders):
                store.store(group="size", name=size, node={"defaults": ["published", "_self_"], "name": size})
    return herd


def _student(family: str, size: str) -> dict[str, Any]:
    return {"defaults": [{"override /family": family}, {"override /size": size}]}


def help_text(script: str, herd: Herd, extra: Path | None = None) -> str:
    """What `--help` prints: `hydra.help` of conf/<script>.yaml, with the herd and the groups filled in.

    Hydra's own help composes a whole student and copies its configuration a hundred times: 3 s, not 0.5.
    """
    primary = yaml.load((CONF / f"{script}.yaml").read_text(encoding="utf-8"), _Loader)
    own, groups_of_script = (
        primary["hydra"]["help"],
        {
            key.removeprefix("override ")
            for entry in primary["defaults"]
            if isinstance(entry, dict)
            for key in entry
        },
    )
    if script == "train":  # no word of its defaults: an experiment could not override it then
        groups_of_script.add("hydra/sweeper")
    names: dict[str, set[str]] = {}
    for folder in [CONF] + ([extra] if extra else []):
        for file in [*folder.glob("*/*.yaml"), *folder.glob("hydra/*/*.yaml")]:
            group = file.parent.relative_to(folder).as_posix()
            if group in groups_of_script:
                names.setdefault(group, set()).add(file.stem)
    groups = "\n".join(f"  {group}: {', '.join(sorted(options))}" for group, options in sorted(names.items()))
    fill = {"HEADER": own["header"].strip(), "HERD": _herd_text(herd), "APP_CONFIG_GROUPS": groups}
    return string.Template(own["template"]).substitute(fill).rstrip()


def _herd_text(herd: Herd) -> str:
    """The herd by family, one line each."""
    width = max(map(len, herd), default=0)
    return "\n".join(f"  {family:<{width}}  {'  '.join(sizes)}" for family, sizes in herd.items())


def varied(dirname: str) -> str:
    """What the sweep varies as a readable, safe tail of a folder name.

    `data=oracle,seed=2` -> `,data=oracle,seed=2`; `++architecture.d_ff=64` -> `,architecture.d_ff=64`. What a
    file name cannot hold is dropped, and a short hash of the whole is added then, so that two different jobs
    never share a folder.
    """
    whole = re.sub(r"(^|,)\++", r"\1", dirname)
    if not whole:
        return ""
    safe = re.sub(r"[^\w.,=+@-]+", "-", re.sub(r"=[^,=]*/", "=", whole))[:120]
    if safe != whole:
        safe += f"-{hashlib.sha256(whole.encode()).hexdigest()[:6]}"
    return f",{safe}"


# At import, because the process of a SLURM, Ray or joblib job imports this module and calls nothing of it.
OmegaConf.register_new_resolver("lamini.varied", varied, replace=True)


def compose(script: str = "train", overrides: Sequence[str] = ()) -> Any:
    """The validated configuration that `python <script>.py <overrides>` would run with, a `SCHEMAS[script]`.

    Raises:
        UserError: as on the command line, e.g. for an unknown key.
    """
    import hydra

    herd = register()
    given = opened(overrides)
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        try:
            config = hydra.compose(script, given)
        except Exception as error:
            if not foreseen(error):
                raise
            raise UserError(sentence(error, herd, SCHEMAS[script], given)) from error
    return typed(config, SCHEMAS[script])


def opened(overrides: Sequence[str]) -> list[str]:
    """The overrides with `++` before keys that Hydra cannot know yet; `typed` checks them a moment later.

    `architecture` is open, and the keys of data, objective, optimizer, logger, family and size are those of
    the option, which a swept `model=` chooses only in each job. data.sources stays closed: a typing error in
    `data.sources.flan.weight=0` must not make a new source.

    `architecture.d_ff=64 data.pairs=9 seed=2` -> `++architecture.d_ff=64 ++data.pairs=9 seed=2`
    """
    return [LATE.sub(r"++\1", text) for text in overrides]
