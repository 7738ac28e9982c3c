"""The Makefile, run for real in small checkouts; fake programs stand in for Pythons."""

import os
import shutil
import site
import subprocess
import sys
import venv
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TARGETS = ["help", "install", "herd", "onnx", "test", "test-all", "style", "types", "clean"]
NOWHERE = "http://127.0.0.1:9"  # the discard port: nobody listens

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone with all that the Makefile reads, and no environment."""
    folder = tmp_path / "a clone"  # blanks in paths are common
    (folder / "lamini").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "LICENSE", "lamini/__init__.py"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "README.md").write_text("LaMini\n")
    return folder


def make(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    outer = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON")  # of the make that runs these tests
    inherited = {key: value for key, value in os.environ.items() if key not in outer}
    return subprocess.run(
        ["make", *words],
        cwd=folder,
        env=inherited | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def python_that_reports(path: Path, release: str) -> Path:
    """Answers `-c` as Python `release` would; `-m` is written to `<path>.log` and fails."""
    return program(
        path,
        f"#!{sys.executable}\n"
        "import sys\n"
        f"sys.version_info = ({release}, 'final', 0)\n"
        "if sys.argv[1] == '-c':\n"
        "    exec(sys.argv[2])\n"
        "else:\n"
        "    open(__file__ + '.log', 'w').write(' '.join(sys.argv[1:]))\n"
        "    sys.exit(7)\n",
    )


def installed_environment(folder: Path) -> None:
    """A .venv of `folder`'s own that sees the packages of the running Python."""
    if not (find_spec("pip") and find_spec("setuptools")):
        pytest.skip("the running environment has no pip or no setuptools to install with")
    venv.create(folder / ".venv", with_pip=False, symlinks=True)
    libraries = next((folder / ".venv/lib").glob("python*/site-packages"))
    (libraries / "shared.pth").write_text("\n".join(site.getsitepackages()))
    (folder / "constraints.txt").write_text(f"torch=={version('torch').split('+')[0]}\n")


@pytest.mark.parametrize("words", [[], ["help"]])
def test_help_names_every_target(checkout: Path, words: list[str]) -> None:
    result = make(checkout, *words)
    assert result.returncode == 0, result.stderr
    lines = [line.split(maxsplit=2) for line in result.stdout.splitlines()]
    assert [name for _, name, _ in lines] == TARGETS
    assert all(description for *_, description in lines)


@pytest.mark.parametrize(
    ("trained", "lines", "expected"),
    [
        (0, ["train.py", "evaluate.py", "evaluate.py", "compare.py"], 0),
        (
            1,
            ["train.py", "evaluate.py", "evaluate.py", "compare.py"],
            2,
        ),  # a student failed: the book shows which
        (2, ["train.py"], 2),
        (130, ["train.py"], 2),  # Ctrl-C
    ],
)
def test_herd_trains_scores_and_compares(
    checkout: Path, trained: int, lines: list[str], expected: int
) -> None:
    program(
        checkout / ".venv/bin/python",
        f'#!/bin/sh\ncase "$*" in *train.py*) echo ran "$@"; exit {trained};; *.py*) echo ran "$@";; esac\n',
    )
    result = make(checkout, "herd", LAMINI_OUTPUT="my outputs")
    assert result.returncode == expected, result.stderr
    ran = [line.removeprefix("ran ") for line in result.stdout.splitlines() if line.startswith("ran ")]
    assert [line.split()[0] for line in ran] == lines
    assert ran == [
        "train.py -m experiment=embedded",
        "evaluate.py students=my outputs/embedded suite=oracle",
        "evaluate.py students=my outputs/embedded suite=latency threads=1",
        "compare.py runs=my outputs/embedded",
    ][: len(lines)]  # fmt: skip


def test_onnx_has_an_environment_of_its_own(checkout: Path) -> None:
    lines = make(checkout, "-n", "onnx").stdout.splitlines()[-2:]
    assert lines[0].endswith(".venv/bin/python -m venv .venv-onnx")
    assert lines[1].startswith(".venv-onnx/bin/python -m pip ")
    assert (ROOT / lines[1].split()[-1]).is_file()


def test_a_too_old_python_is_named(checkout: Path) -> None:
    old = python_that_reports(checkout.parent / "python3", "3, 9, 2")
    result = make(checkout, "herd", f"PYTHON={old}")
    assert result.returncode == 2
    assert result.stderr.startswith(
        f"LaMini needs Python >= 3.11, found 3.9.2 ({old}); set PYTHON=/path/to/python3.11\n"
    )
    assert not (checkout / ".venv").exists()


def test_a_missing_python_is_named(checkout: Path) -> None:
    result = make(checkout, "herd", "PYTHON=no-such-python")
    assert result.returncode == 2
    assert "LaMini needs Python >= 3.11, found none (no-such-python)" in result.stderr


def test_the_newest_python_that_runs_is_taken(checkout: Path) -> None:
    programs = checkout.parent / "bin"
    program(programs / "python3.13", "#!/bin/sh\nexit 127\n")  # pyenv's shim of what is not chosen
    newest = python_that_reports(programs / "python3.12", "3, 12, 1")
    python_that_reports(programs / "python3.11", "3, 11, 7")
    result = make(checkout, "install", PATH=f"{programs}{os.pathsep}{os.environ['PATH']}")
    assert "Making .venv with Python 3.12.1 (python3.12)" in result.stdout
    assert Path(f"{newest}.log").read_text() == "-m venv .venv"


def test_an_installed_environment_needs_no_network(checkout: Path) -> None:
    installed_environment(checkout)
    offline = {"PIP_INDEX_URL": NOWHERE, "PIP_EXTRA_INDEX_URL": NOWHERE, "PIP_RETRIES": "0"}
    first = make(checkout, "install", **offline)
    assert first.returncode == 0, first.stderr
    where = [str(checkout / ".venv/bin/python"), "-c", "import lamini; print(lamini.__file__)"]
    found = subprocess.run(where, cwd="/", capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()) == checkout / "lamini/__init__.py"
    assert "Nothing to be done" in make(checkout, "install", **offline).stdout


def pip_fails(folder: Path) -> None:
    program(folder / ".venv/bin/python", '#!/bin/sh\n[ "$1" = -c ]\n')  # `import pip` works


def test_a_change_that_cannot_be_installed_keeps_the_environment(checkout: Path) -> None:
    pip_fails(checkout)
    (checkout / ".venv/.installed-test-1").touch()  # made from other requirements
    result = make(checkout, "install")
    assert result.returncode == 0
    assert "WARNING: pyproject.toml or constraints.txt changed" in result.stderr
    assert [path.name for path in (checkout / ".venv").glob(".i*")] == [".installed-test-1"]


def test_a_first_install_that_fails_stops_make(checkout: Path) -> None:
    pip_fails(checkout)
    result = make(checkout, "herd")
    assert result.returncode == 2
    assert "pip could not install what LaMini needs" in result.stderr
    assert "train.py" not in result.stdout


@pytest.mark.parametrize(("status", "expected"), [(0, 0), (1, 2), (5, 0)])
def test_test_all_runs_the_marks_whose_parts_are_here(checkout: Path, status: int, expected: int) -> None:
    """pytest's 5, nothing collected, is no failure; make turns any other failure into 2."""
    program(
        checkout / ".venv/bin/python",
        "#!/bin/sh\n"
        'case "$*" in\n'
        f'  *"-m pytest"*) echo "pytest got: $5"; exit {status};;\n'
        '  *"import torch"* | *"import ray"*) exit 1;;\n'
        "esac\n",
    )
    programs = checkout.parent / "bin"
    for name in ("chromium", "slurmctld", "sbatch"):
        program(programs / name, "#!/bin/sh\n")
    result = make(checkout, "test-all", PATH=f"{programs}{os.pathsep}{os.environ['PATH']}")
    assert result.returncode == expected, result.stderr
    assert result.stdout.splitlines()[:3] == [
        "pytest got: (slow or browser or slurm) and not (network or gpu or ray)",
        "ran the marks: slow or browser or slurm",
        "skipped the marks: network (run .venv/bin/python -m pytest -m network);"
        " gpu (no CUDA device); ray (ray is not installed in .venv)",
    ]
    assert ("no test carries the marks" in result.stdout) == (status == 5)
