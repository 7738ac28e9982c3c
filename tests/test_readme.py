"""The documents say what is there: tree, herd, commands, make targets, keys and snippets are compared."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra._internal.utils import get_args_parser

from lamini.compose import CONF, compose, register
from lamini.entry import Job, enumerate_jobs

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "experiments/README.md", "experiments/alpaca-scratch/README.md",
             "experiments/embedded-herd/README.md", "experiments/teacher-engine/README.md",
             "experiments/curation-scale/README.md", "experiments/analysis-scale/README.md",
             "experiments/rating-load/README.md", "experiments/rating-store/README.md",
             "experiments/compare-scale/README.md", "experiments/wandb-sweep/README.md",
             "experiments/data-ablation/README.md", "experiments/data-scale/README.md",
             "experiments/size/README.md", "experiments/paper-herd/README.md",
             "experiments/wrapper/README.md")  # fmt: skip
SCRIPTS = "(?:train|generate|analyze|evaluate|rate|compare|chat|export)"
SHOWS = ("--help", "--cfg")  # answered by Hydra, not jobs


def fences(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def tree() -> list[str]:
    """Paths of the tree: folders end in a slash, two blanks make a level and end the names of a line."""
    (block,) = fences("text")
    paths, above = [], [""] * 9
    for line in block.splitlines():
        names = re.split(r"\s{2,}", line.strip())[0].split()
        level = (len(line) - len(line.lstrip())) // 2
        paths += [above[level] + name for name in names]
        above[level + 1] = above[level] + names[0]
    return paths


def tracked() -> set[str]:
    """Files of the repository, with those not added yet."""
    ask = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(ask, cwd=ROOT, capture_output=True, text=True)
    if found.returncode:
        pytest.skip("not a git checkout: what belongs to the repository is unknown")
    return {name for name in found.stdout.splitlines() if (ROOT / name).exists()}


def commands() -> list[str]:
    lines = []
    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        lines += re.findall(rf"^(?:    )?((?:\.venv/bin/)?python {SCRIPTS}\.py [^#\n]*)", text, re.MULTILINE)
        lines += re.findall(rf"`((?:\.venv/bin/)?python {SCRIPTS}\.py [^`\n<]*)`", text)
    return list(dict.fromkeys(line.strip() for line in lines))


def jobs_of(line: str, monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    words = shlex.split(line)
    (script,) = (word.removesuffix(".py") for word in words if word.endswith(".py"))
    words = words[words.index(f"{script}.py") + 1 :]
    monkeypatch.setattr(sys, "argv", [f"{script}.py", *words])
    arguments = get_args_parser().parse_args(words)
    folder = Path(arguments.config_dir).resolve() if arguments.config_dir else None
    if any(word in words for word in SHOWS):
        return [Job(compose(script, arguments.overrides), Path())] if arguments.overrides else []
    return enumerate_jobs(arguments, script, register(folder))


@pytest.fixture
def my_conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of somebody who copied the README's family into `my-conf`."""
    (family,) = fences("yaml")
    (tmp_path / "my-conf/family").mkdir(parents=True)
    (tmp_path / "my-conf/family/qwen2.yaml").write_text(family)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_tree_is_the_repository() -> None:
    files = tracked()
    parts = [Path(name).parts for name in files]
    expected = {p[0] if len(p) == 1 else f"{p[0]}/" for p in parts}
    deep = {
        p for p in parts if p[0] not in ("tests", "outputs")
    }  # the one mirrors lamini/, the other is empty
    expected |= {"/".join(p[:2]) + ("" if len(p) == 2 else "/") for p in deep if len(p) > 1}
    package = {name for name in files if name.startswith("lamini/") and name.endswith(".py")}
    expected |= package | {f"{Path(name).parent}/" for name in package}
    for name in files - package:  # data of the package, and folders of nothing else
        if name.startswith("lamini/"):
            beside = f"{Path(name).parent}/__init__.py" in package
            expected.add(name if beside else f"{Path(name).parent}/")
    expected = {name for name in expected if not name.endswith("__init__.py")}
    shown = tree()
    assert sorted(shown) == sorted(set(shown)), "a path stands twice in the tree"
    assert {*shown} - expected == set(), "in the README's tree, not in the repository"
    assert expected - {*shown} == set(), "in the repository, not in the README's tree"


def herd_rows() -> list[str]:
    """What the herd's table says, one row a family."""
    rows = []
    for file in sorted(CONF.glob("family/*.yaml")):
        family = yaml.safe_load(file.read_text(encoding="utf-8"))
        kind = "encoder-decoder" if family["_target_"].endswith(".EncoderDecoder") else "decoder-only"
        sizes = family["sizes"]
        published = [size["checkpoint"] for size in sizes.values()]
        checkpoints = [f"`{name}`" if name else "scratch only" for name in published]
        rate = family["learning_rate"]
        cells = [
            file.stem, kind, "<br>".join(map(str, sizes)), "<br>".join(checkpoints),
            family["licence"], str(family["context"]), f"{rate['pretrained']} ({rate['scratch']})",
        ]  # fmt: skip
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def test_the_herd_is_conf_family() -> None:
    table = README.split("| family | architecture |")[1].split("\n\n")[0].splitlines()[2:]
    assert table == herd_rows()


def test_the_table_at_the_top_is_the_studys() -> None:
    students = json.loads((ROOT / "experiments/embedded-herd/results.json").read_text())["students"]
    axes = ("new_instances", "new_phrasings", "unseen_kinds")
    expected = []
    for one in sorted(students, key=lambda one: -one["held_out"]["new_instances"]["student"]):
        right = [f"{100 * one['held_out'][axis]['student']:.1f}" for axis in axes]
        more = [f"{one['validation_bits_per_byte']:.3f}", f"{one['minutes']:.1f}"]
        expected.append(" | ".join([f"| {one['run']}", f"{one['parameters']:,}", *right, *more]) + " |")
    table = README.split("<!-- herd -->")[1].split("<!-- /herd -->")[0].strip().splitlines()
    assert table[2:-1] == expected
    nearest = [max(100 * one["held_out"][axis]["nearest_neighbour"] for one in students) for axis in axes]
    assert table[-1].split("|")[3:6] == [f" {share:.1f} " for share in nearest]


@pytest.mark.parametrize("line", commands())
def test_every_command_composes(line: str, my_conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = jobs_of(line, monkeypatch)
    assert jobs or any(word in line for word in SHOWS)
    promised = re.search(rf"{re.escape(line)}\s+# (\d+) runs in \1 folders", README)
    if promised:
        assert len({job.folder for job in jobs}) == int(promised[1])


def test_the_documents_have_commands() -> None:
    assert len(commands()) > 12


def test_the_family_of_the_example_can_be_built(my_conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lamini.students.loading import count_parameters

    line = "python train.py --config-dir my-conf model=qwen2-0.5B init=scratch"
    assert line.startswith(next(command for command in commands() if "--config-dir" in command))
    (job,) = jobs_of(line, monkeypatch)
    assert count_parameters(job.config, 1) == job.config.family.sizes["0.5B"].parameters


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named: set[str] = set()
    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        for words in re.findall(r"(?:^|^    |`|&& )(?:\w+=\S+ )*make ((?:[a-z-]+ ?)+)", text, re.MULTILINE):
            named |= set(words.split())
    assert {"herd", "test", "install", "types"} <= named
    assert named <= targets


def test_links_lead_somewhere() -> None:
    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        anchors = {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-")
                   for title in re.findall(r"^#+ (.*)", text, re.MULTILINE)}  # fmt: skip
        for target in re.findall(r"\]\(([^)]+)\)", text):
            if target.startswith("#"):
                assert target[1:] in anchors, f"{name}: {target}"
            elif "://" not in target and target != "curves.svg":  # drawn when the study has run
                assert (ROOT / name).parent.joinpath(target).exists(), f"{name}: {target}"


def test_options_named_in_prose_exist() -> None:
    for group, options in re.findall(r"`(data|logger|experiment|optimizer|scheduler)=([a-z0-9_,-]+)", README):
        for option in options.split(","):
            assert (CONF / group / f"{option}.yaml").exists(), f"{group}={option}"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `outputs/embedded/` of two students, trained for one step."""
    from lamini.training.fit import run

    place = tmp_path_factory.mktemp("working folder")
    for student in ("t5-nano", "gpt2-nano"):
        config: Any = compose(
            "train",
            [
                f"model={student}", "name=embedded", f"paths.output_dir='{place}/outputs'", "data.pairs=200",
                "data.held_out=2", "validation.held_out=2", "validation.answers=1", "trainer.max_steps=1",
                "batch_size=4", "trainer.threads=1", "logger=none", "vocabulary=512",
            ],
        )  # fmt: skip
        run(config, place / "outputs/embedded" / student)
        record = json.loads((place / "outputs/embedded" / student / "run.json").read_text())
        assert record["status"] == "done", record["error"]
    return place


@pytest.mark.parametrize("code", fences("python"), ids=lambda code: code.split("\n")[0])
def test_snippets_run(
    code: str, outputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(outputs)
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out.endswith("\n")


def test_the_run_folder_is_as_described(outputs: Path) -> None:
    folder = outputs / "outputs/embedded/t5-nano"
    section = README.split("## What you get")[1].split("\n## ")[0]
    files = {name.strip("/") for row in re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
             for name in re.findall(r"`([^`]+)`", row)}  # fmt: skip
    assert files == {path.name for path in folder.iterdir()} | {".hydra", "lock", "error.txt"}
    keys = section.split("Keys of `run.json`:")[1].split("Compare")[0]
    record = json.loads((folder / "run.json").read_text())
    assert sorted(re.findall(r"`(\w+)`", keys)) == sorted(record)
    assert record["status"] == "done"
