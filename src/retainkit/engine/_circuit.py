"""Circuit breakers: what fails together rests together; their state is in the store."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

from attrs import frozen

from retainkit.core import Record
from retainkit.errors import Conflict
from retainkit.ids import CaseId, CustomerId, derive
from retainkit.stores import TenantStore, Transaction
from retainkit.timing import from_micros, to_micros


_FEATURE = "circuit"
_THRESHOLD = 5
_FIRST_REST = timedelta(minutes=1)
_LONGEST_REST = timedelta(minutes=15)


@frozen(kw_only=True)
class Circuit:
    """
    One breaker as the store has it.

    Args:
        failures: Refusals and lost answers in a row.

        open_until: Until when nothing is sent; the first call after it is the test.

        version: Of its record; 0 when it has none.
    """

    failures: int = 0
    open_until: datetime | None = None
    version: int = 0

    def rests(self, now: datetime) -> bool:
        """Whether nothing may be sent now."""
        return self.open_until is not None and now < self.open_until


def circuit(tx: Transaction, group: str) -> Circuit:
    """The breaker of a group, closed if it never failed."""
    record = tx.records.get(_FEATURE, _id(group))
    if record is None:
        return Circuit()
    until = cast("int | None", record.body["open_until"])
    return Circuit(
        failures=cast("int", record.body["failures"]),
        open_until=None if until is None else from_micros(until),
        version=record.version,
    )


def note(
    store: TenantStore, group: str, before: Circuit, *, succeeded: bool, now: datetime
) -> Circuit:
    """
    Count an answer or a failure; five failures in a row open the breaker, longer each time.

    Written only when something changes. If another worker writes at the same time, its count
    stands: a breaker needs no exact count.
    """
    if succeeded and not before.failures:
        return before
    failures = 0 if succeeded else before.failures + 1
    rest = min(_FIRST_REST * 2 ** max(0, min(failures - _THRESHOLD, 4)), _LONGEST_REST)
    until = now + rest if failures >= _THRESHOLD else None
    after = Circuit(failures=failures, open_until=until, version=before.version + 1)
    try:
        with store.transaction() as tx:
            tx.records.put(_record(group, after))
    except Conflict:
        with store.transaction() as tx:
            return circuit(tx, group)
    return after


def _id(group: str) -> CaseId:
    return CaseId(derive(_FEATURE, group))


def _record(group: str, state: Circuit) -> Record:
    until = None if state.open_until is None else to_micros(state.open_until)
    return Record(
        feature=_FEATURE,
        id=_id(group),
        key=group,
        customer=CustomerId(""),
        open=False,
        version=state.version,
        schema=1,
        definition="",
        body={"failures": state.failures, "open_until": until},
    )
