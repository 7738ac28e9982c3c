"""Students are loaded one after another; what does not fit or does not load says why and stops nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamini.chatting import speakers as module
from lamini.chatting.speakers import in_words, weight
from tests.chatting.speaking import herd, speakers


def test_one_after_another_with_what_they_take(tmp_path: Path) -> None:
    place, said = herd(tmp_path), list[str]()
    found = speakers(place, load=False)
    assert [one["state"] for one in (each.seen() for each in found.all.values())] == ["waiting"] * 2
    found.load(said.append)
    first, second = found.all.values()
    assert [first.name, second.name] == ["a-gpt2", "b-t5"] and first.subject.scratch
    assert {one.state for one in found.all.values()} == {"ready"}
    assert first.student is not None and second.student is not None
    for one in (first.student, second.student):
        assert one.ready().dtype.is_floating_point
    parameters = sum(one.numel() for one in second.student.ready().parameters())
    assert second.bytes == 4 * parameters and found.bytes == first.bytes + second.bytes
    assert said[0].startswith("a-gpt2: 0.1M parameters, 0 MB; 0 MB of weights in all")


def test_what_does_not_fit_into_memory_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = herd(tmp_path)
    needed = weight(str(place / "b-t5" / "export"))
    assert needed is not None
    monkeypatch.setattr(module, "available", lambda device: needed)
    monkeypatch.setattr(module, "weight", lambda source: needed if "t5" in source else 1)
    found = speakers(place)
    first, second = found.all.values()
    assert first.state == "ready" and second.state == "failed"
    assert second.about == f"needs {in_words(needed)} and {in_words(needed)} are free: name fewer students"


def test_what_does_not_load_stops_nobody(tmp_path: Path) -> None:
    place = herd(tmp_path)
    (place / "a-gpt2" / "export" / "tokenizer.json").write_text("{}")
    found = speakers(place)
    first, second = found.all.values()
    assert (first.state, second.state) == ("failed", "ready") and first.about
