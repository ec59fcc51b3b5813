"""How each kind of effect is performed and looked up: the only code that calls the outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias, cast

from attrs import evolve, frozen

from retainkit.billing import (
    Declined,
    Paid,
    PaymentOutcome,
    Pending,
    invoice_to_json,
    outcome_to_json,
)
from retainkit.core import Answer, Intent, JsonObject, NoEffect, NotSent, Outcome, Unknown
from retainkit.customers import CustomerDirectory
from retainkit.errors import ConfigurationError, InvalidInput, NotFound, ProviderError
from retainkit.ids import CustomerId, InvoiceId, PaymentId, PaymentMethodId, SubscriptionId
from retainkit.messages import Messenger, Rejected, Sent
from retainkit.money import from_json
from retainkit.payments import Collect, PaymentProvider, SubscriptionProvider


if TYPE_CHECKING:
    from retainkit.messages import Branding, Message


class Guarantee(StrEnum):
    """
    What a kind of effect can promise over crashes.

    ``exactly_once``: the other side takes keys and answers look-ups. ``at_most_once``: it does
    not, so what may have been sent is never sent again.
    """

    EXACTLY_ONCE = "exactly_once"
    AT_MOST_ONCE = "at_most_once"


Perform: TypeAlias = Callable[[Intent, datetime], Outcome]


@frozen(kw_only=True)
class Performer:
    """
    How effects of one kind reach the outside.

    Args:
        group: What fails together; one circuit breaker a group.

        guarantee: What it can promise over crashes.

        perform: Do it.

        look_up: Find out what became of it; needed for ``exactly_once``.

        window: How long a repeated key is recognised.

        lag: How long a look-up may miss what happened.

        reads: It changes nothing outside, so that it is done in shadow mode, too.
    """

    group: str
    guarantee: Guarantee
    perform: Perform
    look_up: Perform
    window: timedelta = timedelta(hours=24)
    lag: timedelta = timedelta(0)
    reads: bool = False


def in_shadow(performer: Performer) -> Performer:
    """
    The same kind, changing nothing: what would have been done is recorded as not done.

    What only reads goes on: without it there would be nothing to decide. What was under way before
    the shadow fell may have happened: it is looked up, never said to be nothing.
    """
    if performer.reads:
        return performer

    def nothing(intent: Intent, now: datetime) -> Outcome:
        del now
        if isinstance(intent.outcome, Unknown):
            return Unknown(reason="shadow")
        return NoEffect(reason="shadow")

    # One whose look-up is the call itself has nothing that only looks.
    looks = performer.look_up is not performer.perform
    return evolve(performer, perform=nothing, look_up=performer.look_up if looks else nothing)


def payment_performers(payments: PaymentProvider) -> Mapping[str, Performer]:
    """Collecting and reading invoices."""
    declared = payments.capabilities

    def collect(intent: Intent, now: datetime) -> Outcome:
        del now
        return _answered(payments.collect(_collect(intent.effect.data), key=intent.key))

    def look_up(intent: Intent, now: datetime) -> Outcome:
        return _answered(
            payments.look_up(
                _collect(intent.effect.data), key=intent.key, sent_at=intent.sent_at or now
            )
        )

    def read(intent: Intent, now: datetime) -> Outcome:
        del now
        data = intent.effect.data
        try:
            found = payments.read_invoice(
                InvoiceId(_text(data, "invoice")), seller=_text(data, "seller")
            )
        except NotFound:
            return NoEffect(reason="not_found")
        return (
            found
            if isinstance(found, NotSent)
            else Answer(data={"invoice": invoice_to_json(found)})
        )

    once = Performer(
        group=declared.name,
        guarantee=Guarantee.EXACTLY_ONCE,
        perform=collect,
        look_up=look_up,
        window=declared.idempotency_window,
        lag=declared.lookup_lag,
    )
    return {
        "payments.collect": once,
        "payments.read_invoice": evolve(once, perform=read, look_up=read, reads=True),
    }


def subscription_performers(provider: SubscriptionProvider, group: str) -> Mapping[str, Performer]:
    """What dunning does in the end; repeating it is harmless, so a look-up is the call itself."""

    def kind(call: Callable[[JsonObject, str], Outcome]) -> Performer:
        def perform(intent: Intent, now: datetime) -> Outcome:
            del now
            return call(intent.effect.data, intent.key)

        return Performer(
            group=group, guarantee=Guarantee.EXACTLY_ONCE, perform=perform, look_up=perform
        )

    return {
        "subscriptions.cancel": kind(
            lambda data, key: provider.cancel(
                SubscriptionId(_text(data, "subscription")), seller=_text(data, "seller"), key=key
            )
        ),
        "subscriptions.pause": kind(
            lambda data, key: provider.pause(
                SubscriptionId(_text(data, "subscription")), seller=_text(data, "seller"), key=key
            )
        ),
        "invoices.mark_uncollectible": kind(
            lambda data, key: provider.mark_uncollectible(
                InvoiceId(_text(data, "invoice")), seller=_text(data, "seller"), key=key
            )
        ),
    }


def message_performers(
    messenger: Messenger,
    directory: CustomerDirectory,
    branding: Branding,
    link: Callable[[Intent, datetime], str | None],
) -> Mapping[str, Performer]:
    """Rendering a granted message with what the host knows right now, and sending it once."""

    def written(intent: Intent, now: datetime) -> Message | None:
        from retainkit.messages import render

        customer = directory.get(intent.customer, tenant=intent.tenant)
        if customer is None:
            return None
        return render(
            intent.effect.data,
            customer,
            branding=branding,
            sender=messenger.sender,
            reply_to=messenger.reply_to,
            link=link(intent, now),
            now=now,
        )

    def send(intent: Intent, now: datetime) -> Outcome:
        message = _made(lambda: written(intent, now), intent.customer)
        if message is None:
            return NoEffect(reason="unknown_customer")
        match messenger.send(message, key=intent.key):
            case Sent(message_id=message_id):
                return Answer(data={"message_id": message_id})
            case Rejected(code=code):
                return Answer(data={"code": code})
            case NotSent() | Unknown() as outcome:
                return outcome

    def unknown(intent: Intent, now: datetime) -> Outcome:
        del intent, now
        return Unknown(reason="mail_has_no_keys")

    return {
        "messages.send": Performer(
            group="messages", guarantee=Guarantee.AT_MOST_ONCE, perform=send, look_up=unknown
        )
    }


def _made(write: Callable[[], Message | None], customer: CustomerId) -> Message | None:
    """The message; what the host's own code raises came before the sending, so nothing is lost."""
    try:
        return write()
    except (ConfigurationError, InvalidInput, ProviderError):
        raise
    except Exception as exc:
        raise ProviderError(
            "The message could not be written; nothing was sent",
            code="message.not_written",
            field="customer",
            value=customer,
            remedy="mend the customer directory or the template; it is tried again",
        ) from exc


def _collect(data: JsonObject) -> Collect:
    method = data.get("method")
    known = cast("list[str]", data.get("known") or [])
    return Collect(
        invoice=InvoiceId(_text(data, "invoice")),
        seller=_text(data, "seller"),
        amount=from_json(cast("JsonObject", data["amount"])),
        method=None if method is None else PaymentMethodId(str(method)),
        known=tuple(PaymentId(payment) for payment in known),
    )


def _answered(outcome: PaymentOutcome) -> Outcome:
    match outcome:
        case Paid() | Declined() | Pending():
            return Answer(data=outcome_to_json(outcome))
        case NotSent() | Unknown() | NoEffect():
            return outcome


def _text(data: JsonObject, name: str) -> str:
    return str(data[name])
