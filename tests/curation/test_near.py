"""Near-duplicates: bands as computed by hand, decisions as all pairs of exact similarities give them."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lamini.config import NearDuplicates
from lamini.curation.agreement import agreement
from lamini.curation.near import Index
from lamini.curation.sketches import layout, sketches, slots_needed
from lamini.curation.store import Store
from lamini.errors import UserError
from tests.data.toys import shared_data

OPTIONS = NearDuplicates(0.8, 3, 128)
Pairs = set[tuple[int, int]]


def indexed(
    texts: list[str], folder: Path, options: NearDuplicates = OPTIONS, groups: list[int] | None = None
) -> Index:
    """The closed index of these texts, added in batches of 700."""
    index = Index(options, folder)
    group_N = np.array(groups or [0] * len(texts), np.uint64)
    for first in range(0, len(texts), 700):
        part = texts[first : first + 700]
        index.add(pa.array(part, pa.large_string()), group_N[first : first + 700])
    index.close(np.ones(len(texts), bool))
    return index


def ngrams(text: str, ngram: int = 3) -> set[tuple[str, ...]]:
    """Plain Python, for texts of ASCII words."""
    words = text.lower().split()
    return {tuple(words[i : i + ngram]) for i in range(max(len(words) - ngram + 1, 1))}


def families(seed: int) -> list[str]:
    """300 random texts, each followed by variants with one to three words changed, shuffled."""
    draw = random.Random(seed)
    texts = []
    for _ in range(300):
        words = [f"w{draw.randrange(2000)}" for _ in range(draw.randrange(6, 60))]
        texts.append(" ".join(words))
        for _ in range(draw.randrange(4)):
            for _ in range(draw.randrange(1, 4)):
                words[draw.randrange(len(words))] = f"v{draw.randrange(2000)}"
            texts.append(" ".join(words))
    draw.shuffle(texts)
    return texts


def greedy(texts: list[str], threshold: float) -> list[int]:
    """What the module promises, from all pairs."""
    sets, kept, original = [ngrams(text) for text in texts], [], []
    for row, own in enumerate(sets):
        near = [k for k in kept if len(own & sets[k]) / len(own | sets[k]) >= threshold]
        original.append(near[0] if near else -1)
        kept += [] if near else [row]
    return original


def test_layout_and_slack_by_hand() -> None:
    assert layout(0.8, 128) == (18, 7)
    assert 1 - (1 - 0.8**7) ** 18 > 0.98 > 1 - (1 - 0.8**8) ** 16
    assert layout(1.0, 128) == (1, 128)
    assert slots_needed(0.8, 128) == 88 and slots_needed(1.0, 128) == 128
    for threshold in (0.3, 0.5, 0.9):
        bands, rows = layout(threshold, 128)
        assert bands * rows <= 128 and 1 - (1 - threshold**rows) ** bands >= 0.98


def test_similarities_of_the_worked_example(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(np.array([1, 2, 3, 2, 3, 4, 9], np.uint64), np.array([0, 3, 6, 7]))
    store.append(np.array([1, 2, 3, 4], np.uint64), np.array([0, 4]))
    store.close()
    assert store.similarities(0, np.array([1, 0, 2, 3])).tolist() == [0.5, 1.0, 0.0, 0.75]
    assert store.similarities(2, np.array([2, 1])).tolist() == [1.0, 0.0]


def test_sketches_estimate_the_similarity() -> None:
    """Sets that share 600 of 1,000 shingles agree in 0.6 of the slots, give or take three deviations."""
    hash_S = np.random.default_rng(0).integers(0, 2**64, 1000, np.uint64, endpoint=False)
    flat = np.concatenate((hash_S[:800], hash_S[200:]))
    slots = sketches(flat, np.array([0, 800, 1600]), 1024)
    assert abs((slots[0] == slots[1]).mean() - 0.6) < 3 * (0.6 * 0.4 / 1024) ** 0.5
    low = slots.astype(np.uint8)
    assert abs((low[0] == low[1]).mean() - 0.6) < 3 * (0.6 * 0.4 / 1024) ** 0.5 + 1 / 256


@pytest.mark.parametrize(("threshold", "least"), [(0.5, 250), (0.8, 80), (0.9, 10)])
def test_decisions_are_those_of_all_pairs(threshold: float, least: int, tmp_path: Path) -> None:
    texts = families(1)
    expected = greedy(texts, threshold)
    found, similarity = indexed(texts, tmp_path, NearDuplicates(threshold, 3, 128)).duplicates()
    missed = sum(e >= 0 and f < 0 for e, f in zip(expected, found, strict=True))
    assert sum(e >= 0 for e in expected) > least and missed <= 0.02 * sum(e >= 0 for e in expected)
    for row, original in enumerate(found.tolist()):
        if original >= 0:
            own, other = ngrams(texts[row]), ngrams(texts[original])
            assert original < row and found[original] == -1
            assert (
                similarity[row] == pytest.approx(len(own & other) / len(own | other))
                and similarity[row] >= threshold
            )


def test_a_chain_of_small_changes_does_not_swallow_its_end(tmp_path: Path) -> None:
    words = [f"w{number}" for number in range(40)]
    chain = [" ".join([*(f"x{n}" for n in range(step)), *words[step:]]) for step in range(12)]
    found, _ = indexed(chain, tmp_path).duplicates()
    assert found.tolist() == greedy(chain, 0.8)
    assert 2 <= (found == -1).sum() < 12


def test_many_candidates_are_all_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A family just below the threshold, whose last row repeats one in its middle."""
    draw = random.Random(0)
    texts = [
        " ".join([*(f"t{n}" for n in range(20)), *(f"w{draw.randrange(10**6)}" for _ in range(3))])
        for _ in range(60)
    ]
    texts.append(f"{texts[30]} more")
    monkeypatch.setattr("lamini.curation.near.MANY", 10)
    found, _ = indexed(texts, tmp_path).duplicates()
    assert found.tolist() == [-1] * 60 + [30] == greedy(texts, 0.8)


def test_batches_beyond_the_largest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = families(4)
    whole, _ = indexed(texts, tmp_path).duplicates()
    monkeypatch.setattr("lamini.curation.near.LARGEST", 64)
    assert indexed(texts, tmp_path).duplicates()[0].tolist() == whole.tolist()


def test_groups_are_never_compared(tmp_path: Path) -> None:
    texts = ["sort these numbers for me please"] * 4
    found, _ = indexed(texts, tmp_path, groups=[0, 1, 0, 1]).duplicates()
    assert found.tolist() == [-1, -1, 0, 1]


def test_dead_rows_hide_nobody(tmp_path: Path) -> None:
    index = Index(OPTIONS, tmp_path)
    index.add(pa.array(["tell me a joke"] * 3, pa.large_string()), np.zeros(3, np.uint64))
    index.close(np.array([False, True, True]))
    assert index.duplicates()[0].tolist() == [-1, -1, 1]


def test_signs_of_arithmetic_count(tmp_path: Path) -> None:
    texts = ["What is 3 + 4?", "What is 3 - 4?", "what is 3 + 4", "Translate 😀", "Translate 😢"]
    assert indexed(texts, tmp_path).duplicates()[0].tolist() == [-1, -1, 0, -1, -1]


def test_nothing_at_all(tmp_path: Path) -> None:
    index = indexed([], tmp_path)
    assert index.duplicates()[0].tolist() == []
    found = agreement(index, np.empty(0, bool), np.empty(0, np.uint64))
    assert (found.drawn, found.similar, found.recall, found.precision) == (0, 0, None, None)


def pairs_of(texts: list[str], threshold: float) -> Pairs:
    sets = [ngrams(text) for text in texts]
    return {
        (i, j)
        for i, one in enumerate(sets)
        for j, other in enumerate(sets)
        if i != j and len(one & other) / len(one | other) >= threshold
    }


def test_agreement_counts_what_all_pairs_give(tmp_path: Path) -> None:
    """Every row is drawn, so both directions of every similar pair are counted."""
    texts = families(2)
    found = agreement(
        indexed(texts, tmp_path), np.ones(len(texts), bool), np.zeros(len(texts), np.uint64), 10**6
    )
    assert found.drawn == len(texts)
    assert found.similar == len(pairs_of(texts, 0.8)) > 100
    assert found.both <= found.compared and found.recall is not None and found.recall > 0.98


def test_agreement_notices_an_index_that_misses(tmp_path: Path) -> None:
    texts = families(2)
    index = indexed(texts, tmp_path)
    index.bucket_NB[::2] = -1
    found = agreement(index, np.ones(len(texts), bool), np.zeros(len(texts), np.uint64), 10**6)
    assert found.recall is not None and found.recall < 0.5


def test_agreement_over_several_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = families(3)
    arguments = indexed(texts, tmp_path), np.ones(len(texts), bool), np.zeros(len(texts), np.uint64), 50
    whole = agreement(*arguments)
    monkeypatch.setattr("lamini.curation.agreement.ROWS", 7)
    monkeypatch.setattr("lamini.curation.agreement.HITS", 5)
    assert agreement(*arguments) == whole and whole.similar > 0


def test_real_prompts(tmp_path: Path) -> None:
    """P3 asks several things about one passage: at 0.8 a sixth of its prompts are near-duplicates."""
    with gzip.open(shared_data() / "train" / "p3_t0_sample.jsonl.gz", "rt") as lines:
        texts = [json.loads(line)["instruction"] for line in lines]
    index = indexed(texts, tmp_path)
    found, _ = index.duplicates()
    assert 700 < (found >= 0).sum() < 730
    checked = agreement(index, np.ones(len(texts), bool), np.zeros(len(texts), np.uint64), len(texts))
    assert checked.recall is not None and checked.similar > 50 and checked.recall > 0.98


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"cannot take the shingles that near-duplicates are compared by: no such file"
    ):
        Store(tmp_path / "none")
