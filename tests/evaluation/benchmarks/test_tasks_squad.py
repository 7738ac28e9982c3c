"""SQuAD's overlap is that of an independent implementation, and stands where lm-eval's tasks look for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.functional.text import squad as reference

from lamini.evaluation.benchmarks.squad import compute_exact, compute_f1, provide

WORDS = st.lists(st.sampled_from(["a", "The", "ann", "Ann!", "lee", "Rome", "--", "an.d"]), max_size=5)


@given(WORDS.map(" ".join), WORDS.map(" ".join))
def test_overlap_is_that_of_torchmetrics(gold: str, predicted: str) -> None:
    found = reference(
        [{"prediction_text": predicted, "id": "1"}],
        [{"answers": {"answer_start": [0], "text": [gold]}, "id": "1"}],
    )
    assert 100 * compute_f1(gold, predicted) == pytest.approx(float(found["f1"]), abs=1e-4)
    assert 100 * compute_exact(gold, predicted) == pytest.approx(float(found["exact_match"]))


def test_lm_evals_tasks_find_it() -> None:
    provide()
    import transformers.data.metrics.squad_metrics as squad_metrics

    assert squad_metrics.compute_f1("Ann Lee", "Ann") == pytest.approx(2 / 3)
