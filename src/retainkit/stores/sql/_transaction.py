"""One transaction of one tenant on one cursor: timeline, records, schedule and projections."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

from retainkit.ids import TenantId
from retainkit.stores import Appended, Change
from retainkit.stores._refusals import effect_exists, not_current
from retainkit.stores.sql._bound import Bound
from retainkit.stores.sql._projections import SqlProjections
from retainkit.stores.sql._records import SqlRecords, current
from retainkit.stores.sql._schedule import SqlSchedule
from retainkit.stores.sql._statement import Cursor
from retainkit.stores.sql._statements import Statements
from retainkit.stores.sql._timeline import SqlTimeline


class SqlTransaction:
    """Implements :class:`retainkit.stores.Transaction`; whoever made it commits or rolls back."""

    def __init__(self, cursor: Cursor, statements: Statements, tenant: TenantId) -> None:
        bound = Bound(cursor, tenant)
        self.timeline: SqlTimeline = SqlTimeline(bound, statements.timeline)
        self.records: SqlRecords = SqlRecords(bound, statements.records)
        self.schedule: SqlSchedule = SqlSchedule(bound, statements.schedule, statements.damage)
        self.projections: SqlProjections = SqlProjections(bound, statements.projections)
        self._bound = bound

    def write(self, change: Change, *, now: datetime) -> Appended | None:
        """Write a decision; see :meth:`retainkit.stores.Transaction.write`."""
        schedule, record = self.schedule, change.record
        fenced, free = [], []
        if change.settled is not None:
            fenced.append(schedule.settling(change.settled, change.settled.lease))
        if change.finished is not None:
            due = None if change.planned is None else change.planned.due
            fenced.append(schedule.finishing(change.finished, due))
        elif change.planned is not None:
            free.append(schedule.planning(change.planned))
        if change.dropped is not None:
            free.append(schedule.dropping(*change.dropped))
        put = [] if record is None else [self.records.putting(record)]
        intended = schedule.intending(change.intended, change.lease, now)
        telling = self.timeline.telling(change.events, now)
        with current(record):
            touched, told = self._bound.write_parts([*fenced, *put, *intended, *free], telling)
        counts = iter(touched)
        if sum(islice(counts, len(fenced))) != len(fenced):
            return None
        if record is not None and next(counts) != 1:
            raise not_current(record)
        if sum(islice(counts, len(intended))) != len(intended):
            raise effect_exists(change.intended)
        if telling is not None:
            return self.timeline.told(change.events, now, told)
        return self.timeline.append(change.events, recorded_at=now)
