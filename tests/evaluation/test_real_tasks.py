"""The real task files: our scores are those of lm-eval's own `hf`, request by request, metric by metric."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import lm_eval
import pytest
import torch
import yaml
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from lamini.evaluation.scorer import Scorer
from lamini.students.tokenizers import load_tokenizer
from tests.data.toys import shared_data
from tests.students import tiny

KINDS = ["t5", "gpt2", "gpt-neo", "llama"]
TASKS = {  # file among lm-eval's tasks, split
    "openbookqa": ("openbookqa/openbookqa.yaml", "test"),
    "race": ("race/race.yaml", "test"),
    "arc_challenge": ("arc/arc_challenge.yaml", "test"),
    "sst2": ("glue/sst2/default.yaml", "validation"),
    "mrpc": ("glue/mrpc/default.yaml", "validation"),
    "rte": ("glue/rte/default.yaml", "validation"),
    "mnli": ("glue/mnli/default.yaml", "validation_matched"),
    "wsc273": ("wsc273/default.yaml", "test"),
    "winogrande": ("winogrande/default.yaml", "validation"),
    "hellaswag": ("hellaswag/hellaswag.yaml", "validation"),
}
SCRIPT = """
import json, sys
import lm_eval
from lm_eval.api.registry import get_model
from lm_eval.tasks import TaskManager
import lamini.evaluation

found = {}
for model in ("lamini", "hf"):
    results = lm_eval.simple_evaluate(
        model=model, model_args={"pretrained": sys.argv[1]}, tasks=["arc_challenge_local"], limit=4,
        task_manager=TaskManager(include_path=sys.argv[2], include_defaults=False), device="cpu",
        bootstrap_iters=0,
    )
    found[model] = [sample["filtered_resps"] for sample in results["samples"]["arc_challenge_local"]]
found["names"] = [get_model(name).__name__ for name in ("lamini", "hf", "huggingface", "dummy")]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """YAML of the ten tasks on the files, as shared/data/README.md shows it."""
    rows, place = shared_data() / "eval", tmp_path_factory.mktemp("tasks")
    for name, (file, split) in TASKS.items():
        local = {
            "include": str(Path(lm_eval.__file__).parent / "tasks" / file), "task": f"{name}_local",
            "tag": None, "dataset_path": "json", "dataset_name": None, "training_split": None,
            "dataset_kwargs": {"data_files": {split: str(rows / f"{name}.jsonl.gz")}},
        } | ({"validation_split": None} if split == "test" else {})  # fmt: skip
        (place / f"{name}_local.yaml").write_text(yaml.safe_dump(local))
    return place


@pytest.fixture(scope="module")
def manager(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> TaskManager:
    return TaskManager(include_path=str(folder), include_defaults=False)


def student(kind: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Two layers with the real tokenizer, and weights large enough to prefer one answer to another."""
    tokenizer = load_tokenizer(str(shared_data() / "tokenizers" / ("t5" if kind == "t5" else "gpt2")))
    model = tiny.t5(len(tokenizer)) if kind == "t5" else tiny.causal(kind, len(tokenizer), context=512)
    torch.manual_seed(1)
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.1)
    return model.eval(), tokenizer


def equal(kind: str, manager: TaskManager, limit: int) -> dict[str, Any]:
    """Score the first `limit` rows of every task by both, compare, and return our results."""
    model, tokenizer = student(kind)
    more = {"tokenizer": tokenizer, "max_length": 512}
    stock = HFLM(pretrained=model, batch_size=8, **more)
    tasks = [f"{name}_local" for name in TASKS]
    theirs, ours = (
        lm_eval.evaluate(lm, manager.load(tasks), limit=limit, bootstrap_iters=0)
        for lm in (stock, Scorer(model, wrapper="bare", **more))
    )
    requests = 0
    for task in tasks:
        for one, other in zip(theirs["samples"][task], ours["samples"][task], strict=True):
            assert one["arguments"] == other["arguments"]
            pairs = [(sample["filtered_resps"]) for sample in (one, other)]
            for (logprob, greedy), (found, also) in zip(*pairs, strict=True):
                assert abs(logprob - found) < 1e-4 and greedy == also, (task, one["doc_id"])
                requests += 1
    assert requests > 25 * limit
    assert theirs["results"] == ours["results"]
    return dict(ours["results"])


@pytest.mark.parametrize("kind", ["t5", "gpt2"])
def test_some_rows_of_the_ten_tasks(kind: str, manager: TaskManager) -> None:
    results = equal(kind, manager, limit=2)
    assert len(results) == len(TASKS)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_the_ten_tasks(kind: str, manager: TaskManager) -> None:
    results = equal(kind, manager, limit=36)
    assert (
        len({result["acc,none"] for result in results.values()}) > 5
    )  # the students do not guess one answer


def test_any_script_may_ask_for_our_model(folder: Path, tmp_path: Path) -> None:
    model, tokenizer = student("gpt2")
    model.save_pretrained(tmp_path / "student")
    tokenizer.save_pretrained(tmp_path / "student")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "student"), str(folder)],
        text=True, capture_output=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "cache")}, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["names"] == ["Scorer", "HFLM", "HFLM", "DummyLM"]
    for ours, theirs in zip(found["lamini"], found["hf"], strict=True):
        for (logprob, greedy), (other, also) in zip(ours, theirs, strict=True):
            assert abs(logprob - other) < 1e-4 and greedy == also
