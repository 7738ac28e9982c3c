"""Requests of benchmarks as rows and batches: what begins alike is computed once, and little is padding.

Names: B rows of a batch, U nodes that predict something, A answer tokens of a batch, D width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from lamini.evaluation.kernels import predicting
from lamini.students.branches import Branches, shared
from lamini.students.head import at_least_float32, chunk_rows
from lamini.students.protocol import Scored, Student

# Sequences without a source share a row where they begin alike for this share of the shorter one: a row costs
# attention between all its nodes, which a short beginning that all requests have (a wrapper) does not repay.
ALIKE = 0.5


@dataclass
class Row:
    """Requests that share a source, or begin alike."""

    source: tuple[int, ...]
    tree: Branches = field(default_factory=Branches)
    requests: list[int] = field(default_factory=list)  # their numbers, in the order of the tree's paths

    @property
    def size(self) -> tuple[int, int]:
        """Positions on each side."""
        return len(self.source), len(self.tree)


def rows_of(requests: Sequence[Scored], budget: int) -> list[Row]:
    """Every request in one row; a row has no more than `budget` positions unless one request has.

    Inputs 3 4 5 7, 6 6 and 3 4 5 8 make two rows: of requests 0 and 2 with the ids 3 4 5 7 8, and of 1.
    """
    order = sorted(
        range(len(requests)), key=lambda number: (requests[number].source, requests[number].inputs)
    )
    rows: list[Row] = []
    last: tuple[int, ...] = ()
    for number in order:
        request = requests[number]
        if not rows or not _joins(rows[-1], last, request, budget):
            rows.append(Row(request.source))
        rows[-1].tree.add(request.inputs)
        rows[-1].requests.append(number)
        last = request.inputs
    return rows


def _joins(row: Row, last: tuple[int, ...], request: Scored, budget: int) -> bool:
    """Whether the request belongs into the row, whose last inputs were `last`."""
    alike = shared(last, request.inputs)
    if row.source != request.source:
        return False
    if sum(row.size) + len(request.inputs) - alike > budget:
        return False
    return bool(row.source) or alike >= ALIKE * min(len(last), len(request.inputs))


def batches(rows: Sequence[Row], budget: int, slack: int) -> Iterator[list[Row]]:
    """Rows of similar size, the largest first, so that memory that is short shows at once.

    A batch has `budget` positions at most, padding included, or a single row; and `slack` positions of
    padding at most, which is what a batch of its own costs besides its positions. Rows of 9, 9, 8 and 3
    positions with budget 30 and slack 2 make batches of 9 9 8 and of 3.
    """
    batch: list[Row] = []
    widest, filled = [0, 0], 0
    for row in sorted(rows, key=lambda row: row.size, reverse=True):
        wider = [max(pair) for pair in zip(widest, row.size, strict=True)]
        positions = (len(batch) + 1) * sum(wider)
        if batch and (positions > budget or positions - filled - sum(row.size) > slack):
            yield batch
            batch, wider, filled = [], list(row.size), 0
        batch.append(row)
        widest, filled = wider, filled + sum(row.size)
    if batch:
        yield batch


@torch.no_grad()
def score(
    student: Student, batch: Sequence[Row], requests: Sequence[Scored]
) -> Iterator[tuple[int, float, bool]]:
    """Request number, log-probability of its answer, and whether greedy decoding would give it."""
    model = student.ready()
    inputs = student.branch([row.source for row in batch], [row.tree for row in batch])
    width = max(len(row.tree) for row in batch)
    places: list[int] = []  # of every answer token: the node that predicts it
    numbers = []
    for place, row in enumerate(batch):
        for number, path in zip(row.requests, row.tree.paths, strict=True):
            places += (place * width + path[-len(requests[number].answer) :]).tolist()
            numbers.append(number)
    answers_A = [token for number in numbers for token in requests[number].answer]
    used_U, node_A = torch.tensor(places).unique(return_inverse=True)
    with predicting(model, used_U):
        hidden_BTD = student.hidden(model, {name: t.to(model.device) for name, t in inputs.items()})
    hidden_UD = hidden_BTD.flatten(0, 1)[used_U.to(hidden_BTD.device)]
    found_A, best_A = token_scores(student.head(), hidden_UD, node_A, torch.tensor(answers_A))
    at = 0
    for number in numbers:
        tokens = slice(at, at + len(requests[number].answer))
        # In double: near -600, where an ending of 60 tokens can be, fp32 rounds to 6e-5.
        yield number, float(found_A[tokens].double().sum()), bool(best_A[tokens].all())
        at = tokens.stop


def token_scores(
    head: nn.Linear, hidden_UD: Tensor, node_A: Tensor, answer_A: Tensor
) -> tuple[Tensor, Tensor]:
    """Log-probability of every answer token, at least in fp32, and whether it is the likeliest token.

    Both are on the CPU. Logits exist for one chunk of nodes at a time; `node_A` says which of them predicts
    a token.
    """
    found_A = torch.empty(len(answer_A), dtype=at_least_float32(hidden_UD.dtype))
    best_A = torch.empty(len(answer_A), dtype=torch.bool)
    rows = chunk_rows(len(hidden_UD), head.weight.shape[0], hidden_UD.device.type)
    for first in range(0, len(hidden_UD), rows):
        scores_CV = head(hidden_UD[first : first + rows]).to(found_A.dtype)
        torch.log_softmax(scores_CV, -1, out=scores_CV)  # every kernel has read a row before it writes there
        mine_A = (node_A >= first) & (node_A < first + rows)
        node_M, answer_M = (x[mine_A].to(scores_CV.device) for x in (node_A - first, answer_A))
        chosen_M = scores_CV[node_M, answer_M]
        found_A[mine_A] = chosen_M.cpu()
        best_A[mine_A] = _first_of_the_best(scores_CV, node_M, answer_M, chosen_M).cpu()
    return found_A, best_A


def _first_of_the_best(scores_CV: Tensor, node_M: Tensor, answer_M: Tensor, chosen_M: Tensor) -> Tensor:
    """Whether argmax would name the answer; it is slow on a CPU, so only the highest answers ask it."""
    highest_M = chosen_M == scores_CV.amax(-1)[node_M]
    ties = highest_M.nonzero()[:, 0]
    highest_M[ties] = scores_CV[node_M[ties]].argmax(-1) == answer_M[ties]
    return highest_M
