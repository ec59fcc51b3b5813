"""Comparing two outcomes of one world: the tables and the JSON; how they look is the reports'."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Final

from attrs import frozen

from retainkit.core import JsonObject
from retainkit.dunning import DunningPolicy
from retainkit.money import Money, format_money, to_json, total
from retainkit.reports import Table, part_of, percent
from retainkit.simulate._outcome import FailedInvoice, Means, Outcome, Result


_DAY: Final = timedelta(days=1)
DEFINITIONS: Final = (
    "Failed: the first charge of an invoice was declined or waits for the customer. Recovered: a "
    "failed invoice that was paid before the clock stopped. Ended: the policy's end came first, "
    "and the subscription with it. Left: the customer had cancelled by themselves."
)


@frozen(kw_only=True)
class Compared:
    """
    An outcome under the name of its policy.

    Args:
        name: The policy's name.

        outcome: What became of the world.
    """

    name: str
    outcome: Outcome


def overview(compared: Sequence[Compared]) -> Table:
    """The figures most people ask for first."""
    return Table(
        caption="Simulated, in all",
        head=("", *_names(compared)),
        rows=(
            _row("invoices due", compared, lambda o: f"{o.invoices:,}"),
            _row("failed at first", compared, lambda o: f"{len(o.failed):,}"),
            _row("recovered", compared, recovered_share),
            _row("subscriptions ended", compared, lambda o: str(o.ended)),
            _row("tries by the policy", compared, lambda o: f"{o.tries:,}"),
            _row("messages sent", compared, lambda o: f"{sum(o.messages.values()):,}"),
            _row("days of lost access", compared, lambda o: f"{lost_days(o):,}"),
            _row("charged twice", compared, lambda o: str(len(o.charged_twice))),
        ),
        note=DEFINITIONS + " Days of lost access: limited or no access while a case was open, "
        "all customers together, in whole days.",
    )


def by_attempt(compared: Sequence[Compared]) -> Table:
    """What brought the money, try by try."""
    most = max(len(one.outcome.policy.retries) for one in compared)
    rows = [
        _row(f"planned try {number}", compared, _counter(Means.RETRY, number))
        for number in range(1, most + 1)
    ]
    rows += [
        _row("new card", compared, _counter(Means.NEW_CARD)),
        _row("confirmed by the customer", compared, _counter(Means.CONFIRMED)),
        _row("all recovered", compared, lambda o: str(len(o.recovered))),
    ]
    return Table(
        caption="Simulated: recovered by attempt",
        head=("attempt", *_names(compared)),
        rows=tuple(rows),
        note="A planned try charges the card that failed. A new card, given on the provider's "
        "page behind a message's link, is tried at once.",
    )


def by_code(compared: Sequence[Compared]) -> Table:
    """Failed and recovered for each decline code of the first failure."""
    return Table(
        caption="Simulated: recovered of failed, by decline code",
        head=("decline code", *_names(compared)),
        rows=tuple(
            (
                code,
                *(part_of(*recovered_of(one.outcome, code)) for one in compared),
            )
            for code in codes(compared)
        ),
        note="The code is that of the invoice's first failure.",
    )


def by_currency(compared: Sequence[Compared]) -> Table:
    """The money, never added up over currencies."""
    rows = []
    for code in sorted({code for one in compared for code in one.outcome.due}):
        for label, of in (
            ("due", _due),
            ("failed at first", lambda o, c: _sum(o.failed, c)),
            ("recovered", lambda o, c: _sum(o.recovered, c)),
        ):
            cells = [format_money(of(one.outcome, code), "en") for one in compared]
            rows.append((f"{code} {label}", *cells))
    return Table(
        caption="Simulated: money by currency",
        head=("", *_names(compared)),
        rows=tuple(rows),
        note="Due: all invoices that were opened. The two sums differ where a subscription that "
        "one policy ended went on, and was billed, under the other.",
    )


def tables(compared: Sequence[Compared]) -> tuple[Table, ...]:
    """What the demo prints."""
    return overview(compared), by_attempt(compared), by_code(compared), by_currency(compared)


def summary(compared: Sequence[Compared]) -> JsonObject:
    """The same figures for programs: whole numbers, and amounts as decimal text."""
    world = compared[0].outcome.world
    return {
        "simulated": True,
        "seed": world.seed,
        "customers": len(world.customers),
        "days": world.days,
        "policies": {one.name: _summary(one.outcome) for one in compared},
    }


def _summary(outcome: Outcome) -> JsonObject:
    by_result = dict.fromkeys(Result, 0)
    for each in outcome.failed:
        by_result[each.result] += 1
    return {
        "retries_after_days": _days(outcome.policy),
        "due": outcome.invoices,
        "failed": len(outcome.failed),
        **{result.value: count for result, count in by_result.items()},
        "recovered_by_attempt": {
            **{
                str(number): _count(outcome, Means.RETRY, number)
                for number in range(1, len(outcome.policy.retries) + 1)
            },
            Means.NEW_CARD.value: _count(outcome, Means.NEW_CARD),
            Means.CONFIRMED.value: _count(outcome, Means.CONFIRMED),
        },
        "by_code": {
            code: dict(zip(("recovered", "failed"), recovered_of(outcome, code), strict=True))
            for code in sorted({each.code for each in outcome.failed})
        },
        "money": {
            code: {
                "due": to_json(_due(outcome, code))["amount"],
                "failed": to_json(_sum(outcome.failed, code))["amount"],
                "recovered": to_json(_sum(outcome.recovered, code))["amount"],
            }
            for code in sorted(outcome.due)
        },
        "tries": outcome.tries,
        "messages": dict(outcome.messages),
        "subscriptions_ended": outcome.ended,
        "lost_access_hours": outcome.lost_access // timedelta(hours=1),
        "charged_twice": len(outcome.charged_twice),
    }


def codes(compared: Sequence[Compared]) -> list[str]:
    """All decline codes, the most frequent ones first."""
    counted: dict[str, int] = {}
    for one in compared:
        for each in one.outcome.failed:
            counted[each.code] = counted.get(each.code, 0) + 1
    return sorted(counted, key=lambda code: (-counted[code], code))


def recovered_of(outcome: Outcome, code: str) -> tuple[int, int]:
    """How many failed invoices of a decline code were recovered, of how many."""
    of = [each for each in outcome.failed if each.code == code]
    return sum(each.result is Result.RECOVERED for each in of), len(of)


def recovered_by(outcome: Outcome, days: int) -> tuple[int, ...]:
    """How many were paid within 0, 1, 2 and so on days of their first failure."""
    took = [each.took for each in outcome.recovered]
    return tuple(
        sum(each is not None and each <= day * _DAY for each in took) for day in range(days + 1)
    )


def recovered_share(outcome: Outcome) -> str:
    """How many were recovered, and which share of the failed ones that is."""
    part, whole = len(outcome.recovered), len(outcome.failed)
    return f"{part:,} ({percent(part, whole)})"


def lost_days(outcome: Outcome) -> int:
    """Whole days of limited or no access, all customers together."""
    return outcome.lost_access // _DAY


def ladder(policy: DunningPolicy) -> str:
    """The days of the tries, for reading."""
    return ", ".join(str(day) for day in _days(policy))


def _days(policy: DunningPolicy) -> list[int]:
    return [offset // _DAY for offset in policy.retries]


def _names(compared: Iterable[Compared]) -> tuple[str, ...]:
    return tuple(one.name for one in compared)


def _row(
    name: str, compared: Iterable[Compared], cell: Callable[[Outcome], str]
) -> tuple[str, ...]:
    return (name, *(cell(one.outcome) for one in compared))


def _counter(means: Means, number: int | None = None) -> Callable[[Outcome], str]:
    return lambda outcome: str(_count(outcome, means, number))


def _count(outcome: Outcome, means: Means, number: int | None = None) -> int:
    return sum(each.means is means and number in (None, each.retries) for each in outcome.recovered)


def _due(outcome: Outcome, code: str) -> Money:
    return outcome.due[code][1] if code in outcome.due else total((), code)


def _sum(invoices: Iterable[FailedInvoice], code: str) -> Money:
    return total((each.amount for each in invoices if each.amount.currency.code == code), code)
