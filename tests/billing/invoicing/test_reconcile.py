"""Our invoice against the provider's: tolerance 0, and every difference has its reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.billing.invoicing.conftest import NOVEMBER, Bill, line

from retainkit.billing.invoicing import (
    DifferenceKind,
    InvoiceLine,
    ProviderInvoice,
    ProviderLine,
    draft_invoice,
    reconcile,
)
from retainkit.money import Money, from_minor, money, to_json, total
from retainkit.timing import Period


HALF = Period(start=datetime(2026, 11, 16, tzinfo=UTC), end=datetime(2026, 12, 1, tzinfo=UTC))


def euros(amount: str) -> Money:
    return money(amount, "EUR")


def ours(amount: str, **more: Any) -> InvoiceLine:
    """One of our lines, of an item at a price."""
    return line(amount, **{"item": "si_1", "price": "price_1", "period": NOVEMBER, **more})


def theirs(amount: str, **more: Any) -> ProviderLine:
    """One of the provider's lines, of the same item at the same price."""
    facts: dict[str, Any] = {
        "id": "il_1",
        "net": euros(amount),
        "item": "si_1",
        "price": "price_1",
        "period": NOVEMBER,
        **more,
    }
    return ProviderLine(**facts)


def invoice(*lines: ProviderLine, tax: str = "95.00", net: str | None = None) -> ProviderInvoice:
    """The provider's invoice of these lines."""
    sums = total((each.net for each in lines), "EUR") if net is None else euros(net)
    return ProviderInvoice(
        id="in_1",
        currency="EUR",
        lines=lines,
        net=sums,
        tax=euros(tax),
        gross=total((sums, euros(tax)), "EUR"),
    )


def test_the_same_invoice_agrees(bill: Bill) -> None:
    """To the last cent, whatever the lines are called."""
    found = reconcile(bill(ours("500.00")), invoice(theirs("500.00")))
    assert found.agrees
    assert (found.matched, found.net, found.tax) == ((("1", "il_1"),), euros("0"), euros("0"))
    assert "No difference" in found._repr_html_()


def kinds(bill: Bill, mine: InvoiceLine, other: ProviderLine, tax: str) -> list[str]:
    return [each.kind.value for each in reconcile(bill(mine), invoice(other, tax=tax)).differences]


def test_each_difference_of_a_line_has_its_reason(bill: Bill) -> None:
    """Rounding, period, quantity, tax, or none that we know."""
    assert kinds(bill, ours("500.00"), theirs("500.01"), "95.00") == ["rounding"]
    assert kinds(bill, ours("500.00"), theirs("512.34"), "95.00") == ["amount"]
    assert kinds(bill, ours("500.00"), theirs("250.00", period=HALF), "95.00") == [
        "amount_by_period",
        "period",
    ]
    assert kinds(bill, ours("500.00"), theirs("1000.00", quantity=2), "95.00") == [
        "amount_by_quantity",
        "quantity",
    ]
    taxed = ours("500.00", tax=euros("95.00"))
    assert kinds(bill, taxed, theirs("500.00", tax=euros("95.00")), "95.00") == []
    assert kinds(bill, taxed, theirs("500.00", tax=euros("105.00")), "105.00") == ["tax"]
    assert kinds(bill, taxed, theirs("400.00", tax=euros("76.00")), "76.00") == [
        "amount",
        "tax_by_amount",
    ]


def test_what_only_one_of_them_bills_is_named(bill: Bill) -> None:
    """A line of ours that is missing, a line of theirs that is extra."""
    found = reconcile(
        bill(ours("500.00"), ours("20.00", id="2", item="si_2", price="price_2")),
        invoice(
            theirs("500.00"),
            theirs("7.00", id="il_9", item="si_9", price="price_9"),
            tax="98.80",
        ),
    )
    missing, extra = found.differences
    assert (missing.kind, missing.line, missing.net) == (
        DifferenceKind.MISSING_LINE,
        "2",
        euros("-20.00"),
    )
    assert (extra.kind, extra.their_line, extra.net) == (
        DifferenceKind.EXTRA_LINE,
        "il_9",
        euros("7.00"),
    )
    assert extra.values["theirs"] == to_json(euros("7.00"))
    assert found.net == euros("-13.00")
    assert "2 differences, 1 lines matched" in found._repr_html_()


def test_totals_that_no_line_explains_are_named(bill: Bill) -> None:
    """A discount on the whole invoice; tax that is given for the whole alone."""
    found = reconcile(bill(ours("500.00")), invoice(theirs("500.00"), net="490.00", tax="93.10"))
    assert [(each.kind, each.net, each.tax) for each in found.differences] == [
        (DifferenceKind.TOTAL_NET, euros("-10.00"), euros("0")),
        (DifferenceKind.TOTAL_TAX, euros("0"), euros("-1.90")),
    ]


def test_another_currency_ends_the_comparison(bill: Bill) -> None:
    """Nothing is subtracted across currencies."""
    dollars = ProviderInvoice(
        id="in_1",
        currency="USD",
        lines=(),
        net=money("500", "USD"),
        tax=money("95", "USD"),
        gross=money("595", "USD"),
    )
    found = reconcile(bill(ours("500.00")), dollars)
    (only,) = found.differences
    assert (only.kind, dict(only.values)) == (
        DifferenceKind.CURRENCY,
        {"ours": "EUR", "theirs": "USD"},
    )
    assert (found.net, found.tax, found.agrees) == (None, None, False)


def test_a_credit_and_a_charge_of_one_item_find_their_own(bill: Bill) -> None:
    """As an upgrade bills them: the direction and the price tell them apart."""
    document = bill(
        ours("-250.00", id="credit", period=HALF),
        ours("400.00", id="charge", period=HALF, price="price_2"),
        ours("800.00", id="renewal", price="price_2"),
    )
    found = reconcile(
        document,
        invoice(
            theirs("800.00", id="il_3", price="price_2"),
            theirs("400.00", id="il_2", period=HALF, price="price_2"),
            theirs("-250.00", id="il_1", period=HALF),
            tax="180.50",
        ),
    )
    assert found.matched == (("credit", "il_1"), ("charge", "il_2"), ("renewal", "il_3"))
    assert found.agrees


def test_a_line_of_nothing_is_no_difference(bill: Bill) -> None:
    """In the last second of a period a credit rounds to zero: one shows it, the other doesn't."""
    nothing = theirs("0.00", id="il_2", item="si_2", price="price_2")
    assert reconcile(bill(ours("500.00")), invoice(theirs("500.00"), nothing)).agrees
    zero = ours("0.00", id="2", item="si_2", price="price_2")
    assert reconcile(bill(ours("500.00"), zero), invoice(theirs("500.00"))).agrees


def test_lines_without_ids_are_found_by_period_and_amount(bill: Bill) -> None:
    """As where a host keeps none of the provider's ids."""
    bare = ours("500.00", item=None, price=None)
    assert reconcile(bill(bare), invoice(theirs("500.00"))).agrees
    found = reconcile(bill(bare), invoice(theirs("499.00", period=None)))
    assert [each.kind.value for each in found.differences] == ["missing_line", "extra_line"]


_nets = st.integers(-50_000, 50_000)
_figures = st.tuples(_nets, st.sampled_from(["si_1", "si_2"]), st.sampled_from([NOVEMBER, HALF]))


@given(st.lists(_figures, min_size=1, max_size=6), st.lists(_figures, max_size=6), _nets, _nets)
def test_the_differences_add_up_to_the_difference(
    left: list[tuple[int, str, Period]],
    right: list[tuple[int, str, Period]],
    net: int,
    tax: int,
) -> None:
    """Whatever is compared, nothing is left unexplained; what agrees has no difference."""
    mine = draft_invoice(
        currency="EUR",
        lines=[
            ours(str(from_minor(each, "EUR").amount), id=str(number), item=item, period=period)
            for number, (each, item, period) in enumerate(left)
        ],
    )
    given = ProviderInvoice(
        id="in_1",
        currency="EUR",
        lines=tuple(
            ProviderLine(id=f"il_{number}", net=from_minor(each, "EUR"), item=item, period=period)
            for number, (each, item, period) in enumerate(right)
        ),
        net=from_minor(net, "EUR"),
        tax=from_minor(tax, "EUR"),
        gross=from_minor(net + tax, "EUR"),
    )
    found = reconcile(mine, given)
    assert total((each.net for each in found.differences), "EUR") == found.net
    assert total((each.tax for each in found.differences), "EUR") == found.tax
    assert len({one for one, _ in found.matched}) == len(found.matched)
    assert len({other for _, other in found.matched}) == len(found.matched)
