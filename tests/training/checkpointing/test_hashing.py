"""The digest is the file's, and a disk that is full in the middle of a tensor is an error with its reason."""

from __future__ import annotations

import errno
import hashlib
import resource
import signal
from pathlib import Path

import pytest
import torch

from lamini.training.checkpointing.hashing import HashingIO

CONTENT = {"state_dict": {"w": torch.arange(50_000.0), "b": torch.ones(3, dtype=torch.bfloat16)}, "n": 3}


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    io = HashingIO()
    io.save_checkpoint(CONTENT, tmp_path / "a")
    assert io.sha256 == hashlib.sha256((tmp_path / "a").read_bytes()).hexdigest()
    loaded = torch.load(tmp_path / "a", weights_only=True)
    assert torch.equal(loaded["state_dict"]["w"], CONTENT["state_dict"]["w"]) and loaded["n"] == 3


def test_a_file_that_may_not_grow_is_an_error_with_its_reason(tmp_path: Path) -> None:
    """The system's own limit on file sizes stands for a disk that fills up in the middle of a tensor."""
    io = HashingIO()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises((OSError, RuntimeError)) as refused:
            io.save_checkpoint(CONTENT, tmp_path / "a")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    error = refused.value
    cause = error if isinstance(error, OSError) else error.__context__
    assert isinstance(cause, OSError) and cause.errno == errno.EFBIG
    assert (tmp_path / "a").stat().st_size <= 100_000 and io.sha256 == ""
