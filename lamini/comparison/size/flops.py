"""Floating-point operations of one answer: what a student costs whoever uses it, whatever the machine.

An encoder-decoder runs half of its weights over the instruction and the other half over the answer, so it
costs about half of a decoder-only student of its size: equal parameters are no equal cost. Counted is the
forward pass over an average pair of the paper (Table 1: 51 tokens of instruction, 33 of response), by the
rules of lamini/students/operations.py, on a model without memory. A decoder-only student's wrapper is not
counted: what it takes depends on the tokenizer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import yaml
from omegaconf import OmegaConf

from lamini.comparison.herd import Kind, Member, Tree
from lamini.compose import CONF
from lamini.errors import UserError

PROMPT, RESPONSE = 51, 33
FILE = Path(__file__).with_name("operations.yaml")
FORWARD = 3  # students.operations counts forward and backward, which is three times forward


def of_answer(member: Member) -> float | None:
    """Operations of one answer; None where nobody knows the student's shape."""
    known = None if member.scratch else _told().get(member.family, {}).get(member.size)
    if known:
        return float(known)
    family = member.config.get("family") or family_facts(member.family)
    shape = _exported(member) or _published(family, member.size)
    if not family or not shape:
        return None
    return _counted(str(family["_target_"]), str(family["model_type"]), json.dumps(shape, sort_keys=True))


def _exported(member: Member) -> Mapping[str, Any] | None:
    """Hugging Face config of a run of ours, whose vocabulary may be one of its own."""
    if member.kind is not Kind.run or member.folder is None:
        return None
    try:
        found = json.loads((member.folder / "export" / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _published(family: Tree, size: str) -> Mapping[str, Any] | None:
    """The same of a published size, by the family's file; sizes from scratch have no vocabulary there."""
    own = family.get("sizes", {}).get(size)
    shape = own and {**family["architecture"], **own["architecture"]}
    return shape if shape and "vocab_size" in shape else None


def published() -> dict[str, dict[str, float]]:
    """Family -> published size -> operations: what stands in operations.yaml, counted anew."""
    found: dict[str, dict[str, float]] = {}
    for file in sorted((CONF / "family").glob("*.yaml")):
        family = family_facts(file.stem)
        for size in family["sizes"]:
            shape = _published(family, size)
            if shape:
                told = str(family["_target_"]), str(family["model_type"]), json.dumps(shape, sort_keys=True)
                found.setdefault(file.stem, {})[size] = _counted(*told) or 0.0
    return found


@lru_cache
def _told() -> dict[str, dict[str, float]]:
    """As counted before: a book of published sizes need not load torch, which takes seconds."""
    told: dict[str, dict[str, float]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return told


@lru_cache
def family_facts(family: str) -> Tree:
    """conf/family/<family>.yaml; {} where there is none."""
    file = CONF / "family" / f"{family}.yaml"
    if not family.replace("-", "").isalnum() or not file.is_file():
        return {}
    facts: Tree = OmegaConf.to_container(OmegaConf.load(file))  # type: ignore[assignment]
    return facts  # as Hydra reads it: 1e-6 is a number


@lru_cache(maxsize=1024)
def _counted(target: str, model_type: str, shape: str) -> float | None:
    """By shape as JSON: the runs of a herd share a few."""
    import numpy as np  # with torch, seconds that a herd of unknown shapes need not wait
    import torch
    from huggingface_hub.errors import StrictDataclassError
    from hydra.utils import get_class
    from transformers import AutoConfig

    from lamini.students.loading import blank
    from lamini.students.protocol import Student

    given = {name: value for name, value in json.loads(shape).items() if name != "model_type"}
    try:
        with torch.device("meta"):
            model = blank(AutoConfig.for_model(model_type, **given))
    except (UserError, StrictDataclassError, ValueError, TypeError):  # of another version of transformers
        return None
    count = cast(type[Student], get_class(target)).operations(model)
    return float(count(np.array([PROMPT]), np.array([RESPONSE])) / FORWARD)
