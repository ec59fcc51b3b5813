"""Void, credited and written off are three things, and only one of them touches VAT by itself."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.billing.invoicing.conftest import NINETEEN, SEVEN, Bill, line

from retainkit.billing.invoicing import (
    InvoiceReference,
    WriteOff,
    draft_credit_note,
    draft_invoice,
    recovered,
    void,
    write_off,
)
from retainkit.errors import InvalidInput, Refused
from retainkit.money import Money, from_minor, money, total


TODAY = date(2026, 11, 22)


def euros(amount: str) -> Money:
    return money(amount, "EUR")


def test_a_write_off_states_the_vat_it_touches(bill: Bill) -> None:
    """595.00 that nobody will pay are 500.00 and 95.00 of VAT that come back (section 17 UStG)."""
    given_up = write_off(bill(), euros("595.00"), on=TODAY, reason="insolvent")

    assert given_up.tax == euros("95.00")
    assert [(each.rate, each.taxable, each.tax) for each in given_up.taxes] == [
        (NINETEEN, euros("500.00"), euros("95.00"))
    ]
    assert given_up.invoice == InvoiceReference(number="2026-0042", issued=date(2026, 11, 22))
    assert "section 17 (2) no. 1 UStG" in given_up.source


def test_a_part_touches_each_rate_by_its_share(bill: Bill) -> None:
    """Half of what is billed at 19 % and at 7 %."""
    invoice = bill(line("100.00", id="a"), line("100.00", SEVEN, id="b"))
    given_up = write_off(invoice, euros("113.00"), on=TODAY, paid=euros("113.00"))
    assert [(each.taxable, each.tax) for each in given_up.taxes] == [
        (euros("50.00"), euros("9.50")),
        (euros("50.00"), euros("3.50")),
    ]


def test_a_rounding_amount_can_be_given_up_as_well(bill: Bill) -> None:
    """All of the 9.97 that were to pay, though 9.96 are net and VAT; the VAT is that of the sum."""
    invoice = bill(line("8.37"), promised=euros("9.97"))
    given_up = write_off(invoice, euros("9.97"), on=TODAY)
    assert (given_up.amount, given_up.tax) == (euros("9.97"), euros("1.59"))
    less = bill(line("8.37"), promised=euros("9.95"))
    with pytest.raises(Refused) as caught:
        write_off(less, euros("9.96"), on=TODAY)
    assert caught.value.remedy == "write off at most 9.95 EUR"


@pytest.mark.parametrize("amount", ["1.005", "0.001"])
def test_nothing_below_a_cent_is_given_up(bill: Bill, amount: str) -> None:
    """Nor recovered: it could not be booked."""
    given_up = write_off(bill(), euros("100.00"), on=TODAY)
    with pytest.raises(InvalidInput) as caught:
        write_off(bill(), euros(amount), on=TODAY)
    assert caught.value.code == "money.fraction_of_minor_unit"
    with pytest.raises(InvalidInput) as caught:
        recovered(given_up, euros(amount), on=TODAY)
    assert caught.value.code == "money.fraction_of_minor_unit"


def test_what_is_credited_in_between_is_not_given_up_again(bill: Bill) -> None:
    """Half written off, a part credited, the rest written off: the VAT is that of the invoice."""
    invoice = bill(line("100.00", id="a"), line("100.00", SEVEN, id="b"))
    half = write_off(invoice, euros("113.00"), on=TODAY)
    note = draft_credit_note(invoice, amounts={"a": euros("50.00")})
    rest = write_off(invoice, euros("53.50"), on=TODAY, credited=[note], earlier=[half])
    assert [each.tax for each in rest.taxes] == [euros("0.00"), euros("3.50")]
    touched = total((half.tax, note.totals.tax, rest.tax), "EUR")
    assert touched == invoice.totals.tax == euros("26.00")


def test_no_more_is_given_up_than_is_open(bill: Bill) -> None:
    """What is paid, credited, prepaid or written off is open no more."""
    invoice = bill(prepaid=euros("95.00"))  # 595.00, of which 500.00 are open
    note = draft_credit_note(invoice, amounts={"1": euros("100.00")})  # 119.00
    first = write_off(invoice, euros("81.00"), on=TODAY, credited=[note])
    with pytest.raises(Refused) as caught:
        write_off(
            invoice,
            euros("200.01"),
            on=TODAY,
            paid=euros("100.00"),
            credited=[note],
            earlier=[first],
        )
    error = caught.value
    assert (error.code, error.field, error.value) == (
        "write_off.exceeds_open",
        "amount",
        "200.01",
    )
    assert error.remedy == "write off at most 200.00 EUR"

    for amount in ("0.00", "-5.00"):
        with pytest.raises(InvalidInput) as bad:
            write_off(invoice, euros(amount), on=TODAY)
        assert (bad.value.code, bad.value.field) == ("write_off.amount", "amount")
        assert bad.value.remedy


def test_what_is_paid_after_all_owes_its_vat_again(bill: Bill) -> None:
    """In parts, too: together they are the write-off with the other sign."""
    given_up = write_off(bill(), euros("595.00"), on=TODAY)
    first = recovered(given_up, euros("119.00"), on=TODAY)
    assert (first.amount, first.tax) == (euros("-119.00"), euros("-19.00"))
    second = recovered(given_up, euros("476.00"), on=TODAY, earlier=[first])
    assert total((first.tax, second.tax), "EUR") == euros("-95.00")

    with pytest.raises(InvalidInput) as caught:
        recovered(given_up, euros("0.01"), on=TODAY, earlier=[first, second])
    error = caught.value
    assert (error.code, error.field, error.remedy) == (
        "write_off.amount",
        "amount",
        "pass at most 0.00",
    )


def test_an_invoice_that_never_went_out_is_void(bill: Bill) -> None:
    """Nothing is corrected; its number stays used."""
    voided = void(bill(), on=TODAY, delivered=False, paid=None, reason="made twice")
    assert (voided.invoice.number, voided.reason) == ("2026-0042", "made twice")


def test_an_invoice_in_somebodys_hands_is_not_void(bill: Bill) -> None:
    """VAT that it states is owed until a document corrects it; so is money that was paid."""
    with pytest.raises(Refused) as caught:
        void(bill(), on=TODAY, delivered=True, paid=None)
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "void.delivered",
        "delivered",
        True,
    )
    assert "draft_credit_note" in caught.value.remedy

    with pytest.raises(Refused) as caught:
        void(bill(), on=TODAY, delivered=False, paid=euros("1.00"))
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "void.paid",
        "paid",
        "1.00",
    )


@given(
    st.lists(
        st.tuples(st.integers(1, 99_999), st.sampled_from([NINETEEN, SEVEN])),
        min_size=1,
        max_size=4,
    ),
    st.data(),
)
def test_pieces_of_a_write_off_come_to_the_whole(figures: object, data: st.DataObject) -> None:
    """However it is given up, net and VAT make each amount, and all of it is all of the VAT."""
    assert isinstance(figures, list)
    invoice = draft_invoice(
        currency="EUR",
        lines=[
            line(str(from_minor(net, "EUR").amount), rate, id=str(number))
            for number, (net, rate) in enumerate(figures)
        ],
    )
    left = int(invoice.totals.gross.amount * 100)
    pieces: list[WriteOff] = []
    while left:
        part = left if len(pieces) == 4 else data.draw(st.integers(1, left))
        pieces.append(write_off(invoice, from_minor(part, "EUR"), on=TODAY, earlier=pieces))
        left -= part
    for piece in pieces:
        sums = [each.taxable for each in piece.taxes]
        assert total((*sums, piece.tax), "EUR") == piece.amount
    assert total((piece.tax for piece in pieces), "EUR") == invoice.totals.tax
