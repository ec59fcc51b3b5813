"""A class of signals with every derivation in it, and histories to compute them of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import strategies as st

from retainkit.core import Event, JsonObject, JsonValue, Origin, RecordedEvent
from retainkit.ids import CustomerId, EventId
from retainkit.rules import (
    Count,
    Flag,
    Number,
    Signals,
    Trend,
    anything,
    days,
    either,
    event,
    hours,
    minutes,
    sequence,
    share,
    weeks,
)


CUSTOMER = CustomerId("c1")
START = datetime(2026, 3, 20, tzinfo=UTC)  # Berlin's clocks go forward on the 29th

opened, closed, used = event("opened"), event("closed"), event("used")
tickets = opened.until(closed, by="item", within=days(10))
people = opened.until(closed, by="item")
lately = opened.until(closed, by="item", within=hours(30))


class Everything(Signals):
    """Every derivation, with windows of days and of hours."""

    seats = Number(unit="seats", fresh_for=days(20))
    paying = Flag()

    count = used.count(days(3))
    count_where = event("used", {"kind": "a", "deep.er": 1}).count(days(5))
    count_hours = used.count(hours(7))
    count_same = used.count(days(4), same="user")
    count_same_hours = used.count(hours(50), same="user")
    count_test = used.of_origin(Origin.TEST, Origin.SAMPLE).count(days(8))
    count_either = either("used", "closed").count(days(2))
    distinct = used.distinct("user").count(days(6))
    distinct_hours = used.distinct("user").count(hours(30))
    total = used.sum("amount", days(5))
    total_hours = used.sum("amount", hours(40))
    euros = used.sum_of_money("cash", days(5), currency="EUR")
    mean = used.mean("amount", days(9), minimum=2)
    last = used.last()
    first = used.first(missing="never")
    last_sign = anything(but=("closed",)).last()
    latest = used.latest("amount")
    latest_text = used.latest_text("user")
    latest_flag = used.latest_flag("on")
    latest_time = used.latest_time("when")
    change = used.change("amount", days(9))
    change_same = used.change("amount", hours(100), same="user")
    trend = used.trend(days(7), minimum=2)
    trend_odd = used.trend(days(3))
    trend_users = used.distinct("user").trend(days(4))
    trend_sum = used.sum_trend("amount", days(5), minimum=2)
    users = used.distinct("user").count(days(8)).counting("seats")
    breadth = share(users, of=seats)
    share_of_counts = share(count_where, of=used.count(days(5)), minimum=2)
    depth = used.depth("user", features=("u1", "u2", "u9"), within=days(6))
    active_days = used.active_days(days(12))
    active_weeks = used.active_weeks(weeks(2))
    backlog = tickets.count()
    oldest = tickets.oldest()
    silent = tickets.silent(hours(30), touched=used)
    people_open = people.count()
    people_oldest = people.oldest()
    people_silent = people.silent(days(3), touched=used)
    lately_open = lately.count()
    lately_silent = lately.silent(hours(5), touched=used)
    response = opened.elapsed(closed, by="item", within=days(9))
    response_hours = opened.elapsed(either("used", "closed"), by="item", within=hours(90))
    again = opened.again(after=closed, by="item", gap=days(2), within=days(7))
    again_hours = opened.again(after=closed, by="item", gap=hours(20), within=hours(60))


trend_same = Number(
    name="trend_same", derivation=Trend(of=Count(pattern=used, within=days(3), same="user"))
)
CONDITIONS = (
    sequence(opened, used).within(days(3)),
    sequence(opened, used, closed).same("item").within(hours(60)),
    sequence(opened, closed, strict=True).within(days(4)),
    sequence(opened, used, strict=True).same("item").within(hours(90)),
    sequence(either("opened", "used"), used, used).within(hours(30)),
    opened.at_least(2).same("item").within(days(5)),
    trend_same > 0,
)

_AMOUNTS: tuple[JsonValue, ...] = (
    *(1, 5, 12, 7, "2.5", "0.000001", "-3", "1e2"),
    *("0.0000001", "much", True, None),  # no numbers, or not in millionths
)
_CASH: tuple[JsonValue, ...] = (
    {"amount": "2.50", "currency": "EUR"},
    {"amount": "3", "currency": "USD"},
    *("4", None, "x"),
)


def _data(seed: int) -> JsonObject:
    chance = Random(seed)
    return {
        "user": chance.choice(["u1", "u2", "u3", 4, None, True]),
        "item": chance.choice(["i1", "i2", "i2", 3, None, ""]),
        "amount": chance.choice(_AMOUNTS),
        "cash": chance.choice(_CASH),
        "kind": chance.choice(["a", "b"]),
        "deep": chance.choice([{"er": 1}, {"er": 2}, 1]),
        "on": chance.choice([True, False, "yes"]),
        "when": chance.choice(["2026-05-01T00:00:00+02:00", "soon", 4, "2026-05-01"]),
    }


_SAID = [_data(seed) for seed in range(300)]
"""Of all of them one is drawn; each draw takes its time."""


@st.composite
def events(draw: st.DrawFn, id: str) -> Event:
    """One event: of any name, mostly real, in 25 days of whole and broken hours."""
    name = draw(st.sampled_from(["used", "used", "opened", "closed", "other", "signals.set"]))
    data: JsonObject
    if name == "signals.set":
        facts = st.dictionaries(
            st.sampled_from(["seats", "paying", "gone"]), st.sampled_from([0, 2, 5, None, True])
        )
        data = {"signals": draw(facts)}
    else:
        data = draw(st.sampled_from(_SAID))
    since = hours(draw(st.integers(0, 25 * 24))) + minutes(draw(st.sampled_from([0, 0, 0, 59])))
    return Event(
        id=EventId(id),
        name=name,
        customer=CUSTOMER,
        occurred_at=START + since,
        data=data,
        origin=draw(st.sampled_from([Origin.REAL] * 6 + [Origin.BACKFILL, Origin.TEST])),
    )


@st.composite
def told(draw: st.DrawFn, id: str, ids: list[str]) -> Event:
    """A zone, or events tagged anew."""
    since = START + hours(draw(st.integers(0, 25 * 24)))
    if draw(st.booleans()) or not ids:
        zone = draw(st.sampled_from(["Europe/Berlin", "America/New_York", "Pacific/Apia"]))
        name = "customer.zone_set"
        data: JsonObject = {"zone": zone}
    else:
        some = draw(st.lists(st.sampled_from(ids), max_size=3))
        origin = draw(st.sampled_from(list(Origin)))
        name, data = "event.retagged", {"events": some, "origin": origin.value}
    return Event(id=EventId(id), name=name, customer=CUSTOMER, occurred_at=since, data=data)


@st.composite
def histories(draw: st.DrawFn, *, most: int = 14) -> list[RecordedEvent]:
    """What a customer's timeline holds, in the order in which it was learned."""
    count = draw(st.integers(0, most))
    ids = [f"e{draw(st.integers(0, 9))}{n}" for n in range(count)]
    found: list[Event] = []
    for n, id in enumerate(ids):
        is_told = draw(st.integers(0, 5)) == 0
        found.append(draw(told(id, ids[:n]) if is_told else events(id)))
    return [
        RecordedEvent(event=each, sequence=n + 1, recorded_at=each.occurred_at + timedelta(days=9))
        for n, each in enumerate(found)
    ]


nows = st.integers(0, 27 * 24 * 2).map(lambda half: START + minutes(30 * half))


def dense(seed: int) -> tuple[list[RecordedEvent], datetime]:
    """A busy customer: many events of few items in few days; the same seed, the same history."""
    chance = Random(seed)
    hours_in_all = chance.choice([3 * 24, 9 * 24, 20 * 24])
    found: list[Event] = []
    if seed % 3:
        found.append(_busy(chance, "e0", START - days(40), "other"))
    for n in range(24):
        name = chance.choice(["used", "used", "opened", "closed", "other"])
        since = hours(chance.randrange(hours_in_all)) + minutes(chance.choice([0, 0, 0, 59]))
        found.append(_busy(chance, f"e{chance.randrange(10)}{n}", START + since, name))
    if seed % 4 == 0:
        zone = chance.choice(["Europe/Berlin", "America/New_York", "Pacific/Apia"])
        moved = START + hours(chance.randrange(hours_in_all))
        found.append(
            Event(
                id=EventId("z"),
                name="customer.zone_set",
                customer=CUSTOMER,
                occurred_at=moved,
                data={"zone": zone},
            )
        )
    chance.shuffle(found)
    recorded = [
        RecordedEvent(event=each, sequence=n + 1, recorded_at=START + days(90))
        for n, each in enumerate(found)
    ]
    return recorded, START + minutes(30 * chance.randrange(2 * hours_in_all + 48))


def _busy(chance: Random, id: str, at: datetime, name: str) -> Event:
    return Event(
        id=EventId(id),
        name=name,
        customer=CUSTOMER,
        occurred_at=at,
        data={
            "user": chance.choice(["u1", "u2", "u3"]),
            "item": chance.choice(["i1", "i2"]),
            "amount": chance.choice([1, 5, "2.5", "0.1", 12]),
            "kind": "a",
            "deep": {"er": 1},
        },
    )
