"""The composed tree becomes an instance of its dataclass, once: unknown keys and wrong types end here.

A mapping with a `_target_` that names a dataclass (data, teacher, objective, optimizer, logger) is validated
against that dataclass, so options that differ have types that differ and a newcomer adds one class, no
registry.
"""

from __future__ import annotations

from dataclasses import is_dataclass
from typing import Any, TypeVar

from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from lamini.errors import UserError
from lamini.mistakes import explain
from lamini.targets import locate

T = TypeVar("T")


def typed(config: DictConfig, schema: type[T]) -> T:
    """The composed tree, Hydra's own part left out, as an instance of `schema`.

    Raises:
        UserError: unknown key, wrong type or missing value, with the full key and the class that refused it.
    """
    with open_dict(config):
        config = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    try:
        _merged(OmegaConf.to_container(config), schema)  # a wrong value is named itself, not who refers to it
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
        result = OmegaConf.to_object(_merged(plain, schema))
    except OmegaConfBaseException as error:
        raise UserError(explain(error)) from error
    assert isinstance(result, schema)
    return result


def _merged(plain: Any, schema: type) -> Any:
    """The tree `plain` merged into `schema` and, under keys of any type, into the option it names."""
    base = OmegaConf.structured(schema)
    for key, value in plain.items():
        if isinstance(value, dict) and schema.__annotations__.get(key) == "Any":
            option = locate(str(value.pop("_target_", None)), f"{key}._target_")
            if not is_dataclass(option):
                raise UserError(f"{key}._target_ must name a dataclass, not {option!r}")
            base[key] = OmegaConf.structured(option)
    return OmegaConf.merge(base, plain)
