"""A realistic rulebook: 100 rules over 34 signals, and customers of whom 8 % is not known.

Twenty patterns that customer-success teams write, each once for three segments and twice for
everybody, with thresholds of their own. `nps` is read by 14 of them.
"""

# ruff: noqa: PLR2004 - the thresholds of rules are what they are

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

from retainkit.rules import (
    Amount,
    Condition,
    Duration,
    Flag,
    Number,
    Signals,
    Text,
    Time,
    any_of,
    at_least,
    days,
    hours,
)


NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
MISSING = 0.08
SEGMENTS = ("smb", "mid", "enterprise")
PLANS = ("free", "starter", "team", "business")
INDUSTRIES = ("retail", "retail tech", "health", "finance", "education", "public", "media", "other")
REGIONS = ("dach", "uk", "nordics", "us")


class Customer(Signals):
    """34 signals."""

    usage_7d = Number()
    usage_28d = Number()
    usage_before_28d = Number()
    seats_used = Number(unit="seats")
    seats_paid = Number(unit="seats")
    depth = Number()
    nps = Number()
    csat = Number()
    health = Number()
    tickets_open = Number()
    tickets_28d = Number()
    failures_7d = Number()
    logins_28d = Number()
    features_used = Number()
    stakeholders = Number()
    errors_7d = Number()
    mrr = Amount(currency="EUR")
    overdue = Amount(currency="EUR")
    first_response = Duration()
    resolution = Duration()
    last_login_at = Time(missing="never")
    renewal_at = Time()
    trial_ends_at = Time()
    last_ticket_at = Time()
    signed_up_at = Time()
    size = Text(one_of=SEGMENTS)
    plan = Text(one_of=PLANS)
    industry = Text()
    region = Text(one_of=REGIONS)
    opted_out = Flag()
    has_champion = Flag()
    sso = Flag()
    past_due = Flag()
    in_trial = Flag()


C = Customer


def rulebook() -> dict[str, Condition]:
    """The 100 rules by name."""
    made: dict[str, Condition] = {}
    for pattern in PATTERNS:
        for level in range(5):
            rule = pattern(level)
            if level < len(SEGMENTS):
                rule = C.size.eq(SEGMENTS[level]) & rule
            made[f"{pattern.__name__.strip('_')}-{level}"] = rule
    return made


def customer(chance: Random) -> dict[str, object]:
    """What is known of one customer, in Python's own types; amounts in whole euros."""
    usage = chance.randint(0, 400)
    seats = chance.randint(1, 200)
    found: dict[str, object] = {
        "usage_7d": usage // 4 + chance.randint(0, 10),
        "usage_28d": usage,
        "usage_before_28d": max(0, usage + chance.randint(-150, 150)),
        "seats_used": chance.randint(0, seats),
        "seats_paid": seats,
        "depth": round(chance.random(), 3),
        "nps": chance.randint(0, 10),
        "csat": round(chance.uniform(1, 5), 1),
        "health": chance.randint(0, 100),
        "tickets_open": min(9, int(chance.expovariate(0.8))),
        "tickets_28d": min(20, int(chance.expovariate(0.4))),
        "failures_7d": min(5, int(chance.expovariate(1.5))),
        "logins_28d": chance.randint(0, 60),
        "features_used": chance.randint(0, 30),
        "stakeholders": chance.randint(0, 8),
        "errors_7d": min(50, int(chance.expovariate(0.2))),
        "mrr": chance.randint(0, 5_000),
        "overdue": chance.choice((0, 0, 0, 0, 49, 490)),
        "first_response": timedelta(minutes=chance.randint(1, 4_000)),
        "resolution": timedelta(minutes=chance.randint(10, 20_000)),
        "last_login_at": NOW - timedelta(minutes=chance.randint(0, 60 * 24 * 60)),
        "renewal_at": NOW + timedelta(hours=chance.randint(-24 * 10, 24 * 365)),
        "trial_ends_at": NOW + timedelta(hours=chance.randint(-24 * 300, 24 * 14)),
        "last_ticket_at": NOW - timedelta(hours=chance.randint(0, 24 * 120)),
        "signed_up_at": NOW - timedelta(hours=chance.randint(0, 24 * 900)),
        "size": chance.choice(SEGMENTS),
        "plan": chance.choice(PLANS),
        "industry": chance.choice(INDUSTRIES),
        "region": chance.choice(REGIONS),
        "opted_out": chance.random() < 0.1,
        "has_champion": chance.random() < 0.7,
        "sso": chance.random() < 0.3,
        "past_due": chance.random() < 0.1,
        "in_trial": chance.random() < 0.15,
    }
    return {name: value for name, value in found.items() if chance.random() >= MISSING}


def _usage_drop(level: int) -> Condition:
    fallen = C.usage_28d < C.usage_before_28d * (0.5 + level / 20)
    return fallen & (C.usage_before_28d >= 20) & (C.mrr > 0) & ~C.plan.eq("free") & ~C.opted_out


def _quiet_before_renewal(level: int) -> Condition:
    soon = C.renewal_at.less_than_ahead(days(30 + 15 * level))
    return soon & C.last_login_at.more_than_ago(days(14)) & (C.mrr >= 100 * level) & ~C.opted_out


def _dunning(level: int) -> Condition:
    failed = any_of(C.failures_7d >= 3, C.past_due & (C.overdue > 40))
    return failed & (C.mrr >= 50 * level) & ~C.in_trial & C.plan.one_of("starter", "team")


def _seats_idle(level: int) -> Condition:
    idle = C.seats_used < C.seats_paid * (0.3 + level / 20)
    return idle & (C.seats_paid >= 5) & C.signed_up_at.more_than_ago(days(90)) & (C.mrr > 0)


def _seats_full(level: int) -> Condition:
    full = C.seats_used >= C.seats_paid * (0.8 + level / 50)
    return full & C.plan.one_of("starter", "team") & (C.health >= 60) & ~C.past_due


def _champion_left(level: int) -> Condition:
    few = C.stakeholders < 2 + level
    return ~C.has_champion & few & C.renewal_at.less_than_ahead(days(180)) & (C.mrr >= 200 * level)


def _unhappy(level: int) -> Condition:
    rating = C.nps <= 6 if level < 4 else C.csat <= 3
    return any_of(rating, C.csat < 2.5) & (C.tickets_28d >= level) & ~C.opted_out & (C.mrr > 0)


def _promoter(level: int) -> Condition:
    return (C.nps >= 9) & (C.health >= 70) & (C.depth >= 0.1 * level) & ~C.past_due & ~C.in_trial


def _silent_backlog(level: int) -> Condition:
    waits = any_of(C.first_response > hours(24), C.resolution > hours(72 + 24 * level))
    return waits & (C.tickets_open >= 2) & C.last_ticket_at.less_than_ago(days(14))


def _trial_stuck(level: int) -> Condition:
    stuck = any_of(C.features_used < 3 + level, C.logins_28d < 5)
    return C.in_trial & C.trial_ends_at.less_than_ahead(days(7)) & stuck & C.region.ne("us")


def _onboarding_late(level: int) -> Condition:
    young = C.signed_up_at.less_than_ago(days(30 + 10 * level))
    return young & (C.features_used < 5) & (C.depth < 0.3) & ~C.in_trial & C.plan.ne("free")


def _three_of_five(level: int) -> Condition:
    return at_least(
        3,
        C.usage_7d < 20 + 5 * level,
        C.tickets_open >= 3,
        C.csat < 3,
        C.stakeholders < 3,
        C.health.between(0, 30 + 5 * level),
    ) & (C.mrr > 0)


def _errors(level: int) -> Condition:
    return (C.errors_7d >= 5 + 2 * level) & (C.usage_7d > 10) & any_of(C.sso, C.mrr >= 1_000)


def _vertical(level: int) -> Condition:
    ours = any_of(C.industry.starts_with("retail"), C.industry.one_of("finance", "health"))
    return ours & C.region.one_of("dach", "uk") & (C.depth < 0.5) & (C.health >= 40 + 5 * level)


def _upgrade(level: int) -> Condition:
    return (
        C.plan.one_of("starter", "team")
        & (C.usage_28d > C.usage_before_28d * (1.1 + level / 10))
        & (C.features_used >= 15)
        & (C.health.between(50, 100))
        & ~C.past_due
        & ~C.opted_out
    )


def _sso_pitch(level: int) -> Condition:
    return ~C.sso & (C.seats_paid >= 50 + 20 * level) & C.plan.one_of("business") & (C.nps > 6)


def _unknown_champion(level: int) -> Condition:
    return C.has_champion.missing() & (C.mrr >= 500 * level) & C.renewal_at.present()


def _failing_health(level: int) -> Condition:
    low = C.health < 40 - 4 * level
    return low & any_of(C.logins_28d < 8, C.last_login_at.more_than_ago(days(10))) & ~C.opted_out


def _overdue_large(level: int) -> Condition:
    owes = (C.overdue >= 49) & any_of(C.mrr >= 1_000 + 200 * level, C.seats_paid > 100)
    return owes & ~C.in_trial & C.region.one_of("dach", "nordics", "uk")


def _reference(level: int) -> Condition:
    loyal = C.signed_up_at.more_than_ago(days(365)) & (C.csat >= 4)
    return loyal & (C.depth > 0.4 + level / 20) & C.has_champion & (C.tickets_open < 2)


PATTERNS: tuple[Callable[[int], Condition], ...] = (
    _usage_drop,
    _quiet_before_renewal,
    _dunning,
    _seats_idle,
    _seats_full,
    _champion_left,
    _unhappy,
    _promoter,
    _silent_backlog,
    _trial_stuck,
    _onboarding_late,
    _three_of_five,
    _errors,
    _vertical,
    _upgrade,
    _sso_pitch,
    _unknown_champion,
    _failing_health,
    _overdue_large,
    _reference,
)
