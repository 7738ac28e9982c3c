"""Whole little evaluations: students with random weights, tasks of our own with their rows, seconds each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lamini.children import here
from lamini.compose import compose
from lamini.config import EvaluateConfig
from lamini.evaluation.running import evaluate
from tests.students import tiny

QUIZ = [
    ("Question: Which is larger, 3 or 7?\nAnswer:", ["3", "7", "both of them"], 1),
    ("Question: Name the colour of the sky.\nAnswer:", ["Blue", "Green", "Blue and white"], 0),
    ("Question: Is a whale a fish?\nAnswer:", ["Yes", "No: it is a mammal"], 1),
    ("Question: Count from one to", ["five", "ten", "one two three"], 0),
    ("Question: Reverse the word stone.\nAnswer:", ["enots", "stone"], 0),
    ("Question: Say hi.\nAnswer:", ["hi hi", "three", "Hello, my friend!"], 2),
]
TASK = """
task: {name}
dataset_path: json
test_split: test
output_type: {kind}
doc_to_text: "{{{{question}}}}"
doc_to_target: "{target}"
{more}
metadata: {{version: {version}}}
"""
CHOICES = """doc_to_choice: "{{choices}}"
metric_list:
  - {metric: acc}
  - {metric: acc_norm}"""
TEXTS = """generation_kwargs: {until: ["."], max_gen_toks: 4}
metric_list:
  - {metric: exact_match}"""


def export(folder: Path, kind: str, seed: int = 1) -> Path:
    """A t5 or gpt2 with large random weights, saved as any Hugging Face folder."""
    import torch

    tokenizer: Any = tiny.t5_tokenizer() if kind == "t5" else tiny.gpt2_tokenizer()
    model = tiny.t5(len(tokenizer)) if kind == "t5" else tiny.causal("gpt2", len(tokenizer))
    tiny.lively(model)
    if seed != 1:
        torch.manual_seed(seed)
        for parameter in model.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.4)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def run_folder(herd: Path, name: str, kind: str, seed: int = 1, **more: Any) -> Path:
    """The same as a finished run of ours."""
    export(herd / name / "export", kind, seed)
    record = {"format": 1, "status": "done", "init": "scratch", **more}
    (herd / name / "run.json").write_text(json.dumps(record))
    wrapper = "bare" if kind == "t5" else "alpaca"
    (herd / name / "config.yaml").write_text(
        f"family: {{wrapper: {wrapper}, name: {kind}}}\nsize: {{name: nano}}\n"
    )
    return herd / name


def tasks(folder: Path, version: float = 1.0) -> Path:
    """`quiz` and `second` (choices), `texts` (generated): YAML in folder/yaml, rows in folder/rows."""
    (folder / "yaml").mkdir(parents=True, exist_ok=True)
    rows = [{"question": text, "choices": choices, "gold": gold} for text, choices, gold in QUIZ]
    for name in ("quiz", "second"):
        write_task(folder, name, rows if name == "quiz" else rows[::-1], version)
    text = TASK.format(
        name="texts", kind="generate_until", more=TEXTS, version=version, target="{{choices[gold]}}"
    )
    (folder / "yaml" / "texts.yaml").write_text(text)
    write_rows(folder, "texts", rows)
    return folder


def write_task(
    folder: Path, name: str, rows: Sequence[dict[str, Any]], version: float = 1.0, more: str = CHOICES
) -> None:
    """One task with choices."""
    text = TASK.format(name=name, kind="multiple_choice", more=more, version=version, target="{{gold}}")
    (folder / "yaml" / f"{name}.yaml").write_text(text)
    write_rows(folder, name, rows)


def write_rows(folder: Path, name: str, rows: Sequence[dict[str, Any]]) -> None:
    (folder / "rows").mkdir(exist_ok=True)
    (folder / "rows" / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def line(students: Any, folder: Path, *overrides: str) -> list[str]:
    """The words of a line that scores on `quiz` and `second` of `tasks(folder)`, unless it names others."""
    words = {
        "students": students, "suite": "custom", "suite.tasks": "[quiz,second]",
        "suite.include_path": folder / "yaml", "data_dir": folder / "rows", "device": "cpu", "threads": 1,
        "paths.output_dir": folder / "outputs", "paths.cache_dir": folder / "cache",
    }  # fmt: skip
    words |= dict(word.split("=", 1) for word in overrides)
    return [f"{key}={value}" for key, value in words.items()]


def config(students: Any, folder: Path, *overrides: str) -> EvaluateConfig:
    """Its configuration."""
    found: EvaluateConfig = compose("evaluate", line(students, folder, *overrides))
    return found


def run(students: Any, folder: Path, *overrides: str) -> int:
    """Check and evaluate in this process; returns the exit status."""
    from lamini.evaluation.command import check

    told = config(students, folder, *overrides)
    check(told)
    return evaluate(told, here)


def anew() -> None:
    """Forget the tasks that this process has loaded, as another one would not know them."""
    from lamini.evaluation.benchmarks import prepared
    from lamini.evaluation.benchmarks import tasks as loaded

    prepared._prepared.clear()
    loaded._loaded.clear()


def results(run: Path, suite: str = "custom") -> dict[str, Any]:
    """evaluation/<suite>.json of a run folder."""
    return dict(json.loads((run / "evaluation" / f"{suite}.json").read_text()))
