"""Invoices, payments and outcomes as JSON: exact there and back, refused when broken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retainkit.billing import (
    Decline,
    Declined,
    Invoice,
    InvoiceState,
    Paid,
    Payment,
    PaymentState,
    Pending,
    invoice_from_json,
    invoice_to_json,
    outcome_from_json,
    outcome_to_json,
    payment_from_json,
    payment_to_json,
)
from retainkit.core import check_json, dumps, loads
from retainkit.errors import InvalidInput
from retainkit.ids import InvoiceId, PaymentId, PaymentMethodId, SubscriptionId
from retainkit.money import from_minor, money


text = st.text(max_size=8)
maybe = st.none() | text
amounts = st.builds(
    from_minor, st.integers(-(10**9), 10**9), st.sampled_from(["EUR", "JPY", "KWD"])
)
instants = st.datetimes(timezones=st.just(UTC))
declines = st.builds(
    Decline, code=text, advice=maybe, network_code=maybe, network_advice=maybe, network=maybe
)
payments = st.builds(
    Payment,
    id=text.map(PaymentId),
    state=st.sampled_from(PaymentState),
    amount=amounts,
    at=instants,
    method=st.none() | text.map(PaymentMethodId),
    credential=maybe,
    decline=st.none() | declines,
)
invoices = st.builds(
    Invoice,
    id=text.map(InvoiceId),
    seller=text,
    reference=text,
    subscription=st.none() | text.map(SubscriptionId),
    subscription_cancelled=st.booleans(),
    state=st.sampled_from(InvoiceState),
    remaining=amounts,
    payments=st.lists(payments, max_size=3).map(tuple),
    tries=st.integers(0, 99),
    next_payment_attempt=st.none() | instants,
    provider_retries=st.booleans(),
)


@given(invoices)
def test_an_invoice_survives_json(invoice: Invoice) -> None:
    """Every field, exactly, and nothing JSON can't hold."""
    written = invoice_to_json(invoice)
    check_json(written, "invoice")

    assert invoice_from_json(loads(dumps(written))) == invoice


@given(payments, st.sampled_from([Paid, Declined, Pending]))
def test_an_outcome_survives_json(payment: Payment, kind: type[Paid | Declined | Pending]) -> None:
    """What an answer says is the very outcome."""
    outcome = kind(payment=payment)

    assert outcome_from_json(loads(dumps(outcome_to_json(outcome)))) == outcome


def test_instants_are_written_in_utc() -> None:
    """The same instant has one text, whatever zone it came in."""
    berlin = timezone(timedelta(hours=2))
    there = _payment(at=datetime(2026, 6, 1, 12, tzinfo=berlin))

    assert payment_to_json(there)["at"] == "2026-06-01T10:00:00+00:00"
    assert payment_from_json(payment_to_json(there)).at.tzinfo is UTC


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", 7),
        ("state", "lost"),
        ("at", "yesterday"),
        ("at", "2026-06-01T10:00:00"),
        ("method", 3),
        ("decline", {"code": None}),
    ],
)
def test_a_broken_payment_names_its_field(field: str, value: object) -> None:
    """The error says which key is wrong and what belongs there."""
    with pytest.raises(InvalidInput) as caught:
        payment_from_json({**payment_to_json(_payment()), field: value})

    assert caught.value.code == "billing.json"
    assert caught.value.field == ("code" if field == "decline" else field)
    assert caught.value.value == (None if field == "decline" else value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("field", "value"),
    [("payments", "none"), ("tries", True), ("tries", "1"), ("provider_retries", 1)],
)
def test_a_broken_invoice_names_its_field(field: str, value: object) -> None:
    """Types are not guessed."""
    invoice = Invoice(
        id=InvoiceId("in_1"),
        seller="acct_1",
        reference="cus_1",
        subscription=None,
        subscription_cancelled=False,
        state=InvoiceState.OPEN,
        remaining=money("1", "EUR"),
        payments=(),
        tries=0,
        next_payment_attempt=None,
        provider_retries=False,
    )
    with pytest.raises(InvalidInput) as caught:
        invoice_from_json({**invoice_to_json(invoice), field: value})

    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "billing.json",
        field,
        value,
    )
    assert caught.value.remedy


def test_what_is_no_object_is_refused() -> None:
    """Nothing at all, or an outcome of another kind."""
    with pytest.raises(InvalidInput) as nothing:
        invoice_from_json(None)
    with pytest.raises(InvalidInput) as other:
        outcome_from_json({"outcome": "maybe", "payment": payment_to_json(_payment())})

    assert (nothing.value.code, nothing.value.value) == ("billing.json", None)
    assert (other.value.field, other.value.value) == ("outcome", "maybe")


def test_a_decline_without_codes_is_unknown() -> None:
    """The provider gave none: that is a value of its own."""
    bare = Declined(payment=_payment())
    full = Declined(
        payment=_payment(
            decline=Decline(code="do_not_honor", advice="try_again_later", network_code="05")
        )
    )

    assert (bare.code, bare.advice, bare.network_code) == ("unknown", None, None)
    assert (full.code, full.advice, full.network_code) == ("do_not_honor", "try_again_later", "05")


def _payment(
    *, at: datetime = datetime(2026, 6, 1, 12, tzinfo=UTC), decline: Decline | None = None
) -> Payment:
    return Payment(
        id=PaymentId("ch_1"),
        state=PaymentState.FAILED,
        amount=money("12.34", "EUR"),
        at=at,
        decline=decline,
    )
