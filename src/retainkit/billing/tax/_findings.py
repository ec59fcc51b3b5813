"""What a calculation has to say beside its figures; errors are raised, findings are returned."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen


@frozen(kw_only=True)
class Finding:
    """
    Something that a person should know of a result: a warning, or why there is no figure.

    Args:
        key: The message key, such as ``tax.evidence_contradicts``; never text.

        values: The facts that it speaks of: ids, countries, dates and figures as text.
    """

    key: str
    values: Mapping[str, str] = field(factory=dict)
