"""100,000 events of use into day buckets of 10 metrics, in batches of 1,000 into SQLite.

The population: a product of 2,000 customers of 5 users each. Fifty users are at work at any
time; each does twenty things in a quarter of an hour and makes room for the next. They come and
go at any time, so a batch tells about ten things of each of a hundred customers. Five
percent of the events are reported twice, as in `ingest`.

What a host has in hand is ready-made. Ours makes events of it, does what it does there (check,
fingerprint, number, append, tell duplicates from conflicts) and counts each new event by its
customer's day in its zone, by name, and by user or feature where a signal asks how many different
ones; buckets and events are one commit. The anchor runs `executemany` of the events alone,
ready-made, on the same schema and durability.
"""

from __future__ import annotations

import gc
from datetime import datetime, timedelta

from intake import CUSTOMERS, EVENTS, START, batches, compared, row

from retainkit import CustomerId, Event, RetainKit
from retainkit.ids import EventId
from retainkit.rules import Signals, days, event
from retainkit.stores.sql import SqlStore
from retainkit.testing import ManualClock


AT_WORK = 50
THINGS = 20
BOUND = 0.3
DONE = (
    "report.opened",
    "report.exported",
    "dashboard.viewed",
    "feature.used",
    "report.opened",
    "search.made",
    "comment.written",
    "feature.used",
    "file.uploaded",
    "member.invited",
)
"""What a user does, in turn; some of it twice as often."""


class Use(Signals):
    """Ten metrics: eight by name, two of them also split by whom or what."""

    opened = event("report.opened").count(days(7))
    exported = event("report.exported").count(days(30))
    viewed = event("dashboard.viewed").count(days(7))
    used = event("feature.used").count(days(30))
    searched = event("search.made").count(days(7))
    wrote = event("comment.written").count(days(30))
    uploaded = event("file.uploaded").count(days(30))
    invited = event("member.invited").count(days(90))
    readers = event("report.opened").distinct("user").count(days(30))
    features = event("feature.used").distinct("feature").count(days(30))


def run(name: str) -> dict[str, object]:
    """At least 0.3 of bare `executemany` of the events."""
    del name
    return compared(_ours, _ROWS, bound=BOUND)


def _what(number: int) -> tuple[EventId, str, CustomerId, datetime, dict[str, str | int]]:
    """What an event tells: its id, its name, whom of, when, and its data."""
    place, turn = number % AT_WORK, number // AT_WORK
    # Each place has changes of its own, so that they are spread over the batches.
    sessions, step = divmod(turn + place * 7, THINGS)
    session = sessions * AT_WORK + place
    customer = session * 7 % CUSTOMERS
    return (
        EventId(f"usage-{number}"),
        DONE[(step + session) % len(DONE)],
        CustomerId(f"customer-{customer}"),
        START + timedelta(seconds=number),
        {
            "user": f"u-{customer}-{session % 5}",
            "feature": f"f-{(session + step) % 12}",
            "session": session,
        },
    )


def _ours(store: SqlStore) -> None:
    clock = ManualClock(START + timedelta(days=2))
    kit = RetainKit(store=store, signals=Use, zone="Europe/Berlin", clock=clock)
    for batch in batches():
        kit.record(*map(_event, batch))
    _check(kit)


def _event(number: int) -> Event:
    id, name, customer, at, data = _WHAT[number]
    return Event(id=id, name=name, customer=customer, occurred_at=at, data=data, actor="host")


def _check(kit: RetainKit) -> None:
    """Each new event is counted once."""
    customer = CustomerId("customer-0")
    known = dict(kit.signals.of(customer))
    told = [recorded.event.name for recorded in kit.timeline(customer)]
    assert known["opened"].value == told.count("report.opened")


_WHAT = [_what(number) for number in range(EVENTS)]
_ROWS = [
    [row(number, _event(number), sequence=number + 1) for number in batch] for batch in batches()
]
gc.freeze()  # what is only here to be told is no garbage to look through, for either side
