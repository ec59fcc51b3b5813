"""Lines as a question about tax, and with its answer; the tax itself is ``billing.tax``."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from attrs import evolve

from retainkit.billing.proration._line import Line
from retainkit.billing.proration._subscription import BilledLine, Subscription
from retainkit.billing.tax import QuoteState, TaxBehavior, TaxedLine, TaxQuote
from retainkit.errors import InvalidInput, Refused
from retainkit.money import Rounding, from_minor, round_fraction, to_minor, to_units, total


def taxed_lines(lines: tuple[Line, ...], quote: TaxQuote) -> tuple[Line, ...]:
    """The lines with the tax that a quote gives them; inside this room only."""
    if quote.state is not QuoteState.OK:
        raise tax_unknown(quote.state.value)
    parts: dict[str, list[TaxedLine]] = {}
    for part in quote.lines:
        parts.setdefault(part.source, []).append(part)
    return tuple(_taxed(line, tuple(parts.get(line.id, ()))) for line in lines)


def taxed_billed(
    billed: tuple[BilledLine, ...], lines: tuple[Line, ...], before: Subscription
) -> tuple[BilledLine, ...]:
    """The billed lines, where the new ones say how they were taxed; inside this room only."""
    taxed = {line.id: line for line in lines if line.tax}
    old = {line.id for line in before.billed}
    found: list[BilledLine] = []
    for each in billed:
        line = taxed.get(each.id)
        found += [each] if line is None or each.id in old else _in_parts(each, line)
    return tuple(found)


def tax_unknown(state: str | None) -> Refused:
    """The error for a tax that nobody has said; inside this room only."""
    return Refused(
        "The tax of these lines is not known, and an unknown tax is not zero",
        code="proration.tax_unknown",
        field="quote",
        value=state,
        remedy="ask with tax_request() and give the answer to with_tax(); or say without_tax()",
    )


def _taxed(line: Line, parts: tuple[TaxedLine, ...]) -> Line:
    inclusive = line.behavior is TaxBehavior.INCLUSIVE
    stated = [part.gross if inclusive else part.net for part in parts]
    if (
        not stated
        or (stated[0] if len(stated) == 1 else total(stated, line.net.currency)) != line.net
    ):
        raise InvalidInput(
            "The quote is not about these lines",
            code="proration.quote",
            field="quote",
            value=line.id,
            remedy="ask with the tax_request() of this very preview",
        )
    return line.taxed(parts)


def _in_parts(billed: BilledLine, line: Line) -> Iterator[BilledLine]:
    if len(line.tax) == 1:
        part = line.tax[0]
        gross = part.gross
        if line.net != billed.net and to_minor(line.net):  # a difference, not the charge itself
            exact = Fraction(to_minor(billed.net) * to_minor(part.gross), to_minor(line.net))
            gross = from_minor(round_fraction(exact, Rounding.HALF_UP), billed.net.currency)
        yield evolve(billed, gross=gross, tax=part.treatment)
        return
    for part in line.tax:
        net = part.gross if line.behavior is TaxBehavior.INCLUSIVE else part.net
        yield evolve(
            billed,
            id=part.id,
            period=part.period or billed.period,
            until=(part.period or billed.period).end,
            net=net,
            exact=to_units(net),
            credited=from_minor(0, net.currency),
            gross=part.gross,
            tax=part.treatment,
        )
