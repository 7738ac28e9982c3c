"""conf/family/*.yaml -> the shorthands `model=<family>-<size>`; and `compose("train", [...])` for notebooks.

A family is one YAML. For every size it lists, Hydra's ConfigStore gets a node `model/<family>-<size>` that
overrides /family and /size, and a node `size/<label>` for labels that have no file of their own.
Registering the whole herd costs about 0.1 s: nothing heavy is imported here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from lamini.config import TrainConfig, typed

CONF = Path(__file__).resolve().parent.parent / "conf"
SCHEMAS = {"train": TrainConfig}
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def families(folders: Iterable[Path] = (CONF,)) -> dict[str, list[str]]:
    """Family name -> its size labels, from family/*.yaml of each config folder, in alphabetical order."""
    files = sorted(file for folder in folders for file in folder.glob("family/*.yaml"))
    facts = {file.stem: yaml.load(file.read_text(encoding="utf-8"), _Loader) for file in files}
    return {name: [str(size) for size in (fact or {}).get("sizes", {})] for name, fact in facts.items()}


def register(extra: Path | None = None) -> dict[str, list[str]]:
    """Store the derived nodes (of conf/ and of a user's --config-dir) and the resolvers; return the herd."""
    folders = [CONF] + ([extra] if extra else [])
    herd = families(folders)
    store = ConfigStore.instance()
    for family, sizes in herd.items():
        for size in sizes:
            store.store(
                group="model",
                name=f"{family}-{size}",
                package="_global_",
                node=_student(family, size),
            )
            if not any((folder / "size" / f"{size}.yaml").exists() for folder in folders):
                store.store(
                    group="size",
                    name=size,
                    node={"defaults": ["published", "_self_"], "name": size},
                )
    OmegaConf.register_new_resolver("lamini.herd", lambda: herd_text(herd), replace=True)
    OmegaConf.register_new_resolver("lamini.varied", varied, replace=True)
    return herd


def _student(family: str, size: str) -> dict[str, Any]:
    return {"defaults": [{"override /family": family}, {"override /size": size}]}


def herd_text(herd: dict[str, list[str]]) -> str:
    """The herd by family, one line each, as `--help` shows it."""
    width = max(map(len, herd), default=0)
    lines = [f"  {family:<{width}}  {'  '.join(sizes)}" for family, sizes in herd.items()]
    return "\n".join(["Students: model=<family>-<size>", *lines])


def varied(dirname: str) -> str:
    """What the sweep varies as a readable, safe tail of a folder name.

    `data=oracle,seed=2` -> `,data=oracle,seed=2`. What a file name cannot hold is dropped, and a short hash
    of the whole is added then, so that two different jobs never share a folder.
    """
    if not dirname:
        return ""
    safe = re.sub(r"[^\w.,=+@-]+", "-", re.sub(r"=[^,=]*/", "=", dirname))[:120]
    if safe != dirname:
        safe += f"-{hashlib.sha256(dirname.encode()).hexdigest()[:6]}"
    return f",{safe}"


def compose(script: str = "train", overrides: Sequence[str] = ()) -> TrainConfig:
    """The validated configuration that `python <script>.py <overrides>` would run with.

    Raises:
        UserError: as on the command line, e.g. for an unknown key.
    """
    import hydra

    register()
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        config = hydra.compose(script, list(overrides))
    return typed(config, SCHEMAS[script])
