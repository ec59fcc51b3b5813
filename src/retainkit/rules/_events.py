"""Events by name and data, and all that can be made of them; `signals` computes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from attrs import evolve, field, frozen

from retainkit.core import EVERY_NAME, JsonObject, Origin
from retainkit.errors import InvalidInput
from retainkit.rules._checked import (
    MissingTime,
    Scalar,
    all_left_out,
    every_or_one,
    is_like,
    one_of_events,
    origins_of,
    pairs_of,
    where_pairs,
    with_types,
)
from retainkit.rules._computed import (
    ActiveDays,
    ActiveWeeks,
    Again,
    Depth,
    Elapsed,
    First,
    Last,
    Latest,
    LatestChange,
    Mean,
    Share,
    Sum,
    Trend,
    derived_name,
)
from retainkit.rules._counted import Count, computed, time_of
from retainkit.rules._declared import Kind, Signal
from retainkit.rules._items import Items
from retainkit.rules._signals import Amount, Duration, Flag, Number, Text, Time
from retainkit.rules._waiting import Absent, DistinctValues, OpenItems, Steps, Times


_WRITTEN = frozenset(
    {
        "attention.dismissed",
        "customer.zone_set",
        "effect.settled",
        "event.released",
        "event.retagged",
        "health.override_end_requested",
        "health.override_requested",
        "health.rescore_requested",
        "rules.recheck_requested",
        "signals.set",
        "webhook.received",
    }
)
"""What people on our side, and the kit itself, write without a reason: no signs of life."""


@frozen(kw_only=True, cache_hash=True)
class EventPattern:
    """
    Events of a name whose data have these values; made by `event`, `either` and `anything`.

    Args:
        name: As on the timeline, such as ``payment.failed``; ``*`` for every name.

        where: Keys of the data, each with the value it must have; ``payment.id`` is the key ``id``
            inside of ``payment``.

        others: More names that it may have.

        but: Of every name, not these; ``payment.*`` is all that start with ``payment.``.

        origins: Only events of these origins; none for real ones and those of a backfill.

    Raises:
        InvalidInput: ``rules.event_name``, ``rules.where``, ``rules.origin``.
    """

    name: str = field(converter=every_or_one)
    where: tuple[tuple[str, Scalar], ...] = field(default=(), converter=where_pairs, eq=with_types)
    others: tuple[str, ...] = field(default=(), converter=one_of_events)
    but: tuple[str, ...] = field(default=(), converter=all_left_out)
    origins: tuple[Origin, ...] = field(default=(), converter=origins_of)

    def __attrs_post_init__(self) -> None:
        """
        Every name takes no more names, and of some names none is left out.

        Raises:
            InvalidInput: ``rules.event_name``.
        """
        if self.is_any and self.others:
            raise InvalidInput(
                "Every name is taken already, so the others would say nothing",
                code="rules.event_name",
                field="name",
                value=self.name,
                remedy="leave out * to count the others alone, or leave out the others",
            )
        if self.but and not self.is_any:
            raise InvalidInput(
                "Names are left out of every name only",
                code="rules.event_name",
                field="but",
                value=", ".join(self.but),
                remedy="write anything(but=...), in a file the name *; or leave out but",
            )

    @property
    def is_any(self) -> bool:
        """It takes events of every name."""
        return self.name == EVERY_NAME

    @property
    def names(self) -> tuple[str, ...]:
        """The names that it takes; none when it takes every name."""
        return () if self.is_any else (self.name, *self.others)

    def takes(self, name: str) -> bool:
        """
        An event of this name can be one of them.

        What is only written about a customer (facts, zones and tags, what people or the kit ask
        of rules and health, what they settle) is no event of every name, but can be named.
        """
        if not self.is_any:
            return name == self.name or name in self.others
        return name not in _WRITTEN and not any(is_like(name, but) for but in self.but)

    def of_origin(self, *origins: Origin) -> EventPattern:
        """Events of these origins, instead of real ones and those of a backfill."""
        return evolve(self, origins=origins)

    def at_least(self, count: int) -> Times:
        """So many of them, or more: ``event("payment.failed").at_least(3).within(days(7))``."""
        return Times(pattern=self, least=count)

    def absent(self) -> Absent:
        """None of them: ``event("report.sent").absent().within(days(30))``."""
        return Absent(pattern=self)

    def distinct(self, key: str) -> DistinctValues:
        """How many different values they have under this key of their data."""
        return DistinctValues(pattern=self, key=key)

    def count(self, within: timedelta, *, same: str | None = None) -> Number:
        """
        How many there were in the window before now, as a signal.

        Args:
            within: The window.

            same: Of the value under this key that it happened most with: repeated topics.
        """
        return computed(Count(pattern=self, within=within, same=same))

    def trend(self, within: timedelta, *, minimum: int = 1) -> Number:
        """How their number compares with the window before; see `Trend`."""
        return computed(Trend(of=Count(pattern=self, within=within), minimum=minimum))

    def sum(self, key: str, within: timedelta) -> Number:
        """The sum of the numbers under a key; see `Sum`."""
        return computed(Sum(pattern=self, key=key, within=within))

    def sum_of_money(self, key: str, within: timedelta, *, currency: str) -> Amount:
        """The sum of the amounts under a key in a currency; see `Sum`."""
        sum_of = Sum(pattern=self, key=key, within=within, currency=currency)
        return Amount(name=derived_name(sum_of), currency=currency, derivation=sum_of)

    def sum_trend(self, key: str, within: timedelta, *, minimum: int = 1) -> Number:
        """How the sum under a key compares with the window before; see `Trend`."""
        of = Sum(pattern=self, key=key, within=within)
        return computed(Trend(of=of, minimum=minimum))

    def mean(self, key: str, within: timedelta, *, minimum: int = 1) -> Number:
        """The mean of the numbers under a key; see `Mean`."""
        return computed(Mean(pattern=self, key=key, within=within, minimum=minimum))

    def last(self, *, missing: MissingTime = "unknown") -> Time:
        """When the latest one happened."""
        return time_of(Last(pattern=self, missing=missing), missing)

    def first(self, *, missing: MissingTime = "unknown") -> Time:
        """When the earliest one happened."""
        return time_of(First(pattern=self, missing=missing), missing)

    def latest(self, key: str) -> Number:
        """The number that the latest one says under a key."""
        return computed(Latest(pattern=self, key=key))

    def latest_text(self, key: str, *, one_of: Iterable[str] = ()) -> Text:
        """The text that the latest one says under a key."""
        of = Latest(pattern=self, key=key, kind=Kind.TEXT, one_of=one_of)
        return Text(name=derived_name(of), one_of=of.one_of, derivation=of)

    def latest_flag(self, key: str) -> Flag:
        """The flag that the latest one says under a key."""
        of = Latest(pattern=self, key=key, kind=Kind.FLAG)
        return Flag(name=derived_name(of), derivation=of)

    def latest_time(self, key: str) -> Time:
        """The instant, as ISO 8601 with a zone, that the latest one says under a key."""
        return time_of(Latest(pattern=self, key=key, kind=Kind.TIME))

    def change(self, key: str, within: timedelta, *, same: str | None = None) -> Number:
        """By how much the latest number differs from the one before; see `LatestChange`."""
        return computed(LatestChange(pattern=self, key=key, within=within, same=same))

    def depth(self, key: str, *, features: Iterable[str], within: timedelta) -> Number:
        """Which share of the core features was used, named under a key; see `Depth`."""
        of = Depth(pattern=self, key=key, features=features, within=within)
        return computed(of)

    def active_days(self, within: timedelta) -> Number:
        """On how many days of the window it happened; see `ActiveDays`."""
        return computed(ActiveDays(pattern=self, within=within), unit="days")

    def active_weeks(self, within: timedelta) -> Number:
        """In how many weeks of the window it happened; see `ActiveWeeks`."""
        return computed(ActiveWeeks(pattern=self, within=within), unit="weeks")

    def until(self, closed: EventPattern, *, by: str, within: timedelta | None = None) -> OpenItems:
        """
        Items that this opens and the other closes: ``event("ticket.opened").until(...)``.

        Args:
            closed: What closes them.

            by: The key of both events' data that names the item.

            within: Only what was opened in this window; None for all time.
        """
        return OpenItems(items=Items(opened=self, closed=closed, key=by, within=within))

    def elapsed(
        self, end: EventPattern, *, by: str, within: timedelta, minimum: int = 1
    ) -> Duration:
        """The median time from this to the other one of the same key; see `Elapsed`."""
        of = Elapsed(start=self, end=end, key=by, within=within, minimum=minimum)
        return Duration(name=derived_name(of), derivation=of)

    def again(self, *, after: EventPattern, by: str, gap: timedelta, within: timedelta) -> Number:
        """How many times it came back after the other one; see `Again`."""
        return computed(Again(pattern=self, after=after, key=by, gap=gap, within=within))

    def to_json(self) -> JsonObject:
        """As data."""
        return {
            "name": self.name,
            **({"where": dict(self.where)} if self.where else {}),
            **({"or": list(self.others)} if self.others else {}),
            **({"but": list(self.but)} if self.but else {}),
            **({"origins": [origin.value for origin in self.origins]} if self.origins else {}),
        }


def event(name: str, where: Mapping[str, Scalar] | None = None) -> EventPattern:
    """
    Events of this name, whose data have these values.

    Raises:
        InvalidInput: ``rules.event_name``, ``rules.where``, ``json.float``, ``json.type``.
    """
    return EventPattern(name=name, where=pairs_of(where))


def either(*names: str, where: Mapping[str, Scalar] | None = None) -> EventPattern:
    """
    Events of any of these names, whose data have these values.

    Raises:
        InvalidInput: ``rules.event_name``, ``rules.where``.
    """
    first, *others = names or ("",)
    return EventPattern(name=first, where=pairs_of(where), others=tuple(others))


def anything(*, but: Iterable[str] = ()) -> EventPattern:
    """
    Events of every name: signs of life.

    What retainkit decided is none, nor what is only written about a customer: facts, zones, tags,
    what people settle, and what is asked of rules and health.

    Args:
        but: Names to leave out, such as ``invoice.observed`` or ``payment.*``.

    Raises:
        InvalidInput: ``rules.event_name``.
    """
    return EventPattern(name=EVERY_NAME, but=(but,) if isinstance(but, str) else tuple(but))


def sequence(*patterns: EventPattern, strict: bool = False) -> Steps:
    """
    These in this order; with ``strict``, with no other event of the customer between them.

    Raises:
        InvalidInput: ``rules.sequence`` for fewer than two.
    """
    return Steps(patterns=patterns, strict=strict)


def share(part: Number | Amount, *, of: Number | Amount, minimum: int = 1) -> Number:
    """
    One signal as a share of another in the same unit, such as active seats of the paid ones.

    Args:
        part: A number or an amount.

        of: The whole; none, or less than the least, leaves the share unknown.

        minimum: The least whole.

    Raises:
        InvalidInput: ``rules.value_type``, ``rules.unit``, ``rules.minimum``.
    """
    return computed(Share(part=part, whole=of, minimum=minimum))


def is_anonymous(signal: Signal) -> bool:
    """
    It was made by a rule and has its hash for a name; inside this room only.

    One that goes stale has to be declared: nothing in the name would tell it from one that doesn't.
    """
    of = signal.derivation
    return of is not None and signal.fresh_for is None and signal.name == derived_name(of)
