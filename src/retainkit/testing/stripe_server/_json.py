"""The one name for Stripe's JSON objects inside this package; no behaviour lives here."""

from __future__ import annotations

from typing import Any, TypeAlias


# Stripe's objects are open JSON: each key's type is held against the SDK by a test, not by mypy.
JsonObject: TypeAlias = dict[str, Any]

HIDDEN = "_"
"""The key of an object's private part: what the server knows and Stripe would never send."""


def copied(value: Any) -> Any:
    """A deep copy of a JSON value."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value
