"""Configurations for the tests of loading and locating, straight from conf/family."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from lamini.config import Family, Init, Paths, Size, TrainConfig
from lamini.students.adapters import NoAdapter

CONF = Path(__file__).parents[2] / "conf" / "family"
FAMILIES = sorted(path.stem for path in CONF.glob("*.yaml"))


def family_of(name: str) -> Family:
    schema = OmegaConf.structured(Family)
    family = OmegaConf.to_object(OmegaConf.merge(schema, OmegaConf.load(CONF / f"{name}.yaml")))
    assert isinstance(family, Family)
    return family


def config_of(family: str, size: str, tokenizers: Path | None = None, **values: Any) -> TrainConfig:
    """A TrainConfig with what loading reads; the rest of it is None."""
    facts = family_of(family)
    read: dict[str, Any] = {
        "init": Init.pretrained,
        "tokenizer": "family",
        "architecture": {},
        "context": facts.context,
        "seed": 42,
        "family": facts,
        "size": Size(size, 8192),
        "adapter": NoAdapter(),
        "paths": Paths("outputs", "cache", str(tokenizers) if tokenizers else None),
    }
    return TrainConfig(**{**dict.fromkeys(TrainConfig.__dataclass_fields__), **read, **values})
