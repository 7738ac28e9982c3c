"""lm-eval's own tasks on rows in files: a YAML that includes the stock one and says where the rows are."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import yaml

DATA = Path(os.environ.get("LAMINI_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
STOCK = {  # task -> its file among lm-eval's, its split, rows of the whole split
    "race": ("race/race.yaml", "test", 1_045),
    "hellaswag": ("hellaswag/hellaswag.yaml", "validation", 10_042),
    "arc_challenge": ("arc/arc_challenge.yaml", "test", 1_172),
    "mnli": ("glue/mnli/default.yaml", "validation_matched", 9_815),
}


def missing() -> str | None:
    """Why the study cannot run here; None where it can."""
    for place in [*(DATA / "eval" / f"{task}.jsonl.gz" for task in STOCK), DATA / "tokenizers"]:
        if not place.exists():
            return f"{place} is not there; LAMINI_DATA names the folder that holds eval/ and tokenizers/"
    return None


def write(folder: Path) -> None:
    """`<task>_local.yaml` for every task of STOCK."""
    spec = find_spec("lm_eval")
    assert spec is not None and spec.origin is not None
    for task, (file, split, _) in STOCK.items():
        local = {
            "include": str(Path(spec.origin).parent / "tasks" / file), "task": f"{task}_local", "tag": None,
            "dataset_path": "json", "dataset_name": None, "training_split": None,
            "dataset_kwargs": {"data_files": {split: str(DATA / "eval" / f"{task}.jsonl.gz")}},
        }  # fmt: skip
        if split == "test":
            local["validation_split"] = None
        (folder / f"{task}_local.yaml").write_text(yaml.safe_dump(local), encoding="utf-8")


def limits(share: float) -> dict[str, int]:
    """Rows of each task: the same share of all, so that the four together weigh what they do as a whole."""
    return {task: max(4, round(share * rows)) for task, (_, _, rows) in STOCK.items()}
