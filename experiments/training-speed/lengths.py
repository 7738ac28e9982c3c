"""Lengths like the paper's: its seven sets in their proportions, log-normal around the means of its Table 1.

The paper does not say whose tokens it counted; they are taken for the student's. The embedded wrapper that a
decoder-only student reads before each instruction is added to its prompts.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml

TABLE = yaml.safe_load(
    (Path(__file__).resolve().parents[2] / "lamini" / "analysis" / "paper.yaml").read_text(encoding="utf-8")
)["table1"]
SETS = [name for name in TABLE if name != "all"]
SIGMA = 0.9  # of the logarithm: half of the texts have two thirds of the mean or less
WRAPPER = 36  # GPT-2 tokens of Alpaca's wrapper without input


def lengths(pairs: int, longest: int, wrapper: int = 0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Prompt and response lengths (N,), int32, none above `longest`; the response counts its end token."""
    random = np.random.default_rng(seed)
    weight = np.array([TABLE[name]["pairs"] for name in SETS])
    which = random.choice(len(SETS), size=pairs, p=weight / weight.sum())

    def drawn(side: str) -> np.ndarray:
        mean = np.array([TABLE[name][side]["mean"] for name in SETS])[which]
        found = random.lognormal(np.log(mean) - SIGMA**2 / 2, SIGMA)
        return np.clip(np.rint(found), 1, longest).astype(np.int32)

    return drawn("instruction") + np.int32(wrapper), drawn("response") + np.int32(1)
