"""What every derivation means, said in the plainest way over raw events; slow on purpose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from collections.abc import Sequence as Listed
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from itertools import pairwise, product
from statistics import median_high, median_low
from zoneinfo import ZoneInfo

from attrs import frozen

from retainkit import rules as r
from retainkit.core import Event, Origin, RecordedEvent
from retainkit.money import money


WRITTEN = {
    "signals.set",
    "customer.zone_set",
    "event.retagged",
    "rules.recheck_requested",
}


@frozen(kw_only=True)
class Past:
    """What was known of one customer at a time, and the instant that it is looked at."""

    events: Listed[Event]
    now: datetime
    zone: str = "UTC"

    def zone_at(self, at: datetime) -> ZoneInfo:
        told = sorted(
            (e.occurred_at, e.id, str(e.data["zone"]))
            for e in self.events
            if e.name == "customer.zone_set"
        )
        if not told:
            return ZoneInfo(self.zone)
        held = [name for when, _, name in told if when <= at]
        return ZoneInfo(held[-1] if held else told[0][2])

    def origin(self, event: Event) -> Origin:
        """The one that it was given last; events come in the order they were learned of."""
        found = event.origin
        for tag in self.events:
            ids = tag.data.get("events")
            if tag.name == "event.retagged" and isinstance(ids, list) and event.id in ids:
                found = Origin(str(tag.data["origin"]))
        return found

    def day(self, at: datetime) -> int:
        return at.astimezone(self.zone_at(at)).date().toordinal()

    @property
    def today(self) -> int:
        told = sorted(
            (e.occurred_at, e.id, str(e.data["zone"]))
            for e in self.events
            if e.name == "customer.zone_set"
        )
        zone = ZoneInfo(told[-1][2] if told else self.zone)
        return self.now.astimezone(zone).date().toordinal()

    def real(self) -> list[Event]:
        kept = [e for e in self.events if self.origin(e) in {Origin.REAL, Origin.BACKFILL}]
        return sorted(kept, key=order)

    def start(self) -> datetime | None:
        counted = {Origin.REAL, Origin.BACKFILL}
        known = [e for e in self.events if {e.origin, self.origin(e)} & counted]
        return min((e.occurred_at for e in known), default=None)

    def matching(self, pattern: r.EventPattern) -> list[Event]:
        found = []
        for event in sorted(self.events, key=order):
            origins = pattern.origins or (Origin.REAL, Origin.BACKFILL)
            if self.origin(event) not in origins:
                continue
            if pattern.name == "*":
                left = any(
                    event.name.startswith(b[:-1]) if b.endswith(".*") else event.name == b
                    for b in pattern.but
                )
                if left or event.because or event.name in WRITTEN:
                    continue
            elif event.name not in (pattern.name, *pattern.others):
                continue
            if all(
                at(event, key) == value and type(at(event, key)) is type(value)
                for key, value in pattern.where
            ):
                found.append(event)
        return found

    def within(self, event: Event, within: timedelta | None) -> bool:
        if within is None:
            return True
        if within % timedelta(days=1):
            return self.now - within < event.occurred_at <= self.now
        return self.today - within.days < self.day(event.occurred_at) <= self.today

    def window(self, pattern: r.EventPattern, within: timedelta | None) -> list[Event]:
        return [e for e in self.matching(pattern) if self.within(e, within)]

    def covers(self, within: timedelta) -> bool:
        start = self.start()
        if start is None:
            return False
        if within % timedelta(days=1):
            return start <= self.now - within
        return self.day(start) <= self.today - within.days + 1

    def says_none(self, events: Listed[Event], key: str | None, within: timedelta) -> bool:
        """None of these means none: the timeline is as long, and not all of them lack the key."""
        return self.covers(within) and not is_unread(events, key)


def order(event: Event) -> tuple[datetime, str]:
    return event.occurred_at, event.id


def at(event: Event, key: str) -> object:
    found: object = event.data
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def part(event: Event, key: str) -> str | None:
    found = at(event, key)
    if isinstance(found, bool):
        return str(found).lower()
    return (str(found) or None) if isinstance(found, int | str) else None


def is_unread(events: Listed[Event], key: str | None) -> bool:
    """Something happened, and none of it says anything under the key."""
    return key is not None and bool(events) and not parts(events, key)


def number(value: object, currency: str | None = None) -> Fraction | None:
    if currency and isinstance(value, Mapping):
        value = value["amount"] if value.get("currency") == currency else None
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        exact = Fraction(Decimal(value))
    except (InvalidOperation, ValueError, OverflowError):
        return None
    return exact if (exact * 10**6).denominator == 1 and abs(exact) <= 10**12 else None


def plain(exact: Fraction | None) -> int | float | None:
    if exact is None:
        return None
    return exact.numerator if exact.denominator == 1 else float(exact)


def numbers(events: Listed[Event], key: str, currency: str | None = None) -> list[Fraction]:
    found = [number(at(e, key), currency) for e in events]
    return [n for n in found if n is not None]


def parts(events: Listed[Event], key: str) -> list[str]:
    return [p for e in events if (p := part(e, key)) is not None]


def answer(signal: r.Signal, past: Past, facts: Mapping[str, object]) -> object:  # noqa: PLR0912, C901 - one case a derivation
    """The value that the signal has; None when it is unknown."""
    of = signal.derivation
    match of:
        case None:
            return facts.get(signal.name)
        case r.Count():
            events = past.window(of.pattern, of.within)
            count = len(events)
            if of.same is not None:
                count = max(Counter(parts(events, of.same)).values(), default=0)
            return count or (0 if past.says_none(events, of.same, of.within) else None)
        case r.Distinct():
            events = past.window(of.pattern, of.within)
            count = len(set(parts(events, of.key)))
            return count or (0 if past.says_none(events, of.key, of.within) else None)
        case r.Sequence():
            steps = [past.window(pattern, of.within) for pattern in of.patterns]
            is_none = all(past.says_none(step, of.same, of.within) for step in steps)
            return followed(of, past) or (False if is_none else None)
        case r.Sum():
            events = past.window(of.pattern, of.within)
            found = numbers(events, of.key, of.currency)
            if not found and (events or not past.covers(of.within)):
                return None
            total = sum(found, Fraction(0))
            if of.currency:
                return money(str(Decimal(total.numerator) / total.denominator), of.currency)
            return plain(total)
        case r.Mean():
            found = numbers(past.window(of.pattern, of.within), of.key)
            return plain(sum(found, Fraction(0)) / len(found)) if len(found) >= of.minimum else None
        case r.Last():
            return max((e.occurred_at for e in past.matching(of.pattern)), default=None)
        case r.First():
            return min((e.occurred_at for e in past.matching(of.pattern)), default=None)
        case r.Latest():
            told = [e for e in past.matching(of.pattern) if at(e, of.key) is not None]
            return latest(at(told[-1], of.key), of.kind) if told else None
        case r.LatestChange():
            told = [
                e
                for e in past.window(of.pattern, of.within)
                if number(at(e, of.key)) is not None
                and (of.same is None or part(e, of.same) is not None)
            ]
            if of.same is not None and told:
                told = [e for e in told if part(e, of.same) == part(told[-1], of.same)]
            if len(told) < 2:
                return None
            values = [number(at(e, of.key)) or Fraction(0) for e in told]
            return plain(values[-1] - values[-2])
        case r.Trend():
            return trend(of, past)
        case r.Share():
            some, whole = (answer(s, past, facts) for s in (of.part, of.whole))
            if not isinstance(some, int | float) or not isinstance(whole, int | float):
                return None
            if whole < of.minimum or whole <= 0:
                return None
            return plain(Fraction(some) / Fraction(whole))
        case r.Depth():
            events = past.window(of.pattern, of.within)
            used = set(parts(events, of.key)) & set(of.features)
            if not used and not past.says_none(events, of.key, of.within):
                return None
            return plain(Fraction(len(used), len(of.features)))
        case r.ActiveDays():
            days = {past.day(e.occurred_at) for e in past.window(of.pattern, of.within)}
            return len(days) or (0 if past.covers(of.within) else None)
        case r.ActiveWeeks():
            days = {past.day(e.occurred_at) for e in past.window(of.pattern, of.within)}
            weeks = {(past.today - day) // 7 for day in days}
            return len(weeks) or (0 if past.covers(of.within) else None)
        case r.Open():
            open_now = open_items(of.items, past)
            return None if open_now is None else len(open_now)
        case r.OldestOpen():
            return min((open_items(of.items, past) or {}).values(), default=None)
        case r.Silent():
            open_now = open_items(of.items, past)
            touched = past.window(of.touched, of.items.within)
            if open_now is None or (open_now and is_unread(touched, of.items.key)):
                return None
            silent = 0
            for item, opened in open_now.items():
                signs = [e.occurred_at for e in touched if part(e, of.items.key) == item]
                silent += max([opened, *signs]) <= past.now - of.silent_for
            return silent
        case r.Elapsed():
            return elapsed(of, past)
        case r.Again():
            count = 0
            events, ends = past.window(of.pattern, of.within), past.matching(of.after)
            back = sum(-(-each // timedelta(days=1)) for each in (of.within, of.gap)) + 1
            lately = [e for e in ends if 0 <= past.today - past.day(e.occurred_at) <= back]
            if is_unread(lately, of.key) and parts(events, of.key):
                return None
            for event in events:
                count += part(event, of.key) is not None and any(
                    part(other, of.key) == part(event, of.key)
                    and order(other) < order(event)
                    and event.occurred_at - other.occurred_at <= of.gap
                    for other in ends
                )
            return count or (0 if past.says_none(events, of.key, of.within) else None)
        case _:
            raise NotImplementedError(type(of).__name__)


def latest(value: object, kind: r.Kind) -> object:
    match kind:
        case r.Kind.NUMBER:
            return plain(number(value))
        case r.Kind.TEXT:
            return value if isinstance(value, str) else None
        case r.Kind.FLAG:
            return value if isinstance(value, bool) else None
        case _:
            try:
                found = datetime.fromisoformat(str(value))
            except ValueError:
                return None
            return found.astimezone(UTC) if found.tzinfo else None


def followed(of: r.Sequence, past: Past) -> bool:
    """Try all choices of as many events as there are steps; in any order at one instant."""
    window = [e for e in sorted(past.events, key=order) if past.within(e, of.within)]
    steps = [
        {e.id for e in past.matching(p) if of.same is None or part(e, of.same) is not None}
        for p in of.patterns
    ]
    everything = past.matching(r.anything())
    for chosen in product(*([e for e in window if e.id in step] for step in steps)):
        if len({e.id for e in chosen}) < len(chosen):
            continue
        if any(later.occurred_at < e.occurred_at for e, later in pairwise(chosen)):
            continue
        if chosen[-1].occurred_at - chosen[0].occurred_at > of.within:
            continue
        if of.same is not None and len({part(e, of.same) for e in chosen}) > 1:
            continue
        ids = {e.id for e in chosen}
        named = {e.id for step in steps for e in window if e.id in step}
        between = [
            e
            for e in window
            if (e.id in named or e.id in {x.id for x in everything})
            and chosen[0].occurred_at < e.occurred_at < chosen[-1].occurred_at
            and e.id not in ids
        ]
        if not (of.strict and between):
            return True
    return False


def trend(of: r.Trend, past: Past) -> int | float | None:
    length = of.of.within.days
    back = -(-length // 7) * 7
    first = past.today - length
    start = past.start()
    if start is None or past.day(start) > first - back:
        return None

    def measure(first: int) -> tuple[Fraction | None, int]:
        events = [
            e
            for e in past.matching(of.of.pattern)
            if first <= past.day(e.occurred_at) < first + length
        ]
        match of.of:
            case r.Count(same=same):
                most = len(events)
                if same is not None:
                    most = max(Counter(parts(events, same)).values(), default=0)
                return None if is_unread(events, same) else Fraction(most), most
            case r.Distinct(key=key):
                count = len(set(parts(events, key)))
                return None if is_unread(events, key) else Fraction(count), count
            case r.Sum(key=key):
                found = numbers(events, key)
                is_none = bool(events) and not found
                return None if is_none else sum(found, Fraction(0)), len(found)
            case r.Mean(key=key, minimum=least):
                found = numbers(events, key)
                if len(found) < least:
                    return None, len(found)
                return sum(found, Fraction(0)) / len(found), len(found)

    base, volume = measure(first - back)
    value, _ = measure(first)
    if base is None or value is None or base <= 0 or volume < of.minimum:
        return None
    return plain((value - base) / base)


def open_items(items: r.Items, past: Past) -> dict[str, datetime] | None:
    found = {}
    opened = past.window(items.opened, items.within)
    closed = past.window(items.closed, items.within)
    if parts(opened, items.key):
        if is_unread(closed, items.key):
            return None
    elif items.within is None or not past.says_none(opened, items.key, items.within):
        return None
    for item in set(parts(opened, items.key)):
        last = max(e.occurred_at for e in opened if part(e, items.key) == item)
        if all(e.occurred_at < last for e in closed if part(e, items.key) == item):
            found[item] = last
    return found


def elapsed(of: r.Elapsed, past: Past) -> timedelta | None:
    begun, ended = past.window(of.start, of.within), past.window(of.end, of.within)
    lengths = []
    for item in set(parts(begun, of.key)):
        started: datetime | None = None
        both = {e.id: e for e in (*begun, *ended) if part(e, of.key) == item}
        mine = sorted(both.values(), key=order)
        for at in sorted({e.occurred_at for e in mine}):
            spare: Event | None = None
            for event in (e for e in mine if e.occurred_at == at and e in ended):
                if started is not None:
                    lengths.append(at - started)
                    started = None
                else:
                    spare = event
            for event in (e for e in mine if e.occurred_at == at and e in begun):
                if started is None and spare is not None and spare != event:
                    lengths.append(timedelta(0))
                    spare = None
                elif started is None:
                    started = at
    if len(lengths) < of.minimum:
        return None
    micros = [length // timedelta(microseconds=1) for length in lengths]
    return timedelta(microseconds=(median_low(micros) + median_high(micros)) // 2)


def known_by(history: Listed[RecordedEvent], as_of: int | None) -> list[Event]:
    """What was known by a number of the customer's counter, in that order."""
    kept = [e for e in history if as_of is None or e.sequence <= as_of]
    return [e.event for e in sorted(kept, key=lambda e: e.sequence)]
