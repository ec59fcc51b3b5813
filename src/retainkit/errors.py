"""The errors retainkit raises; every one carries data a caller can act on.

::

    RetainkitError
    ├── InvalidInput (ValueError)     a value that can't be right: nothing was changed
    ├── ConfigurationError            the kit, an adapter or a policy is set up wrongly
    ├── Conflict                      somebody else was first: safe to retry
    ├── NotFound (LookupError)        no such thing in this tenant
    ├── Refused                       right as a value, forbidden by a policy or a law of the kit
    ├── StoreError                    the database failed or refused
    └── ProviderError                 a payment or message provider failed, and that is no outcome
"""

from __future__ import annotations

from typing import ClassVar


__all__ = [
    "ConfigurationError",
    "Conflict",
    "InvalidInput",
    "NotFound",
    "ProviderError",
    "Refused",
    "RetainkitError",
    "StoreError",
]


class RetainkitError(Exception):
    """
    The root of all errors of retainkit.

    Args:
        message: What is wrong, in one sentence without a full stop.

        code: A stable machine-readable name, for example ``money.float``.

        field: The field or argument that is wrong, if one is.

        value: The offending value; never a secret, a name or an address.

        remedy: The way out, as an instruction.
    """

    default_code: ClassVar[str] = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        field: str | None = None,
        value: object = None,
        remedy: str = "",
    ) -> None:
        super().__init__(message)
        self.message: str = message
        self.code: str = code or self.default_code
        self.field: str | None = field
        self.value: object = value
        self.remedy: str = remedy

    def __str__(self) -> str:
        """The message, then the field with its value, then the remedy."""
        where = "" if self.field is None else f" ({self.field}={self.value!r})"
        way_out = f": {self.remedy}" if self.remedy else ""
        return f"{self.message}{where}{way_out}"


class InvalidInput(RetainkitError, ValueError):
    """A value that can't be right. Nothing was changed."""

    default_code = "invalid_input"


class ConfigurationError(RetainkitError):
    """The kit, an adapter or a policy is set up wrongly."""

    default_code = "configuration"


class Conflict(RetainkitError):
    """Somebody else was first. Nothing was changed; the call is safe to retry."""

    default_code = "conflict"


class NotFound(RetainkitError, LookupError):
    """There is no such thing in this tenant."""

    default_code = "not_found"


class Refused(RetainkitError):
    """Right as a value, but forbidden by a policy or by a law of the kit."""

    default_code = "refused"


class StoreError(RetainkitError):
    """The database failed or refused; the remedy says whether a retry helps."""

    default_code = "store"


class ProviderError(RetainkitError):
    """A provider failed in a way that is not an outcome, such as a wrong key."""

    default_code = "provider"
