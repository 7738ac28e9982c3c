"""A .npy file of unknown length is a .npy file."""

from __future__ import annotations

import numpy as np
import pytest

from lamini.data.writing import ArrayWriter


@pytest.mark.parametrize("size", [0, 1, 123_456])
def test_numpy_reads_what_was_appended(tmp_path, size):
    writer = ArrayWriter(tmp_path / "a.npy", np.uint16)
    values = np.arange(size) % 65536
    for start in range(0, size, 50_000):
        writer.append(values[start : start + 50_000])
    writer.close()
    read = np.load(tmp_path / "a.npy", mmap_mode="r" if size else None)
    assert read.dtype == np.uint16
    assert writer.size == size
    np.testing.assert_array_equal(read, values)


def test_a_value_that_does_not_fit_is_refused(tmp_path):
    writer = ArrayWriter(tmp_path / "a.npy", np.uint16)
    with pytest.raises(OverflowError):
        writer.append([70_000])
    writer.close()
