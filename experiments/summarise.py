"""What came out of a herd: results.json, curves.svg, and the tables in a study's README.

    python experiments/summarise.py <herd folder> <study folder> [--data <file>]

The numbers are those of run.json and metrics.jsonl; computed here is the baseline to beat, the unigram
entropy of the responses under each student's tokenizer. The token cache has the pairs as the run saw them.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from curves import curves
from omegaconf import DictConfig
from tables import place, sections

from lamini.config import TrainConfig
from lamini.data.tokens import Tokens
from lamini.errors import UserError
from lamini.runs import RunFolder, write_atomically
from lamini.schema import typed
from lamini.training.prepare import prepare
from lamini.training.scoring import bits_per_byte

COPIED = (
    "student", "init", "architecture", "parameters", "steps", "epochs", "validation_loss",
    "validation_bits_per_byte", "response_tokens_per_second", "held_out",
)  # fmt: skip


def main() -> None:
    """Read the arguments, write the three files, print the tables."""
    parser = argparse.ArgumentParser(description="Record the results of a herd in its study's folder.")
    parser.add_argument("herd", type=Path, help="folder of run folders")
    parser.add_argument("study", type=Path, help="folder whose README.md takes the tables")
    parser.add_argument("--data", help="file of pairs, where it moved since the training")
    arguments = parser.parse_args()
    try:
        print(record(arguments.herd, arguments.study, arguments.data))
    except UserError as error:
        print(f"summarise.py: {error}", file=sys.stderr)
        sys.exit(2)


def record(herd: Path, study: Path, data: str | None = None) -> str:
    """Write results.json, curves.svg and the results section of README.md; returns that section.

    Raises:
        UserError: no finished run, other data than the runs saw, or a README without the markers.
    """
    folders = [RunFolder(file.parent) for file in sorted(herd.glob("*/run.json"))]
    done = [folder for folder in folders if folder.record()["status"] == "done"]
    if not done:
        raise UserError(f"{herd} holds no finished run; train one first")
    left_out = [folder.path.name for folder in folders if folder not in done]
    students = sorted((facts(folder, data) for folder in done), key=lambda student: student["parameters"])
    made_by = done[0].record()["provenance"]
    made_by["hardware"].pop("system", None)  # the kernel's name tells nobody anything
    text = "\n\n".join(part for part in sections(students, made_by, left_out) if part)
    readme = place(study / "README.md", text)
    results = {"students": students, "left_out": left_out, "provenance": made_by}
    write_atomically(study / "results.json", json.dumps(results, indent=1) + "\n")
    write_atomically(study / "curves.svg", curves(students))
    write_atomically(study / "README.md", readme)
    return text


def facts(folder: RunFolder, data: str | None = None) -> dict[str, Any]:
    """One finished run: what its record says, its baseline, and its validation losses by step.

    Raises:
        UserError: the data is not what the run was trained on.
    """
    run = folder.record()
    tree = yaml.safe_load(folder.config_file.read_text(encoding="utf-8"))
    if data is not None:
        tree["data"]["path"] = data
    prepared = prepare(typed(DictConfig(tree), TrainConfig))
    if prepared.fingerprint != run["data"]["fingerprint"]:
        raise UserError(f"{folder.path} was trained on other pairs; name its file with --data <file>")
    train, validation = response_ids(prepared.train), response_ids(prepared.validation)
    entropy = unigram_nats(train, validation, len(prepared.student.tokenizer))
    metrics = map(json.loads, (folder.path / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    return {
        "run": folder.path.name,
        **{name: run[name] for name in COPIED},
        **{name: run["data"][name] for name in ("pairs", "validation_pairs")},
        "unigram_entropy": entropy,
        "unigram_bits_per_byte": bits_per_byte(entropy, prepared),
        "minutes": run["seconds"] / 60,
        "curve": [[row["step"], row["validation/loss"]] for row in metrics if "validation/loss" in row],
    }


def unigram_nats(train_ids_T: np.ndarray, ids_T: np.ndarray, vocabulary: int) -> float:
    """Mean -ln p of `ids_T`, p being the frequencies in `train_ids_T`: what knowing no context costs.

    Every id of the vocabulary counts once more than it was seen, so that a new one costs no infinity: with
    training ids 0, 0, 1 and a vocabulary of 3, p is 3/6, 2/6 and 1/6, and ids 0, 2 cost (ln 2 + ln 6) / 2.
    """
    counts_V = np.bincount(train_ids_T, minlength=vocabulary) + 1
    return float(-np.log(counts_V / counts_V.sum())[ids_T].mean())


def response_ids(tokens: Tokens) -> np.ndarray:
    """The ids of all responses one after another, end tokens included (T,)."""
    return np.concatenate([tokens.response(row) for row in range(len(tokens))])


if __name__ == "__main__":
    main()
