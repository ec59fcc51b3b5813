"""Random declared signals, trees and customers with holes, for the laws of rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from retainkit.money import money
from retainkit.rules import (
    Amount,
    Condition,
    Duration,
    Flag,
    Number,
    Reading,
    Readings,
    Signals,
    Text,
    Time,
    all_of,
    amounts,
    any_of,
    at_least,
    days,
    declared,
    event,
    hours,
    readings,
    segment,
)


NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)

PLANS = ("free", "starter", "team")


class Customer(Signals):
    """What the laws are tried on: every kind, with and without freshness."""

    usage = Number()
    before = Number()
    nps = Number(fresh_for=days(30))
    mrr = Amount()
    spent = Amount()
    answered = Duration()
    resolved = Duration(fresh_for=days(10))
    login = Time(missing="never")
    renewal = Time()
    seen = Time(missing="never", fresh_for=days(5))
    plan = Text(one_of=PLANS)
    industry = Text()
    opted_out = Flag()
    failures = event("payment.failed").count(days(7))


C = Customer


def number(chance: Random) -> float:
    """Few enough values for ties."""
    return chance.choice((-2, 0, 1, 3, 5, 0.5, 7.25))


def length(chance: Random) -> timedelta:
    """From an hour to a month."""
    return chance.choice((hours(1), days(1), days(3), days(14), days(30)))


def instant(chance: Random) -> datetime:
    """A month around now, on the hour."""
    return NOW + hours(chance.randint(-24 * 40, 24 * 40))


def cash(chance: Random) -> object:
    """An amount in one of three currencies."""
    return money(chance.choice((0, 1, 5, "7.50")), chance.choice(("EUR", "USD", "CHF")))


def table(chance: Random) -> object:
    """A threshold in two currencies."""
    return amounts(money(chance.choice((0, 1, 5)), "EUR"), money(chance.choice((1, "7.50")), "USD"))


def leaf(chance: Random) -> Condition:
    """A comparison of any kind."""
    made = chance.choice(_LEAVES)
    return made(chance)


def _number_leaf(chance: Random) -> Condition:
    signal = chance.choice((C.usage, C.before, C.nps, C.failures))
    value = number(chance)
    return chance.choice(
        (
            signal < value,
            signal <= value,
            signal > value,
            signal >= value,
            signal.eq(value),
            signal.ne(value),
            signal.one_of(value, number(chance)),
            signal.between(*sorted((value, number(chance)))),
        )
    )


def _two_leaf(chance: Random) -> Condition:
    return chance.choice(
        (
            C.usage < C.before * chance.choice((0.7, 1, 2)),
            C.usage.eq(C.before),
            C.usage >= C.nps,
            C.mrr > C.spent * chance.choice((1, 2)),
            C.answered <= C.resolved * 2,
            C.login < C.renewal,
            C.seen.ne(C.login),
        )
    )


def _amount_leaf(chance: Random) -> Condition:
    limits = table(chance)
    return chance.choice(
        (
            C.mrr >= limits,  # type: ignore[operator] # told by the factory's name
            C.mrr < cash(chance),  # type: ignore[operator] # as above
            C.spent.between(money(0, "EUR"), money(5, "EUR")),
        )
    )


def _time_leaf(chance: Random) -> Condition:
    signal = chance.choice((C.login, C.renewal, C.seen))
    far = length(chance)
    return chance.choice(
        (
            signal.more_than_ago(far),
            signal.less_than_ago(far),
            signal.more_than_ahead(far),
            signal.less_than_ahead(far),
            signal > instant(chance),
            signal <= instant(chance),
        )
    )


def _duration_leaf(chance: Random) -> Condition:
    signal = chance.choice((C.answered, C.resolved))
    return chance.choice((signal > length(chance), signal.between(hours(1), days(3))))


def _text_leaf(chance: Random) -> Condition:
    return chance.choice(
        (
            C.plan.eq(chance.choice(PLANS)),
            C.plan.ne(chance.choice(PLANS)),
            C.plan.one_of(*chance.sample(PLANS, 2)),
            C.industry.starts_with("re"),
            C.industry.ends_with("il"),
            C.industry.contains("a"),
            C.industry.ne("retail"),
        )
    )


def _presence_leaf(chance: Random) -> Condition:
    signal = chance.choice((C.usage, C.nps, C.login, C.seen, C.plan, C.failures))
    return chance.choice((signal.present(), signal.missing()))


def _flag_leaf(chance: Random) -> Condition:
    return chance.choice((C.opted_out.is_true(), C.opted_out.is_false()))


_LEAVES = (
    _number_leaf,
    _two_leaf,
    _amount_leaf,
    _time_leaf,
    _time_leaf,
    _duration_leaf,
    _text_leaf,
    _presence_leaf,
    _flag_leaf,
)


def tree(chance: Random, depth: int = 4, *, with_segments: bool = False) -> Condition:
    """A tree of at most this depth."""
    kind = chance.random()
    if depth <= 1 or kind < 0.3:
        return segment("big") if with_segments and chance.random() < 0.1 else leaf(chance)
    if kind < 0.45:
        return ~tree(chance, depth - 1, with_segments=with_segments)
    items = [
        tree(chance, depth - 1, with_segments=with_segments) for _ in range(chance.randint(1, 3))
    ]
    if kind < 0.7:
        return all_of(*items)
    if kind < 0.9:
        return any_of(*items)
    return at_least(chance.randint(1, len(items)), *items)


def customer(chance: Random) -> Readings:
    """A customer of whom a fourth is not known; some readings are old, some end soon."""
    values: dict[str, object] = {
        "usage": number(chance),
        "before": number(chance),
        "nps": number(chance),
        "mrr": cash(chance),
        "spent": cash(chance),
        "answered": length(chance),
        "resolved": length(chance),
        "login": instant(chance),
        "renewal": instant(chance),
        "seen": instant(chance),
        "plan": chance.choice(PLANS),
        "industry": chance.choice(("retail", "real estate", "mail", "")),
        "opted_out": chance.random() < 0.5,
        "failures": chance.randint(0, 5),
    }
    known: dict[str, object] = {}
    for name, value in values.items():
        if chance.random() < 0.25:
            continue
        until = NOW + hours(chance.randint(-48, 24 * 10)) if chance.random() < 0.2 else None
        known[name] = Reading(
            value=value,  # type: ignore[arg-type] # of the signal's kind, which `readings` checks
            at=NOW - hours(chance.randint(0, 24 * 40)),
            source="test",
            until=until,
        )
    return readings(Customer, known)


SIGNALS = declared(Customer)

SEGMENTS = {"big": C.mrr >= amounts(money(5, "EUR"), money(5, "USD"))}
