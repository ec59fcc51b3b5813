"""The contract of tax providers over the simulated one, and over Stripe Tax by its real SDK."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest

from retainkit.billing.tax import (
    Buyer,
    Exemption,
    QuoteState,
    Seller,
    TaxableLine,
    TaxCategory,
    TaxRequest,
    UnverifiedVatId,
    VatIdCheck,
    VatIdStatus,
)
from retainkit.errors import ConfigurationError, InvalidInput, ProviderError
from retainkit.money import money
from retainkit.taxes import FilingState, TaxProvider
from retainkit.taxes.simulated import SimulatedTaxes
from retainkit.taxes.stripe import StripeTaxes
from retainkit.testing import TaxProviderContract, TaxWorld
from retainkit.testing.stripe_server import Fault, StripeServer


def ask(buyer: Buyer, currency: str = "USD", **changes: object) -> TaxRequest:
    lines = (
        TaxableLine(id="seats", amount=money("100.00", currency)),
        TaxableLine(id="support", amount=money("19.99", currency)),
    )
    asked: dict[str, object] = {"lines": lines, **changes}
    return TaxRequest(
        currency=currency,
        seller=Seller(country="DE"),
        buyer=buyer,
        tax_point=date(2026, 11, 2),
        **asked,  # type: ignore[arg-type] # the changes are a test's own
    )


class SimulatedWorld(TaxWorld):
    """Moved by its own switch."""

    def __init__(self) -> None:
        self._provider = SimulatedTaxes({"US-TX": Fraction(1, 16)})

    @property
    def provider(self) -> SimulatedTaxes:
        return self._provider

    @property
    def taxed(self) -> TaxRequest:
        return ask(Buyer(country="US", region="TX"))

    @property
    def unknown(self) -> TaxRequest:
        return ask(Buyer(country="BR"))

    def outage(self) -> None:
        self._provider.state = QuoteState.UNKNOWN


class TestSimulatedTaxes(TaxProviderContract):
    """The simulated provider keeps the contract."""

    @pytest.fixture
    def world(self) -> TaxWorld:
        return SimulatedWorld()


@pytest.fixture
def server() -> Iterator[StripeServer]:
    with StripeServer(seed=7, now=datetime(2026, 11, 2, 9, tzinfo=UTC)) as running:
        yield running


@pytest.fixture
def taxes(server: StripeServer) -> StripeTaxes:
    return StripeTaxes(server.api_key, base_url=server.url, timeout=timedelta(seconds=5))


class StripeWorld(SimulatedWorld):
    """Stripe Tax on the test server."""

    def __init__(self, server: StripeServer, taxes: StripeTaxes) -> None:
        self._server = server
        self._taxes = taxes

    @property
    def provider(self) -> TaxProvider:  # type: ignore[override] # another one than the simulated
        return self._taxes

    def outage(self) -> None:
        for path in ("/v1/tax/calculations", "/v1/tax/transactions/create_from_calculation"):
            self._server.fail_next(path, Fault.RESET_BEFORE)


class TestStripeTaxes(TaxProviderContract):
    """Stripe Tax keeps the contract, over HTTP."""

    @pytest.fixture
    def world(self, server: StripeServer, taxes: StripeTaxes) -> TaxWorld:
        return StripeWorld(server, taxes)


def test_a_pending_answer_has_no_total() -> None:
    """Some providers answer later; until then there is nothing to charge."""
    taxes = SimulatedTaxes({"US-TX": Fraction(1, 16)})
    taxes.state = QuoteState.PENDING
    assert taxes.quote(ask(Buyer(country="US", region="TX"))).state is QuoteState.PENDING


def test_texas_taxes_four_fifths_of_the_charge(taxes: StripeTaxes) -> None:
    """6.25 % on 80 % is 5 % of the whole, and the part keeps its own rate."""
    quote = taxes.quote(ask(Buyer(country="US", region="TX", postcode="78701")))
    treatment = quote.lines[0].treatment
    assert quote.lines[0].tax == money("5.00", "USD")
    assert [group.rate for group in quote.groups] == [Fraction(5, 100)]
    assert [(part.name, part.rate) for part in treatment.components] == [
        ("Sales Tax", Fraction(1, 16))
    ]
    assert (treatment.country, treatment.region) == ("US", "US-TX")


def test_where_the_seller_does_not_collect_it_is_said(taxes: StripeTaxes) -> None:
    """No tax for want of a registration is a decision, and shows as one."""
    quote = taxes.quote(ask(Buyer(country="US", region="CA")))
    assert quote.total_tax == money(0, "USD")
    assert {line.treatment.category for line in quote.lines} == {TaxCategory.OUTSIDE_SCOPE}
    assert {finding.key for finding in quote.findings} == {"tax.not_registered"}


def test_only_a_valid_vat_id_goes_to_stripe(taxes: StripeTaxes) -> None:
    """Stripe would believe any id of the right form; we wait for the register."""
    waiting = Buyer(country="FR", vat_id="FR40303265045")
    valid = Buyer(
        country="FR", vat_id="FR40303265045", vat_id_check=VatIdCheck(status=VatIdStatus.VALID)
    )
    assert taxes.quote(ask(waiting, "EUR")).total_tax == money("24.00", "EUR")
    assert taxes.quote(ask(valid, "EUR")).groups[0].category is TaxCategory.REVERSE_CHARGE
    believed = ask(waiting, "EUR", unverified=UnverifiedVatId.REVERSE_CHARGE)
    assert taxes.quote(believed).groups[0].category is TaxCategory.REVERSE_CHARGE


def test_every_line_of_a_long_invoice_is_read(server: StripeServer, taxes: StripeTaxes) -> None:
    """An answer holds the first ten; the others are asked for, and no answer is no zero."""
    lines = tuple(TaxableLine(id=f"seat {n}", amount=money("10.00", "EUR")) for n in range(23))
    asked = ask(Buyer(country="FR"), "EUR", lines=lines)
    quote = taxes.quote(asked)
    assert [line.id for line in quote.lines] == [line.id for line in lines]
    assert quote.total_tax == money("46.00", "EUR")

    server.fail_next("/v1/tax/calculations/{id}/line_items", Fault.RESET_BEFORE)
    assert taxes.quote(asked).state is QuoteState.UNKNOWN


@pytest.mark.parametrize(
    ("country", "region", "tax"), [("us", "US-TX", "6.00"), ("US", "tx", "6.00")]
)
def test_codes_are_written_as_stripe_writes_them(
    taxes: StripeTaxes, country: str, region: str, tax: str
) -> None:
    """ISO 3166-2 has the country in front of the state; Stripe has not, and would see another."""
    quote = taxes.quote(ask(Buyer(country=country, region=region)))
    assert quote.total_tax == money(tax, "USD")


def test_britain_may_be_written_uk(taxes: StripeTaxes) -> None:
    """As `Buyer` understands it."""
    assert taxes.quote(ask(Buyer(country="UK"), "GBP")).total_tax == money("24.00", "GBP")


def test_an_exempt_buyer_is_exempt_at_stripe(taxes: StripeTaxes) -> None:
    """The host's statement goes along."""
    buyer = Buyer(country="FR", exemption=Exemption(text="Art. 151 2006/112/EC"))
    assert taxes.quote(ask(buyer, "EUR")).groups[0].category is TaxCategory.EXEMPT


def test_an_address_that_stripe_refuses_is_unknown(taxes: StripeTaxes) -> None:
    """A missing state is for the host to ask, and no reason to fail the checkout."""
    quote = taxes.quote(ask(Buyer(country="US")))
    assert quote.state is QuoteState.UNKNOWN
    assert quote.findings[0].values["code"] == "customer_tax_location_invalid"
    assert taxes.quote(ask(Buyer(country=None))).findings[0].key == "tax.buyer_country_unknown"


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.SERVER_ERROR_500, Fault.RATE_LIMIT_429])
def test_whatever_fails_at_stripe_is_unknown(
    server: StripeServer, taxes: StripeTaxes, fault: Fault
) -> None:
    """No fault of the network becomes a zero."""
    server.fail_next("/v1/tax/calculations", fault)
    quote = taxes.quote(ask(Buyer(country="FR"), "EUR"))
    assert (quote.state, quote.findings[0].key) == (
        QuoteState.UNKNOWN,
        "tax.provider_unreachable",
    )


def test_a_report_whose_answer_is_lost_is_found_by_its_reference(
    server: StripeServer, taxes: StripeTaxes
) -> None:
    """It had its effect; asking again gives the same transaction, not a second one."""
    quote = taxes.quote(ask(Buyer(country="FR"), "EUR"))
    path = "/v1/tax/transactions/create_from_calculation"
    server.fail_next(path, Fault.RESET_AFTER)
    assert taxes.commit(quote, reference="INV-9").state is FilingState.UNKNOWN
    assert taxes.commit(quote, reference="INV-9").state is FilingState.FILED


def test_a_wrong_key_is_an_error(server: StripeServer) -> None:
    """That does not pass by itself."""
    taxes = StripeTaxes("sk_test_wrong", base_url=server.url)
    with pytest.raises(ProviderError) as caught:
        taxes.quote(ask(Buyer(country="FR"), "EUR"))
    assert (caught.value.code, caught.value.field) == ("stripe.authentication", "api_key")
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("key", "url", "code", "field"),
    [
        ("", None, "stripe.api_key", "api_key"),
        ("sk_test", "http://tax.example", "stripe.base_url", "base_url"),
    ],
)
def test_a_wrong_set_up_is_refused_at_once(
    key: str, url: str | None, code: str, field: str
) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigurationError) as caught:
        StripeTaxes(key, base_url=url)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert caught.value.remedy


def test_credits_and_unknown_categories_are_not_for_stripe(taxes: StripeTaxes) -> None:
    """A credit is taken back by void, and a category needs a tax code."""
    credit = (TaxableLine(id="back", amount=money("-5.00", "EUR")),)
    with pytest.raises(InvalidInput) as caught:
        taxes.quote(ask(Buyer(country="FR"), "EUR", lines=credit))
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "tax.provider_credit",
        "lines[back]",
        "-5.00",
    )
    assert caught.value.remedy
    book = (TaxableLine(id="book", amount=money("5.00", "EUR"), category="ebook"),)
    with pytest.raises(InvalidInput) as caught:
        taxes.quote(ask(Buyer(country="FR"), "EUR", lines=book))
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "tax.provider_category",
        "lines[book].category",
        "ebook",
    )
    assert caught.value.remedy


def test_what_stripe_does_not_support_is_unknown(taxes: StripeTaxes) -> None:
    """Its own word for it is kept."""
    quote = taxes.quote(ask(Buyer(country="BR")))
    assert quote.findings[0].key == "tax.provider_does_not_know"
    assert quote.findings[0].values["reason"] == "not_supported"


def test_british_ids_and_free_lines_go_to_stripe_too(taxes: StripeTaxes) -> None:
    """An id of each kind has its own type there; nothing costs no tax at a known rate."""
    buyer = Buyer(
        country="GB", vat_id="GB980780684", vat_id_check=VatIdCheck(status=VatIdStatus.VALID)
    )
    assert taxes.quote(ask(buyer, "GBP")).groups[0].category is TaxCategory.REVERSE_CHARGE
    free = (TaxableLine(id="free", amount=money(0, "EUR")),)
    quote = taxes.quote(ask(Buyer(country="FR"), "EUR", lines=free))
    assert quote.total_tax == money(0, "EUR")


def test_a_reference_that_is_used_elsewhere_is_unknown(taxes: StripeTaxes) -> None:
    """Stripe refuses it, and which sale it belongs to is for a person."""
    first = taxes.commit(taxes.quote(ask(Buyer(country="FR"), "EUR")), reference="INV-7")
    assert first.state is FilingState.FILED
    clash = taxes.void(first, reference="INV-7")
    assert clash.state is FilingState.UNKNOWN
    assert clash.findings[0].values["code"] == "resource_already_exists"
