"""Credit notes give back what was billed, piece by piece or at once, and never more."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.billing.invoicing.conftest import NINETEEN, SEVEN, Bill, line, untaxed

from retainkit.billing.invoicing import (
    Adjustment,
    AdjustmentKind,
    CreditNote,
    DocumentKind,
    InvoiceReference,
    check_totals,
    creditable,
    draft_credit_note,
    draft_invoice,
)
from retainkit.billing.tax import Exemption, TaxCategory
from retainkit.errors import InvalidInput, Refused
from retainkit.money import Money, from_minor, money, total


def euros(amount: str) -> Money:
    return money(amount, "EUR")


def test_a_whole_invoice_is_corrected(bill: Bill) -> None:
    """Lines, rates, reasons and allowances are those of the invoice that it names."""
    reverse = TaxCategory.REVERSE_CHARGE
    invoice = bill(
        line("100.00", id="a"),
        untaxed("50.00", reverse, id="b"),
        exemptions={reverse: Exemption(text="Reverse charge")},
        adjustments=(
            Adjustment(
                kind=AdjustmentKind.ALLOWANCE,
                amount=euros("10.00"),
                category=TaxCategory.STANDARD,
                rate=NINETEEN,
            ),
        ),
    )
    note = draft_credit_note(
        invoice, number="2026-0043", issued=date(2026, 11, 30), explanation="Wrong plan"
    )

    assert note.kind is DocumentKind.CREDIT_NOTE
    assert note.corrects == InvoiceReference(number="2026-0042", issued=date(2026, 11, 22))
    assert note.totals == invoice.totals
    assert note.subtotals == invoice.subtotals
    assert [each.credits for each in note.lines] == ["a", "b"]
    assert check_totals(note) == ()
    left = creditable(invoice, [note])
    assert (left.gross, list(left.lines.values())) == (euros("0"), [euros("0"), euros("0")])
    assert "<caption>Credit note 2026-0043</caption>" in note._repr_html_()


def test_pieces_come_to_what_the_whole_would(bill: Bill) -> None:
    """Three thirds of 0.03 at 19 %: 0.01 of VAT in all, and not three times nothing."""
    invoice = bill(line("0.03"))
    notes: list[CreditNote] = []
    for _ in range(3):
        notes.append(draft_credit_note(invoice, amounts={"1": euros("0.01")}, earlier=notes))
        assert check_totals(notes[-1]) == ()

    assert [note.totals.tax for note in notes] == [euros("0.00"), euros("0.00"), euros("0.01")]
    assert total((note.totals.gross for note in notes), "EUR") == invoice.totals.gross


def test_a_credit_note_without_its_history_is_found_out(bill: Bill) -> None:
    """The VAT of the last piece is right only beside the earlier ones."""
    invoice = bill(line("0.03"))
    first = draft_credit_note(invoice, amounts={"1": euros("0.02")})
    last = draft_credit_note(invoice, amounts={"1": euros("0.01")}, earlier=[first])
    (found,) = check_totals(evolve(last, before=()))
    assert (found.rule, found.field) == ("BR-CO-17", "subtotals[0].tax")
    assert (found.expected, found.found) == ("0.00", "0.01")


def test_what_is_left_can_be_taken_at_once(bill: Bill) -> None:
    """After a part of one line: the rest of it, and the others."""
    invoice = bill(line("100.00", id="a"), line("40.00", SEVEN, id="b"))
    part = draft_credit_note(invoice, amounts={"a": euros("30.00")})
    rest = draft_credit_note(invoice, earlier=[part])

    assert [(each.credits, each.net) for each in rest.lines] == [
        ("a", euros("70.00")),
        ("b", euros("40.00")),
    ]
    assert rest.totals.gross == euros("126.10")  # 83.30 + 42.80
    for amounts in (None, {"a": euros("0.00")}):
        with pytest.raises(InvalidInput) as caught:
            draft_credit_note(invoice, amounts=amounts, earlier=[part, rest])
        assert (caught.value.code, caught.value.field) == ("credit.nothing", "amounts")
        assert "creditable" in caught.value.remedy


def test_a_line_is_never_credited_beyond_what_was_billed(bill: Bill) -> None:
    """Several notes count together; a line that gave back is not credited the other way."""
    invoice = bill(line("100.00", id="a"), line("-30.00", id="b"))
    first = draft_credit_note(invoice, amounts={"a": euros("60.00"), "b": euros("-30.00")})
    assert first.totals.net == euros("30.00")

    for amounts in (
        {"a": euros("40.01")},
        {"a": euros("-0.01")},
        {"b": euros("-0.01")},
        {"b": euros("0.01")},
    ):
        ((name, amount),) = amounts.items()
        with pytest.raises(Refused) as caught:
            draft_credit_note(invoice, amounts=amounts, earlier=[first])
        error = caught.value
        assert (error.code, error.field) == ("credit.exceeds_line", f"amounts[{name}]")
        assert error.value == f"{amount.amount:f}"
        assert error.remedy.startswith("credit at most")


def test_an_allowance_on_the_document_limits_its_rate(bill: Bill) -> None:
    """Lines of 100 that were billed at 90 can't give back 100."""
    allowance = Adjustment(
        kind=AdjustmentKind.ALLOWANCE,
        amount=euros("10.00"),
        category=TaxCategory.STANDARD,
        rate=NINETEEN,
    )
    invoice = bill(line("100.00"), adjustments=(allowance,))
    with pytest.raises(Refused) as caught:
        draft_credit_note(invoice, amounts={"1": euros("95.00")})
    assert (caught.value.code, caught.value.value) == ("credit.exceeds_rate", "95.00")
    assert caught.value.remedy == "credit at most 90.00 EUR"
    assert draft_credit_note(invoice).totals.net == euros("90.00")


def test_an_invoice_is_never_credited_beyond_its_sum(bill: Bill) -> None:
    """Crediting the charge of an upgrade without its credit gives back more than was billed."""
    invoice = bill(line("100.00", id="a"), line("-70.00", SEVEN, id="b"))
    with pytest.raises(Refused) as caught:
        draft_credit_note(invoice, amounts={"a": euros("100.00")})
    assert (caught.value.code, caught.value.value) == ("credit.exceeds_invoice", "119.00")


def test_a_rounding_amount_is_given_back_with_the_rest(bill: Bill) -> None:
    """Who paid the 9.97 that was promised gets 9.97 back, whatever was credited before."""
    invoice = bill(line("8.37"), promised=euros("9.97"))
    assert draft_credit_note(invoice).totals.payable == euros("9.97")
    part = draft_credit_note(invoice, amounts={"1": euros("3.00")})
    rest = draft_credit_note(invoice, earlier=[part])
    paid = [note.totals.payable for note in (part, rest)]
    assert total(paid, "EUR") == euros("9.97")
    assert check_totals(rest) == ()


def test_a_credit_note_follows_the_invoice_whatever_the_order_of_the_amounts(bill: Bill) -> None:
    """Two hosts that name the same amounts get the same document."""
    invoice = bill(line("100.00", id="a"), line("50.00", SEVEN, id="b"))
    amounts = {"b": euros("10.00"), "a": euros("20.00")}
    note = draft_credit_note(invoice, amounts=amounts)
    assert [each.id for each in note.lines] == ["a", "b"]
    assert note == draft_credit_note(invoice, amounts=dict(reversed(amounts.items())))


def test_bad_credits_are_named(bill: Bill) -> None:
    """A line that is not there; a note to another invoice."""
    invoice = bill()
    with pytest.raises(InvalidInput) as caught:
        draft_credit_note(invoice, amounts={"9": euros("1.00")})
    error = caught.value
    assert (error.code, error.field, error.value) == ("credit.unknown_line", "amounts", "9")
    assert error.remedy == "name one of 1"

    other = draft_credit_note(bill(number="2026-0001"))
    with pytest.raises(InvalidInput) as caught:
        creditable(invoice, [other])
    error = caught.value
    assert (error.code, error.field, error.value) == (
        "credit.other_invoice",
        "earlier",
        "2026-0001",
    )
    assert "2026-0042" in error.remedy

    with pytest.raises(InvalidInput) as caught:
        draft_credit_note(invoice, amounts={"1": euros("1.005")})
    assert caught.value.code == "money.fraction_of_minor_unit"

    alike = bill(line("10.00"), line("30.00", SEVEN))
    with pytest.raises(InvalidInput) as caught:
        draft_credit_note(alike, amounts={"1": euros("10.00")})
    error = caught.value
    assert (error.code, error.field, error.value) == ("credit.line_twice", "invoice", "1")
    assert error.remedy == "give each line an id of its own"


_rates = st.sampled_from([NINETEEN, SEVEN, Fraction(55, 1000)])
_lines = st.lists(st.tuples(st.integers(1, 99_999), _rates), min_size=1, max_size=5)


@settings(max_examples=1000)
@given(_lines, st.lists(st.integers(0, 4), max_size=6), st.data())
def test_credit_notes_never_exceed_the_invoice(
    figures: list[tuple[int, Fraction]], turns: list[int], data: st.DataObject
) -> None:
    """Any pieces, then all the rest: each is right, and together they are the invoice."""
    invoice = draft_invoice(
        currency="EUR",
        lines=[
            line(str(from_minor(net, "EUR").amount), rate, id=str(number))
            for number, (net, rate) in enumerate(figures)
        ],
    )
    notes: list[CreditNote] = []
    for turn in turns:
        name = str(turn % len(figures))
        rest = creditable(invoice, notes).lines[name]
        cents = int(rest.amount * 100)
        if cents:
            part = from_minor(data.draw(st.integers(1, cents)), "EUR")
            notes.append(draft_credit_note(invoice, amounts={name: part}, earlier=notes))
    if creditable(invoice, notes).gross.amount or any(
        each.amount for each in creditable(invoice, notes).lines.values()
    ):
        notes.append(draft_credit_note(invoice, earlier=notes))

    assert [check_totals(note) for note in notes] == [()] * len(notes)
    assert total((note.totals.gross for note in notes), "EUR") == invoice.totals.gross
    assert total((note.totals.tax for note in notes), "EUR") == invoice.totals.tax
