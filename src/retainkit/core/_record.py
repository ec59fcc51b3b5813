"""The present: a case as a store keeps it, and the definition it runs under."""

from __future__ import annotations

from attrs import frozen

from retainkit.core._json import JsonObject
from retainkit.ids import CaseId, CustomerId


@frozen(kw_only=True)
class Record:
    """
    One case, encoded.

    Args:
        feature: Who understands the body.

        id: The case.

        key: The natural key; a customer has at most one open case of a key.

        customer: Whom it concerns.

        open: Whether the case still has a next step.

        version: Counts the writes; 1 is the first.

        schema: Version of the body's shape.

        definition: Content hash of the policy the case runs under.

        body: The case.
    """

    feature: str
    id: CaseId
    key: str
    customer: CustomerId
    open: bool
    version: int
    schema: int
    definition: str
    body: JsonObject
