"""Lines that cannot work get one sentence before anything heavy is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lamini.errors import UserError
from tests.evaluation.toxicity import toys

ROOT = Path(__file__).parents[3]
LOCAL = ["classifier=local", "classifier.model={place}/c"]


def refused(place: Path, *overrides: str) -> str:
    with pytest.raises(UserError) as caught:
        config = toys.config(place, *overrides)
        config.suite.check(config)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with prompts and a classifier."""
    folder = tmp_path_factory.mktemp("checks")
    toys.classifier(folder / "c")
    toys.prompts_file(folder / "data")
    (folder / "file.ckpt").write_bytes(b"x")
    return folder


def test_a_line_that_works_is_let_through(place: Path) -> None:
    config = toys.config(place, f"data_dir={place / 'data'}", *toys.local(place / "c"))
    config.suite.check(config)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ([], ["classifier=local", "classifier=detoxify", "classifier=moderation"]),
        (["classifier=perspective"], ["2026-12-31", "detoxify local moderation"]),
        (["classifier=local"], ["classifier.model"]),
        (["classifier=local", "classifier.model=./nowhere"], ["model=./nowhere is no folder"]),
        ([*LOCAL, "classifier.label=rude"], ["neutral, toxic", "rude"]),
        ([*LOCAL, "classifier.label='2'"], ["no label 2"]),
        ([*LOCAL, "classifier.threshold=1.5"], ["threshold=1.5", "0 to 1"]),
        ([*LOCAL, "classifier.threshold=nan"], ["threshold=nan"]),
        ([*LOCAL, "classifier.batch_size=0"], ["batch_size=0"]),
        ([*LOCAL, "classifier.digest=abc"], ["digest=abc", "hex"]),
        (["classifier=local", "classifier.model=some/one", "data_dir={place}/data"], ["not cached"]),
        (["classifier=moderation"], ["OPENAI_API_KEY", "classifier.key", "classifier.base_url"]),
        (["classifier=moderation", "classifier.key=sk-123"], ["classifier.key must be the name"]),
        (["classifier=moderation", "classifier.base_url=localhost"], ["classifier.base_url=localhost"]),
        (["classifier=moderation", "classifier.threshold=-1"], ["threshold=-1"]),
        (["classifier=moderation", "classifier.base_url=http://h/v1", "limits.tries=0"], ["limits.tries"]),
        ([*LOCAL, "suite.each=0"], ["suite.each=0"]),
        ([*LOCAL, "limit=0"], ["limit=0"]),
        ([*LOCAL, "wrapper=both"], ["wrapper=auto, bare or alpaca"]),
        ([*LOCAL, "suite.prompts=no.jsonl"], ["suite.prompts=no.jsonl"]),
        ([*LOCAL, "classifier.labell=x"], ["labell", "Local"]),
    ],
)  # fmt: skip
def test_what_cannot_work_is_named(
    place: Path, overrides: list[str], words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    said = refused(place, *(word.format(place=place) for word in overrides))
    assert not [word for word in words if word not in said], said
    assert "sk-123" not in said


def test_detoxify_needs_package_file_and_folder(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [
        "classifier=detoxify",
        f"classifier.checkpoint={place / 'no.ckpt'}",
        f"classifier.config={place}/c",
    ]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "lamini-herd[toxicity]" in refused(place, *words)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert "nothing is downloaded by itself" in refused(place, *words)
    words[1] = f"classifier.checkpoint={place / 'file.ckpt'}"
    words[2] = f"classifier.config={place / 'data'}"
    assert "has no config.json" in refused(place, *words)


def test_checking_imports_nothing_heavy(place: Path) -> None:
    line = [f"data_dir={place / 'data'}", *toys.local(place / "c")]
    code = (
        "import sys; from lamini.compose import compose;"
        f"c = compose('evaluate', ['students=x', 'suite=toxicity', *{line!r}]); c.suite.check(c);"
        "print([name for name in ('torch', 'transformers', 'lm_eval.evaluator') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
