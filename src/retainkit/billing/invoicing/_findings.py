"""What a check has found: field, rule, source and remedy; no check lives here."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Finding:
    """
    One thing that is missing or wrong in a document.

    Args:
        rule: Its name: ``BR-CO-17`` of EN 16931, or ``missing`` for a field that must be there.

        field: Where: ``subtotals[0].tax``, ``buyer.vat_id``.

        source: Where the rule stands.

        remedy: What to do about it.

        expected: What should stand there, if that can be said.

        found: What stands there.
    """

    rule: str
    field: str
    source: str
    remedy: str
    expected: str | None = None
    found: str | None = None
