"""What the seeded world is made of: every number with its meaning and its source, here alone.

There is no public data set of retries and no published survival analysis of failed payments, so
most numbers are assumptions, and say so. What is published are totals, and the world is set to
meet one of them: about 7.2 % of renewals fail. Shares are per 10,000, so that no float is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, fields, frozen

from retainkit.money import Money, format_money, money


ASSUMPTION = "assumption"
_RECURLY = "Recurly, subscriber retention benchmarks: 7.2\u00a0% of subscribers at risk a month"
_UPDATER = "Churn Buster, features: an account updater mends about 70\u00a0% of expiring cards"
_WALL = "assumption; with all messages, 57 to 83\u00a0% recovered is published (Churnkey)"


@frozen(kw_only=True)
class Market:
    """
    Customers who pay in one currency.

    Args:
        weight: How many of all customers, beside the weights of the other markets.

        prices: Of the plans, each equally frequent.

        people: Locale and zone, each equally frequent.

        paydays: Days of the month on which money arrives; each pattern equally frequent.
    """

    weight: int
    prices: tuple[Money, ...]
    people: tuple[tuple[str, str], ...]
    paydays: tuple[tuple[int, ...], ...]


@frozen(kw_only=True)
class Span:
    """
    A length of time in hours, equally likely from one end to the other.

    Args:
        weight: How often, beside the weights of the other spans.

        least: The shortest; None means for ever.

        most: The longest, itself left out.
    """

    weight: int
    least: int | None
    most: int = 0


def _said(meaning: str, source: str) -> dict[str, str]:
    return {"meaning": meaning, "source": source}


@frozen(kw_only=True)
class Parameters:
    """
    The parameters of a seeded world; each field's metadata hold its meaning and its source.

    Build one with other numbers to try a policy in a world of your own.
    """

    markets: Mapping[str, Market] = field(
        factory=lambda: {
            "EUR": Market(
                weight=50,
                prices=(money("29.00", "EUR"), money("99.00", "EUR")),
                people=(
                    ("de", "Europe/Berlin"),
                    ("de_formal", "Europe/Vienna"),
                    ("en", "Europe/Dublin"),
                ),
                paydays=((1,), (15,), (25,), (28,)),
            ),
            "USD": Market(
                weight=35,
                prices=(money("29.00", "USD"), money("99.00", "USD")),
                people=(("en", "America/New_York"), ("en", "America/Los_Angeles")),
                paydays=((1, 15), (5, 20), (10, 25)),
            ),
            "JPY": Market(
                weight=15,
                prices=(money("3900", "JPY"), money("12800", "JPY")),
                people=(("en", "Asia/Tokyo"),),
                paydays=((15,), (20,), (25,)),
            ),
        },
        metadata=_said(
            "currencies with their share of the customers, and the monthly prices", ASSUMPTION
        ),
    )
    funds_short: int = field(
        default=550,
        metadata=_said(
            "of 10,000 renewals shortly before a payday, those without funds; all troubles "
            "together make about 7.2\u00a0% of renewals fail",
            f"the split by code is an {ASSUMPTION}; the total: {_RECURLY}",
        ),
    )
    funds_window: int = field(
        default=18,
        metadata=_said("days before a payday in which funds may be short", ASSUMPTION),
    )
    funds_gone: int = field(
        default=3000,
        metadata=_said("of 10,000 of these, those who are short for 45 days", ASSUMPTION),
    )
    not_honoured: int = field(
        default=170,
        metadata=_said("of 10,000 renewals, those the bank declines as do_not_honor", ASSUMPTION),
    )
    not_honoured_for: tuple[Span, ...] = field(
        default=(
            Span(weight=45, least=2, most=36),
            Span(weight=30, least=36, most=120),
            Span(weight=10, least=120, most=336),
            Span(weight=15, least=None),
        ),
        metadata=_said("for how long it does so", ASSUMPTION),
    )
    lost: int = field(
        default=30,
        metadata=_said("of 10,000 renewals, those on a card reported as lost", ASSUMPTION),
    )
    stolen: int = field(
        default=20,
        metadata=_said("of 10,000 renewals, those on a card reported as stolen", ASSUMPTION),
    )
    authentication: int = field(
        default=70,
        metadata=_said(
            "of 10,000 renewals, those the bank wants the customer to confirm", ASSUMPTION
        ),
    )
    card_months: int = field(
        default=36,
        metadata=_said("months over which the cards at hand expire, evenly", ASSUMPTION),
    )
    card_updated: int = field(
        default=7000,
        metadata=_said("of 10,000 expiring cards, those renewed without anybody's help", _UPDATER),
    )
    banks: int = field(
        default=10,
        metadata=_said("banks that issue the cards, of equal size", ASSUMPTION),
    )
    outages_per_month: int = field(
        default=1,
        metadata=_said("outages of one bank in 30 days", ASSUMPTION),
    )
    outage_for: tuple[Span, ...] = field(
        default=(Span(weight=100, least=6, most=30),),
        metadata=_said("for how long the bank can't be reached", ASSUMPTION),
    )
    deaf: int = field(
        default=2500,
        metadata=_said("of 10,000 failures, those whose customer answers no message at all", _WALL),
    )
    answers: Mapping[str, int] = field(
        factory=lambda: {
            "authentication_required": 4500,
            "do_not_honor": 1500,
            "expired_card": 3500,
            "insufficient_funds": 800,
            "issuer_not_available": 500,
            "lost_card": 3500,
            "stolen_card": 3500,
        },
        metadata=_said("of 10,000 messages, those the others act on, by what is wrong", _WALL),
    )
    answers_within: tuple[Span, ...] = field(
        default=(
            Span(weight=30, least=1, most=6),
            Span(weight=35, least=6, most=30),
            Span(weight=25, least=30, most=72),
            Span(weight=10, least=72, most=96),
        ),
        metadata=_said("how soon they act on a friendly message", ASSUMPTION),
    )
    slower: Mapping[str, int] = field(
        factory=lambda: {"friendly": 100, "neutral": 125, "firm": 150},
        metadata=_said("how long they take by the tone, in per cent of that", ASSUMPTION),
    )
    leaving: int = field(
        default=150,
        metadata=_said(
            "of 10,000 customers, those who cancel by themselves in 30 days", ASSUMPTION
        ),
    )


def sources(parameters: Parameters) -> tuple[tuple[str, str, str], ...]:
    """Of each parameter its meaning, its value, its source."""
    return tuple(
        (
            each.metadata["meaning"],
            _shown(getattr(parameters, each.name)),
            each.metadata["source"],
        )
        for each in fields(Parameters)
    )


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_shown(value[name])}" for name in sorted(value))
    if isinstance(value, tuple):
        return ", ".join(_shown(each) for each in value)
    if isinstance(value, Market):
        return (
            f"{value.weight} % ({' or '.join(format_money(price, 'en') for price in value.prices)})"
        )
    if isinstance(value, Span):
        length = "for ever" if value.least is None else f"{value.least} to {value.most} h"
        return f"{length} ({value.weight} %)"
    return f"{value:,}" if isinstance(value, int) else str(value)
