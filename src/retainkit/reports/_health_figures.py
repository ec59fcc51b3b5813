"""What the health report and the back-test share: figures and definitions; no section is here."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from retainkit.health import UNKNOWN
from retainkit.reports._table import NOTHING


SILENT: Final = 40
"""How many of those of whom too little is known have a row, and how many groups."""

COVERAGE: Final = (
    "Coverage: the share of the weight of a score that rests on fresh data. Missing data lowers "
    "the coverage and is read neither as healthy nor as ill; below the model's minimum coverage a "
    f"customer has the band {UNKNOWN}."
)
"""What coverage means, for a reader."""

_MINUS: Final = "\u2212"


def figure(score: Decimal | None) -> str:
    """A score; a dash where there is none."""
    return NOTHING if score is None else number(score)


def number(value: Decimal) -> str:
    """To one place, which is left out when it is a zero."""
    return f"{value:.1f}".removesuffix(".0").replace("-", _MINUS)
