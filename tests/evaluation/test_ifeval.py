"""IFEval: lm-eval's judge on rows of ours in the hub's columns, and what is said where a part is missing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from lamini.errors import UserError
from lamini.evaluation import ifeval
from lamini.evaluation.prefetching.manifest import Manifest

FILES = ("collocations.tab", "sent_starters.txt", "abbrev_types.txt", "ortho_context.tab")
KEYS = ("num_words", "relation", "keywords", "end_phrase", "num_sentences")

# instruction ids, their arguments, a fixed answer, followed as it stands, followed in the loose reading
CASES: list[tuple[dict[str, dict[str, Any]], str, list[bool], list[bool]]] = [
    (
        {"punctuation:no_comma": {}, "startend:end_checker": {"end_phrase": "Bye."}},
        "Rain falls. Bye.",
        [True, True],
        [True, True],
    ),
    (
        {
            "keywords:existence": {"keywords": ["umbrella"]},
            "length_constraints:number_words": {"num_words": 5, "relation": "at least"},
        },
        "I took the umbrella.",
        [True, False],
        [True, False],
    ),
    ({"detectable_format:json_format": {}}, 'Here it is:\n{"a": 1}', [False], [True]),
    (
        {"change_case:english_lowercase": {}},
        "the dog runs into the deep forest at night and sleeps there until the sun comes back",
        [True],
        [True],
    ),
    (
        {"length_constraints:number_sentences": {"num_sentences": 3, "relation": "at least"}},
        "This is one sentence. This is the second one.",
        [False],
        [False],
    ),
    (
        {"length_constraints:number_sentences": {"num_sentences": 2, "relation": "at least"}},
        "This is one sentence. This is the second one.",
        [True],
        [True],
    ),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data_dir with a model of sentences that knows no abbreviation, and no other one in sight."""
    data = pytest.importorskip("nltk", reason="nltk comes with the extra ifeval").data
    monkeypatch.setattr(data, "path", [])
    monkeypatch.setenv("NLTK_DATA", "")
    model = tmp_path / "nltk_data" / "tokenizers" / "punkt_tab" / "english"
    model.mkdir(parents=True)
    for name in FILES:
        (model / name).write_text("")
    return tmp_path


def everything(package: str) -> bool:
    """As if all packages were there."""
    return True


def test_other_tasks_need_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ifeval, "find_spec", lambda package: None)
    ifeval.check(["gsm8k", "mmlu"], None)


def test_missing_packages_are_named_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ifeval, "find_spec", lambda package: None if package == "langdetect" else package)
    with pytest.raises(UserError, match=r"ifeval needs langdetect: pip install 'lamini-herd\[ifeval\]'"):
        ifeval.check(["leaderboard_ifeval"], None)


def test_without_a_network_the_model_must_be_in_the_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ifeval, "find_spec", everything)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    ifeval.check(["ifeval"], None)  # nltk may fetch it
    with pytest.raises(UserError, match="punkt_tab, which is not here"):
        ifeval.check(["ifeval"], str(folder / "elsewhere"))
    ifeval.check(["ifeval"], str(folder))
    assert os.environ["NLTK_DATA"].split(os.pathsep)[0] == str(folder / "nltk_data")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    ifeval.check(["ifeval"], None)  # found where it was made known
    import nltk

    nltk.data.path.clear()
    with pytest.raises(UserError, match="mode=prefetch"):
        ifeval.check(["ifeval"], None)


def test_the_model_is_fetched_into_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nltk

    asked = []

    def download(name: str, download_dir: str, quiet: bool) -> bool:
        asked.append((name, download_dir))
        return len(asked) == 1

    monkeypatch.setattr(nltk, "download", download)
    part = ifeval.fetch(Manifest(folder))
    assert asked == [("punkt_tab", str(folder / "nltk_data"))]
    assert {Path(file).name for file in part["files"]} == set(FILES)
    assert Manifest(folder).has("nltk/punkt_tab")
    with pytest.raises(UserError, match="nltk cannot fetch punkt_tab"):
        ifeval.fetch(Manifest(folder))


def rows() -> list[dict[str, Any]]:
    """The cases in the columns of google/IFEval: every instruction has all arguments, most of them null."""
    return [
        {
            "key": number,
            "prompt": f"Prompt {number}",
            "instruction_id_list": list(told),
            "kwargs": [dict.fromkeys(KEYS) | arguments for arguments in told.values()],
        }
        for number, (told, *_) in enumerate(CASES)
    ]


def test_strict_and_loose_numbers_of_fixed_answers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand: prompts 3 and 4 of 6 followed, single instructions 5 and 6 of 8."""
    for package in ifeval.PACKAGES:
        pytest.importorskip(package, reason=f"{package} comes with the extra ifeval")
    ifeval.check(["ifeval"], str(folder))
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was asked"))
    import datasets
    import lm_eval
    from lm_eval.api.model import LM
    from lm_eval.tasks import TaskManager

    class Fixed(LM):
        """Says what the cases have it say."""

        def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:
            return [CASES[int(request.args[0].split()[-1])][1] for request in requests]

        def loglikelihood(self, requests: Any, disable_tqdm: bool = False) -> Any:
            raise NotImplementedError

        loglikelihood_rolling = loglikelihood

    manager = TaskManager(
        include_path=str(Path(lm_eval.__file__).parent / "tasks" / "ifeval"), include_defaults=False
    )
    told = {"task": "ifeval", "custom_dataset": lambda **_: {"train": datasets.Dataset.from_list(rows())}}
    tasks = list(manager.load({"group": "asked", "task": [told]})["tasks"].values())
    found = lm_eval.simple_evaluate(model=Fixed(), tasks=tasks, bootstrap_iters=0, log_samples=True)
    assert found is not None
    numbers = {
        key.removesuffix(",none"): value
        for key, value in found["results"]["ifeval"].items()
        if "acc,none" in key
    }
    assert numbers == {
        "prompt_level_strict_acc": 3 / 6,
        "inst_level_strict_acc": 5 / 8,
        "prompt_level_loose_acc": 4 / 6,
        "inst_level_loose_acc": 6 / 8,
    }
    samples = sorted(found["samples"]["ifeval"], key=lambda sample: sample["doc_id"])
    assert [sample["inst_level_strict_acc"] for sample in samples] == [strict for _, _, strict, _ in CASES]
    assert [sample["inst_level_loose_acc"] for sample in samples] == [loose for *_, loose in CASES]
