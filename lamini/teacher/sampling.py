"""How answers are drawn, from the configuration to a request."""

from __future__ import annotations

import math

from lamini.config import SamplingOptions
from lamini.errors import UserError
from lamini.teacher.protocol import Sampling


def sampling(options: SamplingOptions, key: str) -> Sampling:
    """The options as a request carries them.

    Raises:
        UserError: a number that no teacher accepts; names `key`.
    """
    temperature, top_p, max_tokens = options.temperature, options.top_p, options.max_tokens
    if temperature is not None and not (math.isfinite(temperature) and temperature >= 0):
        raise UserError(f"{key}.temperature={temperature} must be 0 or more, or null for the teacher's own")
    if top_p is not None and not 0 < top_p <= 1:
        raise UserError(f"{key}.top_p={top_p} must be above 0 and at most 1, or null for the teacher's own")
    if max_tokens is not None and max_tokens < 1:
        raise UserError(f"{key}.max_tokens={max_tokens} must be at least 1, or null for the teacher's own")
    return Sampling(temperature, top_p, max_tokens)
