"""Generalised Jensen-Shannon: bounded, symmetric at one half, and refused where it vanishes."""

from __future__ import annotations

import math

import pytest
import torch

from lamini.errors import UserError
from lamini.training.objectives.jsd import JSD
from lamini.training.objectives.options import Source
from tests.training.objectives import toys


def option(beta: float) -> JSD:
    return JSD("/tmp", 0.5, Source.online, 64, 1.0, beta)


@pytest.mark.parametrize("beta", [0.1, 0.5, 0.9])
def test_it_is_bounded_where_the_two_have_nothing_in_common(beta: float) -> None:
    """At most the entropy of (beta, 1 - beta): log 2 = 0.693 at one half."""
    far = torch.tensor([[200.0, 0.0]]).log_softmax(-1)
    bound = -beta * math.log(beta) - (1 - beta) * math.log(1 - beta)
    assert float(option(beta).divergence(far, far.flip(-1))) == pytest.approx(bound, rel=1e-5)


def test_one_half_is_symmetric_and_small_betas_are_forward_kl() -> None:
    torch.manual_seed(0)
    p, q = torch.randn(2, 5, 9).log_softmax(-1)
    torch.testing.assert_close(option(0.5).divergence(p, q), option(0.5).divergence(q, p))
    near = option(1e-3).divergence(p.double(), q.double()) / 1e-3
    torch.testing.assert_close(near, toys.kl(p.double().exp(), q.double().exp()), rtol=0.01, atol=0)


@pytest.mark.parametrize("beta", [0.0, 1.0, -0.1, float("nan")])
def test_ends_are_refused_and_the_other_objectives_named(beta: float) -> None:
    with pytest.raises(UserError, match=r"objective\.beta=.* objective=forward_kl and objective=reverse_kl"):
        option(beta).check()
