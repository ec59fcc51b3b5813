"""Who the customer is, asked from the host at the moment of need; nothing here is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from attrs import field, frozen

from retainkit.ids import CustomerId, TenantId


__all__ = ["Customer", "CustomerDirectory", "StaticDirectory"]


@frozen(kw_only=True)
class Customer:
    """
    What a message needs to know of a customer.

    Args:
        id: The host's id.

        email: Where to write.

        name: How to greet; empty greets without a name.

        locale: The customer's locale, such as ``de``, ``de_formal`` or ``pt_BR``.

        zone: The customer's IANA time zone.

        reference: The payment provider's id of the customer, such as ``cus_9s6XKz``.
    """

    id: CustomerId
    email: str = field(repr=False)
    name: str = field(default="", repr=False)
    locale: str = "en"
    zone: str = "UTC"
    reference: str | None = None


class CustomerDirectory(Protocol):
    """The host's knowledge of its customers; both calls must be quick and change nothing."""

    def get(self, customer: CustomerId, *, tenant: TenantId) -> Customer | None:
        """The customer, or None when the host knows nobody of that id any more."""
        ...

    def find(self, reference: str, *, tenant: TenantId) -> CustomerId | None:
        """The customer whom a payment provider knows by ``reference``, such as ``cus_9s6XKz``."""
        ...


@frozen
class StaticDirectory:
    """
    A directory of a fixed set of customers: for tests, demos and very small products.

    Args:
        customers: Everybody there is.

        references: The provider's id of each customer that has one.
    """

    customers: Mapping[CustomerId, Customer] = field(factory=dict)
    references: Mapping[str, CustomerId] = field(factory=dict)

    def get(self, customer: CustomerId, *, tenant: TenantId) -> Customer | None:
        """The customer of that id, in whatever tenant."""
        del tenant
        return self.customers.get(customer)

    def find(self, reference: str, *, tenant: TenantId) -> CustomerId | None:
        """The customer of that provider reference; a customer's own id is one too."""
        del tenant
        if reference in self.references:
            return self.references[reference]
        known = CustomerId(reference)
        return known if known in self.customers else None
