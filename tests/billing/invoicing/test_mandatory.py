"""What must be on an invoice by law, and how the checker names what is missing."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve
from tests.billing.invoicing.conftest import ACME, NORD, NOVEMBER, SEVEN, Bill, line, untaxed

from retainkit.billing.invoicing import (
    Address,
    CreditNote,
    DocumentKind,
    InvoiceDocument,
    Party,
    check_mandatory,
    draft_credit_note,
    is_small_amount,
    require_complete,
)
from retainkit.billing.tax import Exemption, TaxCategory
from retainkit.errors import InvalidInput
from retainkit.money import money


AE = TaxCategory.REVERSE_CHARGE
REVERSE = {AE: Exemption(text="Reverse charge")}


def missing(document: InvoiceDocument | CreditNote) -> list[str]:
    return [finding.field for finding in check_mandatory(document)]


def test_a_complete_invoice_misses_nothing(bill: Bill) -> None:
    """In Germany and with reverse charge."""
    assert check_mandatory(bill()) == ()
    assert check_mandatory(bill(untaxed("500.00", AE), exemptions=REVERSE)) == ()
    require_complete(bill())


@pytest.mark.parametrize(
    ("changes", "field", "source"),
    [
        ({"issued": None}, "issued", "section 14 (4) no. 3 UStG"),
        ({"number": ""}, "number", "section 14 (4) no. 4 UStG"),
        ({"supplied": None}, "supplied", "section 14 (4) no. 6 UStG"),
        ({"seller": evolve(ACME, name="")}, "seller.name", "section 14 (4) no. 1 UStG"),
        ({"seller": evolve(ACME, vat_id="")}, "seller.tax_number", "section 14 (4) no. 2 UStG"),
        ({"buyer": evolve(NORD, name="")}, "buyer.name", "section 14 (4) no. 1 UStG"),
        (
            {"buyer": evolve(NORD, address=Address(country="NL"))},
            "buyer.address",
            "section 14 (4) no. 1 UStG",
        ),
        (
            {"buyer": evolve(NORD, address=evolve(NORD.address, country=""))},
            "buyer.address.country",
            "section 14 (4) no. 1 UStG",
        ),
        ({"lines": (line("500.00", text=""),)}, "lines[0].text", "section 14 (4) no. 5 UStG"),
        (
            {"lines": (line("500.00", unit_price=None),)},
            "lines[0].unit_price",
            "section 14 (4) no. 7 UStG",
        ),
        ({"lines": ()}, "lines", "section 14 (4) no. 5 UStG"),
        ({"subtotals": ()}, "subtotals", "section 14 (4) no. 7 and 8 UStG"),
    ],
)
def test_each_missing_field_is_named_with_its_law(
    bill: Bill, changes: dict[str, Any], field: str, source: str
) -> None:
    """The one thing that was taken out is the one thing that is found."""
    (found,) = check_mandatory(evolve(bill(), **changes))
    assert (found.rule, found.field) == ("missing", field)
    assert found.source.startswith(source)
    assert "Directive 2006/112/EC, Art. 226" in found.source
    assert found.remedy


def test_where_the_buyer_owes_the_vat_both_ids_are_asked_for(bill: Bill) -> None:
    """A tax number won't do for the seller; the reason must be told (Art. 226 (11a))."""
    document = bill(
        untaxed("500.00", AE),
        seller=evolve(ACME, vat_id="", tax_number="37/123/45678"),
        buyer=evolve(NORD, vat_id=""),
    )
    assert missing(document) == ["seller.vat_id", "buyer.vat_id", "subtotals[0].reason"]


def test_elsewhere_in_the_eu_the_directive_alone_is_asked(bill: Bill) -> None:
    """A French seller needs a VAT id; the day of supply only if it differs from the date."""
    paris = evolve(ACME, address=evolve(ACME.address, country="FR", city="Paris"), vat_id="")
    document = bill(seller=paris, supplied=None)
    (found,) = check_mandatory(document)
    assert (found.field, found.source) == ("seller.vat_id", "Directive 2006/112/EC, Art. 226 (3)")

    prepaid = bill(
        seller=evolve(paris, vat_id="FR40303265045"), supplied=None, kind=DocumentKind.PREPAYMENT
    )
    assert missing(prepaid) == ["supplied"]


@pytest.mark.parametrize("category", [TaxCategory.EXEMPT, TaxCategory.OUTSIDE_SCOPE])
def test_who_charges_no_vat_may_have_no_vat_id(bill: Bill, category: TaxCategory) -> None:
    """Outside the scope none may stand (BR-O-02): such an invoice is complete without one."""
    home = evolve(ACME.address, country="FR", city="Paris")
    paris = evolve(ACME, address=home, vat_id="", tax_number="362 521 879")
    document = bill(
        untaxed("500.00", category),
        seller=paris,
        buyer=evolve(NORD, vat_id=""),
        exemptions={category: Exemption(text="why")},
    )
    require_complete(document)
    (found,) = check_mandatory(evolve(document, seller=evolve(paris, tax_number="")))
    assert (found.field, found.source) == (
        "seller.tax_number",
        "Directive 2006/112/EC, Art. 226 (3)",
    )


def test_a_period_on_each_line_tells_when_it_was_supplied(bill: Bill) -> None:
    """Then the document need not say it again."""
    document = bill(line("500.00", period=NOVEMBER), supplied=None)
    assert check_mandatory(document) == ()


def test_goods_for_another_state_say_when_they_went(bill: Bill) -> None:
    """BR-IC-11 of EN 16931, wherever the seller is."""
    goods = TaxCategory.INTRA_COMMUNITY
    paris = evolve(ACME, address=evolve(ACME.address, country="FR"), vat_id="FR40303265045")
    reasons = {goods: Exemption(text="Art. 138")}
    document = bill(untaxed("500.00", goods), seller=paris, supplied=None, exemptions=reasons)
    assert missing(document) == ["supplied"]


def test_a_german_seller_may_state_its_tax_number(bill: Bill) -> None:
    """Section 14 (4) no. 2 UStG: that, or a VAT id."""
    document = bill(seller=evolve(ACME, vat_id="", tax_number="37/123/45678"))
    assert check_mandatory(document) == ()


def test_a_tax_representative_is_named_in_full(bill: Bill) -> None:
    """Art. 226 (15): name, address and VAT id of who owes the VAT in the seller's place."""
    assert check_mandatory(bill(representative=NORD)) == ()
    document = bill(representative=Party(address=NORD.address))
    assert missing(document) == ["representative.name", "representative.vat_id"]
    assert draft_credit_note(document).representative == document.representative

    abroad = Party(name="Acme Inc", address=evolve(ACME.address, country="US"))
    assert missing(bill(seller=abroad)) == ["seller.vat_id"]
    assert missing(bill(seller=abroad, representative=NORD)) == []


def test_small_amounts_have_fewer_fields(bill: Bill) -> None:
    """Up to 250 EUR with VAT: section 33 UStDV asks for no buyer, number, tax id or unit price."""
    bare: dict[str, Any] = {
        "buyer": Party(),
        "number": "",
        "supplied": None,
        "seller": evolve(ACME, vat_id=""),
    }
    at_the_limit = bill(line("210.08", unit_price=None), **bare)
    assert at_the_limit.totals.gross == money("250.00", "EUR")
    assert check_mandatory(at_the_limit) == ()

    above = bill(line("210.09", unit_price=None), **bare)
    assert missing(above)[:2] == ["number", "buyer.name"]

    nameless = evolve(at_the_limit, seller=Party(address=ACME.address), subtotals=())
    assert [(each.field, each.source) for each in check_mandatory(nameless)] == [
        ("seller.name", "section 33 UStDV"),
        ("subtotals", "section 33 UStDV"),
    ]


def test_nothing_is_a_small_amount_where_the_buyer_owes_the_vat(bill: Bill) -> None:
    """Nor in another currency, or for a seller elsewhere."""
    assert is_small_amount(bill(line("10.00")))
    assert not is_small_amount(bill(line("-500.00")))
    assert not is_small_amount(bill(untaxed("10.00", AE), exemptions=REVERSE))
    dollars = line("10.00", currency="USD")
    assert not is_small_amount(bill(dollars, currency="USD"))
    assert not is_small_amount(bill(line("10.00"), seller=NORD))


def test_vat_is_told_in_the_sellers_currency_as_well(bill: Bill) -> None:
    """Art. 230: an invoice in dollars from Germany states its VAT in euros."""
    dollars = line("500.00", SEVEN, "USD")
    assert missing(bill(dollars, currency="USD")) == ["tax_in_national_currency"]
    told = bill(dollars, currency="USD", tax_in_national_currency=money("30.17", "EUR"))
    assert check_mandatory(told) == ()

    untaxed_dollars = line("5.00", Fraction(0), "USD", category=AE)
    assert check_mandatory(bill(untaxed_dollars, currency="USD", exemptions=REVERSE)) == ()

    (found,) = check_mandatory(evolve(told, tax_in_national_currency=money("30.17", "USD")))
    assert (found.rule, found.found, found.field) == ("BR-53", "USD", "tax_in_national_currency")

    facts: dict[str, Any] = {"number": "R-1", "issued": date(2026, 11, 30)}
    assert missing(draft_credit_note(told, **facts)) == ["tax_in_national_currency"]
    euros = money("30.17", "EUR")
    assert missing(draft_credit_note(told, **facts, tax_in_national_currency=euros)) == []


def test_a_credit_note_names_what_it_corrects(bill: Bill) -> None:
    """Section 31 (5) UStDV, Art. 219."""
    note = draft_credit_note(bill(number=""), number="R-1", issued=date(2026, 11, 30))
    (found,) = check_mandatory(note)
    assert (found.field, found.source) == ("corrects.number", "section 31 (5) UStDV")


def test_what_is_incomplete_is_not_issued(bill: Bill) -> None:
    """The first missing field, then the first wrong figure, as errors with a remedy."""
    with pytest.raises(InvalidInput) as caught:
        require_complete(bill(buyer=evolve(NORD, name="")))
    error = caught.value
    assert (error.code, error.field, error.value) == ("invoice.missing_field", "buyer.name", None)
    assert error.remedy == "state the full name"

    document = bill()
    wrong = evolve(document, totals=evolve(document.totals, payable=money("595.01", "EUR")))
    with pytest.raises(InvalidInput) as caught:
        require_complete(wrong)
    error = caught.value
    assert (error.code, error.field, error.value) == (
        "invoice.wrong_total",
        "totals.payable",
        "595.01",
    )
    assert error.remedy.endswith(": 595.00")
