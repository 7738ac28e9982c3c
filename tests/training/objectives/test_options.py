"""Values that cannot work are refused before torch is imported, with the key and what would work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lamini.compose import CONF, compose
from lamini.errors import UserError

OBJECTIVES = sorted(file.stem for file in (CONF / "objective").glob("*.yaml"))


def test_there_are_six() -> None:
    assert OBJECTIVES == ["forward_kl", "hidden", "jsd", "reverse_kl", "sequence", "skewed_kl"]


@pytest.mark.parametrize("name", [name for name in OBJECTIVES if name != "sequence"])
def test_a_teacher_has_to_be_named(name: str) -> None:
    with pytest.raises(UserError, match=r"objective\.teacher"):
        compose("train", ["model=t5-nano", f"objective={name}"])


@pytest.mark.parametrize(
    ("name", "override", "sentence"),
    [
        ("forward_kl", "mix=1", r"objective\.mix=1\.0 must be 0 or more and below 1; objective=sequence is"),
        ("reverse_kl", "mix=-0.1", r"objective\.mix=-0\.1 must be"),
        ("jsd", "temperature=0", r"objective\.temperature=0\.0 must be greater than 0"),
        ("forward_kl", "top_k=0", r"objective\.top_k=0 must be at least 1"),
        ("jsd", "beta=1", r"objective\.beta=1\.0 must lie between 0 and 1"),
        ("skewed_kl", "skew=0", r"objective\.skew=0\.0 must .* it is objective=forward_kl"),
        ("hidden", "mix=0", r"objective\.mix=0: .* raise it"),
        ("forward_kl", "mix=0", r"objective\.teacher=/nowhere/at/all is no folder"),
    ],
)
def test_impossible_values(name: str, override: str, sentence: str) -> None:
    line = [
        "model=t5-nano",
        f"objective={name}",
        "objective.teacher=/nowhere/at/all",
        f"objective.{override}",
    ]
    with pytest.raises(UserError, match=sentence):
        compose("train", line).objective.check()


def test_keys_of_another_objective_and_words_that_are_no_choice() -> None:
    with pytest.raises(UserError, match=r"ForwardKL has: teacher, mix, source, top_k, temperature"):
        compose("train", ["model=t5-nano", "objective=forward_kl", "objective.teacher=x", "objective.beta=1"])
    with pytest.raises(UserError, match="objective.source"):
        compose(
            "train", ["model=t5-nano", "objective=jsd", "objective.teacher=x", "objective.source=sometimes"]
        )


def test_options_are_checked_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from lamini.compose import compose; from lamini.errors import UserError\n"
        "for name in ('forward_kl', 'reverse_kl', 'jsd', 'skewed_kl', 'hidden'):\n"
        "    line = ['model=t5-nano', f'objective={name}', 'objective.teacher=/nowhere/at/all']\n"
        "    try: compose('train', line).objective.check()\n"
        "    except UserError: continue\n"
        "    raise SystemExit(name)\n"
        "raise SystemExit('torch' if 'torch' in sys.modules else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=CONF.parent)
