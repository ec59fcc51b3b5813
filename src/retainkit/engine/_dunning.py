"""`kit.dunning`: which cases are open; what happens to them is decided in `dunning`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retainkit.ids import CustomerId


if TYPE_CHECKING:
    from retainkit.dunning import DunningCase
    from retainkit.engine._kit import RetainKit


class Dunning:
    """Questions about dunning, as ``kit.dunning``."""

    def __init__(self, kit: RetainKit) -> None:
        self._kit = kit

    def open_cases(self, *, customer: CustomerId | None = None) -> tuple[DunningCase, ...]:
        """The open cases of one customer, or of all."""
        with self._kit.transaction() as k:
            return k.open_cases(customer=customer)
