"""What was counted of one customer, as derivations look at it; loading it is the engine's work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar, cast

from attrs import frozen

from retainkit.core import Bucket
from retainkit.signals._count import LEFT_OUT, NOBODYS, TIMELINE_METRIC
from retainkit.signals._metric import DAY, Metric, Per
from retainkit.signals._zones import Zones, day_end, day_of
from retainkit.timing import from_micros, to_micros


T = TypeVar("T")

_MICROSECOND = timedelta(microseconds=1)


@frozen(kw_only=True)
class Span:
    """
    The rows of a window.

    Args:
        rows: What was counted in it.

        until: When time alone makes them others.

        is_covered: The timeline is as long as the window, so that nothing found means nothing
            happened.

        left_out: Rows of what could not be summed up, or lacks the key that rows are split by.
    """

    rows: Sequence[Bucket]
    until: datetime | None
    is_covered: bool
    left_out: Sequence[Bucket] = ()

    @property
    def is_unread(self) -> bool:
        """Something happened, and nothing of it could be read: that is not none."""
        return bool(self.left_out) and not self.rows


class Seen:
    """The buckets of one customer by their metric, looked at at one instant."""

    __slots__ = (
        "_by_metric",
        "_found",
        "_start",
        "at",
        "at_micros",
        "day",
        "end_of_today",
        "zones",
    )

    def __init__(self, rows: Mapping[str, Sequence[Bucket]], zones: Zones, now: datetime) -> None:
        self._by_metric = rows
        self.zones: Zones = zones
        self.at: datetime = now
        self.at_micros: int = to_micros(now)
        self.day: int = day_of(zones.latest(), now)
        self.end_of_today: datetime = day_end(zones.latest(), self.day)
        self._found: dict[object, object] = {}
        timeline = self._by_metric.get(TIMELINE_METRIC)
        self._start = min(bucket.first for bucket in timeline) if timeline else None

    @property
    def is_somebody(self) -> bool:
        """Whether the customer has a timeline; tests and samples alone begin none."""
        return self._start is not None

    def rows(self, metric: str) -> Sequence[Bucket]:
        """All rows of a metric."""
        return self._by_metric.get(metric, ())

    def one(self, metric: str) -> Bucket | None:
        """The row of a metric that has one."""
        rows = self._by_metric.get(metric)
        return rows[0] if rows else None

    def once(self, key: object, find: Callable[[], T]) -> T:
        """What is found, looked for once."""
        if key not in self._found:
            self._found[key] = find()
        return cast("T", self._found[key])

    def window(self, metric: Metric, within: timedelta) -> Span:
        """
        The rows of a window that ends now.

        Whole days are those of the customer: today and the ones before; of other lengths, from
        just after so long ago until now.
        """
        if metric.per is Per.DAY or not within % DAY:
            return self.days(metric, self.day - within // DAY + 1, self.day)
        start = self.at_micros - within // _MICROSECOND
        found = self.rows(metric.name)
        rows = [row for row in found if start < row.last <= self.at_micros]
        turns = [row.last - start + self.at_micros for row in rows]
        turns += [row.last for row in found if row.last > self.at_micros]
        covered = self._start is not None and self._start <= start
        if not covered and self._start is not None:
            turns.append(self._start + within // _MICROSECOND)
        until = from_micros(min(turns)) if turns else None
        return _span(metric, rows, until, is_covered=covered)

    def all(self, metric: Metric) -> Span:
        """The rows of all time; nothing found does not mean that nothing happened."""
        return _span(metric, list(self.rows(metric.name)), None, is_covered=False)

    def days(self, metric: Metric, first: int, last: int) -> Span:
        """The rows of these days, both included; they are others when the day is over."""
        rows = [row for row in self.rows(metric.name) if first <= row.day <= last]
        return _span(metric, rows, self.end_of_today, is_covered=self.is_known_since(first))

    def is_known_since(self, day: int) -> bool:
        """The timeline began on this day, or before."""
        return self._start is not None and self.zones.day(self._start)[0] <= day

    def ago(self, length: timedelta) -> int:
        """So long ago, in microseconds since 1970."""
        return self.at_micros - length // _MICROSECOND


def first_until(span: Span, *others: Span) -> datetime | None:
    """When a window is another one, or one of the others can be read that can't be now."""
    untils = [span.until, *(each.until for each in others if each.left_out)]
    return min((until for until in untils if until is not None), default=None)


def part_in(metric: Metric, row: Bucket) -> str:
    """The value that rows of the metric are split by; `NOBODYS` for none."""
    return str(row.value) if metric.per is Per.EVENT else row.part


def is_left_out(metric: Metric, row: Bucket) -> bool:
    """The row is of events that could not be summed up, or that lack the key."""
    if metric.total is not None:
        return row.value == LEFT_OUT
    return metric.split is not None and part_in(metric, row) == NOBODYS


def _span(metric: Metric, rows: list[Bucket], until: datetime | None, *, is_covered: bool) -> Span:
    if metric.total is None and metric.split is None:
        return Span(rows=rows, until=until, is_covered=is_covered)
    left_out = [row for row in rows if is_left_out(metric, row)]
    if left_out:
        rows = [row for row in rows if not is_left_out(metric, row)]
    return Span(rows=rows, until=until, is_covered=is_covered, left_out=left_out)


def happened(row: Bucket) -> tuple[int, str]:
    """When the latest event of a row was; its id decides between those of one instant."""
    return row.last, row.last_id
