"""python analyze.py as people call it: reports, reuse, and one sentence for what cannot work."""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lamini.analysis import command, measure
from lamini.compose import compose
from lamini.config import AnalyzeConfig
from lamini.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
PAIRS = [
    {
        "instruction": f"Say the number {n} and then {n + 1}",
        "response": f"It is {n}.",
        "instruction_source": source,
    }
    for source in ("a", "b")
    for n in range(20)
]
ITEM = {"question": "Say the number 3 and then 4 or nothing at all, whichever you like best of the two"}
Config = Callable[..., AnalyzeConfig]


@pytest.fixture
def configure(tmp_path: Path) -> Config:
    """configure("key=value", ...) -> the configuration of a line on PAIRS, with folders of its own."""
    path = tmp_path / "pairs.jsonl"
    path.write_text(
        "".join(json.dumps(pair) + "\n" for pair in [*PAIRS, {"instruction": "x", "response": ""}])
    )
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "arc_challenge.jsonl").write_text(json.dumps(ITEM) + "\n")

    def configured(*words: str) -> AnalyzeConfig:
        own = ["data=file", f"data.path={path}", f"paths.output_dir={tmp_path / 'out'}", "processes=1"]
        own += ["semantic.model=null", "figures=false"]
        config = compose("analyze", [*own, *words])  # type: ignore[arg-type]
        assert isinstance(config, AnalyzeConfig)
        return config

    return configured


def test_a_report(configure: Config, tmp_path: Path) -> None:
    config = configure(
        f"contamination.tasks={tmp_path / 'tasks'}", "contamination.ngram=7", "contamination.shortest=7"
    )
    command.check(config)
    folder = measure.analyze(config)
    assert folder.parent == tmp_path / "out" / "analysis"
    text = (folder / "report.md").read_text()
    assert "40 pairs in 2 set(s); 20 different instructions (50.0%)" in text
    assert "1 empty response" in text
    assert "arc_challenge 1" in text
    record = json.loads((folder / "report.json").read_text())
    assert record["fingerprint"] == folder.name
    assert record["parts"]["repeats"]["exact"]["all"]["unique"] == 20
    assert record["parts"]["lengths"]["a"]["instruction"]["tokens"] == 20 * 7
    rows = list(csv.DictReader((folder / "tables" / "lengths.csv").open()))
    assert [(row["set"], row["pairs"]) for row in rows] == [("a", "20"), ("b", "20"), ("all", "40")]
    (match,) = map(json.loads, (folder / "contamination.jsonl").read_text().splitlines())
    assert (match["task"], match["item"], match["sets"], match["row"]) == ("arc_challenge", 0, ["a", "b"], 3)
    assert not list((tmp_path / "out" / ".cache").glob("analysis-*")), "rows on disk are removed"
    assert not (folder / "lock").exists()


def test_the_same_line_again_computes_nothing(
    configure: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = measure.analyze(configure())
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for name in ("lengths", "diversity"):
        monkeypatch.setattr(measure, name, lambda *_: pytest.fail("computed again"))
    measure.analyze(configure())
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert "lengths: taken from" in capsys.readouterr().out
    with pytest.raises(pytest.fail.Exception):
        measure.analyze(configure("force=true"))


def test_a_changed_key_replaces_its_part_only(configure: Config, capsys: pytest.CaptureFixture[str]) -> None:
    folder = measure.analyze(configure("semantic.model=tfidf"))
    assert (folder / "tables" / "semantic.csv").exists()
    capsys.readouterr()
    assert measure.analyze(configure("diversity.window=9")) == folder
    said = capsys.readouterr().out
    assert "diversity: done" in said and "lengths: taken" in said and "repeats: taken" in said
    assert not (folder / "tables" / "semantic.csv").exists(), "what the report no longer holds is removed"
    assert "windows of 9" in (folder / "report.md").read_text()


def test_a_damaged_part_is_computed_anew(configure: Config) -> None:
    folder = measure.analyze(configure())
    before = (folder / "report.json").read_text()
    (folder / "parts" / "lengths.json").write_text('{"key": ')
    measure.analyze(configure())
    assert (folder / "report.json").read_text() == before


def test_figures_stand_in_the_report(configure: Config) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("plotly")
    folder = measure.analyze(configure("figures=true", "semantic.model=tfidf"))
    text = (folder / "report.md").read_text()
    for name in ("lengths", "diversity", "spread", "semantic_map"):
        assert f"](figures/{name}.png)" in text
        assert (folder / "figures" / f"{name}.png").stat().st_size > 5000
        assert (folder / "figures" / f"{name}.html").stat().st_size > 1_000_000
    measure.analyze(configure())
    assert not list((folder / "figures").iterdir())


def test_another_line_that_writes_the_report_is_waited_for(configure: Config) -> None:
    folder = measure.analyze(configure())
    with measure._alone(folder), pytest.raises(UserError, match="being written by another line"):
        measure.analyze(configure())


WRONG = {
    "processes=0": "processes=0 must be at least 1",
    "diversity.window=0": "diversity.window=0",
    "diversity.sample=-3": "diversity.sample=-3",
    "diversity.threshold=1": "diversity.threshold=1.0 must lie between 0 and 1",
    "diversity.units=letters": "diversity.units=letters is unknown; there are: marks words",
    "diversity.order=random": "file shuffled",
    "semantic.map=pca": "semantic.map=pca is unknown; there are: tsne umap",
    "semantic.sample=0": "semantic.sample=0",
    "semantic.model=./nowhere": "semantic.model=./nowhere",
    "near.threshold=1.5": "near.threshold=1.5",
    "near.permutations=0": "near.permutations=0",
    "contamination.ngram=1": "contamination.ngram=1",
    "contamination.shortest=99": "contamination.shortest=99 must not exceed",
    "contamination.tasks=./nowhere": "contamination.tasks=./nowhere is no folder",
    "tokenizer=./nowhere": "tokenizer=./nowhere",
    "data.path=nowhere.jsonl": "data.path=nowhere.jsonl does not exist",
    "seed=-1": "seed=-1",
}


@pytest.mark.parametrize("word", WRONG)
def test_what_cannot_work_is_told_in_one_sentence(configure: Config, word: str) -> None:
    with pytest.raises(UserError) as caught:
        command.check(configure(word))
    assert WRONG[word] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_libraries_that_are_missing_are_told(configure: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_spec", lambda _: None)
    with pytest.raises(
        UserError, match=r"semantic\.map=umap needs umap.*lamini-herd\[umap\].*semantic\.model=null"
    ):
        command.check(configure("near=null", "semantic.map=umap", "semantic.model=tfidf"))
    with pytest.raises(UserError, match=r"figures=true needs matplotlib.*figures=false"):
        command.check(configure("near=null", "semantic.model=null", "figures=true"))
    monkeypatch.setattr("lamini.curation.options.find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"near needs rensa.*near=null"):
        command.check(configure())


@pytest.fixture
def analyze(environment: dict[str, str]) -> Callable[..., tuple[int, str, str]]:
    """analyze("key=value") -> exit status, stdout and stderr of the whole line."""

    def analyzed(*words: str) -> tuple[int, str, str]:
        line = [sys.executable, "analyze.py", *words]
        done = subprocess.run(line, cwd=ROOT, env=environment, text=True, capture_output=True, timeout=200)
        return done.returncode, done.stdout, done.stderr

    return analyzed


def test_help_says_what_it_does_and_imports_nothing_heavy(
    analyze: Callable[..., tuple[int, str, str]],
) -> None:
    status, out, err = analyze("--help")
    assert (status, err) == (0, "")
    (options,) = re.findall(r"^  data: (.*)$", out, re.MULTILINE)
    assert {"alpaca", "file", "lamini", "oracle"} <= set(options.split(", ")) and "$" not in out
    heavy = ["numpy", "pyarrow", "torch", "sklearn", "matplotlib", "plotly", "transformers"]
    code = f"import sys, analyze; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_the_hub_the_default_data_is_refused_with_ways_out(
    analyze: Callable[..., tuple[int, str, str]],
) -> None:
    status, _, err = analyze()
    assert status == 2
    assert err.startswith("analyze.py: data.hub=") and "data=file" in err and len(err.splitlines()) == 1


def test_a_whole_line(analyze: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    words = ["data=oracle", "data.pairs=200", "data.held_out=0", "semantic.points=50", "processes=2"]
    words += ["tokenizer=words", "figures=false", f"paths.output_dir={tmp_path}"]
    status, out, err = analyze(*words)
    assert (status, err) == (0, ""), err
    (report,) = tmp_path.glob("analysis/*/report.md")
    assert out.splitlines()[-1] == f"report: {report}"
    assert "HF_HUB_OFFLINE" in report.read_text(), "auto says why there is no sentence model"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".cache", "analysis"]
    assert [path.name for path in (tmp_path / "analysis").iterdir()] == [report.parent.name]


LONG_LINE = ("data=oracle", "data.pairs=20000", "data.held_out=0", "semantic.model=null", "figures=false")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_line_that_is_stopped_leaves_nothing_running_and_goes_on(
    environment: dict[str, str], analyze: Callable[..., tuple[int, str, str]], tmp_path: Path, number: int
) -> None:
    words = [*LONG_LINE, "processes=2", f"paths.output_dir={tmp_path}"]
    process = subprocess.Popen(
        [sys.executable, "analyze.py", *words], cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("lengths: done"):
            break
    time.sleep(0.3)  # into the next part
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    killed = number == signal.SIGKILL
    assert process.returncode == (-number if killed else 128 + number)
    assert killed or ("the same line goes on" in out and err == ""), err
    assert _gone(process.pid), "no process of the line is left"
    left = list((tmp_path / ".cache").glob("analysis-*"))
    assert len(left) == killed
    for folder in left:
        os.utime(folder, (0, 0))
    status, out, _ = analyze(*words)
    assert status == 0 and "lengths: taken from" in out
    assert not list((tmp_path / ".cache").glob("analysis-*"))


def _gone(group: int) -> bool:
    """Whether all processes of the group end within ten seconds."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_rows_that_cannot_be_used_end_the_line_with_2(
    analyze: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    with gzip.open(tmp_path / "bad.jsonl.gz", "wt") as file:
        file.write('{"prompt": "x"}\n')
    status, _, err = analyze(
        "data=file", f"data.path={tmp_path / 'bad.jsonl.gz'}", f"paths.output_dir={tmp_path}"
    )
    assert status == 2
    assert err.startswith("analyze.py: ") and "has no column instruction" in err
    assert len(err.splitlines()) == 1


def test_a_job_that_cannot_read_its_rows_stops_no_other(
    analyze: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "bad.jsonl").write_text('{"prompt": "x"}\n')
    (tmp_path / "good.jsonl").write_text('{"instruction": "x", "response": "y"}\n')
    files = ",".join(str(tmp_path / name) for name in ("bad.jsonl", "good.jsonl"))
    words = ["-m", "data=file", f"data.path={files}", "semantic.model=null", "figures=false"]
    status, out, err = analyze(*words, f"paths.output_dir={tmp_path}")
    assert (status, out.count("report: ")) == (2, 1)
    assert err.startswith("analyze.py: ") and "bad.jsonl has no column instruction" in err
    assert len(err.splitlines()) == 1


def test_the_same_rows_under_other_names_are_another_report(configure: Config, tmp_path: Path) -> None:
    first = measure.analyze(configure())
    renamed = [{**pair, "instruction_source": f"new_{pair['instruction_source']}"} for pair in PAIRS]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in renamed))
    assert measure.analyze(configure()) == first, "the fingerprint names the rows"
    text = (first / "report.md").read_text()
    assert "| new_a | 20 |" in text and "| a | 20 |" not in text


def test_several_jobs_each_have_a_report(
    analyze: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    words = ["-m", "data=oracle", "data.pairs=30,40", "data.held_out=0", "semantic.model=null"]
    words += ["figures=false", "processes=1", f"paths.output_dir={tmp_path}"]
    status, _, err = analyze(*words)
    assert (status, err) == (0, ""), err
    assert len(list(tmp_path.glob("analysis/*/report.md"))) == 2
