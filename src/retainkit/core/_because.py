"""Why a decision was made: a message key and its values, never text."""

from __future__ import annotations

from attrs import field, frozen

from retainkit.core._json import JsonObject


@frozen(kw_only=True)
class Because:
    """
    One reason of a decision.

    ``explain()`` renders it in the reader's language; the core holds no text.

    Args:
        key: The message key, for example ``dunning.retry.planned``.

        values: The facts, thresholds and versions the reason speaks of; ids and figures only.
    """

    key: str
    values: JsonObject = field(factory=dict)
