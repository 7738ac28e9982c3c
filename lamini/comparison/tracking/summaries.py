"""Scores of evaluate.py as columns of W&B's runs, so that its table compares what students can do.

Training ended before anybody scored, so the scores come as one more attempt of the same run. Online W&B adds
them to the run's summary; `wandb sync` puts the attempt's summary in the place of the old one, so offline
it has to hold all of it. Models that were only scored (the bases) become runs of their own; published numbers
do not.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lamini.comparison.herd import Kind, Member
from lamini.comparison.tracking.pending import pending
from lamini.comparison.tracking.scored import scored
from lamini.training.described import FACTS, described, summary
from lamini.training.loggers import open_wandb, records

QUIETLY = {"console": "off", "x_disable_stats": True, "x_disable_meta": True, "x_save_requirements": False}
"""W&B's settings: nothing of this process belongs to a run that another one made."""


def add(
    members: Sequence[Member], out: Path, project: str, entity: str | None, offline: bool
) -> list[Member]:
    """Give last numbers and scores to W&B, or write them to `<out>/wandb` for `wandb sync`; returns whose.

    So a herd that was trained with another logger is in the table, too.

    They are written, too, where a run's own attempts are not uploaded yet: `wandb sync` would wipe them out.

    What an earlier call wrote there is replaced: it says the same or something older.

    Raises:
        wandb.Error: W&B refuses.
    """
    shutil.rmtree(out / "wandb", ignore_errors=True)
    columns = scored(members)
    told = [one for one in members if _known(one) or (one.kind is Kind.model and columns[one.key])]
    for member in told:
        later = offline or bool(member.folder and pending(member.folder))  # after training's own upload
        run = open_wandb(_run(member), project, entity, out, later, **QUIETLY)
        before = last_logged(member) if later else {}
        status = {"status": member.status}  # what run.json says of a killed run is `running`
        run.summary.update({**before, **summary(member.record), **status, **columns[member.key]})
        whole = member.status == "done" or member.record.get("pruned")  # as train.py closes it
        run.finish(exit_code=0 if whole else 1)
    return told


def _run(member: Member) -> dict[str, Any]:
    """What `wandb.init` is told: of a run what train.py told, so that it stays the same run."""
    if member.kind is Kind.run and member.folder is not None:
        return {**described(member.config, member.record, member.folder.name), "job_type": "train"}
    tags = [member.family, member.size, "base"]
    return {
        "id": f"scored-{hashlib.sha256(member.key.encode()).hexdigest()[:12]}",  # the same every time
        "name": member.key,
        "group": group(member),
        "tags": [tag for tag in tags if tag],
        "config": {name: member.record.get(name) for name in FACTS},
        "job_type": "evaluate",
    }


def last_logged(member: Member) -> dict[str, Any]:
    """What training has left in the summary: each metric's last value, and the last answers as a table."""
    import wandb

    if member.folder is None:
        return {}
    found: dict[str, Any] = {}
    for record in records(member.folder / "metrics.jsonl"):
        found |= {"trainer/global_step": record["step"], **record}
    for ours in ("step", "time"):
        found.pop(ours, None)
    answers = list(records(member.folder / "answers.jsonl"))
    if answers:
        rows = [list(row.values()) for row in answers if row["step"] == answers[-1]["step"]]
        found["validation/answers"] = wandb.Table(columns=list(answers[-1]), data=rows)
    return found


def _known(member: Member) -> bool:
    """Whether it is a run that has ended and whose own files say who it is: torn ones do not."""
    whole = bool(member.config and member.record.get("wandb_id"))
    return member.kind is Kind.run and whole and member.status != "running"


def group(member: Member) -> str:
    """The herd that a run was trained in; models that were only scored stand together."""
    return str(member.config.get("name") or "bases")
