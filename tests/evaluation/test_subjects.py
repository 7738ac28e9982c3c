"""What students= names: runs, herds, folders, hub ids; and what is said of those that are not whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from lamini.errors import UserError
from lamini.evaluation.subjects import subjects
from tests.evaluation.benchmarks import toys


@pytest.fixture
def place(tmp_path: Path) -> Path:
    toys.tasks(tmp_path)
    toys.run_folder(tmp_path / "herd", "b-run", "t5")
    toys.run_folder(tmp_path / "herd", "a-run", "gpt2", init="pretrained")
    toys.export(tmp_path / "folder", "gpt2")
    return tmp_path


def test_a_herd_a_run_and_a_folder(place: Path) -> None:
    found = subjects(toys.config(f"[{place}/herd,{place}/folder,{place}/herd/a-run]", place))
    assert [one.name for one in found] == ["a-run", "b-run", "folder"]
    assert [one.wrapper for one in found] == ["alpaca", "bare", None]
    assert [one.scratch for one in found] == [False, True, False]
    assert found[0].folder == place / "herd" / "a-run" and found[0].source == str(found[0].folder / "export")
    assert found[2].folder == place / "outputs" / "bases" / "folder"
    assert found[0].result("nlp15") == place / "herd" / "a-run" / "evaluation" / "nlp15.json"
    assert not any(one.obstacle for one in found)


def test_a_run_of_a_sweep_has_commas_in_its_name(place: Path) -> None:
    toys.run_folder(place / "herd", "t5-nano,data=alpaca,seed=2", "t5")
    name = place / "herd" / "t5-nano,data=alpaca,seed=2"
    found = subjects(toys.config(f"['{name}','{place}/folder,{place}/herd/a-run']", place))
    assert [one.name for one in found] == [name.name, "folder", "a-run"]


def test_runs_that_are_not_done_are_left_out_and_named(place: Path) -> None:
    toys.run_folder(place / "herd", "c-run", "t5", status="failed")
    said: list[str] = []
    found = subjects(toys.config(place / "herd", place), said.append)
    assert [one.name for one in found] == ["a-run", "b-run"]
    assert said == [f"{place}/herd/c-run: failed, left out"]
    with pytest.raises(UserError, match="its status is failed"):
        subjects(toys.config(place / "herd" / "c-run", place))


def test_a_wrong_name_brings_near_ones(place: Path) -> None:
    with pytest.raises(UserError, match=r"is no folder; did you mean .*/herd\?"):
        subjects(toys.config(place / "hert", place))


@pytest.mark.parametrize("students", ["[]", "['']", "null", "[[a]]"])
def test_nothing_is_named(place: Path, students: str) -> None:
    with pytest.raises(UserError, match="students= needs a folder, a hub id, or a list"):
        subjects(toys.config(students, place))


def test_a_model_that_is_not_whole_has_an_obstacle_and_stops_alone(place: Path) -> None:
    weights = place / "herd" / "a-run" / "export" / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    found = subjects(toys.config(place / "herd", place))
    assert found[0].obstacle is not None and found[1].obstacle is None
    assert f"is cut short: {len(whole) - 1:,} of {len(whole):,} bytes" in found[0].obstacle
    with pytest.raises(UserError, match="is cut short"):
        subjects(toys.config(place / "herd" / "a-run", place))
    weights.write_bytes(b"short")
    with pytest.raises(UserError, match="is damaged or cut short"):
        subjects(toys.config(place / "herd" / "a-run", place))
    weights.write_bytes(b"\x10\0\0\0\0\0\0\0[1, 2, 3]       ")
    with pytest.raises(UserError, match="is damaged or cut short"):
        subjects(toys.config(place / "herd" / "a-run", place))
    weights.unlink()
    with pytest.raises(UserError, match="has no weights"):
        subjects(toys.config(place / "herd" / "a-run", place))


def test_a_whole_file_of_any_model_is_no_obstacle(place: Path) -> None:
    weights = place / "folder" / "model.safetensors"
    save_file(load_file(weights), weights)  # without metadata
    assert subjects(toys.config(place / "folder", place))[0].obstacle is None


def test_two_models_with_one_place_are_refused(place: Path) -> None:
    toys.export(place / "other" / "folder", "t5")
    with pytest.raises(UserError, match="would share .*bases/folder; score them with two lines"):
        subjects(toys.config(f"[{place}/folder,{place}/other/folder]", place))


def test_a_hub_id_is_taken_from_data_dir(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toys.export(place / "rows" / "models" / "org__little", "t5")
    (found,) = subjects(toys.config("org/little", place))
    assert found.name == "little" and found.source == str(place / "rows" / "models" / "org__little")
    with pytest.raises(UserError, match="mode=prefetch fetches it"):
        subjects(toys.config("org/absent", place))
