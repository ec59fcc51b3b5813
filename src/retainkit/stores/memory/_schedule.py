"""The future of one tenant, in memory: timers to decide, effects to perform."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from operator import itemgetter
from typing import Final

from attrs import evolve

from retainkit.core import EVERY_NAME, EffectState, Intent, Item, Lease, Record, Skills, Timer
from retainkit.ids import CaseId, CustomerId, EffectId
from retainkit.stores._refusals import check_tenant, effect_exists
from retainkit.stores.memory._frozen import frozen_object, frozen_outcome
from retainkit.stores.memory._tables import Row, Tables
from retainkit.timing import utc


# What a timer at rest shows as its time.
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


class MemorySchedule:
    """The future, as `retainkit.stores.Schedule` promises it."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def wake(self, timers: Sequence[Timer]) -> None:
        for timer in timers:
            check_tenant(self._tables.tenant, [timer])
            row = self._tables.rows.get(timer.id)
            if row is None:
                self.plan(timer)
            elif row.wake_at is None and isinstance(row.item, Timer):
                self._tables.schedule(timer.id, evolve(row.item, due=timer.due), timer.due)

    def rest(self, timer: Timer, *, since: int) -> bool:
        stored = self.timer(timer.id)
        if stored is None or (stored.lease, stored.since) != (timer.lease, timer.since):
            return False
        asleep = evolve(stored, due=_NEVER, since=since, lease=None)
        self._tables.schedule(timer.id, asleep, None)
        return True

    def missed(self, feature: str, names: frozenset[str], *, limit: int = 100) -> tuple[Timer, ...]:
        found = (
            Timer(
                tenant=self._tables.tenant,
                feature=feature,
                customer=customer,
                due=_NEVER,
                since=since,
            )
            for customer in sorted(self._tables.histories)
            if (since := self._undecided(feature, customer, names)) is not None
        )
        return tuple(islice(found, limit))

    def recount(self) -> tuple[CustomerId, ...]:
        # The counter is the length of the history here: it can't lie below.
        return ()

    def plan(self, timer: Timer) -> None:
        check_tenant(self._tables.tenant, [timer])
        free = timer if timer.lease is None else evolve(timer, lease=None)
        self._tables.schedule(timer.id, free, free.due)

    def drop(self, feature: str, case: CaseId) -> None:
        timer = self.timer(f"{feature}:{case}")
        if timer is not None:
            self._tables.unschedule(timer)

    def finish(self, timer: Timer, *, next_due: datetime | None = None) -> bool:
        stored = self.timer(timer.id)
        if stored is None or stored.lease != timer.lease:
            return False
        if next_due is None:
            self._tables.unschedule(stored)
        else:
            self.plan(evolve(stored, due=next_due))
        return True

    def intend(self, intents: Sequence[Intent], lease: Lease | None, *, now: datetime) -> None:
        now = utc(now, "now")
        check_tenant(self._tables.tenant, intents)
        for intent in intents:
            if (key := intent.id) in self._tables.rows:
                raise effect_exists(intents)
            kept = evolve(
                intent,
                effect=evolve(intent.effect, data=frozen_object(intent.effect.data)),
                state=EffectState.READY if lease is None else EffectState.SENT,
                sent_at=None if lease is None else now,
                wake_at=now if lease is None else now + lease.length,
                lease=None if lease is None else lease.id,
            )
            self._tables.schedule(key, kept, kept.wake_at)
            lease = None

    def settle(self, intent: Intent, *, lease: str | None) -> bool:
        key = intent.id
        stored = self.intent(key)
        if stored is None or stored.lease != lease:
            return False
        kept = evolve(
            stored,
            state=intent.state,
            tries=intent.tries,
            sent_at=None if intent.sent_at is None else utc(intent.sent_at, "sent_at"),
            outcome=frozen_outcome(intent.outcome),
            wake_at=None if intent.wake_at is None else utc(intent.wake_at, "wake_at"),
            lease=None,
        )
        self._tables.schedule(key, kept, kept.wake_at)
        return True

    def begin(self, intent: Intent, lease: Lease, *, now: datetime) -> bool:
        key, now = intent.id, utc(now, "now")
        stored = self.intent(key)
        if stored is None or (stored.lease, stored.state) != (lease.id, EffectState.READY):
            return False
        if stored.wake_at is None or stored.wake_at <= now:
            return False
        until = now + lease.length
        sent = evolve(stored, state=EffectState.SENT, sent_at=now, wake_at=until)
        self._tables.schedule(key, sent, until)
        return True

    def withdraw(self, intent: Intent) -> bool:
        stored = self.intent(intent.id)
        if stored is None or stored.state is not EffectState.READY:
            return False
        return self.settle(intent, lease=stored.lease)

    def timer(self, id: str) -> Timer | None:
        row = self._tables.rows.get(id)
        return row.item if row is not None and isinstance(row.item, Timer) else None

    def intent(self, effect: EffectId) -> Intent | None:
        row = self._tables.rows.get(effect)
        return row.item if row is not None and isinstance(row.item, Intent) else None

    def of(self, customer: CustomerId) -> tuple[Item, ...]:
        rows = ((key, self._tables.rows[key]) for key in self._tables.live[customer])
        ahead = ((row.wake_at, key, row.item) for key, row in rows if row.wake_at is not None)
        return tuple(item for _, _, item in sorted(ahead))

    def unclear(self, *, limit: int = 100) -> tuple[Intent, ...]:
        found = (
            row.item
            for row in self._asleep()
            if isinstance(row.item, Intent) and row.item.state is EffectState.UNCLEAR
        )
        return tuple(sorted(found, key=_id)[:limit])

    def unserved(self, skills: Skills, *, before: datetime, limit: int = 100) -> tuple[Item, ...]:
        before = utc(before, "before")
        found = (
            (row.wake_at, key, row.item)
            for key, row in self._tables.rows.items()
            if row.wake_at is not None and row.wake_at < before and not skills.cover(row.item)
        )
        return tuple(item for _, _, item in sorted(found, key=itemgetter(0, 1))[:limit])

    def orphans(self, feature: str, *, limit: int = 100) -> tuple[Record, ...]:
        records = self._tables.records[feature]
        lost = (
            records[case]
            for case in sorted(records)
            if records[case].open and not self._has_step(records[case])
        )
        return tuple(islice(lost, limit))

    def strays(self, *, limit: int = 100) -> tuple[Item, ...]:
        found = (row.item for row in self._asleep() if _is_stray(row.item))
        return tuple(sorted(found, key=_id)[:limit])

    def _asleep(self) -> Iterator[Row]:
        """What is not done, and has no time to wake."""
        for keys in self._tables.live.values():
            for key in keys:
                if (row := self._tables.rows[key]).wake_at is None:
                    yield row

    def _has_step(self, record: Record) -> bool:
        items = (self._tables.rows[key].item for key in self._tables.live[record.customer])
        return any(item.case == record.id and item.feature == record.feature for item in items)

    def _undecided(self, feature: str, customer: CustomerId, names: frozenset[str]) -> int | None:
        """The first counter a feature will not see by itself; 0 if its wake-up is gone."""
        row = self._tables.rows.get(f"{feature}:{customer}")
        if row is not None and row.wake_at is not None:
            return None
        since = 1 if row is None or not isinstance(row.item, Timer) else row.item.since
        history = self._tables.histories[customer]
        for recorded in islice(history, max(since - 1, 0), None):
            event = recorded.event
            if event.name in names or (EVERY_NAME in names and not event.because):
                return 0 if row is None else recorded.sequence
        return None


def _is_stray(item: Item) -> bool:
    """Whether a sleeping item should not sleep: a wake-up may, and what a person has to answer."""
    if isinstance(item, Timer):
        return item.case is not None
    return item.state is not EffectState.UNCLEAR


def _id(item: Item) -> str:
    return item.id
