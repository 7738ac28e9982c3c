"""A study in its file and back: one row for what it is, one an item, one a target."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, fields, replace

from lamini.rating.study import Item, Level, Scale, Study, Target


def save(connection: sqlite3.Connection, study: Study) -> None:
    """Write a study into the empty tables."""
    head = asdict(replace(study, items=()))
    connection.execute("INSERT INTO study VALUES (?, ?)", (study.digest, json.dumps(head)))
    connection.executemany(
        "INSERT INTO items VALUES (?, ?, ?, ?, ?)",
        ((place, item.key, item.id, item.group, item.instruction) for place, item in enumerate(study.items)),
    )
    connection.executemany(
        "INSERT INTO targets VALUES (NULL, ?, ?, ?, ?, ?)",
        (
            (target.key, item.key, target.part, _json(target.texts), _json(target.owners))
            for item in study.items
            for target in item.targets
        ),
    )


def load(connection: sqlite3.Connection) -> Study:
    """The study as it was saved."""
    targets: dict[str, list[Target]] = {}
    rows = connection.execute("SELECT item, key, part, texts, owners FROM targets ORDER BY position")
    for item, key, part, texts, owners in rows:
        found = Target(key, part, tuple(json.loads(texts)), tuple(json.loads(owners)))
        targets.setdefault(item, []).append(found)
    items = tuple(
        Item(key, id, group, instruction, tuple(targets.get(key, ())))
        for key, id, group, instruction in connection.execute(
            'SELECT key, id, "group", instruction FROM items ORDER BY position'
        )
    )
    (head,) = connection.execute("SELECT head FROM study").fetchone()
    told = json.loads(head)
    levels = tuple(Level(**level) for level in told["scale"].pop("levels"))
    scale = Scale(**told.pop("scale"), levels=levels)
    known = {field.name for field in fields(Study)} - {"scale", "items"}
    return Study(**{name: told[name] for name in known}, scale=scale, items=items)


def describe(study: Study) -> str:
    """What a person knows a study by."""
    return f"sheet={study.sheet}, {len(study.items)} items, seed={study.seed}, {study.digest[:8]}"


def _json(texts: tuple[str, ...]) -> str:
    return json.dumps(texts, ensure_ascii=False)
