"""What does not fit is said with the keys that help, and only with those."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from lamini.training.planning.room import disk_bytes, disk_warning, memory_warning
from tests.training import small

GIB = 2**30


def test_memory_names_what_helps(tmp_path: Path) -> None:
    config = small.config(tmp_path, "gpt2")
    assert memory_warning(config, "run", 3 * GIB, 4 * GIB, 160) is None
    assert memory_warning(config, "run", 3 * GIB, None, 160) is None
    said = memory_warning(config, "run", 9.1 * GIB, 7 * GIB, 160) or ""
    assert said.startswith("run: needs about 9.1 GiB of memory and 7.0 GiB are free")
    for key in ("size.micro_tokens below 160", "optimizer=adafactor", "trainer.precision=bf16-true"):
        assert key in said
    lean = small.config(tmp_path, "gpt2", "optimizer=adafactor", "trainer.precision=bf16-true")
    said = memory_warning(lean, "run", 9.1 * GIB, 7 * GIB, 160) or ""
    assert "adafactor" not in said and "precision" not in said and "context" in said


def test_checkpoints_hold_the_optimizer_too(tmp_path: Path) -> None:
    adamw, adafactor = (
        disk_bytes(small.config(tmp_path, "gpt2", f"optimizer={name}"), 1000)
        for name in ("adamw", "adafactor")
    )
    assert adamw == 1000 * 4 * (3 * 3 + 1)
    assert adafactor < adamw / 2


def test_a_disk_is_asked_where_the_folder_will_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = []

    def usage(place: Path) -> SimpleNamespace:
        places.append(place)
        return SimpleNamespace(free=5 * GIB)

    monkeypatch.setattr("shutil.disk_usage", usage)
    folder = tmp_path / "not" / "yet"
    assert disk_warning([folder], 5 * GIB) is None
    assert "need about 6.0 GiB" in (disk_warning([folder], 6 * GIB) or "")
    assert places == [tmp_path, tmp_path]
