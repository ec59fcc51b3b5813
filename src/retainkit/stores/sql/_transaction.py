"""One transaction of one tenant on one cursor: timeline, records and schedule in SQL."""

from __future__ import annotations

from retainkit.ids import TenantId
from retainkit.stores.sql._bound import Bound
from retainkit.stores.sql._records import SqlRecords
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
