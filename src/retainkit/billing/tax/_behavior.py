"""Whether an amount contains its tax; how tax is worked out is elsewhere in this room."""

from __future__ import annotations

from enum import StrEnum


class TaxBehavior(StrEnum):
    """Whether an amount contains its tax."""

    EXCLUSIVE = "exclusive"
    """Tax comes on top: the amount is net."""

    INCLUSIVE = "inclusive"
    """Tax is within: the amount is gross."""
