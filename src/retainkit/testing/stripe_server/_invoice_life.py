"""An invoice's life from draft to paid, void or uncollectible; its endpoints are in `_invoices`."""

from __future__ import annotations

from retainkit.testing.stripe_server._call import AfterRetries, Settings
from retainkit.testing.stripe_server._cards import HARD_DECLINES
from retainkit.testing.stripe_server._errors import invalid
from retainkit.testing.stripe_server._json import HIDDEN, JsonObject, copied
from retainkit.testing.stripe_server._payments import (
    Tried,
    Verdict,
    close_payment,
    intent_of,
    open_payment,
    try_card,
)
from retainkit.testing.stripe_server._state import State, seconds


def new_invoice(
    state: State,
    customer: JsonObject,
    *,
    currency: str,
    reason: str = "manual",
    auto_advance: bool = False,
    collection_method: str = "charge_automatically",
    days_until_due: int | None = None,
    subscription: JsonObject | None = None,
    period: tuple[int, int] | None = None,
    url: str = "",
) -> JsonObject:
    """A draft invoice without lines."""
    now = state.now
    start, end = period or (now, now)
    ref = state.new_id("in")
    parent = None
    if subscription is not None:
        parent = {
            "quote_details": None,
            "subscription_details": {
                "metadata": copied(subscription["metadata"]),
                "subscription": subscription["id"],
            },
            "type": "subscription_details",
        }
    return state.save(
        {
            "id": ref,
            "object": "invoice",
            "account_country": "US",
            "account_name": "retainkit test account",
            "account_tax_ids": None,
            "amount_due": 0,
            "amount_overpaid": 0,
            "amount_paid": 0,
            "amount_remaining": 0,
            "amount_shipping": 0,
            "application": None,
            "attempt_count": 0,
            "attempted": False,
            "auto_advance": auto_advance,
            "automatic_tax": {
                "disabled_reason": None,
                "enabled": False,
                "liability": None,
                "provider": None,
                "status": None,
            },
            "automatically_finalizes_at": None,
            "billing_reason": reason,
            "collection_method": collection_method,
            "created": now,
            "currency": currency,
            "custom_fields": None,
            "customer": customer["id"],
            "customer_account": None,
            "customer_address": copied(customer["address"]),
            "customer_email": customer["email"],
            "customer_name": customer["name"],
            "customer_phone": customer["phone"],
            "customer_shipping": None,
            "customer_tax_exempt": customer["tax_exempt"],
            "customer_tax_ids": [],
            "default_payment_method": None,
            "default_source": None,
            "default_tax_rates": [],
            "description": None,
            "discounts": [],
            "due_date": None if days_until_due is None else now + days_until_due * 86_400,
            "effective_at": None,
            "ending_balance": None,
            "footer": None,
            "from_invoice": None,
            "hosted_invoice_url": None,
            "invoice_pdf": None,
            "issuer": {"type": "self"},
            "last_finalization_error": None,
            "latest_revision": None,
            "lines": {
                "object": "list",
                "data": [],
                "has_more": False,
                "url": f"/v1/invoices/{ref}/lines",
            },
            "livemode": False,
            "metadata": {},
            "next_payment_attempt": None,
            "number": None,
            "on_behalf_of": None,
            "parent": parent,
            "payment_settings": {
                "default_mandate": None,
                "payment_method_options": None,
                "payment_method_types": None,
            },
            "period_end": end,
            "period_start": start,
            "post_payment_credit_notes_amount": 0,
            "pre_payment_credit_notes_amount": 0,
            "receipt_number": None,
            "rendering": None,
            "shipping_cost": None,
            "shipping_details": None,
            "starting_balance": 0,
            "statement_descriptor": None,
            "status": "draft",
            "status_transitions": {
                "finalized_at": None,
                "marked_uncollectible_at": None,
                "paid_at": None,
                "voided_at": None,
            },
            "subtotal": 0,
            "subtotal_excluding_tax": 0,
            "test_clock": None,
            "total": 0,
            "total_discount_amounts": [],
            "total_excluding_tax": 0,
            "total_pretax_credit_amounts": [],
            "total_taxes": [],
            "webhooks_delivered_at": None,
            HIDDEN: {"url": url, "prices": {}, "last_decline": None, "last_method": None},
        }
    )


def add_line(
    state: State,
    invoice: JsonObject,
    amount: int,
    *,
    description: str | None,
    period: tuple[int, int],
    parent: JsonObject,
    price: JsonObject | None = None,
    quantity: int = 1,
    metadata: JsonObject | None = None,
) -> JsonObject:
    """Add a line to a draft and sum the invoice up again."""
    pricing = None
    if price is not None:
        invoice[HIDDEN]["prices"][price["id"]] = copied(price)
        pricing = {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        }
    line: JsonObject = {
        "id": state.new_id("il"),
        "object": "line_item",
        "amount": amount,
        "currency": invoice["currency"],
        "description": description,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": invoice["id"],
        "livemode": False,
        "metadata": metadata or {},
        "parent": parent,
        "period": {"start": period[0], "end": period[1]},
        "pretax_credit_amounts": [],
        "pricing": pricing,
        "quantity": quantity,
        "subtotal": amount,
        "taxes": [],
    }
    invoice["lines"]["data"].append(line)
    total = sum(each["amount"] for each in invoice["lines"]["data"])
    for name in ("subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax"):
        invoice[name] = total
    invoice["amount_due"] = invoice["amount_remaining"] = max(total, 0)
    state.save(invoice)
    return line


def finalize(state: State, invoice: JsonObject) -> JsonObject:
    """From draft to open; nothing due is paid at once."""
    if invoice["status"] != "draft":
        raise invalid(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice."
        )
    customer = state.get("customer", invoice["customer"])
    number = customer["next_invoice_sequence"]
    state.change(customer, next_invoice_sequence=number + 1)
    url = f"{invoice[HIDDEN]['url']}/invoice/{invoice['id']}"
    # What prorations give back stays in the customer's balance for later invoices.
    balance = customer["balance"]
    due = max(invoice["total"] + balance, 0)
    state.change(customer, balance=balance + invoice["total"] - due)
    state.change(
        invoice,
        amount_due=due,
        amount_remaining=due,
        automatically_finalizes_at=None,
        effective_at=state.now,
        ending_balance=customer["balance"],
        starting_balance=balance,
        hosted_invoice_url=url,
        invoice_pdf=f"{url}/pdf",
        number=f"{customer['invoice_prefix']}-{number:04d}",
        status="open",
        status_transitions={**invoice["status_transitions"], "finalized_at": state.now},
    )
    if invoice["amount_due"] > 0:
        intent = open_payment(state, invoice)["payment"]["payment_intent"]
        secret = state.get("payment_intent", intent)["client_secret"]
        invoice["confirmation_secret"] = {"client_secret": secret, "type": "payment_intent"}
    state.emit("invoice.finalized", invoice)
    if invoice["amount_due"] == 0:
        settle(state, invoice, amount=0)
    return invoice


def collect(
    state: State,
    settings: Settings,
    invoice: JsonObject,
    method: JsonObject | None,
    *,
    automatic: bool,
    off_session: bool = True,
    authenticated: bool = False,
) -> Tried | None:
    """
    Try to collect an open invoice; `None` when there is no payment method.

    The first try counts, later ones only when they are automatic
    (https://docs.stripe.com/api/invoices/object#invoice_object-attempt_count).
    """
    if automatic or invoice["attempt_count"] == 0:
        invoice["attempt_count"] += 1
    invoice["attempted"] = True
    tried = None
    if method is not None:
        tried = try_card(
            state, invoice, method, off_session=off_session, authenticated=authenticated
        )
    if tried and tried.approved:
        settle(state, invoice, amount=invoice["amount_remaining"])
        return tried
    if tried is not None and tried.error and method is not None:
        invoice[HIDDEN]["last_decline"] = tried.error.get("decline_code") or tried.error["code"]
        invoice[HIDDEN]["last_method"] = method["id"]
    _plan_next(state, settings, invoice, automatic=automatic)
    state.save(invoice)
    asks = tried is not None and tried.verdict is Verdict.ASKS
    if asks:
        state.emit("invoice.payment_action_required", invoice)
    state.emit("invoice.payment_failed", invoice)
    _unpaid(state, settings, invoice, automatic=automatic)
    return tried


def retry(state: State, settings: Settings, invoice: JsonObject) -> None:
    """The automatic try that is due; after a hard decline only with another payment method."""
    method = usable_method(state, invoice)
    hidden = invoice[HIDDEN]
    if (
        hidden["last_decline"] in HARD_DECLINES
        and method is not None
        and method["id"] == hidden["last_method"]
    ):
        count = invoice["attempt_count"] + 1
        previous = state.change(invoice, attempt_count=count)
        _plan_next(state, settings, invoice, automatic=True)
        state.save(invoice)
        state.emit("invoice.updated", invoice, previous)
        _unpaid(state, settings, invoice, automatic=True)
        return
    collect(state, settings, invoice, method, automatic=True)


def void(state: State, invoice: JsonObject) -> JsonObject:
    """An open or uncollectible invoice is cancelled for good."""
    if invoice["status"] not in {"open", "uncollectible"}:
        raise invalid(
            f"You can only pass in open invoices. This invoice is {invoice['status']}.",
        )
    _end(state, invoice, "void", "voided_at")
    close_payment(state, invoice, "void_invoice")
    state.emit("invoice.voided", invoice)
    refresh_subscription(state, invoice)
    return invoice


def write_off(state: State, invoice: JsonObject) -> JsonObject:
    """An open invoice is given up; it may still be paid."""
    if invoice["status"] != "open":
        raise invalid(
            f"You can only pass in open invoices. This invoice is {invoice['status']}.",
        )
    _end(state, invoice, "uncollectible", "marked_uncollectible_at")
    state.emit("invoice.marked_uncollectible", invoice)
    refresh_subscription(state, invoice)
    return invoice


def stop_collecting(state: State, invoice: JsonObject) -> None:
    """No automatic try any more; the debt stays."""
    previous = state.change(
        invoice, auto_advance=False, next_payment_attempt=None, automatically_finalizes_at=None
    )
    if previous:
        state.emit("invoice.updated", invoice, previous)


def usable_method(state: State, invoice: JsonObject) -> JsonObject | None:
    """The invoice's own payment method, else the subscription's, else the customer's."""
    subscription = subscription_of(state, invoice)
    customer = state.get("customer", invoice["customer"])
    for ref in (
        invoice["default_payment_method"],
        subscription and subscription["default_payment_method"],
        customer["invoice_settings"]["default_payment_method"],
    ):
        if isinstance(ref, str):
            return state.find("payment_method", ref)
    return None


def subscription_of(state: State, invoice: JsonObject) -> JsonObject | None:
    """The subscription an invoice is for."""
    if invoice["parent"] is None:
        return None
    ref = invoice["parent"]["subscription_details"]["subscription"]
    return state.find("subscription", ref)


def refresh_subscription(state: State, invoice: JsonObject) -> None:
    """A settled latest invoice makes its subscription active again."""
    subscription = subscription_of(state, invoice)
    if subscription is None or subscription["latest_invoice"] != invoice["id"]:
        return
    if subscription["status"] not in {"past_due", "unpaid", "incomplete"}:
        return
    if subscription["status"] == "incomplete" and invoice["status"] != "paid":
        return
    previous = state.change(subscription, status="active")
    state.emit("customer.subscription.updated", subscription, previous)


def settle(state: State, invoice: JsonObject, *, amount: int) -> None:
    """The invoice is paid; whoever owed nothing else is no longer delinquent."""
    state.change(
        invoice,
        amount_paid=invoice["amount_paid"] + amount,
        amount_remaining=0,
        attempted=True,
        auto_advance=False,
        next_payment_attempt=None,
        status="paid",
        status_transitions={**invoice["status_transitions"], "paid_at": state.now},
    )
    invoice.pop("confirmation_secret", None)
    state.emit("invoice.paid", invoice)
    state.emit("invoice.payment_succeeded", invoice)
    customer = state.get("customer", invoice["customer"])
    owes = any(
        other["status"] == "open" and other["attempted"]
        for other in state.of("invoice", customer["id"])
    )
    _mark_delinquent(state, customer, owes=owes)
    refresh_subscription(state, invoice)


def _mark_delinquent(state: State, customer: JsonObject, *, owes: bool) -> None:
    previous = state.change(customer, delinquent=owes)
    if previous:
        state.emit("customer.updated", customer, previous)


def _end(state: State, invoice: JsonObject, status: str, stamp: str) -> None:
    state.change(
        invoice,
        auto_advance=False,
        next_payment_attempt=None,
        status=status,
        status_transitions={**invoice["status_transitions"], stamp: state.now},
    )


def _plan_next(state: State, settings: Settings, invoice: JsonObject, *, automatic: bool) -> None:
    if not automatic and invoice["next_payment_attempt"] is not None:
        return
    invoice["next_payment_attempt"] = None
    if not (settings.smart_retries and invoice["auto_advance"]):
        return
    first = invoice[HIDDEN].setdefault("first_failure", state.now)
    done = invoice["attempt_count"] - 1
    if done < len(settings.retry_after):
        planned = first + seconds(settings.retry_after[done])
        invoice["next_payment_attempt"] = max(planned, state.now + 1)


def _unpaid(state: State, settings: Settings, invoice: JsonObject, *, automatic: bool) -> None:
    _mark_delinquent(state, state.get("customer", invoice["customer"]), owes=True)
    subscription = subscription_of(state, invoice)
    if subscription is None or subscription["status"] not in {"active", "past_due"}:
        return
    exhausted = (
        automatic
        and settings.smart_retries
        and invoice["attempt_count"] > len(settings.retry_after)
    )
    if exhausted and settings.after_retries is AfterRetries.CANCEL:
        end_subscription(state, subscription, reason="payment_failed")
        return
    status = "unpaid" if exhausted and settings.after_retries is AfterRetries.UNPAID else "past_due"
    previous = state.change(subscription, status=status)
    if previous:
        state.emit("customer.subscription.updated", subscription, previous)


def end_subscription(
    state: State,
    subscription: JsonObject,
    *,
    reason: str,
    details: JsonObject | None = None,
) -> None:
    """Cancel now; its open invoices stay owed but are no longer collected automatically."""
    state.change(
        subscription,
        status="canceled",
        cancel_at_period_end=False,
        canceled_at=subscription["canceled_at"] or state.now,
        cancellation_details={
            **subscription["cancellation_details"],
            **(details or {}),
            "reason": reason,
        },
        ended_at=state.now,
    )
    for invoice in state.of("invoice", subscription["customer"]):
        owner = subscription_of(state, invoice)
        if owner is subscription and invoice["status"] in {"draft", "open"}:
            stop_collecting(state, invoice)
    state.emit("customer.subscription.deleted", subscription)


def authenticate(state: State, settings: Settings, invoice: JsonObject) -> Tried | None:
    """The customer proves who they are at their bank; the waiting payment goes on."""
    intent = intent_of(state, invoice)
    if intent is None or intent["status"] != "requires_action":
        raise invalid("This invoice doesn't wait for authentication.")
    method = state.get("payment_method", intent["payment_method"])
    return collect(
        state,
        settings,
        invoice,
        method,
        automatic=False,
        off_session=False,
        authenticated=True,
    )
