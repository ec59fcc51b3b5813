"""The future in SQL: timers and intents, and the damage the sweeper looks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from retainkit.core import EVERY_NAME, Intent, Item, Lease, Record, Skills, Timer, dumps
from retainkit.ids import CaseId, CustomerId, EffectId
from retainkit.stores._refusals import check_tenant, effect_exists
from retainkit.stores.sql import _rows as rows
from retainkit.stores.sql._bound import Bound
from retainkit.stores.sql._statement import Part, Value
from retainkit.stores.sql._statements import DamageStatements, ScheduleStatements
from retainkit.timing import to_micros


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SqlSchedule:
    """The future, as `retainkit.stores.Schedule` promises it."""

    def __init__(
        self, bound: Bound, statements: ScheduleStatements, damage: DamageStatements
    ) -> None:
        self._bound = bound
        self._sql = statements
        self._damage = damage

    def wake(self, timers: Sequence[Timer]) -> None:
        check_tenant(self._bound.tenant, timers)
        if timers:
            self._bound.write_rows(self._sql.wake, [rows.timer_row(timer) for timer in timers])

    def rest(self, timer: Timer, *, since: int) -> bool:
        rested = self._bound.write(
            self._sql.rest, w_id=timer.id, held=timer.lease or "", was=timer.since, since=since
        )
        return rested == 1

    def missed(self, feature: str, names: frozenset[str], *, limit: int = 100) -> tuple[Timer, ...]:
        damage = self._damage
        missed = damage.missed_of_every_name if EVERY_NAME in names else damage.missed
        found = self._bound.all(missed, feature=feature, ids=dumps(sorted(names)), limit=limit)
        return tuple(
            Timer(
                tenant=self._bound.tenant,
                feature=feature,
                customer=CustomerId(str(customer)),
                due=_EPOCH,
                since=rows.integer(since) if resting else 0,
            )
            for customer, since, resting in found
        )

    def recount(self) -> tuple[CustomerId, ...]:
        found = self._bound.all(self._damage.miscounted)
        for customer, last in found:
            self._bound.write(self._damage.recount, id=customer, counter=last)
        return tuple(CustomerId(str(customer)) for customer, _ in found)

    def plan(self, timer: Timer) -> None:
        self._bound.write_part(self.planning(timer))

    def planning(self, timer: Timer) -> Part:
        """The part of a change that sets a case's next step."""
        check_tenant(self._bound.tenant, [timer])
        return self._sql.plan, rows.timer_row(timer)

    def drop(self, feature: str, case: CaseId) -> None:
        self._bound.write_part(self.dropping(feature, case))

    def dropping(self, feature: str, case: CaseId) -> Part:
        """The part of a change that removes a case's next step."""
        return self._bound.part(self._sql.drop, w_id=f"{feature}:{case}")

    def finish(self, timer: Timer, *, next_due: datetime | None = None) -> bool:
        return self._bound.write_part(self.finishing(timer, next_due)) == 1

    def finishing(self, timer: Timer, next_due: datetime | None) -> Part:
        """The part of a change that ends a claimed timer, or moves it; it touches one row."""
        held = {"w_id": timer.id, "held": timer.lease or ""}
        if next_due is None:
            return self._bound.part(self._sql.finish, **held)
        return self._bound.part(self._sql.move, wake_at=to_micros(next_due), **held)

    def intend(self, intents: Sequence[Intent], lease: Lease | None, *, now: datetime) -> None:
        parts = self.intending(intents, lease, now)
        if sum(self._bound.write_parts(parts)[0]) != len(intents):
            raise effect_exists(intents)

    def intending(
        self, intents: Sequence[Intent], lease: Lease | None, now: datetime
    ) -> list[Part]:
        """The parts of a change that keep effects; each touches one row."""
        check_tenant(self._bound.tenant, intents)
        at = to_micros(now)
        ready = [{**rows.intent_row(intent), "state": "ready", "wake_at": at} for intent in intents]
        parts: list[Part] = []
        if lease is not None and ready:
            leased = {**ready.pop(0), "state": "sent", "sent_at": at, "lease": lease.id, "now": at}
            length = rows.micros(lease.length)
            parts.append((self._sql.intend_leased, {**leased, "length": length}))
        return [*parts, *((self._sql.intend, row) for row in ready)]

    def settle(self, intent: Intent, *, lease: str | None) -> bool:
        return self._bound.write_part(self.settling(intent, lease)) == 1

    def settling(self, intent: Intent, lease: str | None) -> Part:
        """The part of a change that writes an intent's state; it touches one row."""
        return self._bound.part(
            self._sql.settle, w_id=intent.id, held=lease or "", **_changed(intent)
        )

    def begin(self, intent: Intent, lease: Lease, *, now: datetime) -> bool:
        begun = self._bound.write(
            self._sql.begin,
            w_id=intent.id,
            held=lease.id,
            length=rows.micros(lease.length),
            now=to_micros(now),
        )
        return begun == 1

    def withdraw(self, intent: Intent) -> bool:
        return self._bound.write(self._sql.withdraw, w_id=intent.id, **_changed(intent)) == 1

    def timer(self, id: str) -> Timer | None:
        found = self._item(id)
        return found if isinstance(found, Timer) else None

    def intent(self, effect: EffectId) -> Intent | None:
        found = self._item(effect)
        return found if isinstance(found, Intent) else None

    def _item(self, id: str) -> Item | None:
        row = self._bound.first(self._sql.item, w_id=id)
        return None if row is None else rows.item(row)

    def of(self, customer: CustomerId) -> tuple[Item, ...]:
        return tuple(map(rows.item, self._bound.all(self._sql.items, w_customer=customer)))

    def unclear(self, *, limit: int = 100) -> tuple[Intent, ...]:
        found = map(rows.item, self._bound.all(self._sql.unclear, limit=limit))
        return tuple(item for item in found if isinstance(item, Intent))

    def unserved(self, skills: Skills, *, before: datetime, limit: int = 100) -> tuple[Item, ...]:
        found = self._bound.all(
            self._sql.unserved, before=to_micros(before), limit=limit, **rows.skills(skills)
        )
        return tuple(map(rows.item, found))

    def orphans(self, feature: str, *, limit: int = 100) -> tuple[Record, ...]:
        return tuple(
            map(rows.record, self._bound.all(self._damage.orphans, w_feature=feature, limit=limit))
        )

    def strays(self, *, limit: int = 100) -> tuple[Item, ...]:
        return tuple(map(rows.item, self._bound.all(self._damage.strays, limit=limit)))


def _changed(intent: Intent) -> dict[str, Value]:
    return {
        "state": intent.state.value,
        "tries": intent.tries,
        "sent_at": rows.micros_or_none(intent.sent_at),
        "outcome": rows.outcome_text(intent.outcome),
        "wake_at": rows.micros_or_none(intent.wake_at),
    }
