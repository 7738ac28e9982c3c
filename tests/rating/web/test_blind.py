"""Nothing that is sent tells whose a text is: every byte of every answer is read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lamini.rating.study import Item, Study, Target, sealed
from lamini.rating.web.app import STATIC
from tests.data.toys import shared_data
from tests.rating.small import QUALITY, study
from tests.rating.web.visitor import Visitor, site

SYSTEMS = ("davinci-self-instruct", "text-davinci-001", "text-davinci-003")


def telltale(sheet: str) -> Study:
    """A small study whose owners, ids and groups are words that occur nowhere else."""
    plain = study(sheet, items=4, overlap=0.5)
    owners = {name: f"quagga-{number}b" for number, name in enumerate(sorted(owners_of(plain)))}
    items = [
        Item(
            "", f"okapi_{number}", "saiga" if item.group else "", item.instruction,
            tuple(
                Target("", target.part, target.texts, tuple(owners[name] for name in target.owners))
                for target in item.targets
            ),
        )
        for number, item in enumerate(plain.items)
    ]  # fmt: skip
    return sealed(sheet, plain.scale, items, overlap=0.5)


def owners_of(one: Study) -> set[str]:
    return {name for item in one.items for target in item.targets for name in target.owners}


def everything(visitor: Visitor) -> Iterator[bytes]:
    """All that a rater's browser can get: every page, good and bad posts, with the headers."""
    own = [visitor.item]
    for path in ("/", "/rate", "/done", "/progress", f"/rate/{own[0]}", "/rate/i0", "/none", "/join/x"):
        yield sent(visitor.client.get(path))
    for event in (visitor.event(), visitor.event(level="Z"), visitor.event(target="t0"), {}, []):
        yield sent(visitor.post(event))
    while 'class="card"' in visitor.page:
        yield visitor.page.encode()
        visitor.rate_all(re.findall(r'aria-keyshortcuts="(\w)"', visitor.page)[0])
    yield sent(visitor.client.get("/done"))
    yield from STATIC.content.values()


def sent(answer: Any) -> bytes:
    head = "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
    return head.encode() + answer.content


@pytest.mark.parametrize("sheet", ["responses", "pairs", "hallucination", "preference"])
def test_no_owner_id_or_group_is_sent(tmp_path: Path, sheet: str) -> None:
    one = telltale(sheet)
    store, app = site(tmp_path, one)
    told = b"".join(chunk for name in ("Ann", "Bob") for chunk in everything(Visitor(app, name)))
    assert len(store.current()) > 8
    for word in (*owners_of(one), *(item.id for item in one.items), "saiga", "quagga", "okapi", one.digest):
        assert word.encode() not in told
    assert one.digest[:12].encode() not in told, "who has it can work out whose a key is"
    assert str(store.path).encode() not in told


def test_no_name_of_four_real_systems_is_sent(tmp_path: Path) -> None:
    folder = shared_data() / "human_eval"
    rows = {name: read(folder / f"predictions_{name}.jsonl")[:12] for name in SYSTEMS}
    ids = [row["id"] for row in read(folder / "user_oriented_instructions.jsonl")[:12]]
    items = [
        Item("", ids[n], "", rows[SYSTEMS[0]][n]["instruction"],
             tuple(Target("", "response", (rows[name][n]["response"],), (name,)) for name in SYSTEMS))
        for n in range(12)
    ]  # fmt: skip
    _, app = site(tmp_path, sealed("responses", QUALITY, items))
    told = b"".join(everything(Visitor(app, "Ann")))
    assert len(told) > 100_000 and b"davinci" not in told and b"user_oriented_task" not in told


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
