"""The instructions that raters see answered: the 252 user-oriented ones, or any file.

Columns: `instruction`; optionally `id`, `input` (or Self-Instruct's `instances`, whose first input is taken)
and `motivation_app` or `app`. The 252 are Self-Instruct's human_eval/user_oriented_instructions.jsonl, whose
authors ask that nobody trains on them. A row that cannot be used stops the whole: a set with holes is another
set, and two lists of answers to it would not compare.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from lamini.data.files import check
from lamini.data.readers import Malformed, items
from lamini.errors import UserError
from lamini.instructions.columns import MISSING, reach
from lamini.instructions.templates import Template, parsed

USERS = "human_eval/user_oriented_instructions.jsonl"  # in data_dir, and in Self-Instruct's repository
INPUTS = ("input", "instances.0.input")
APPS = ("motivation_app", "app")
KEY = "suite.instructions"


@dataclass(frozen=True, slots=True)
class Item:
    """One instruction of the set."""

    id: str  # the file's own, or a hash of the text
    text: str  # as it is asked, the input joined to it
    instruction: str  # without its input
    app: str  # for whose users it was written; "" where the file does not say


def place_of(instructions: str | None, data_dir: str | None) -> Path:
    """The file of the set.

    Raises:
        UserError: none is named, or it is not there.
    """
    if instructions is not None:
        return check(instructions, KEY)
    if data_dir is None:
        raise UserError(
            f"{KEY}=<file> is needed: the paper's 252 are {USERS} of github.com/yizhongw/self-instruct;"
            f" or data_dir=<folder> with {USERS} in it"
        )
    folder = Path(data_dir).expanduser()
    for name in (USERS, f"{USERS}.gz"):
        if (folder / name).is_file():
            return check(folder / name, "data_dir")
    raise UserError(f"data_dir={data_dir} has no {USERS}; put it there, or name a file with {KEY}=<file>")


def template_of(text: str) -> Template:
    """How instruction and input become one text.

    Raises:
        UserError: it lacks one of the two, or wants something else.
    """
    return parsed(text, "suite.template", ("instruction", "input"), ("instruction", "input"))


def read(path: Path, template: Template) -> list[Item]:
    """All instructions of a file, in its order.

    Raises:
        UserError: a row that is none, an id that two rows have, or no rows.
    """
    found: list[Item] = []
    repeats: Counter[str] = Counter()
    for line, record in items(path, KEY):
        item = item_of(record, template)
        if isinstance(item, str):
            raise UserError(f"{KEY}={path}, row {line}: {item}")
        if not item.id:
            name = blake2b(item.text.encode(), digest_size=8).hexdigest()
            repeats[name] += 1
            name = name if repeats[name] == 1 else f"{name}-{repeats[name]}"
            item = Item(name, item.text, item.instruction, item.app)
        found.append(item)
    if not found:
        raise UserError(f"{KEY}={path} has no rows")
    twice = [name for name, count in Counter(item.id for item in found).items() if count > 1]
    if twice:
        raise UserError(f"{KEY}={path} has the id {twice[0]} more than once")
    return found


def item_of(record: Any, template: Template) -> Item | str:
    """The instruction in a row, its id empty where the row has none, or why there is none.

    >>> item_of({"instruction": "Sort", "input": "b a", "app": "Excel"}, Template("{instruction}: {input}"))
    Item(id='', text='Sort: b a', instruction='Sort', app='Excel')
    """
    text = joined(record, template)
    if isinstance(text, Reason):
        return str(text)
    id = record.get("id")
    if not (id is None or isinstance(id, str | int)):
        return "id is neither text nor a number"
    app = first(record, APPS)
    if not isinstance(app, str | None):
        return "the app is not text"
    return Item("" if id is None else str(id), text, record["instruction"].strip(), app or "")


class Reason(str):
    """Why a row has no instruction."""


def joined(record: Any, template: Template) -> str:
    """Instruction and input of a row as one text without outer blanks, or a `Reason` why there is none."""
    if isinstance(record, Malformed):
        return Reason(record.reason)
    if not isinstance(record, dict):
        return Reason("not an object")
    if "instruction" not in record:
        return Reason(f"no column instruction; it has {', '.join(map(str, record))}")
    instruction, extra = record["instruction"], first(record, INPUTS)
    if not isinstance(instruction, str) or not instruction.strip():
        return Reason("its instruction is empty or not text")
    if not isinstance(extra, str | None):
        return Reason("its input is not text")
    text = instruction.strip()
    if extra and extra.strip():
        text = template.fill(instruction=text, input=extra.strip())
    try:
        text.encode()
    except UnicodeEncodeError:
        return Reason("not UTF-8")
    return text


def first(record: dict[str, Any], paths: Sequence[str]) -> Any:
    """The value at the first of these paths that the row has, None without."""
    values = (reach(record, path) for path in paths)
    return next((value for value in values if value is not MISSING), None)


def set_digest(items: Sequence[Item]) -> str:
    """16 hex digits of a set: of its ids and texts in their order."""
    digest = blake2b(digest_size=8)
    for item in items:
        digest.update(f"{len(item.id)} {len(item.text.encode())} {item.id} {item.text}".encode())
    return digest.hexdigest()
