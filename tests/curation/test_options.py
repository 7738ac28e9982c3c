"""Impossible curations are refused by key."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from lamini.config import LengthFilter, NearDuplicates
from lamini.curation.options import check
from lamini.errors import UserError
from tests.curation.rows import nothing

BAD: dict[str, Any] = {
    r"curation\.near\.threshold=0": {"near": NearDuplicates(0, 3, 128)},
    r"curation\.near\.threshold=1\.5": {"near": NearDuplicates(1.5, 3, 128)},
    r"curation\.near\.threshold=nan": {"near": NearDuplicates(float("nan"), 3, 128)},
    r"curation\.near\.ngram=0": {"near": NearDuplicates(0.8, 0, 128)},
    r"curation\.near\.permutations=8": {"near": NearDuplicates(0.8, 3, 8)},
    r"curation\.length\.instruction_min=-1": {"length": LengthFilter(-1, 5, 1, 5)},
    r"curation\.length\.response_min=6": {"length": LengthFilter(1, 5, 6, 5)},
    r"curation\.languages=\[\]": {"languages": []},
    r"curation\.lossy=no/such is no folder": {"lossy": "no/such"},
    r"curation\.lossy=tests holds no tokenizer": {"lossy": "tests"},
    r"curation\.languages names english; known are .*en": {"languages": ["english"]},
}


@pytest.mark.parametrize("message", BAD)
def test_refused(message: str) -> None:
    with pytest.raises(UserError, match=message):
        check(nothing(**BAD[message]))


def test_accepted() -> None:
    check(nothing())
    check(nothing(near=NearDuplicates(1.0, 1, 16), length=LengthFilter(0, 0, 0, 0)))


@pytest.mark.parametrize(
    ("package", "options"),
    [("py3langid", {"languages": ["en"]}), ("rensa", {"near": NearDuplicates(0.8, 3, 128)})],
)
def test_missing_packages(package: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=rf"needs {package}: pip install 'lamini-herd\[curation\]'"):
        check(nothing(**options))
