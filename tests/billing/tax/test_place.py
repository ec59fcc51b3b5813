"""Whose tax a digital service bears: the stories of the place of supply."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from retainkit.billing.tax import (
    Buyer,
    CrossBorderSales,
    Evidence,
    EvidenceKind,
    Exemption,
    QuoteState,
    Seller,
    TaxableLine,
    TaxBehavior,
    TaxCategory,
    TaxQuote,
    TaxReason,
    TaxRequest,
    TaxTreatment,
    UnverifiedVatId,
    VatIdCheck,
    VatIdStatus,
    calculate,
    percent,
    shipped_rates,
)
from retainkit.errors import Refused
from retainkit.money import Money, money


DAY = date(2026, 11, 22)
BERLIN = Seller(country="DE", vat_id="DE136695976", registrations=frozenset())
VALID = VatIdCheck(status=VatIdStatus.VALID, consultation="WAPI1")
INVALID = VatIdCheck(status=VatIdStatus.INVALID)


def quote(
    buyer: Buyer,
    seller: Seller = BERLIN,
    *,
    amount: Money | None = None,
    unverified: UnverifiedVatId = UnverifiedVatId.CHARGE,
) -> TaxQuote:
    net = money("100.00", "EUR") if amount is None else amount
    request = TaxRequest(
        currency=net.currency.code,
        seller=seller,
        buyer=buyer,
        tax_point=DAY,
        lines=(TaxableLine(id="plan", amount=net),),
        unverified=unverified,
    )
    return calculate(request, shipped_rates())


def treated(buyer: Buyer, seller: Seller = BERLIN) -> TaxTreatment:
    return quote(buyer, seller).lines[0].treatment


def keys(found: TaxQuote) -> set[str]:
    return {finding.key for finding in found.findings}


def unknown(found: TaxQuote) -> str:
    assert found.state is QuoteState.UNKNOWN
    assert (found.lines, found.groups) == ((), ())
    return found.findings[-1].key


# ------------------------------------------------------------------------------- within the EU


def test_a_consumer_elsewhere_pays_the_tax_of_their_state() -> None:
    """Art. 58: the place of supply is where the consumer lives."""
    found = treated(Buyer(country="FR"))
    assert (found.country, found.rate) == ("FR", Fraction(20, 100))
    assert (found.category, found.reason) == (TaxCategory.STANDARD, TaxReason.DESTINATION)
    assert found.references == ("2006/112/EC Art. 58",)


def test_a_sale_at_home_is_taxed_for_businesses_too() -> None:
    """No reverse charge within a state, and no need to wait for a register."""
    for check in (VALID, INVALID, VatIdCheck(status=VatIdStatus.UNVERIFIED)):
        buyer = Buyer(country="DE", vat_id="DE129273398", vat_id_check=check)
        found = quote(buyer)
        assert found.lines[0].treatment.reason is TaxReason.DOMESTIC
        assert found.total_tax == money("19.00", "EUR")
        assert found.findings == ()


@pytest.mark.parametrize(("home", "there"), [("CH", "LI"), ("LI", "CH")])
def test_switzerland_and_liechtenstein_are_one_area(home: str, there: str) -> None:
    """Whoever sells from the one into the other charges its own tax, to businesses as well."""
    for business in (True, None):
        found = treated(Buyer(country=there, business=business), Seller(country=home))
        assert (found.country, found.rate) == (home, Fraction(81, 1000))
        assert found.reason is TaxReason.DOMESTIC


def test_a_business_elsewhere_owes_the_tax_itself() -> None:
    """Articles 44 and 196, with the register's number kept as proof."""
    found = quote(Buyer(country="FR", vat_id="FR40303265045", vat_id_check=VALID))
    treatment = found.lines[0].treatment
    assert treatment.category is TaxCategory.REVERSE_CHARGE
    assert treatment.rate == 0
    assert treatment.exemption_code == "VATEX-EU-AE"
    assert "2006/112/EC Art. 196" in treatment.references
    assert treatment.verification == "WAPI1"
    assert found.total_gross == money("100.00", "EUR")


def test_an_unverified_business_is_charged_until_it_is_verified() -> None:
    """A register that is down neither blocks the sale nor lets everybody pass."""
    buyer = Buyer(country="FR", vat_id="FR40303265045")
    assert quote(buyer).total_tax == money("20.00", "EUR")
    assert "tax.vat_id_unverified" in keys(quote(buyer))
    believed = quote(buyer, unverified=UnverifiedVatId.REVERSE_CHARGE)
    assert believed.groups[0].category is TaxCategory.REVERSE_CHARGE
    assert "tax.vat_id_unverified" in keys(believed)


@pytest.mark.parametrize(
    ("buyer", "warning"),
    [
        (
            Buyer(country="FR", vat_id="FR40303265045", vat_id_check=INVALID),
            "tax.vat_id_invalid",
        ),
        (Buyer(country="FR", business=True), "tax.vat_id_missing"),
    ],
)
def test_a_business_without_a_valid_id_is_taxed_as_a_consumer(buyer: Buyer, warning: str) -> None:
    """And it is said why."""
    found = quote(buyer)
    assert found.total_tax == money("20.00", "EUR")
    assert warning in keys(found)


def test_a_consumer_with_an_id_stays_a_consumer() -> None:
    """The host says that this purchase is private."""
    buyer = Buyer(country="FR", vat_id="FR40303265045", vat_id_check=VALID, business=False)
    assert quote(buyer).total_tax == money("20.00", "EUR")


def test_reverse_charge_needs_the_sellers_id_on_the_invoice() -> None:
    """A seller without one is told."""
    buyer = Buyer(country="FR", vat_id="FR40303265045", vat_id_check=VALID)
    assert keys(quote(buyer, Seller(country="DE"))) == {"tax.seller_vat_id_missing"}


@pytest.mark.parametrize(
    ("previous", "this", "country"),
    [
        ("4000", "10000.00", "DE"),
        ("4000", "10000.01", "FR"),
        ("10000.01", "0", "FR"),
        ("10000.00", "0.01", "DE"),
    ],
)
def test_up_to_the_threshold_the_sellers_tax_is_charged(
    previous: str, this: str, country: str
) -> None:
    """10,000 EUR in both years; the sale that passes it is already the customer's."""
    sales = CrossBorderSales(previous_year=Decimal(previous), this_year=Decimal(this))
    found = treated(Buyer(country="FR"), Seller(country="DE", cross_border=sales))
    assert found.country == country


SMALL = CrossBorderSales(previous_year=Decimal(0), this_year=Decimal(100))


@pytest.mark.parametrize(
    "seller",
    [
        Seller(country="DE", cross_border=SMALL, opted_out=True),
        Seller(country="DE", cross_border=SMALL, other_establishments=frozenset({"AT"})),
        Seller(country="CH", cross_border=SMALL),
        Seller(country="ES", postcode="35001", cross_border=SMALL),
    ],
    ids=["opted out", "two establishments", "outside the EU", "outside its VAT area"],
)
def test_the_threshold_is_not_for_everybody(seller: Seller) -> None:
    """One establishment, in the EU, and no other choice."""
    assert treated(Buyer(country="FR"), seller).reason is TaxReason.DESTINATION


def test_an_establishment_outside_the_eu_leaves_the_threshold() -> None:
    """Art. 59c speaks of member states."""
    seller = Seller(country="DE", cross_border=SMALL, other_establishments=frozenset({"US"}))
    assert treated(Buyer(country="FR"), seller).reason is TaxReason.BELOW_THRESHOLD


def test_a_seller_outside_the_eu_taxes_consumers_and_not_businesses() -> None:
    """Place of supply is the same; who owes differs."""
    zurich = Seller(country="CH")
    assert treated(Buyer(country="FR"), zurich).rate == Fraction(20, 100)
    business = Buyer(country="FR", vat_id="FR40303265045", vat_id_check=VALID)
    assert treated(business, zurich).category is TaxCategory.REVERSE_CHARGE


# ------------------------------------------------------------------------- special territories


@pytest.mark.parametrize(
    ("country", "postcode", "percent"),
    [
        ("FR", "97100", "8.5"),
        ("FR", "97200", "8.5"),
        ("FR", "97412", "8.5"),
        ("RE", None, "8.5"),
        ("MC", "98000", "20"),
    ],
)
def test_french_rates_overseas(country: str, postcode: str | None, percent: str) -> None:
    """8.5 % in Guadeloupe, Martinique and Réunion, the mainland's in Monaco."""
    found = treated(Buyer(country=country, postcode=postcode), Seller(country="FR"))
    assert found.rate == Fraction(percent) / 100


@pytest.mark.parametrize(
    ("country", "postcode", "seller"),
    [("FR", "97300", "FR"), ("FR", "97600", "FR"), ("DE", "27498", "DE"), ("FI", "22100", "FI")],
)
def test_where_no_vat_applies_it_is_out_of_scope(country: str, postcode: str, seller: str) -> None:
    """Guyane, Mayotte, Heligoland, Åland: no zero rate, but no VAT at all, and said so."""
    found = treated(Buyer(country=country, postcode=postcode), Seller(country=seller))
    assert (found.category, found.rate) == (TaxCategory.OUTSIDE_SCOPE, None)
    assert found.reason is TaxReason.NO_VAT_TERRITORY


def test_a_local_tax_is_named() -> None:
    """The Canary Islands have IGIC: not our figure, but not nothing either."""
    found = quote(Buyer(country="ES", postcode="38314"), Seller(country="ES"))
    assert found.total_tax == money(0, "EUR")
    assert [finding.values for finding in found.findings] == [
        {"territory": "Canary Islands", "tax": "IGIC"}
    ]


def test_within_a_territory_its_own_tax_is_not_ours() -> None:
    """A seller on the Canary Islands owes IGIC there; on Heligoland there is nothing to owe."""
    buyer, seller = Buyer(country="ES", postcode="38314"), Seller(country="ES", postcode="35001")
    assert unknown(quote(buyer, seller)) == "tax.provider_needed"
    heligoland = Buyer(country="DE", postcode="27498")
    found = treated(heligoland, Seller(country="DE", postcode="27498"))
    assert found.reason is TaxReason.NO_VAT_TERRITORY


@pytest.mark.parametrize(
    ("country", "postcode", "percent"),
    [
        ("AT", "6691", "19"),
        ("AT", "6991", "19"),
        ("DE", "87567", "19"),
        ("PT", "9500-321", "16"),
        ("PT", "9000", "22"),
        ("GB", "BFPO 57", "19"),
    ],
)
def test_regions_of_the_eu_with_rates_of_their_own(
    country: str, postcode: str, percent: str
) -> None:
    """Jungholz, Mittelberg (from Germany too), Azores, Madeira, Akrotiri."""
    found = treated(Buyer(country=country, postcode=postcode))
    assert found.rate == Fraction(percent) / 100
    assert found.reason is TaxReason.DESTINATION


def test_a_business_overseas_of_a_seller_elsewhere_is_out_of_scope() -> None:
    """The French overseas departments are outside the directive."""
    found = treated(Buyer(country="FR", postcode="97200", business=True))
    assert found.category is TaxCategory.OUTSIDE_SCOPE


# --------------------------------------------------------------------------- outside the EU


@pytest.mark.parametrize("country", ["CH", "GB", "NO", "IS", "LI", "XI", "IM"])
def test_outside_the_eu_a_registration_decides(country: str) -> None:
    """Not said: unknown. None: out of scope, and said so. Registered: that country's rate."""
    buyer = Buyer(country=country)
    assert unknown(quote(buyer, Seller(country="DE"))) == "tax.registration_unknown"
    without = quote(buyer)
    assert without.groups[0].category is TaxCategory.OUTSIDE_SCOPE
    assert keys(without) == {"tax.not_registered"}
    law = {"XI": "GB", "IM": "GB"}.get(country, country)
    registered = Seller(country="DE", registrations=frozenset({law}))
    found = treated(buyer, registered)
    assert (found.category, found.reason) == (TaxCategory.STANDARD, TaxReason.REGISTERED)
    assert found.country == law


def test_a_business_outside_the_eu_accounts_for_it_itself() -> None:
    """Except where a registered seller charges businesses as well: Switzerland."""
    london = Buyer(country="GB", business=True)
    assert treated(london, Seller(country="DE")).category is TaxCategory.OUTSIDE_SCOPE
    registered = Seller(country="DE", registrations=frozenset({"CH", "GB"}))
    assert treated(london, registered).category is TaxCategory.OUTSIDE_SCOPE
    zurich = Buyer(country="CH", business=True)
    assert unknown(quote(zurich, Seller(country="DE"))) == "tax.registration_unknown"
    assert treated(zurich).category is TaxCategory.OUTSIDE_SCOPE
    assert treated(zurich, registered).rate == Fraction(81, 1000)


def test_outside_the_eu_a_check_makes_a_business_of_an_id_alone() -> None:
    """A check of no id proves nothing, and who says to be a consumer is one."""
    registered = Seller(country="DE", registrations=frozenset({"GB"}))
    proved = Buyer(country="GB", vat_id="GB980780684", vat_id_check=VALID)
    assert treated(proved, registered).category is TaxCategory.OUTSIDE_SCOPE
    without = Buyer(country="GB", vat_id_check=VALID)
    assert treated(without, registered).rate == Fraction(1, 5)
    private = Buyer(country="GB", vat_id="GB980780684", vat_id_check=VALID, business=False)
    assert treated(private, registered).rate == Fraction(1, 5)


@pytest.mark.parametrize("country", ["US", "JP", "AU", "BR"])
@pytest.mark.parametrize("seller", [BERLIN, Seller(country="US", registrations=frozenset({"US"}))])
def test_elsewhere_only_a_provider_knows(country: str, seller: Seller) -> None:
    """No tax is never a silent answer."""
    found = quote(Buyer(country=country), seller)
    assert unknown(found) == "tax.provider_needed"
    with pytest.raises(Refused) as caught:
        _ = found.total_tax
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "tax.not_known",
        "state",
        "unknown",
    )
    assert caught.value.remedy


def test_at_home_in_a_country_without_rates_only_a_provider_knows() -> None:
    """Australia to Australia."""
    assert unknown(quote(Buyer(country="AU"), Seller(country="AU"))) == "tax.provider_needed"


def test_an_unknown_country_is_unknown_tax() -> None:
    """Not the seller's rate."""
    assert unknown(quote(Buyer(country=None))) == "tax.buyer_country_unknown"


def test_canada_adds_up_its_parts() -> None:
    """GST and PST in Saskatchewan, told by the province or by the postcode."""
    toronto = Seller(country="CA", region="ON")
    dollars = money("100.00", "CAD")
    for buyer in (Buyer(country="CA", region="SK"), Buyer(country="CA", postcode="S4P 3Y2")):
        treatment = quote(buyer, toronto, amount=dollars).lines[0].treatment
        assert treatment.rate == Fraction(11, 100)
        assert [part.name for part in treatment.components] == ["GST", "PST"]
    assert unknown(quote(Buyer(country="CA"), toronto)) == "tax.province_unknown"


# ---------------------------------------------------------------- exemptions and credits


def test_a_small_business_charges_no_tax_at_home_and_owes_it_abroad() -> None:
    """The scheme is of one state; below the threshold its own sales abroad are under it."""
    small = Seller(country="DE", small_business=frozenset({"DE"}))
    found = treated(Buyer(country="DE"), small)
    assert (found.category, found.reason) == (TaxCategory.EXEMPT, TaxReason.SMALL_BUSINESS)
    assert treated(Buyer(country="FR"), small).category is TaxCategory.STANDARD
    below = Seller(country="DE", small_business=frozenset({"DE"}), cross_border=SMALL)
    assert treated(Buyer(country="FR"), below).category is TaxCategory.EXEMPT
    assert treated(Buyer(country="DE"), small).references == ("2006/112/EC Art. 284",)
    swiss = Seller(country="CH", small_business=frozenset({"CH"}))
    assert treated(Buyer(country="CH"), swiss).references == ()  # no law of the EU


def test_a_stated_exemption_is_kept_with_its_text() -> None:
    """Of the buyer or of a line; it changes nothing where no tax was due."""
    embassy = Exemption(text="Art. 151 2006/112/EC", code="VATEX-EU-151", certificate="X1")
    found = treated(Buyer(country="DE", exemption=embassy))
    assert (found.category, found.rate) == (TaxCategory.EXEMPT, Fraction(0))
    assert (found.exemption_code, found.exemption_text) == ("VATEX-EU-151", "Art. 151 2006/112/EC")
    course = TaxableLine(
        id="course", amount=money("50", "EUR"), exemption=Exemption(text="Art. 132 (1) (i)")
    )
    seats = TaxableLine(id="seats", amount=money("50", "EUR"))
    request = TaxRequest(
        currency="EUR",
        seller=BERLIN,
        buyer=Buyer(country="DE"),
        tax_point=DAY,
        lines=(course, seats),
    )
    mixed = calculate(request, shipped_rates())
    assert [group.category for group in mixed.groups] == [
        TaxCategory.EXEMPT,
        TaxCategory.STANDARD,
    ]
    assert mixed.total_tax == money("9.50", "EUR")


def test_a_credit_keeps_the_rate_of_what_it_credits() -> None:
    """Whatever the buyer, the date or the rates have become since."""
    billed = treated(Buyer(country="FI"))
    credit = TaxableLine(id="credit", amount=money("-40.00", "EUR"), credits=billed)
    request = TaxRequest(
        currency="EUR", seller=BERLIN, buyer=Buyer(country=None), tax_point=DAY, lines=(credit,)
    )
    found = calculate(request, shipped_rates())
    assert found.lines[0].treatment == billed
    assert found.total_tax == money("-10.20", "EUR")


def test_credit_and_charge_of_one_rate_are_one_group() -> None:
    """An up and a down in one invoice are taxed on what is left."""
    billed = treated(Buyer(country="DE"))
    lines = (
        TaxableLine(id="old", amount=money("-6.67", "EUR"), credits=billed),
        TaxableLine(id="new", amount=money("13.33", "EUR")),
    )
    request = TaxRequest(
        currency="EUR", seller=BERLIN, buyer=Buyer(country="DE"), tax_point=DAY, lines=lines
    )
    found = calculate(request, shipped_rates())
    assert [(group.net, group.tax) for group in found.groups] == [
        (money("6.66", "EUR"), money("1.27", "EUR"))
    ]


def test_a_gross_price_stays_what_the_buyer_saw_without_tax_as_well() -> None:
    """Under reverse charge the whole gross price is the net amount."""
    line = TaxableLine(id="plan", amount=money("119", "EUR"), behavior=TaxBehavior.INCLUSIVE)
    buyer = Buyer(country="FR", vat_id="FR40303265045", vat_id_check=VALID)
    request = TaxRequest(currency="EUR", seller=BERLIN, buyer=buyer, tax_point=DAY, lines=(line,))
    assert calculate(request, shipped_rates()).total_net == money("119", "EUR")


# ------------------------------------------------------------------------------------ evidence


def piece(kind: EvidenceKind, country: str) -> Evidence:
    return Evidence(kind=kind, country=country, seen_at=datetime(2026, 11, 22, tzinfo=UTC))


ADDRESS, NETWORK = EvidenceKind.BILLING_ADDRESS, EvidenceKind.IP_ADDRESS


def test_two_pieces_of_evidence_are_kept_with_the_result() -> None:
    """They are what an auditor asks for ten years later."""
    pieces = (piece(ADDRESS, "FR"), piece(NETWORK, "FR"))
    found = quote(Buyer(country="FR", evidence=pieces))
    assert found.findings == ()
    assert found.lines[0].treatment.evidence == pieces


@pytest.mark.parametrize("pieces", [(), (piece(ADDRESS, "FR"),)])
def test_too_little_evidence_is_a_finding(pieces: tuple[Evidence, ...]) -> None:
    """The same kind twice would be one piece."""
    found = quote(Buyer(country="FR", evidence=pieces))
    assert found.findings[0].key == "tax.evidence_missing"
    assert found.findings[0].values == {"have": str(len(pieces)), "needed": "2"}


def test_a_small_seller_needs_one_piece() -> None:
    """Below 100,000 EUR across borders, of a third party; at the limit, two again."""
    bank = Evidence(kind=EvidenceKind.BANK, country="FR", third_party=True)
    buyer = Buyer(country="FR", evidence=(bank,))
    sales = CrossBorderSales(previous_year=Decimal(0), this_year=Decimal("99999.99"))
    small = Seller(country="DE", cross_border=sales)
    assert quote(buyer, small).findings == ()
    typed = Buyer(country="FR", evidence=(piece(ADDRESS, "FR"),))
    assert keys(quote(typed, small)) == {"tax.evidence_of_no_third_party"}
    sales = CrossBorderSales(previous_year=Decimal(0), this_year=Decimal(100_000))
    assert keys(quote(buyer, Seller(country="DE", cross_border=sales))) == {"tax.evidence_missing"}


def test_evidence_that_contradicts_is_a_finding() -> None:
    """At home as well: somebody may be elsewhere."""
    pieces = (piece(ADDRESS, "DE"), piece(EvidenceKind.BANK, "DE"), piece(NETWORK, "FR"))
    found = quote(Buyer(country="DE", evidence=pieces))
    assert [finding.values for finding in found.findings] == [{"country": "DE", "named": "FR"}]
    assert found.findings[0].key == "tax.evidence_contradicts"
    assert found.total_tax == money("19.00", "EUR")


@pytest.mark.parametrize(("postcode", "code"), [("98000", "MC"), ("97110", "GP")])
def test_evidence_may_name_a_territory_by_its_code(postcode: str, code: str) -> None:
    """An address in Monaco, written with France, and a network address there agree."""
    pieces = (piece(ADDRESS, "FR"), piece(NETWORK, code))
    buyer = Buyer(country="FR", postcode=postcode, evidence=pieces)
    assert quote(buyer, Seller(country="FR")).findings == ()


def test_a_quote_shows_itself_as_a_table() -> None:
    """For notebooks: whose tax, at which rate and why; hostile text stays text."""
    line = TaxableLine(id="<b>plan</b>", amount=money("100", "EUR"))
    request = TaxRequest(
        currency="EUR",
        seller=BERLIN,
        buyer=Buyer(country="FI"),
        tax_point=DAY,
        lines=(line,),
    )
    shown = calculate(request, shipped_rates())._repr_html_()
    assert '<th scope="row">&lt;b&gt;plan&lt;/b&gt;</th>' in shown
    for cell in ("100.00 EUR", "25.50 EUR", "125.50 EUR", "25.5 %", "FI", "tax.evidence_missing"):
        assert cell in shown
    assert "tax: unknown" in quote(Buyer(country=None))._repr_html_()


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        ("19/100", "19 %"),
        ("51/200", "25.5 %"),
        ("599/4000", "14.975 %"),
        ("1/3", "1/3"),
        ("0", "0 %"),
    ],
)
def test_a_rate_as_people_write_it(rate: str, text: str) -> None:
    """Exactly, or as a fraction."""
    assert percent(Fraction(rate)) == text
