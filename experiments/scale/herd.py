"""The paper's 17 students as numbers: parameters, operations and positions of a pair, for the plan.

    python experiments/scale/herd.py

Shapes are the published ones on a model without memory, operations those of lamini/students/operations.py
over pairs with the lengths of the paper's Table 1 (experiments/training-speed/lengths.py). In the order of
the lines that train them, conf/experiment/paper-herd.yaml and then paper-herd-6k.yaml.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml
from recording import record

from lamini.compose import CONF, compose

DRAWN = 20_000  # pairs over which operations are averaged
LONGEST = 512
SHORT = "paper-herd-6k"


@dataclass(frozen=True)
class Student:
    """What the plan needs to know of a student."""

    name: str
    encoder_decoder: bool
    parameters: int
    width: int  # of the hidden states
    layers: int  # on both sides
    operations: float  # of a pair, forward and backward
    positions: float  # of a pair
    short: bool  # trained for 6,000 steps only


def names() -> dict[str, bool]:
    """The 17, and whether each is trained for 6,000 steps only."""
    found: dict[str, bool] = {}
    for preset in ("paper-herd", SHORT):
        text = (CONF / "experiment" / f"{preset}.yaml").read_text(encoding="utf-8")
        herd = yaml.safe_load(text)["hydra"]["sweeper"]["params"]["model"]
        found |= {name.strip(): preset == SHORT for name in herd.split(",")}
    return found


def student(name: str, short: bool) -> Student:
    """One of them; torch is loaded."""
    sys.path.append(str(Path(__file__).resolve().parents[1] / "training-speed"))
    from lengths import WRAPPER, lengths

    from lamini.students.loading import outline
    from lamini.training.prepare import student_class

    config = compose("train", [f"model={name}", "init=scratch"])
    model = outline(config, 1)  # the published vocabulary stands in the family's file
    encoder_decoder = student_class(config).architecture == "encoder-decoder"
    prompt_N, response_N = lengths(DRAWN, LONGEST, 0 if encoder_decoder else WRAPPER)
    layers = model.config.num_hidden_layers + (getattr(model.config, "num_decoder_layers", None) or 0)
    return Student(
        name=name,
        encoder_decoder=encoder_decoder,
        parameters=sum(weight.numel() for weight in model.parameters()),
        width=model.config.hidden_size,
        layers=layers,
        operations=student_class(config).operations(model)(prompt_N, response_N) / DRAWN,
        positions=float((prompt_N + response_N).mean()),
        short=short,
    )


def main() -> None:
    """Count and record."""
    record("students", [asdict(student(*item)) for item in names().items()])


if __name__ == "__main__":
    main()
