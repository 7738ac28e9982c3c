"""Students that are loaded once for a file of tests, and those who ask them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lamini.chatting.rounds import Rounds
from lamini.chatting.speakers import Speakers
from tests.chatting.speaking import herd, speakers


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Speakers:
    return speakers(herd(tmp_path_factory.mktemp("herd")))


@pytest.fixture
def rounds(loaded: Speakers) -> Iterator[Rounds]:
    loaded.closing.clear()
    one = Rounds(loaded, at_once=2, threads=2)
    yield one
    one.close()
