"""What could not be counted, listed: an event's data that are no number, a fact of another type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from attrs import frozen

from retainkit.core import Bucket
from retainkit.rules import Latest, LatestChange, Signal, Text
from retainkit.signals._derived import is_choice, metrics_of
from retainkit.signals._facts import fact_metric, fact_of
from retainkit.signals._latest import change_of, said
from retainkit.signals._seen import Seen, is_left_out
from retainkit.timing import from_micros


@frozen(kw_only=True)
class LeftOut:
    """
    Data that a signal could not read; no value was made up for it.

    Args:
        signal: The signal's name.

        key: The key of the event's data; for a fact, its name.

        event: The id of the latest such event.

        at: When that one happened; UTC.

        count: How many there were, on all days that were looked at.
    """

    signal: str
    key: str
    event: str
    at: datetime
    count: int


def left_out(signals: Mapping[str, Signal], seen: Seen) -> Iterator[LeftOut]:
    """What each of the signals could not read."""
    for name, signal in signals.items():
        by_key: dict[str, list[Bucket]] = {}
        for key, row in _unread(name, signal, seen):
            by_key.setdefault(key, []).append(row)
        for key, rows in by_key.items():
            latest = max(rows, key=lambda row: (row.last, row.last_id))
            yield LeftOut(
                signal=name,
                key=key,
                event=latest.last_id,
                at=from_micros(latest.last),
                count=sum(row.count for row in rows),
            )


def _unread(name: str, signal: Signal, seen: Seen) -> Iterator[tuple[str, Bucket]]:
    of = signal.derivation
    if of is None:
        row = seen.one(fact_metric(name))
        if row is not None and fact_of(signal, row) is None:
            yield name, row
        return
    for metric in metrics_of(of):
        for row in seen.rows(metric.name):
            if is_left_out(metric, row):
                yield metric.total or str(metric.split), row
            elif isinstance(of, Latest | LatestChange) and _is_unread(signal, of, row):
                yield of.key, row


def _is_unread(signal: Signal, of: Latest | LatestChange, row: Bucket) -> bool:
    if isinstance(of, LatestChange):
        return change_of(row, of.same)[0] is None
    value = said(row.value, of.kind)
    return value is None or (isinstance(signal, Text) and not is_choice(signal, value))
