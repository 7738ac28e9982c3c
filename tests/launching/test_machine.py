"""The names of GPUs: a child sees those that its parent means."""

from __future__ import annotations

import pytest

from lamini.errors import UserError
from lamini.launching.machine import shown, visible
from lamini.workers.local import LocalCrew


def test_numbers_are_those_that_the_user_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA_VISIBLE_DEVICES=4,6: number 1 is GPU 6, for students and for workers."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4, 6")
    assert shown() == ["4", "6"]
    assert [visible(0), visible(1)] == ["4", "6"]
    assert LocalCrew(2, []).gpus == ["4", "6"]
    assert LocalCrew(2, [], [1]).gpus == ["6"]
    with pytest.raises(UserError, match=r"hydra\.launcher\.gpus: there is no GPU 2; .* shows \['4', '6'\]"):
        LocalCrew(2, [], [2])


def test_none_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable hides all; without it numbers are names."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert shown() == []
    assert LocalCrew(2, []).gpus == []
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert shown() is None
    assert visible(3) == "3"
