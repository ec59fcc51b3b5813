"""Our invoice against the provider's, line by line, tolerance 0; each difference is explained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from fractions import Fraction

from attrs import field, frozen

from retainkit.billing.invoicing._documents import InvoiceDocument
from retainkit.billing.invoicing._lines import InvoiceLine, negated
from retainkit.billing.invoicing._provider import ProviderInvoice, ProviderLine
from retainkit.core import JsonObject
from retainkit.money import Money, Rounding, compare, round_fraction, to_json, to_units, total
from retainkit.timing import Period


class DifferenceKind(StrEnum):
    """What differs between two invoices, and by what."""

    MISSING_LINE = "missing_line"
    """We bill it, the provider does not."""

    EXTRA_LINE = "extra_line"
    """The provider bills it, we do not."""

    ROUNDING = "rounding"
    """A line's amount, by one minor unit."""

    AMOUNT = "amount"
    """A line's amount, by more, and neither period nor quantity explains it."""

    AMOUNT_BY_PERIOD = "amount_by_period"
    """A line's amount, in proportion to the other period."""

    AMOUNT_BY_QUANTITY = "amount_by_quantity"
    """A line's amount, in proportion to the other quantity."""

    PERIOD = "period"
    """The period that a line bills."""

    QUANTITY = "quantity"
    """How many units a line bills."""

    TAX = "tax"
    """A line's tax, its net amount being the same."""

    TAX_BY_AMOUNT = "tax_by_amount"
    """A line's tax, its net amount being another one as well."""

    TOTAL_NET = "total_net"
    """The total without tax, by what no line explains."""

    TOTAL_TAX = "total_tax"
    """The tax, by what no line explains."""

    CURRENCY = "currency"
    """The currency: nothing else can be compared."""


@frozen(kw_only=True)
class Difference:
    """
    One difference, theirs less ours.

    Args:
        kind: What differs.

        line: The id of our line, if there is one.

        their_line: The provider's id of its line, if there is one.

        net: By how much the net amounts differ; zero where they don't.

        tax: By how much the taxes differ; zero where they don't.

        values: What stands on both sides, for `retainkit.messages.invoices.explain_difference`.
    """

    kind: DifferenceKind
    line: str | None = None
    their_line: str | None = None
    net: Money
    tax: Money
    values: JsonObject = field(factory=dict)


@frozen(kw_only=True)
class Reconciliation:
    """
    What a comparison came to.

    The differences' `net` and `tax` add up to the differences of the totals, exactly.

    Args:
        matched: The ids of the lines that belong together, ours first.

        differences: What differs; nothing when the invoices agree to the last minor unit.

        net: The provider's net total less ours; None where the currencies differ.

        tax: The provider's tax less ours; None where the currencies differ.
    """

    matched: tuple[tuple[str, str], ...]
    differences: tuple[Difference, ...]
    net: Money | None
    tax: Money | None

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    def _repr_html_(self) -> str:
        """A plain English table, for notebooks."""
        from retainkit.billing.invoicing._tables import amount, html_table

        head = ("Difference", "Our line", "Their line", "Net", "Tax")
        rows = tuple(
            (
                each.kind.value.replace("_", " "),
                each.line or "-",
                each.their_line or "-",
                amount(each.net),
                amount(each.tax),
            )
            for each in self.differences
        )
        verdict = f"{len(rows)} differences" if rows else "No difference"
        return html_table(f"{verdict}, {len(self.matched)} lines matched", head, rows)


def reconcile(ours: InvoiceDocument, theirs: ProviderInvoice) -> Reconciliation:
    """
    Compare our invoice with the provider's, line by line, to the last minor unit.

    Lines belong together when they bill the same item or price in the same direction, the same
    period and amount first; lines that name neither, when period and amount are the same. Our
    lines are found by `InvoiceLine.item` and `InvoiceLine.price`, which hold the provider's ids
    of the subscription item and the price. A line of nothing that the other side leaves out is
    no difference.

    Args:
        ours: What should be billed.

        theirs: What the provider bills.
    """
    if ours.currency != theirs.currency:
        nothing = total((), ours.currency)
        other = Difference(
            kind=DifferenceKind.CURRENCY,
            net=nothing,
            tax=nothing,
            values={"ours": ours.currency, "theirs": theirs.currency},
        )
        return Reconciliation(matched=(), differences=(other,), net=None, tax=None)
    pairs = _pairs(ours.lines, theirs.lines)
    differences = list(_lines(ours, theirs, pairs))
    net = _less(theirs.net, ours.totals.net)
    tax = _less(theirs.tax, ours.totals.tax)
    differences.extend(_totals(differences, ours, theirs, net, tax))
    return Reconciliation(
        matched=tuple((ours.lines[i].id, theirs.lines[j].id) for i, j in pairs),
        differences=tuple(differences),
        net=net,
        tax=tax,
    )


def _pairs(
    ours: Sequence[InvoiceLine], theirs: Sequence[ProviderLine]
) -> tuple[tuple[int, int], ...]:
    """Which lines belong together: the likest ones first, among equals the earlier ones."""
    scored = sorted(
        (-score, i, j)
        for i, mine in enumerate(ours)
        for j, other in enumerate(theirs)
        if (score := _likeness(mine, other))
    )
    left, right = set(range(len(ours))), set(range(len(theirs)))
    pairs = []
    for _, i, j in scored:
        if i in left and j in right:
            left.discard(i)
            right.discard(j)
            pairs.append((i, j))
    return tuple(sorted(pairs))


def _likeness(mine: InvoiceLine, other: ProviderLine) -> int:
    """How alike two lines are; 0 when they can't be the same."""
    if (mine.net.amount < 0) != (other.net.amount < 0):
        return 0
    same_item = mine.item is not None and mine.item == other.item
    same_price = mine.price is not None and mine.price == other.price
    same_net = compare(mine.net, other.net) == 0
    same_period = mine.period is not None and mine.period == other.period
    named = (mine.item and other.item) or (mine.price and other.price)
    if not (same_item or same_price) and (named or not (same_net and same_period)):
        return 0
    return 1 + 8 * same_period + 4 * same_price + 2 * same_net + same_item


def _lines(
    ours: InvoiceDocument, theirs: ProviderInvoice, pairs: Sequence[tuple[int, int]]
) -> Iterator[Difference]:
    nothing = total((), ours.currency)
    matched = dict(pairs)
    for i, mine in enumerate(ours.lines):
        if i in matched:
            yield from _line(mine, theirs.lines[matched[i]])
            continue
        if _is_nothing(mine):
            continue
        yield Difference(
            kind=DifferenceKind.MISSING_LINE,
            line=mine.id,
            net=negated(mine.net),
            tax=negated(mine.tax or nothing),
            values={"ours": to_json(mine.net), **_told(mine.period, "period")},
        )
    found = set(matched.values())
    for j, other in enumerate(theirs.lines):
        if j not in found and not _is_nothing(other):
            yield Difference(
                kind=DifferenceKind.EXTRA_LINE,
                their_line=other.id,
                net=other.net,
                tax=other.tax or nothing,
                values={"theirs": to_json(other.net), **_told(other.period, "period")},
            )


def _is_nothing(line: InvoiceLine | ProviderLine) -> bool:
    return not line.net.amount and (line.tax is None or not line.tax.amount)


def _line(mine: InvoiceLine, other: ProviderLine) -> Iterator[Difference]:
    nothing = total((), mine.net.currency)

    def difference(
        kind: DifferenceKind, values: JsonObject, net: Money = nothing, tax: Money = nothing
    ) -> Difference:
        return Difference(
            kind=kind, line=mine.id, their_line=other.id, net=net, tax=tax, values=values
        )

    net = _less(other.net, mine.net)
    if net.amount:
        yield difference(
            _why(mine, other, net),
            {"ours": to_json(mine.net), "theirs": to_json(other.net), "by": to_json(net)},
            net=net,
        )
    if mine.period is not None and other.period is not None and mine.period != other.period:
        yield difference(
            DifferenceKind.PERIOD, {**_told(mine.period, "our"), **_told(other.period, "their")}
        )
    if abs(mine.quantity) != abs(other.quantity):
        yield difference(
            DifferenceKind.QUANTITY,
            {"ours": str(abs(mine.quantity)), "theirs": str(abs(other.quantity))},
        )
    if mine.tax is not None and other.tax is not None:
        tax = _less(other.tax, mine.tax)
        if tax.amount:
            kind = DifferenceKind.TAX_BY_AMOUNT if net.amount else DifferenceKind.TAX
            values: JsonObject = {
                "ours": to_json(mine.tax), "theirs": to_json(other.tax), "by": to_json(tax)
            }  # fmt: skip
            yield difference(kind, values, tax=tax)


def _why(mine: InvoiceLine, other: ProviderLine, net: Money) -> DifferenceKind:
    """What explains another amount, if anything does."""
    units, their_units = abs(mine.quantity), abs(other.quantity)
    if units not in {their_units, 0} and _in_proportion(mine.net, other.net, their_units / units):
        return DifferenceKind.AMOUNT_BY_QUANTITY
    if mine.period is not None and other.period is not None and mine.period != other.period:
        ratio = _length(other.period) / _length(mine.period)
        if _in_proportion(mine.net, other.net, ratio):
            return DifferenceKind.AMOUNT_BY_PERIOD
    return DifferenceKind.ROUNDING if abs(to_units(net)) <= 1 else DifferenceKind.AMOUNT


def _in_proportion(mine: Money, other: Money, ratio: Fraction) -> bool:
    # Ours was rounded: what it stood for may be half a minor unit away.
    low, high = (to_units(mine) + half for half in (Fraction(-1, 2), Fraction(1, 2)))
    edges = sorted(round_fraction(edge * ratio, Rounding.HALF_UP) for edge in (low, high))
    return edges[0] <= to_units(other) <= edges[1]


def _length(period: Period) -> Fraction:
    length = period.length
    return Fraction(length.days * 86_400 + length.seconds) + Fraction(
        length.microseconds, 1_000_000
    )


def _totals(
    differences: Sequence[Difference],
    ours: InvoiceDocument,
    theirs: ProviderInvoice,
    net: Money,
    tax: Money,
) -> Iterator[Difference]:
    """What the lines leave unexplained of the totals."""
    code = ours.currency
    nothing = total((), code)
    rest = _less(net, total((each.net for each in differences), code))
    if rest.amount:
        yield Difference(
            kind=DifferenceKind.TOTAL_NET,
            net=rest,
            tax=nothing,
            values={
                "ours": to_json(ours.totals.net),
                "theirs": to_json(theirs.net),
                "by": to_json(rest),
            },
        )
    rest = _less(tax, total((each.tax for each in differences), code))
    if rest.amount:
        yield Difference(
            kind=DifferenceKind.TOTAL_TAX,
            net=nothing,
            tax=rest,
            values={
                "ours": to_json(ours.totals.tax),
                "theirs": to_json(theirs.tax),
                "by": to_json(rest),
            },
        )


def _told(period: Period | None, name: str) -> JsonObject:
    if period is None:
        return {}
    return {f"{name}_start": period.start.isoformat(), f"{name}_end": period.end.isoformat()}


def _less(left: Money, right: Money) -> Money:
    return total((left, negated(right)), left.currency)
