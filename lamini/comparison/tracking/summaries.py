"""Scores of evaluate.py as columns of W&B's runs, so that its table compares what students can do.

Training ended before anybody scored; so the scores come as one more attempt of the same run, which only adds
to its summary. Models that were only scored (the bases) become runs of their own. Published numbers do not.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lamini.comparison import scores
from lamini.comparison.herd import Kind, Member
from lamini.training.described import columns, summary
from lamini.training.loggers import open_wandb

QUIETLY = {"console": "off", "x_disable_stats": True, "x_disable_meta": True, "x_save_requirements": False}
"""W&B's settings: nothing of this process belongs to a run that another one made."""


def numbers(member: Member) -> dict[str, float]:
    """Column -> value, scores and shares in percent.

    `{"nlp15/mean": 48.9, "nlp15/wsc273": 57.1, "hallucination/share": 85.0, "toxicity/non-toxic": 0.3}`
    """
    found: dict[str, float | None] = {}
    for suite in scores.benchmarks([member]):
        found[f"{suite}/mean"] = scores.mean(member, suite)
        for task in scores.columns(member, suite):
            one = scores.score(member, suite, task)
            found[f"{suite}/{task}"] = one and one.value
    for suite, tree in member.suites.items():
        if "judges" in tree:
            judge = tree["judges"].get(tree["judged_by"], {})
            found[f"{suite}/share"] = _percent(judge.get("total", {}).get("share"))
        for group, counts in tree.get("groups", {}).items() if "tasks" not in tree else ():
            found[f"{suite}/{group}"] = _percent(counts.get("answer", {}).get("rate"))
    return {name: value for name, value in found.items() if value is not None}


def add(
    members: Sequence[Member], out: Path, project: str, entity: str | None, offline: bool
) -> list[Member]:
    """Give the scores to W&B, or write them to `<out>/wandb` for `wandb sync`; returns whose.

    What an earlier call wrote there is replaced: it says the same or something older.

    Raises:
        UserError: W&B refuses.
    """
    shutil.rmtree(out / "wandb", ignore_errors=True)
    scored = [one for one in members if one.kind is not Kind.published and numbers(one)]
    for member in scored:
        run = open_wandb(_run(member), project, entity, out, offline, **QUIETLY)
        run.summary.update({**summary(member.record), **numbers(member)})
        run.finish(exit_code=0 if member.status == "done" else 1)
    return scored


def identity(member: Member) -> str:
    """W&B's id: the run's own; a model's from its name, so that it is the same every time."""
    own = member.record.get("wandb_id")
    return str(own or f"scored-{hashlib.sha256(member.key.encode()).hexdigest()[:12]}")


def _run(member: Member) -> dict[str, Any]:
    """What `wandb.init` is told: the run as train.py named it, or a model's."""
    scratch = " (scratch)" if member.scratch else ""
    tags = [member.family, member.size, str(member.record.get("init") or "base")]
    name = member.folder.name if member.folder is not None and member.kind is Kind.run else member.key
    return {
        "id": identity(member),
        "name": f"{name}{scratch}",
        "group": group(member),
        "tags": [tag for tag in tags if tag],
        "config": columns(member.config, member.record),
        "job_type": "train" if member.kind is Kind.run else "evaluate",
    }


def group(member: Member) -> str:
    """The herd that a run was trained in; models that were only scored stand together."""
    return str(member.config.get("name") or (member.folder and member.folder.parent.name) or "bases")


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 10)
