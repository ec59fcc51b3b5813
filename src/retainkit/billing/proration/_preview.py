"""What a change costs, before anybody commits to it: `preview_change` and its answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from fractions import Fraction
from html import escape

from attrs import evolve, field, frozen

from retainkit.billing.proration._changes import Cancel, Change, Terms, terms_after
from retainkit.billing.proration._line import Line, LineKind
from retainkit.billing.proration._policy import (
    RECOMMENDED,
    Anchor,
    Behavior,
    Bill,
    Biller,
    ProrationPolicy,
    When,
)
from retainkit.billing.proration._reckoning import (
    Known,
    Reckoning,
    charge_line,
    credit_lines,
    difference,
    fee_line,
)
from retainkit.billing.proration._settlement import Settlement, carried_on, gross_of, settled
from retainkit.billing.proration._shares import cut
from retainkit.billing.proration._subscription import BilledLine, Subscription
from retainkit.billing.tax import (
    Buyer,
    Finding,
    NationalCurrency,
    QuoteState,
    Seller,
    TaxBehavior,
    TaxedLine,
    TaxPoint,
    TaxQuote,
    TaxRequest,
    TaxRounding,
    UnverifiedVatId,
)
from retainkit.errors import InvalidInput, Refused
from retainkit.money import (
    Money,
    Rounding,
    from_minor,
    round_fraction,
    to_minor,
    to_units,
    total,
)
from retainkit.timing import Period, local_time, period_at, utc


@frozen(kw_only=True)
class NextInvoice:
    """
    The invoice that comes next.

    Args:
        at: When.

        period: What it bills; None when there is nothing but lines that waited.

        lines: Those of the period, and those that waited.

        carried: The credit that lowers it.

        zone: The subscription's, in which its day lies.
    """

    at: datetime
    period: Period | None
    lines: tuple[Line, ...]
    carried: Money
    zone: str = "UTC"

    @property
    def total(self) -> Money:
        """All lines together, with tax where it is known; may be negative."""
        return from_minor(sum(map(gross_of, self.lines)), self.carried.currency)

    @property
    def due(self) -> Money:
        """What is to be paid: the total less the credit carried, never below zero."""
        units = to_units(self.total) - to_units(self.carried)
        return from_minor(max(0, int(units)), self.carried.currency)

    def tax_request(
        self,
        *,
        seller: Seller,
        buyer: Buyer,
        tax_point: TaxPoint | date | None = None,
        rounding: TaxRounding | None = None,
    ) -> TaxRequest:
        """
        The lines as a question about tax, as `Preview.tax_request`.

        Args:
            seller: Who sells.

            buyer: Who buys.

            tax_point: What the date of the rate is decided from; the local day of the invoice
                unless given.

            rounding: Where tax is rounded.
        """
        return TaxRequest(
            currency=self.carried.currency.code,
            seller=seller,
            buyer=buyer,
            tax_point=tax_point or local_time(self.at, self.zone).date(),
            lines=tuple(line.taxable() for line in self.lines),
            rounding=rounding or TaxRounding(),
        )

    def with_tax(self, quote: TaxQuote) -> NextInvoice:
        """
        The invoice with the tax of its lines.

        Raises:
            InvalidInput: ``proration.quote``; Refused: ``proration.tax_unknown``.
        """
        return evolve(self, lines=taxed_lines(self.lines, quote))


@frozen(kw_only=True)
class Applied:
    """
    A change that was shown and agreed to.

    Args:
        subscription: As it is now.

        lines: What is invoiced, or waits.

        total: All of it.

        settlement: Where the money goes.

        authoritative: Whether these figures count; with `Biller.PROVIDER` they are what its
            invoice is reconciled with.
    """

    subscription: Subscription
    lines: tuple[Line, ...]
    total: Money
    settlement: Settlement
    authoritative: bool


@frozen(kw_only=True)
class Preview:
    """
    What a change comes to. Pure: the same arguments give the same preview.

    Args:
        before: The subscription as it was.

        changes: What is changed.

        at: When.

        policy: By which rules.

        biller: Whose figures count.

        lines: What is given back and charged.

        pending: Whether the lines wait for the next invoice.

        findings: What a person should know.

        quote: The tax, once it was given.

        untaxed: Whether it was said that there is none to reckon here.
    """

    before: Subscription
    _after: Subscription = field(repr=False)
    changes: tuple[Change, ...]
    at: datetime
    policy: ProrationPolicy
    biller: Biller
    lines: tuple[Line, ...]
    pending: bool
    findings: tuple[Finding, ...] = ()
    quote: TaxQuote | None = None
    untaxed: bool = False
    _known: Known = field(factory=Known, eq=False, repr=False)
    _settled: list[Settlement] = field(factory=list, init=False, eq=False, repr=False)

    @property
    def after(self) -> Subscription:
        """The subscription as it will be, with the lines that wait and the credit carried."""
        return evolve(self._after, pending=self._waiting(), carried=self._carried())

    def _waiting(self) -> tuple[Line, ...]:
        return (*self._after.pending, *self.lines) if self.pending else self._after.pending

    def _carried(self) -> Money:
        if self.pending or not self.lines:
            return self.before.carried
        if self._settled:
            return self._settled[0].carried
        return carried_on(self.lines, self.before, self.policy)

    @property
    def credits(self) -> tuple[Line, ...]:
        """The lines that give something back."""
        return tuple(line for line in self.lines if to_units(line.net) < 0)

    @property
    def charges(self) -> tuple[Line, ...]:
        """The lines that cost something: the fees that have to be shown."""
        return tuple(line for line in self.lines if to_units(line.net) > 0)

    @property
    def total(self) -> Money:
        """All lines together, with tax where it is known; may be negative."""
        return from_minor(sum(map(gross_of, self.lines)), self.before.currency)

    @property
    def settlement(self) -> Settlement:
        """
        Where the money goes; all zero but what was carried when the lines wait.

        Raises:
            InvalidInput: ``proration.paid_unknown`` when the policy asks for what was paid.
        """
        if self.pending or not self.lines:
            nothing = from_minor(0, self.before.currency)
            return Settlement(
                due=nothing,
                carried=self.before.carried,
                credit_note=nothing,
                refund=nothing,
                offset=nothing,
            )
        if not self._settled:
            self._settled.append(settled(self.lines, self.before, self.policy))
        return self._settled[0]

    @property
    def due_now(self) -> Money:
        """What is to be paid at once, with tax where it is known."""
        return self.settlement.due

    @property
    def next_invoice(self) -> NextInvoice | None:
        """The invoice that comes next; None when there is none, as after a cancellation."""
        return next_invoice(self._after, self.policy, self._known, self._waiting(), self._carried())

    def _repr_html_(self) -> str:
        return _table(self)

    def tax_request(
        self,
        *,
        seller: Seller,
        buyer: Buyer,
        tax_point: TaxPoint | date | None = None,
        rounding: TaxRounding | None = None,
        national: NationalCurrency | None = None,
        unverified: UnverifiedVatId = UnverifiedVatId.CHARGE,
    ) -> TaxRequest:
        """
        The lines as a question about tax, for `retainkit.billing.tax.calculate` or a provider.

        Args:
            seller: Who sells.

            buyer: Who buys.

            tax_point: What the date of the rate is decided from; the local day of the change
                unless given.

            rounding: Where tax is rounded.

            national: The seller's national currency, where the invoice is in another one.

            unverified: What is done while no register has answered for the buyer's VAT id.
        """
        return TaxRequest(
            currency=self.before.currency,
            seller=seller,
            buyer=buyer,
            tax_point=tax_point or local_time(self.at, self.before.zone).date(),
            lines=tuple(line.taxable() for line in self.lines),
            rounding=rounding or TaxRounding(),
            national=national,
            unverified=unverified,
        )

    def with_tax(self, quote: TaxQuote) -> Preview:
        """
        The preview with the tax of its lines.

        Raises:
            InvalidInput: ``proration.quote`` when the quote is not about these lines.
            Refused: ``proration.tax_unknown`` when it has no answer.
        """
        lines = taxed_lines(self.lines, quote)
        return evolve(
            self,
            lines=lines,
            after=_with_taxed(self._after, lines, self.before),
            quote=quote,
            untaxed=False,
            findings=(*self.findings, *quote.findings),
        )

    def without_tax(self) -> Preview:
        """The preview, where there is no tax to reckon: the provider's, or none at all."""
        return evolve(self, untaxed=True)

    def apply(self, shown_total: Money, shown_fees: Mapping[str, Money] | None = None) -> Applied:
        """
        The change itself, when its total and each of its fees were shown to who agrees to it.

        Args:
            shown_total: The total that was shown: `total`.

            shown_fees: By line id, the amount of each of `charges` that was shown: `Line.net`.

        Raises:
            Refused: ``proration.tax_unknown`` without tax; ``proration.total_shown`` when another
                total was shown; ``proration.fee_shown`` when a fee was not, or another amount.
        """
        if self.quote is None and not self.untaxed and self.lines:
            raise tax_unknown(None)
        if shown_total != self.total:
            raise Refused(
                "The total that was shown is not the one that would be charged",
                code="proration.total_shown",
                field="shown_total",
                value=str(shown_total),
                remedy=f"show {self.total}, and ask again",
            )
        shown = shown_fees or {}
        for line in self.charges:
            if shown.get(line.id) != line.net:
                raise Refused(
                    "A fee was not shown as it would be charged",
                    code="proration.fee_shown",
                    field="shown_fees",
                    value=line.id,
                    remedy=f"show {line.net} for it, and ask again",
                )
        return Applied(
            subscription=self.after,
            lines=self.lines,
            total=self.total,
            settlement=self.settlement,
            authoritative=self.biller is Biller.HOST,
        )


def _table(preview: Preview) -> str:
    """A preview as a plain table, for notebooks."""
    cells = [
        (
            line.item,
            line.kind.value,
            "" if line.period is None else f"{line.period.start:%Y-%m-%d %H:%M}",
            "" if line.period is None else f"{line.period.end:%Y-%m-%d %H:%M}",
            f"{line.net.amount:f} {line.net.currency.code}",
        )
        for line in preview.lines
    ]
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in cells
    )
    heads = "".join(
        f'<th scope="col">{head}</th>' for head in ("Item", "Line", "From", "Until", "Amount")
    )
    total = f"{preview.total.amount:f} {preview.total.currency.code}"
    when = "on the next invoice" if preview.pending else "now"
    return (
        f"<table><caption>{escape(preview.before.id)}: {escape(total)} {when}</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def preview_change(
    subscription: Subscription,
    change: Change | tuple[Change, ...],
    *,
    at: datetime,
    policy: ProrationPolicy = RECOMMENDED,
    biller: Biller = Biller.HOST,
) -> Preview:
    """
    What a change, or several at one instant, would cost; nothing is changed.

    Args:
        subscription: As it is now.

        change: What is to change, in order.

        at: When; an earlier instant of the period is allowed, and reckoned as if known then.

        policy: By which rules.

        biller: Whose figures count.

    Raises:
        InvalidInput: ``proration.outside_period``, ``proration.no_change``,
            ``proration.canceled``, ``proration.currency``, ``proration.unknown_item``,
            ``proration.duplicate_item``, ``proration.interval``, ``proration.quantity``,
            ``proration.paused``, ``proration.not_paused``, ``proration.trial``,
            ``proration.no_items``, ``time.naive``.
    """
    asked = _asked(change, at, policy, biller)
    return _preview(subscription, asked)


def preview_changes(
    subscriptions: Iterable[Subscription],
    change: Change | tuple[Change, ...],
    *,
    at: datetime,
    policy: ProrationPolicy = RECOMMENDED,
    biller: Biller = Biller.HOST,
) -> Iterator[Preview]:
    """
    The same change for many subscriptions, such as a price increase; one preview at a time.

    What they have in common is worked out once. Memory does not grow with their number.

    Raises:
        InvalidInput: As `preview_change`, when the one that it is about comes up.
    """
    asked = _asked(change, at, policy, biller)
    for subscription in subscriptions:
        yield _preview(subscription, asked)


def preview_start(
    subscription: Subscription,
    *,
    policy: ProrationPolicy = RECOMMENDED,
    biller: Biller = Biller.HOST,
) -> Preview:
    """
    The invoice for the current period, of which nothing was billed: the first one.

    Of a period that is shorter than a cycle its share is billed, and so is that after a trial
    which ends within it. Its `after` has the billed lines.

    Raises:
        InvalidInput: ``proration.started`` when something was billed.
    """
    if subscription.billed:
        raise InvalidInput(
            "Something was billed for this subscription already",
            code="proration.started",
            field="billed",
            value=subscription.billed[0].id,
            remedy="use preview_renewal for the next invoice",
        )
    reckoning = Reckoning(
        subscription=subscription,
        policy=policy,
        interval=subscription.interval,
        cycle=_cycle(subscription),
    )
    start = max(subscription.period.start, subscription.trial_end or subscription.period.start)
    lines: tuple[Line, ...] = ()
    if start < subscription.period.end:
        stretch = Period(start=start, end=subscription.period.end)
        lines = tuple(reckoning.period_lines(subscription.items, stretch))
    return Preview(
        before=subscription,
        after=evolve(subscription, billed=tuple(map(_billed, lines)), pending=()),
        changes=(),
        at=subscription.period.start,
        policy=policy,
        biller=biller,
        lines=(*subscription.pending, *lines),
        pending=False,
        findings=() if lines else (Finding(key="proration.no_lines"),),
        known=reckoning.known,
    )


def preview_renewal(
    subscription: Subscription,
    *,
    policy: ProrationPolicy = RECOMMENDED,
    biller: Biller = Biller.HOST,
) -> Preview:
    """
    The next invoice as a preview: the lines of the next period, and those that waited.

    Its `after` is in that period, with the items that were to come.

    Raises:
        InvalidInput: ``proration.no_renewal`` when nothing is billed any more.
    """
    known = Known()
    coming = next_invoice(subscription, policy, known, subscription.pending, subscription.carried)
    if coming is None or coming.period is None:
        raise InvalidInput(
            "There is no next period to bill",
            code="proration.no_renewal",
            field="subscription",
            value=subscription.id,
            remedy="renew only what is neither paused nor canceled, and does not end",
        )
    interval = subscription.upcoming_interval or subscription.interval
    new = coming.lines[len(subscription.pending) :]
    kept = tuple(each for each in subscription.billed if each.period.end > coming.at)
    after = evolve(
        subscription,
        items=subscription.upcoming or subscription.items,
        interval=interval,
        upcoming=None,
        upcoming_interval=None,
        period=period_at(subscription.anchor, interval, subscription.zone, coming.at),
        billed=(*kept, *(_billed(line) for line in new if line.period)),
        pending=(),
    )
    return Preview(
        before=subscription,
        after=after,
        changes=(),
        at=coming.at,
        policy=policy,
        biller=biller,
        lines=coming.lines,
        pending=False,
        known=known,
    )


@frozen(kw_only=True, eq=False)
class _Asked:
    """What is asked of a subscription, and what was worked out for others already."""

    changes: tuple[Change, ...]
    at: datetime
    policy: ProrationPolicy
    biller: Biller
    known: Known = field(factory=Known)


def _asked(
    change: Change | tuple[Change, ...], at: datetime, policy: ProrationPolicy, biller: Biller
) -> _Asked:
    changes = change if isinstance(change, tuple) else (change,)
    if not changes:
        raise InvalidInput(
            "There is no change to preview",
            code="proration.no_change",
            field="change",
            value=(),
            remedy="pass at least one; preview_renewal shows the next invoice without any",
        )
    return _Asked(changes=changes, at=utc(at), policy=policy, biller=biller)


def _preview(subscription: Subscription, asked: _Asked) -> Preview:
    _check_time(subscription, asked.at)
    policy = asked.policy
    terms = terms_after(subscription, asked.changes, asked.at)
    cycle = _cycle(subscription)
    rhythm = _rhythm(subscription, terms, asked, cycle)
    lines: tuple[Line, ...] = ()
    pending = True
    if policy.when is When.PERIOD_END or rhythm is None:
        after = _later(subscription, terms)
    else:
        lines, billed = _lines(subscription, terms, rhythm, asked)
        pending = policy.behavior is not Behavior.INVOICE_NOW and not rhythm.whole
        after = _after(subscription, terms, rhythm, billed, asked.at)
        if rhythm.whole:
            lines = (*subscription.pending, *lines)
    fees = (fee_line(subscription, fee, policy) for fee in terms.fees)
    lines = (*lines, *fees)
    return Preview(
        before=subscription,
        after=after,
        changes=asked.changes,
        at=asked.at,
        policy=policy,
        biller=asked.biller,
        lines=lines,
        pending=pending,
        findings=() if lines else (Finding(key="proration.no_lines"),),
        known=asked.known,
    )


@frozen(kw_only=True)
class _Rhythm:
    """Where periods lie after a change, and the cycle before it; `whole` when a new one begins."""

    anchor: datetime
    period: Period
    cycle: Period
    was: Period
    whole: bool = False
    all_items: bool = False


def _check_time(subscription: Subscription, instant: datetime) -> None:
    if subscription.canceled_at is not None:
        raise InvalidInput(
            "A canceled subscription does not change",
            code="proration.canceled",
            field="subscription",
            value=subscription.id,
            remedy="make a new one",
        )
    # A pause, or a trial, may outlast the period that it began in.
    if subscription.paused_at is not None and instant >= subscription.paused_at:
        return
    trial = subscription.trial_end
    if trial is not None and subscription.period.start <= instant < trial:
        return
    if not subscription.period.contains(instant):
        raise InvalidInput(
            "The change is not within the current period",
            code="proration.outside_period",
            field="at",
            value=instant.isoformat(),
            remedy=f"give an instant from {subscription.period.start.isoformat()} to before"
            f" {subscription.period.end.isoformat()}, or renew the subscription first",
        )


def _rhythm(
    subscription: Subscription, terms: Terms, asked: _Asked, cycle: Period
) -> _Rhythm | None:
    """Where periods lie then; None when the new ones can only begin with the next period."""
    instant, policy = asked.at, asked.policy
    zone, anchor = subscription.zone, subscription.anchor
    kept = _Rhythm(
        anchor=anchor,
        period=subscription.period,
        cycle=cycle,
        was=cycle,
        all_items=not terms.active,
    )
    if not terms.active:
        return kept
    interval = terms.interval
    trial = terms.trial_end
    if trial is not None and trial != subscription.trial_end and not terms.begins:
        if policy.anchor is Anchor.RESET:
            period = Period(start=instant, end=trial)
            return _Rhythm(anchor=trial, period=period, cycle=period, was=cycle, all_items=True)
        return evolve(kept, all_items=True)
    if terms.anchor is not None:
        period = period_at(terms.anchor, interval, zone, instant)
        return _Rhythm(
            anchor=utc(terms.anchor, "anchor"),
            period=period,
            cycle=period,
            was=cycle,
            whole=True,
            all_items=True,
        )
    if policy.anchor is Anchor.RESET:
        period = Period(start=instant, end=interval.advance(instant, 1, zone))
        return _Rhythm(
            anchor=instant, period=period, cycle=period, was=cycle, whole=True, all_items=True
        )
    if interval != subscription.interval:
        if policy.behavior is Behavior.NONE:
            return None
        period = period_at(anchor, interval, zone, instant)
        return _Rhythm(
            anchor=anchor, period=period, cycle=period, was=cycle, whole=True, all_items=True
        )
    if terms.begins:
        period = period_at(anchor, interval, zone, instant)
        same = subscription.period if subscription.period.contains(instant) else period
        return _Rhythm(anchor=anchor, period=same, cycle=period, was=cycle, all_items=True)
    return kept


def _cycle(subscription: Subscription) -> Period:
    """What shares are shares of: the whole cycle where the period is cut short, else the period."""
    anchored = period_at(
        subscription.anchor, subscription.interval, subscription.zone, subscription.period.start
    )
    return anchored if subscription.period.end <= anchored.end else subscription.period


def _lines(
    subscription: Subscription,
    terms: Terms,
    rhythm: _Rhythm,
    asked: _Asked,
) -> tuple[tuple[Line, ...], tuple[BilledLine, ...]]:
    """The lines, and the billed lines as they are after them."""
    instant, policy, known = asked.at, asked.policy, asked.known
    cancels = any(isinstance(change, Cancel) for change in asked.changes)
    zone = subscription.zone
    old = Reckoning(
        subscription=subscription,
        policy=policy,
        interval=subscription.interval,
        cycle=rhythm.was,
        known=known,
    )
    new = Reckoning(
        subscription=subscription,
        policy=policy,
        interval=terms.interval,
        cycle=rhythm.cycle,
        known=known,
    )
    before = {item.id: item for item in subscription.items}
    after = {item.id: item for item in terms.items}
    ids = [*before, *(id for id in after if id not in before)]
    if not rhythm.all_items:
        ids = [id for id in ids if before.get(id) != after.get(id)]
    credit_from = cut(subscription.period, instant, policy, zone=zone, cancels=cancels)
    credited = policy.behavior is not Behavior.NONE
    stretch = _to_charge(subscription, terms, rhythm, instant, policy)
    wholes = new.wholes(terms.items) if stretch is not None else {}
    kind = LineKind.PERIOD if stretch == rhythm.cycle else LineKind.CHARGE
    lines: list[Line] = []
    billed: list[BilledLine] = []
    given: dict[str | None, Line] = {}
    for id in ids:
        own: list[Line] = []
        if credited and id in before:
            own += credit_lines(old, before[id], credit_from)
            given.update((line.source, line) for line in own)
        if stretch is not None and id in after and id in wholes:
            charged = charge_line(new, after[id], wholes[id], stretch, kind)
            own.append(charged)
            billed.append(_billed(charged))
        lines += [difference(own)] if own and policy.bill is Bill.DIFFERENCE else own
    kept = (_less(line, given.get(line.id)) for line in subscription.billed)
    return tuple(lines), (*kept, *billed)


def _to_charge(
    subscription: Subscription,
    terms: Terms,
    rhythm: _Rhythm,
    instant: datetime,
    policy: ProrationPolicy,
) -> Period | None:
    """The time that new terms are charged for now; None when there is none."""
    if not terms.active or (policy.behavior is Behavior.NONE and not rhythm.whole):
        return None
    start = (
        instant
        if rhythm.period.start == instant
        else cut(rhythm.period, instant, policy, zone=subscription.zone)
    )
    if terms.trial_end is not None and terms.trial_end > instant:
        # The time after a trial is billed when that ends, unless it was billed already.
        started = terms.trial_end != subscription.trial_end
        if started or not any(line.period.end > instant for line in subscription.billed):
            return None
        start = max(start, terms.trial_end)
    return Period(start=start, end=rhythm.period.end) if start < rhythm.period.end else None


def _less(line: BilledLine, credit: Line | None) -> BilledLine:
    """The billed line after the credit for it, if there is one."""
    if credit is None or credit.period is None:
        return line
    already = to_minor(line.credited) if line.credited.amount else 0
    credited = from_minor(already - to_minor(credit.net), line.net.currency)
    until = min(line.until, max(credit.period.start, line.period.start))
    return evolve(line, credited=credited, until=until)


def _billed(line: Line) -> BilledLine:
    assert line.period is not None  # noqa: S101  # fees are not given back with time
    return BilledLine(
        id=line.id,
        item=line.item,
        period=line.period,
        net=line.net,
        price=line.price,
        quantity=line.quantity,
        exact=line.exact,
    )


def _after(
    subscription: Subscription,
    terms: Terms,
    rhythm: _Rhythm,
    billed: tuple[BilledLine, ...],
    instant: datetime,
) -> Subscription:
    return evolve(
        subscription,
        items=terms.items,
        interval=terms.interval,
        anchor=rhythm.anchor,
        period=rhythm.period,
        billed=billed,
        trial_end=terms.trial_end,
        paused_at=terms.paused_at,
        canceled_at=instant if terms.canceled else None,
        pending=() if rhythm.whole else subscription.pending,
        upcoming=None,
        upcoming_interval=None,
    )


def _later(subscription: Subscription, terms: Terms) -> Subscription:
    """The subscription whose items and rhythm change with its next period."""
    if not terms.active:
        return evolve(subscription, ends=True)
    return evolve(subscription, upcoming=terms.items, upcoming_interval=terms.interval)


def next_invoice(
    subscription: Subscription,
    policy: ProrationPolicy,
    known: Known,
    pending: tuple[Line, ...],
    carried: Money,
) -> NextInvoice | None:
    """The invoice that comes next for a subscription; inside this room only."""
    stopped = (
        subscription.ends
        or subscription.paused_at is not None
        or subscription.canceled_at is not None
    )
    if stopped:
        if not pending:
            return None
        return NextInvoice(
            at=subscription.canceled_at or subscription.period.end,
            period=None,
            lines=pending,
            carried=carried,
            zone=subscription.zone,
        )
    start = subscription.period.end
    trial = subscription.trial_end
    if trial is not None and not any(line.period.end > trial for line in subscription.billed):
        start = trial if trial >= subscription.period.start else start
    interval = subscription.upcoming_interval or subscription.interval
    items = subscription.upcoming or subscription.items
    cycle = period_at(subscription.anchor, interval, subscription.zone, start)
    reckoning = Reckoning(
        subscription=subscription, policy=policy, interval=interval, cycle=cycle, known=known
    )
    period = Period(start=start, end=cycle.end)
    lines = reckoning.period_lines(items, period)
    return NextInvoice(
        at=start,
        period=period,
        lines=(*pending, *lines),
        carried=carried,
        zone=subscription.zone,
    )


def taxed_lines(lines: tuple[Line, ...], quote: TaxQuote) -> tuple[Line, ...]:
    """The lines with the tax that a quote gives them; inside this room only."""
    if quote.state is not QuoteState.OK:
        raise tax_unknown(quote.state.value)
    parts: dict[str, list[TaxedLine]] = {}
    for part in quote.lines:
        parts.setdefault(part.source, []).append(part)
    return tuple(_taxed(line, tuple(parts.get(line.id, ()))) for line in lines)


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


def _with_taxed(after: Subscription, lines: tuple[Line, ...], before: Subscription) -> Subscription:
    """The subscription whose new billed lines say how they were taxed."""
    taxed = {line.id: line for line in lines if line.tax}
    old = {line.id for line in before.billed}
    billed: list[BilledLine] = []
    for each in after.billed:
        line = taxed.get(each.id)
        billed += [each] if line is None or each.id in old else _in_parts(each, line)
    return evolve(after, billed=tuple(billed))


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


def tax_unknown(state: str | None) -> Refused:
    """The error for a tax that nobody has said; inside this room only."""
    return Refused(
        "The tax of these lines is not known, and an unknown tax is not zero",
        code="proration.tax_unknown",
        field="quote",
        value=state,
        remedy="ask with tax_request() and give the answer to with_tax(); or say without_tax()",
    )
