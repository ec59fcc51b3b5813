"""A rulebook of early warnings lived through worlds with known truth; what it found, counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from statistics import median

from attrs import frozen

from retainkit.engine import RetainKit
from retainkit.ids import CustomerId
from retainkit.rules import Rule, Rulebook, days, signals_of
from retainkit.signals import early_warnings
from retainkit.simulate import Fate, Trouble, UsageWorld, usage_world
from retainkit.stores.memory import MemoryStore
from retainkit.testing import ManualClock


DAY = timedelta(days=1)
YEAR = 365
KNOWN_AFTER = 57
"""Days after which four weeks can be compared with those before; then the kit is set up."""

_READY = early_warnings()
RULES = {
    Trouble.FALLING_USE: Rule(
        id="falling-use", when=_READY["falling_use"], for_=days(3), keep_for=days(14)
    ),
    Trouble.CHAMPION_LEFT: Rule(id="champion-left", when=_READY["champion_left"]),
    Trouble.SILENT_BACKLOG: Rule(id="silent-backlog", when=_READY["silent_backlog"]),
}
READ = {signal.name: signal for rule in RULES.values() for signal in signals_of(rule.when)}
BOOK = Rulebook(signals=READ, rules=list(RULES.values()))


@frozen
class Alarm:
    """A rule fired."""

    customer: CustomerId
    rule: str
    at: datetime


def lived(world: UsageWorld) -> list[Alarm]:
    """
    What fires in a world, with the production code: recorded and decided each morning.

    The kit is set up when there is history enough for its rules; before, no warning could be true
    or false.
    """
    clock = ManualClock(world.start)
    kit = RetainKit(store=MemoryStore(), rules=BOOK, clock=clock)
    coming = list(reversed(world.events()))
    for morning in islice(world.mornings(), KNOWN_AFTER - 1, None):
        clock.set(morning)
        news = []
        while coming and coming[-1].received_at <= morning:
            news.append(coming.pop().event)
        kit.record(*news)
        kit.run_due()
    return [
        Alarm(one.id, str(recorded.event.data["rule"]), recorded.event.occurred_at)
        for one in world.customers
        for recorded in kit.timeline(one.id)
        if recorded.event.name == "rules.fired"
    ]


@frozen(kw_only=True)
class Found:
    """
    What one rule found in one world.

    Args:
        troubled: How many customers have its trouble.

        leads: Of those found in time, how many days before they leave.

        available: How many days the world had left them, of all.

        false: How often it fired for those who are well and never quiet.

        lulls: How often for those who are well, and quiet at some time.

        calm_years: Customer-years of the former, from when warnings are possible.

        quiet_years: Customer-years of the latter.
    """

    troubled: int
    leads: tuple[float, ...]
    available: tuple[float, ...]
    false: int
    lulls: int
    calm_years: float
    quiet_years: float


def found(world: UsageWorld, alarms: Iterable[Alarm], trouble: Trouble) -> Found:
    """The alarms of a trouble's rule against the truth."""
    mine = [alarm for alarm in alarms if alarm.rule == RULES[trouble].id]
    truth = world.truth()
    ill = [fate for fate in truth.values() if fate.trouble is trouble]
    calm = {who for who, fate in truth.items() if fate.trouble is None and not fate.quiet}
    quiet = {who for who, fate in truth.items() if fate.quiet}
    years = (world.days - KNOWN_AFTER) / YEAR
    return Found(
        troubled=len(ill),
        leads=tuple(lead for fate in ill if (lead := _lead(fate, mine)) is not None),
        available=tuple(fate.lead / DAY for fate in ill if fate.lead is not None),
        false=sum(alarm.customer in calm for alarm in mine),
        lulls=sum(alarm.customer in quiet for alarm in mine),
        calm_years=len(calm) * years,
        quiet_years=len(quiet) * years,
    )


def _lead(fate: Fate, alarms: Iterable[Alarm]) -> float | None:
    """From the first alarm after the onset to the departure, in days."""
    if fate.onset is None or fate.leaves_at is None:
        return None
    at = [
        alarm.at
        for alarm in alarms
        if alarm.customer == fate.customer and fate.onset <= alarm.at < fate.leaves_at
    ]
    return (fate.leaves_at - min(at)) / DAY if at else None


@frozen
class Estimate:
    """A figure over worlds, with the interval that holds the true one with 95 % certainty."""

    low: float
    middle: float
    high: float

    def __str__(self) -> str:
        """As ``20.5 (18.1 to 23.0)``."""
        return f"{self.middle:.2f} ({self.low:.2f} to {self.high:.2f})"


def estimate(values: Sequence[float]) -> Estimate:
    """
    The median of the worlds' values.

    The ends of its interval are two of the ordered values, so it assumes nothing about their
    distribution: of 20 worlds the 6th and the 15th (95.9 %).
    """
    ordered = sorted(values)
    count = len(ordered)
    cut = max(0, int((count - 1.96 * count**0.5) / 2))
    return Estimate(ordered[cut], median(ordered), ordered[count - 1 - cut])


def rate(each: Sequence[tuple[int, float]]) -> Estimate:
    """
    How often a year, over all worlds.

    A ratio of two sums, with the standard error of a ratio whose pairs are drawn together: the
    customers of a world are not taken to be independent.
    """
    count, years = len(each), sum(time for _, time in each)
    found = sum(times for times, _ in each) / years
    spread = sum((times - found * time) ** 2 for times, time in each)
    error = (count / (count - 1) * spread) ** 0.5 / years
    return Estimate(max(0.0, found - 1.96 * error), found, found + 1.96 * error)


@frozen(kw_only=True)
class Summary:
    """
    What a rule found over many worlds.

    Args:
        troubled: How many customers had the trouble.

        missed: How many of them left without an alarm in time.

        share: Of a world's troubled customers, those found.

        lead: Days between alarm and departure, the median of each world.

        kept: Which part of the time between onset and departure was left at the alarm.

        false: False alarms a customer-year, of those who are never quiet.

        lulls: False alarms a customer-year, of those who are quiet for a while.
    """

    troubled: int
    missed: int
    share: Estimate
    lead: Estimate
    kept: Estimate
    false: Estimate
    lulls: Estimate


def summary(seeds: Iterable[int], customers: int, lasting: int) -> dict[Trouble, Summary]:
    """Live through the worlds of these seeds."""
    by_trouble: dict[Trouble, list[Found]] = {trouble: [] for trouble in Trouble}
    for seed in seeds:
        world = usage_world(seed, customers, lasting)
        alarms = lived(world)
        for trouble, each in by_trouble.items():
            each.append(found(world, alarms, trouble))
    return {trouble: _summed(each) for trouble, each in by_trouble.items()}


def _summed(each: Sequence[Found]) -> Summary:
    some = [one for one in each if one.troubled]
    heard = [one for one in some if one.leads]
    return Summary(
        troubled=sum(one.troubled for one in each),
        missed=sum(one.troubled - len(one.leads) for one in each),
        share=estimate([len(one.leads) / one.troubled for one in some]),
        lead=estimate([median(one.leads) for one in heard]),
        kept=estimate([median(one.leads) / median(one.available) for one in heard]),
        false=rate([(one.false, one.calm_years) for one in each]),
        lulls=rate([(one.lulls, one.quiet_years) for one in each]),
    )
