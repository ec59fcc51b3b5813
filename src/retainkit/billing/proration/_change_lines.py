"""The lines of a change, item by item; how each is reckoned: ``_charges`` and ``_credits``."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve

from retainkit.billing.proration._changes import Terms
from retainkit.billing.proration._charges import charge_line
from retainkit.billing.proration._credits import credit_lines, difference
from retainkit.billing.proration._line import Line, LineKind
from retainkit.billing.proration._policy import Behavior, Bill
from retainkit.billing.proration._reckoning import Reckoning
from retainkit.billing.proration._rhythm import Rhythm, time_to_charge
from retainkit.billing.proration._shares import cut
from retainkit.billing.proration._subscription import BilledLine, billed_line
from retainkit.money import from_minor, to_minor


def change_lines(
    old: Reckoning, terms: Terms, rhythm: Rhythm, instant: datetime
) -> tuple[tuple[Line, ...], tuple[BilledLine, ...]]:
    """
    The lines, and the billed lines as they are after them; inside this room only.

    Args:
        old: With the terms as they were.

        terms: The new ones.

        rhythm: Theirs.

        instant: When.
    """
    subscription, policy = old.subscription, old.policy
    new = Reckoning(
        subscription=subscription,
        policy=policy,
        interval=terms.interval,
        cycle=rhythm.cycle,
        since=rhythm.period.start,
        known=old.known,
    )
    before = {item.id: item for item in subscription.items}
    after = {item.id: item for item in terms.items}
    ids = [*before, *(id for id in after if id not in before)]
    if not rhythm.all_items:
        ids = [id for id in ids if before.get(id) != after.get(id)]
    credit_from = cut(
        subscription.period, instant, policy, zone=subscription.zone, cancels=terms.canceled
    )
    credited = policy.behavior is not Behavior.NONE
    stretch = time_to_charge(subscription, terms, rhythm, instant, policy)
    time = None if stretch is None else new.measured(stretch)
    wholes = new.wholes(terms.items) if time is not None else {}
    kind = LineKind.PERIOD if stretch == rhythm.cycle else LineKind.CHARGE
    lines: list[Line] = []
    billed: list[BilledLine] = []
    given: dict[str | None, Line] = {}
    for id in ids:
        own: list[Line] = []
        if credited and id in before:
            own += credit_lines(old, before[id], credit_from)
            given.update((line.source, line) for line in own)
        if time is not None and id in wholes:
            charged = charge_line(new, after[id], wholes[id], time, kind)
            own.append(charged)
            billed.append(billed_line(charged, time.period))
        lines += [difference(own)] if own and policy.bill is Bill.DIFFERENCE else own
    kept = (_less(line, given.get(line.id)) for line in subscription.billed)
    return tuple(lines), (*kept, *billed)


def _less(line: BilledLine, credit: Line | None) -> BilledLine:
    """The billed line after the credit for it, if there is one."""
    if credit is None or credit.period is None:
        return line
    already = to_minor(line.credited) if line.credited.amount else 0
    credited = from_minor(already - to_minor(credit.net), line.net.currency)
    until = min(line.until, max(credit.period.start, line.period.start))
    return evolve(line, credited=credited, until=until)
