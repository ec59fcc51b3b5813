"""Signed links of messages: looked at by GET, used once by POST, leading to the provider's page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from attrs import frozen

from retainkit.core import Event, Intent, Record
from retainkit.customers import CustomerDirectory
from retainkit.errors import ConfigurationError, InvalidInput, NotFound
from retainkit.ids import CaseId, CustomerId, EffectId, EventId, TenantId, derive
from retainkit.payments import HostedPage, SubscriptionProvider
from retainkit.stores import Transaction


if TYPE_CHECKING:
    from retainkit.messages.links import LinkSigner

_FEATURE = "links"
_PURPOSE = "payment_method"


class Links:
    """
    How messages link back to the host's product.

    Args:
        base_url: Where the host mounted the link pages, such as ``https://app.example/retainkit``.

        secrets: To sign with, oldest first; the last one signs, all are accepted.

        return_url: Where the provider's page sends the customer afterwards; ``base_url`` if None.

        ttl: How long a link works; a week at most.
    """

    def __init__(
        self,
        *,
        base_url: str,
        secrets: Sequence[str],
        return_url: str | None = None,
        ttl: timedelta = timedelta(hours=72),
    ) -> None:
        self.base_url: str = base_url.rstrip("/")
        self.return_url: str = return_url or base_url
        self._secrets = tuple(secrets)
        self._ttl = ttl
        self._made: LinkSigner | None = None

    @property
    def signer(self) -> LinkSigner:
        """The signer, made at first use."""
        if self._made is None:
            from retainkit.messages.links import LinkSigner

            self._made = LinkSigner(secrets=self._secrets, ttl=self._ttl)
        return self._made

    def url(self, intent: Intent, now: datetime) -> str | None:
        """The link a message carries: opaque, of one purpose, for a while."""
        if intent.effect.data.get("link") is None:
            return None
        token = self.signer.sign(intent.id, tenant=intent.tenant, purpose=_PURPOSE, now=now)
        return f"{self.base_url}/pay/{token}"


@frozen(kw_only=True)
class OpenLink:
    """
    A genuine link that was not used yet.

    Args:
        id: The message's effect.

        tenant: Whose it is.

        customer: To whom the message went.

        seller: The provider account whose page it leads to.
    """

    id: EffectId
    tenant: TenantId
    customer: CustomerId
    seller: str


def read(links: Links, token: str, now: datetime) -> tuple[EffectId, TenantId]:
    """
    What a token names, if it is genuine and fresh; asks no store.

    Raises:
        InvalidInput: ``link.expired``, ``link.bad_signature`` or ``link.malformed``.
    """
    signed = links.signer.read(token, purpose=_PURPOSE, now=now)
    return EffectId(signed.id), signed.tenant


def look(tx: Transaction, tenant: TenantId, effect: EffectId) -> OpenLink:
    """
    The link of a message, changing nothing.

    Raises:
        NotFound: The message is unknown.
        InvalidInput: ``link.used``.
    """
    intent = tx.schedule.intent(effect)
    if intent is None:
        raise NotFound(
            "The message of this link is unknown",
            code="link.unknown",
            field="token",
            remedy="ask for a new link",
        )
    if tx.records.get(_FEATURE, CaseId(effect)) is not None:
        raise _used()
    seller = str(intent.effect.data.get("seller") or "")
    return OpenLink(id=effect, tenant=tenant, customer=intent.customer, seller=seller)


def use(tx: Transaction, link: OpenLink, now: datetime) -> Event:
    """
    Mark a link as used; the event that says so.

    Raises:
        InvalidInput: ``link.used``: somebody was quicker.
    """
    tx.records.lock(link.customer)
    if tx.records.get(_FEATURE, CaseId(link.id)) is not None:
        raise _used()
    tx.records.put(
        Record(
            feature=_FEATURE,
            id=CaseId(link.id),
            key=link.id,
            customer=link.customer,
            open=False,
            version=1,
            schema=1,
            definition="",
            body={"purpose": _PURPOSE},
        )
    )
    return Event(
        id=EventId(derive("link.used", link.id)),
        name="link.used",
        customer=link.customer,
        occurred_at=now,
        data={"link": link.id, "purpose": _PURPOSE},
        actor="customer",
    )


def hosted_page(
    provider: SubscriptionProvider, directory: CustomerDirectory, link: OpenLink, *, return_url: str
) -> HostedPage:
    """
    The provider's page for the customer of a link.

    Raises:
        NotFound: The host knows the customer no more.
        ConfigurationError: The host's directory names no provider reference.
    """
    customer = directory.get(link.customer, tenant=link.tenant)
    if customer is None:
        raise NotFound(
            "The customer of this link is unknown to the host",
            code="customer.not_found",
            field="customer",
            value=link.customer,
            remedy="the customer may have been deleted; there is nothing to pay",
        )
    if customer.reference is None:
        raise ConfigurationError(
            "The directory does not say who the customer is at the provider",
            code="customer.no_reference",
            field="reference",
            value=link.customer,
            remedy="have CustomerDirectory.get fill Customer.reference",
        )
    return provider.payment_method_page(
        customer.reference, seller=link.seller, return_url=return_url
    )


def _used() -> InvalidInput:
    return InvalidInput(
        "This link was used already",
        code="link.used",
        field="token",
        remedy="open the newest message, or ask for a new link",
    )
