"""Tax on what is billed; what it costs before tax is in ``prices``."""

from __future__ import annotations

from retainkit.billing.tax._behavior import TaxBehavior


__all__ = ["TaxBehavior"]
