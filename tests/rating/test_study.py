"""Keys say nothing, digests say what a study is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini.rating.study import Item, Study, Target, digest_of, hashed, sealed
from tests.rating import small

SHEETS = ("responses", "pairs", "hallucination", "preference")


def keys(study: Study) -> list[str]:
    return [item.key for item in study.items] + [t.key for item in study.items for t in item.targets]


@pytest.mark.parametrize("sheet", SHEETS)
def test_every_item_and_target_has_a_key_of_its_own(sheet: str) -> None:
    study = small.study(sheet)
    found = keys(study)
    assert len(found) == len(set(found))
    assert all(len(key) == 17 and key[0] in "it" and int(key[1:], 16) >= 0 for key in found)
    assert keys(small.study(sheet)) == found


def test_a_key_needs_the_whole_file_to_be_worked_out() -> None:
    """One response more elsewhere and every key is another: nobody tries owners out on one page."""
    assert not set(keys(small.study(items=4))) & set(keys(small.study(items=5)))


def test_the_order_of_files_and_the_number_of_raters_do_not_matter() -> None:
    study = small.study(items=4)
    turned = [replace(item, targets=item.targets[::-1]) for item in study.items[::-1]]
    again = sealed(
        "responses", study.scale, turned, overlap=0.9, raters_per_item=3, items_per_rater=2, raters=8
    )
    assert again.digest == study.digest
    assert set(keys(again)) == set(keys(study))


def changed(study: Study, **cells: object) -> str:
    first = study.items[0]
    target = replace(first.targets[0], **{k: v for k, v in cells.items() if k in ("texts", "owners", "part")})
    item = replace(first, **{k: v for k, v in cells.items() if k in ("id", "instruction")})
    items = [replace(item, targets=(target, *first.targets[1:])), *study.items[1:]]
    return digest_of(study.sheet, study.scale, study.seed, items)


def test_everything_that_is_rated_is_in_the_digest() -> None:
    study = small.study()
    others = [
        changed(study, texts=("other",)), changed(study, owners=("other",)), changed(study, part="other"),
        changed(study, id="other"), changed(study, instruction="other"), small.study(seed=1).digest,
        small.study("hallucination").digest, small.study(items=4).digest,
    ]  # fmt: skip
    assert changed(study) == study.digest
    assert len({study.digest, *others}) == 9


def test_a_group_is_not() -> None:
    """An app that was filled in later makes no other study."""
    study = small.study()
    items = [replace(item, group="other") for item in study.items]
    assert digest_of(study.sheet, study.scale, study.seed, items) == study.digest


@given(st.lists(st.text()), st.lists(st.text()))
def test_different_texts_have_different_hashes(one: list[str], other: list[str]) -> None:
    assert (hashed(*one) == hashed(*other)) == (one == other)


def test_equal_texts_of_two_students_are_two_targets() -> None:
    texts = tuple(Target("", "response", ("same",), (owner,)) for owner in ("a", "b"))
    study = sealed("responses", small.QUALITY, [Item("", "t0", "", "Say it.", texts)])
    assert len({target.key for target in study.items[0].targets}) == 2
