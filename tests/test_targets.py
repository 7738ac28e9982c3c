"""A `_target_` is an allowed name or a sentence; nothing is imported on the way to a refusal."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lamini.data.options import OracleData
from lamini.errors import UserError
from lamini.targets import check, locate


def test_an_allowed_target_is_found() -> None:
    assert locate("lamini.data.options.OracleData", "data._target_") is OracleData


@pytest.mark.parametrize(
    "target", ["os.system", "builtins.eval", "laminix.data", "None", "", "lamini", "torchx.nn"]
)
def test_others_are_refused_by_name(target: str) -> None:
    with pytest.raises(UserError) as caught:
        locate(target, "data._target_")
    assert f"data._target_={target}" in str(caught.value)
    assert "LAMINI_TARGETS" in str(caught.value)


@pytest.mark.parametrize("target", ["lamini.data.options.Nothing", "lamini.nix.Thing"])
def test_what_is_not_there_names_the_key(target: str) -> None:
    with pytest.raises(UserError, match=rf"data\._target_={target} cannot be imported"):
        locate(target, "data._target_")


def test_a_package_of_the_user_joins_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_own_data.py").write_text("class Rows: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError):
        check("my_own_data.Rows", "data._target_")
    assert "my_own_data" not in sys.modules
    monkeypatch.setenv("LAMINI_TARGETS", "other, my_own_data")
    assert locate("my_own_data.Rows", "data._target_").__name__ == "Rows"
