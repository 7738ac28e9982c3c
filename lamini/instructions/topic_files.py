"""Which files of topics can be read, told by their names before pyarrow is imported."""

from __future__ import annotations

from pathlib import Path

from lamini.data import files
from lamini.errors import UserError
from lamini.instructions.located import located

KEY = "instructions.topics"


def is_dump(path: Path) -> bool:
    """Whether the file is a dump of Wikipedia."""
    return path.name.lower().endswith((".sql", ".sql.gz"))


def is_list(path: Path) -> bool:
    """Whether the file is a plain list, one topic a line."""
    return path.suffix.lower() == ".txt"


def check(path: str) -> Path:
    """The path, when topics may be there.

    Raises:
        UserError: missing, a folder, unreadable, empty, or of an unknown format.
    """
    file = Path(located(path)).expanduser()
    known = is_dump(file) or is_list(file)
    if not known and not file.name.lower().removesuffix(".gz").endswith(files.FORMATS):
        raise UserError(
            f"{KEY}.path={path} has an unknown format; category.sql.gz of Wikipedia, .txt with a topic a"
            f" line, {files.ACCEPTED} can be read"
        )
    return files.check(file, f"{KEY}.path", override="jsonl" if known else None)
