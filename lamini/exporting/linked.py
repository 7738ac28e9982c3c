"""A Hugging Face folder with some files in other words, for tools that read an older spelling."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def linked(source: Path, changed: Mapping[str, bytes], patterns: Sequence[str] = ("*",)) -> Iterator[Path]:
    """A temporary folder with links to the files of `source`, and `changed` in place of theirs or beside."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for file in {file for pattern in patterns for file in source.glob(pattern) if file.is_file()}:
            if file.name not in changed:
                (folder / file.name).symlink_to(file.resolve())
        for name, content in changed.items():
            (folder / name).write_bytes(content)
        yield folder
