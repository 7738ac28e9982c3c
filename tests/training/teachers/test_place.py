"""A teacher that is nowhere is one sentence that names the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamini.errors import UserError
from lamini.training.teachers.place import folder_of, place_of


def test_a_folder_with_everything_is_found(tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (tmp_path / name).touch()
    assert place_of(str(tmp_path)) == str(tmp_path) and folder_of(str(tmp_path)) == tmp_path
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(UserError, match=rf"objective\.teacher={tmp_path} has no tokenizer \(tokenizer\.json"):
        place_of(str(tmp_path))
    (tmp_path / "config.json").unlink()
    with pytest.raises(UserError, match="has no weights"):
        place_of(str(tmp_path))


def test_a_missing_folder_and_a_hub_that_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"objective\.teacher=/nowhere/at/all is no folder; name a folder"):
        place_of("/nowhere/at/all")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(
        UserError, match=r"objective\.teacher=somebody/teacher is no folder, .*HF_HUB_OFFLINE"
    ):
        place_of("somebody/teacher")
