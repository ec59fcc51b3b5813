"""Moving open cases to the policy a kit has now; what the policy says of them is decided later."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve

from retainkit.core import Record, Timer
from retainkit.engine._features import Features
from retainkit.ids import CaseId, TenantId
from retainkit.stores import Transaction


def migrate_cases(
    tx: Transaction, features: Features, tenant: TenantId, now: datetime, *, dry_run: bool
) -> tuple[CaseId, ...]:
    """Each case is read again under its customer's lock, and decided anew under its new policy."""
    moved: list[CaseId] = []
    for bound in features:
        name, after = bound.feature.name, None
        while page := tx.records.open(name, after=after):
            after = page[-1].id
            old = [record for record in page if record.definition != bound.current]
            moved += [record.id for record in old]
            if old and not dry_run:
                tx.records.define(bound.current, bound.feature.definition)
                for record in old:
                    _move(tx, record, bound.current, tenant, now)
    return tuple(moved)


def _move(tx: Transaction, found: Record, definition: str, tenant: TenantId, now: datetime) -> None:
    tx.records.lock(found.customer)
    record = tx.records.get(found.feature, found.id)
    if record is None or not record.open:
        return
    tx.records.put(evolve(record, definition=definition, version=record.version + 1))
    tx.schedule.plan(
        Timer(
            tenant=tenant,
            feature=record.feature,
            customer=record.customer,
            due=now,
            case=record.id,
        )
    )
