"""Trees of sequences: the worked example, and every sequence is found on its own path, whatever they are."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from lamini.students.branches import HIDDEN, Branches, is_distances, seen, shared, stacked

SEQUENCES = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=8), min_size=1, max_size=6)


def test_two_sequences_that_begin_alike() -> None:
    tree = Branches.of([[5, 6, 7, 8], [5, 6, 9]])
    assert tree.ids == [5, 6, 7, 8, 9]
    assert tree.depths == [0, 1, 2, 3, 2]
    assert [path.tolist() for path in tree.paths] == [[0, 1, 2, 3], [0, 1, 4]]
    assert tree.distances().tolist() == [
        [0, -1, -1, -1, -1],
        [1, 0, -1, -1, -1],
        [2, 1, 0, -1, -1],
        [3, 2, 1, 0, -1],
        [2, 1, -1, -1, 0],
    ]
    assert shared([5, 6, 7], [5, 6, 9, 9]) == 2


def test_rows_of_a_batch_padding_and_windows() -> None:
    distances = stacked([Branches.of([[5, 6, 7], [5, 8]]), Branches.of([[1]])])
    assert is_distances(distances) and distances.shape == (2, 1, 4, 4)
    assert seen(distances)[1, 0].tolist() == [[True, False, False, False], *[[True] * 4] * 3]
    near = seen(distances, window=2)[0, 0].tolist()
    assert near[2] == [False, True, True, False]  # two back is out of the window
    assert near[3] == [True, False, False, True]  # its neighbour in the tree is three places away


@given(SEQUENCES)
def test_every_sequence_is_on_its_path_and_sees_itself_alone(sequences: list[list[int]]) -> None:
    sequences = sorted(sequences)
    tree = Branches.of(sequences)
    distances = tree.distances()
    for sequence, path in zip(sequences, tree.paths, strict=True):
        assert [tree.ids[node] for node in path] == sequence
        assert [tree.depths[node] for node in path] == list(range(len(sequence)))
        for depth, node in enumerate(path):
            on_the_way = np.flatnonzero(distances[node] > HIDDEN)
            assert sorted(on_the_way) == sorted(path[: depth + 1])
            assert [distances[node][other] for other in path[: depth + 1]] == list(range(depth, -1, -1))
    beginnings = {tuple(sequence[:end]) for sequence in sequences for end in range(1, len(sequence) + 1)}
    assert len(tree) == len(beginnings)  # sorted sequences share all that can be shared
    assert torch.equal(stacked([tree])[0, 0], torch.from_numpy(distances))
