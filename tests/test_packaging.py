"""What is declared, pinned and installed agree, and nothing that stole credentials can come in."""

import shutil
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import lamini

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CORE = [Requirement(line) for line in PROJECT["dependencies"]]
EXTRAS = {
    name: [Requirement(line) for line in lines] for name, lines in PROJECT["optional-dependencies"].items()
}
ALL = [
    requirement
    for requirement in [*CORE, *(each for lines in EXTRAS.values() for each in lines)]
    if requirement.name != PROJECT["name"]
]
APART = {"trackio"}  # wants an older pillow than everybody else, and so an environment of its own


def pins() -> dict[str, Version]:
    """constraints.txt as {canonical name: version}; a line that is no exact pin fails here."""
    result: dict[str, Version] = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            (specifier,) = Requirement(line).specifier
            assert specifier.operator == "==", line
            result[canonicalize_name(Requirement(line).name)] = Version(specifier.version)
    return result


@pytest.mark.parametrize("requirement", [each for each in ALL if each.name not in APART], ids=str)
def test_every_requirement_is_pinned_within_its_range(requirement: Requirement) -> None:
    assert pins()[canonicalize_name(requirement.name)] in requirement.specifier


@pytest.mark.parametrize("requirement", [*CORE, *EXTRAS["test"]], ids=str)
def test_what_is_installed_satisfies_what_is_declared(requirement: Requirement) -> None:
    assert Version(version(requirement.name)) in requirement.specifier


def test_pins_are_public_versions() -> None:
    """A local version (torch's +cpu) would shut out everybody with another build."""
    assert [name for name, pinned in pins().items() if pinned.local] == []


@pytest.mark.parametrize("name", ["lightning", "litellm"])
def test_distributions_that_stole_credentials_stay_out(name: str) -> None:
    assert name not in {canonicalize_name(requirement.name) for requirement in ALL}
    assert name not in pins()
    with pytest.raises(PackageNotFoundError):
        version(name)


def test_the_range_of_pytorch_lightning_starts_after_the_bad_releases() -> None:
    (declared,) = (each for each in CORE if each.name == "pytorch-lightning")
    refused = [each for each in ("2.6.2", "2.6.3") if each not in declared.specifier]
    assert refused == ["2.6.2", "2.6.3"]
    assert "2.6.4" in declared.specifier


def test_the_version_stands_in_one_place() -> None:
    assert "version" not in PROJECT and "version" in PROJECT["dynamic"]
    assert Version(version("lamini-herd")) == Version(lamini.__version__)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("outputs/herd/t5-nano/run.json", True),
        ("outputs/.gitkeep", False),
        (".venv/pyvenv.cfg", True),
        (".venv-ray/pyvenv.cfg", True),
        ("wandb/run/file", True),
        ("multirun/2026/file", True),
        ("notebooks/.ipynb_checkpoints/file", True),
        ("lamini_herd.egg-info/PKG-INFO", True),
        ("lamini/data/cache.py", False),
        ("conf/logger/wandb.yaml", False),
        (".ci/run", False),
    ],
)
def test_git_ignores_what_runs_make_and_nothing_else(tmp_path: Path, path: str, ignored: bool) -> None:
    shutil.copy(ROOT / ".gitignore", tmp_path)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    question = ["git", "-C", str(tmp_path), "check-ignore", "-q", path]
    assert subprocess.run(question).returncode == (0 if ignored else 1)
