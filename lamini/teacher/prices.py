"""What a token costs, as far as it is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lamini.errors import UserError

BATCHED = 0.5  # of the price, through a provider's batch API


@dataclass
class Prices:
    """Dollars per million tokens; null: not known."""

    prompt: float | None  # of what is sent
    response: float | None  # of what comes back

    def check(self) -> None:
        """Raise UserError for a price that is none."""
        for name, price in (("prompt", self.prompt), ("response", self.response)):
            if price is not None and not (math.isfinite(price) and price >= 0):
                raise UserError(
                    f"teacher.prices.{name}={price} must be 0 or more dollars per million tokens, or null"
                )

    def times(self, factor: float) -> Prices:
        """Both prices times `factor`; what is not known stays unknown."""
        return Prices(*(None if p is None else p * factor for p in (self.prompt, self.response)))
