"""`kit.signals`: facts set and read, counted anew, tagged anew; the counting is in `signals`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, TypeAlias, overload

from attrs import evolve

from retainkit.core import Bucket, Event, Origin, Part, RecordedEvent, Wanted
from retainkit.errors import ConfigurationError, InvalidInput
from retainkit.ids import CustomerId, EventId, derive
from retainkit.stores import Appended, Transaction
from retainkit.timing import utc
from retainkit.timing import zone as zone_of


if TYPE_CHECKING:
    from retainkit.engine._counting import Counting
    from retainkit.engine._join import JoinedKit
    from retainkit.engine._kit import RetainKit
    from retainkit.engine._load import Loaded
    from retainkit.rules import Readings, Signal

Opened: TypeAlias = "Callable[[], AbstractContextManager[JoinedKit]]"
Progress: TypeAlias = "Callable[[int, int | None], None]"

PAGE = 1000


class KitSignals:
    """
    What is known of customers, as ``kit.signals``.

    On a kit each call is a commit of its own; on a joined one all of it belongs to the host's
    transaction.
    """

    def __init__(self, kit: RetainKit, opened: Opened) -> None:
        self._kit = kit
        self._opened = opened

    @overload
    def set(
        self,
        customer: CustomerId,
        values: Mapping[str, object],
        *,
        at: datetime | None = None,
        source: str | None = None,
    ) -> Appended: ...

    @overload
    def set(
        self,
        customer: CustomerId,
        values: Mapping[Signal | str, object],
        *,
        at: datetime | None = None,
        source: str | None = None,
    ) -> Appended: ...

    def set(
        self,
        customer: CustomerId,
        values: Mapping[str, object] | Mapping[Signal | str, object],
        *,
        at: datetime | None = None,
        source: str | None = None,
    ) -> Appended:
        """
        State facts about a customer; features that read them are woken in the same commit.

        The same facts of the same time, told again, are a duplicate; no facts are nothing. Of
        two that contradict each other the later one holds, in whatever order they come; of the
        same time, the one told later.

        Args:
            customer: Whom they are about.

            values: By signal or its name; None says that it is not known any more.

            at: As of when they are true; now by default.

            source: What made them known, such as ``crm``; that of the declaration by default.

        Raises:
            InvalidInput: Nothing is kept: ``rules.unknown_signal``, ``rules.signal_clash``,
                ``signals.computed`` for one that is counted from the timeline,
                ``rules.value_type``, ``rules.currency``, ``rules.not_a_choice`` or
                ``rules.not_finite`` (NaN, too) for a value, ``signals.ahead`` or ``time.naive``
                for the time, ``signals.customer``, ``json.text`` or ``json.id_length`` for the
                customer.
            ConfigurationError: ``kit.no_signals``.
        """
        from retainkit.engine._facts import fact_event, named_values

        counting, now = self._counting(), self._kit.clock.now()
        named = named_values(counting.measures.signals, values)
        with self._opened() as k:
            fact = fact_event(
                counting.measures,
                customer,
                named,
                at=at or now,
                latest=now + counting.tolerance,
                source=source,
                known=lambda: _told_so_far(counting, k.tx, customer, now, named) if named else (),
            )
            return k.record(*((fact,) if named else ()))

    def of(self, customer: CustomerId, *, as_of: int | datetime | None = None) -> Readings:
        """
        What is known of a customer.

        Args:
            customer: The host's id.

            as_of: What was known then, read at that time: a counter of the customer's events, or
                an aware datetime. A later event, however old what it tells, changes nothing of
                it. None is the present.

        Raises:
            InvalidInput: ``signals.as_of`` for a time that is yet to come, or a counter that is
                below 0 or above that of the customer; ``time.naive``.
            ConfigurationError: ``kit.no_signals``.
        """
        return self.known(customer, as_of)[0]

    def known(
        self, customer: CustomerId, as_of: int | datetime | None = None
    ) -> tuple[Readings, datetime]:
        """What :meth:`of` says, and the instant that it is said of."""
        counting, now = self._counting(), self._kit.clock.now()
        measures, until = counting.measures, _until(as_of, now)
        with self._opened() as k:
            if until is None:
                counted = counting.read(k.tx, customer, measures.wanted(now))
                return measures.read(counted, now), now
            history = k.timeline(customer)
        counter = history[-1].sequence if history else 0
        if isinstance(as_of, int) and as_of > counter:
            raise _not_yet(as_of, f"; there are {counter} by now")
        known = tuple(takewhile(until, history))
        then = as_of if isinstance(as_of, datetime) else known[-1].recorded_at if known else now
        return measures.read(measures.recount(known), then), then

    def rebuild(
        self, customer: CustomerId | None = None, *, progress: Progress | None = None
    ) -> int:
        """
        Count a customer anew from its timeline, or all of them; how many.

        The result is what was counted event by event, and who is in which group likewise. Where
        signals were declared later, or other kits recorded, that happens by itself with a
        customer's next step; until then its timeline is read. This does it for all at once.

        Args:
            customer: Whom; None for all, each in a commit of its own.

            progress: Told how many are done, and of how many if that is known.

        Raises:
            ConfigurationError: ``kit.no_signals``.
        """
        counting = self._counting()
        if customer is not None:
            self._rebuilt(counting, customer)
            return 1
        done, after = 0, None
        while page := self._customers(after):
            for each in page:
                self._rebuilt(counting, each)
                done += 1
                if progress is not None:
                    progress(done, None)
            after = page[-1]
        return done

    def retag(self, events: Iterable[EventId | str], origin: Origin | str, *, actor: str) -> int:
        """
        Say where events really come from; their customers are counted anew; how many customers.

        The events stay as they are; what they are taken for is an event of its own,
        ``event.retagged``.

        Args:
            events: Their ids.

            origin: What they are: ``Origin.TEST``, or ``test``, leaves them out of all figures.

            actor: The id of who decided so.

        Raises:
            NotFound: ``event.not_found``; nothing is changed.
            InvalidInput: ``rules.origin``.
            ConfigurationError: ``kit.no_signals``.
        """
        from retainkit.engine._tags import is_last_word, origin_of, tags

        self._counting()
        meant, now = origin_of(origin), self._kit.clock.now()
        ids = [EventId(id) for id in events]
        with self._opened() as k:
            told = tags(k, ids, meant, actor, now)
            record_anew(k, [tag for tag in told if not is_last_word(k, tag)])
        return len(told)

    def set_zone(self, customer: CustomerId, zone: str, *, at: datetime | None = None) -> bool:
        """
        Say which IANA zone a customer lives in; whether that is news.

        Its days end at midnight there from that time on, and it is counted anew.

        Raises:
            InvalidInput: ``time.unknown_zone``, ``time.naive``, ``signals.ahead``,
                ``signals.customer``, ``json.text``, ``json.id_length``.
            ConfigurationError: ``kit.no_signals``.
        """
        from retainkit.engine._facts import check_customer, check_time
        from retainkit.signals import ZONE_METRIC

        counting, now = self._counting(), self._kit.clock.now()
        measures, name = counting.measures, zone_of(zone).key
        since = check_time(at or now, now + counting.tolerance)
        check_customer(customer)
        with self._opened() as k:
            told = k.tx.projections.buckets(customer, Wanted(metrics=frozenset({ZONE_METRIC})))
            if at is None and told and measures.zone_of(told) == name:
                return False
            lives = Event(
                id=EventId(derive("customer.zone_set", customer, name, since.isoformat())),
                name="customer.zone_set",
                customer=customer,
                occurred_at=since,
                data={"zone": name},
                actor="host",
            )
            return bool(k.record(lives).new)

    def common(
        self,
        signal: Signal | str,
        *,
        over: timedelta | None = None,
        least: int = 2,
        limit: int = 100,
    ) -> tuple[Part, ...]:
        """
        What many customers have in common, most customers first: a topic of tickets, a feature.

        It reads counts alone: for a signal that was declared later, :meth:`rebuild` first.

        Args:
            signal: One that counts by a key of the data, such as
                ``event("ticket.opened").count(days(30), same="topic")`` or ``.distinct("topic")``.

            over: The days before now, today included, as dates in UTC; the signal's own window by
                default.

            least: Only what so many customers have.

            limit: At most so many.

        Raises:
            InvalidInput: ``rules.unknown_signal``; ``signals.not_split`` for a signal that counts
                by no key, or by hours; ``rules.window`` for less than a day.
            ConfigurationError: ``kit.no_signals``.
        """
        from retainkit.engine._common import days_of, split_metric
        from retainkit.engine._facts import name_of

        measures, now = self._counting().measures, self._kit.clock.now()
        name = name_of(signal, "signal")
        metric, within = split_metric(measures, name, now)
        since = now.toordinal() - days_of(over or within) + 1
        with self._opened() as k:
            found = k.tx.projections.parts(metric, since=since, limit=limit)
        return tuple(part for part in found if part.customers >= least)

    def load(
        self,
        data: object,
        *,
        key: str = "customer",
        at: datetime | str | None = None,
        currency: str | None = None,
        source: str | None = None,
        ignore: Collection[str] = (),
        confirm: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> Loaded:
        """
        Set facts in bulk: a row for each customer, a column for each signal, by their names.

        The whole is checked for its columns and its customers before anything is written; then a
        thousand rows go into each commit. What is known already is not written again, so that an
        interrupted load is simply repeated; only what goes stale is, with its new time. So a fact
        that somebody else sets late, as of a time before this load, holds until the next one.
        An empty cell says nothing. A row with a value that
        can't be right is refused as a whole, and told in the answer; the others are kept.

        Args:
            data: A frame of polars or pandas, an Arrow table, a dict of columns, or the path of a
                CSV file (UTF-8, names in the first line) or Parquet file. In a CSV file flags are
                ``true`` or ``false``, instants are ISO 8601 with a zone, lengths are seconds.

            key: The column of the customers' ids.

            at: As of when the values are true, or the column that tells it; now by default.

            currency: The column that tells the currency of amounts.

            source: What made the values known.

            ignore: Columns that are not read.

            confirm: Whether what is known already is written, too, with its new time: an event
                for each row of each load, so that no fact of a time before replaces it.

            progress: Told after each commit how many rows are done, and of how many.

        Raises:
            InvalidInput: Nothing is kept: ``rules.customer_missing``, ``rules.customer_twice`` or
                ``rules.value_type`` for a customer's id, ``signals.customer`` for one with spaces
                around it, ``json.text`` for one that no store keeps; ``signals.ahead`` or
                ``time.naive`` for ``at``; ``rules.unknown_signal`` or ``signals.computed`` for a
                column, ``rules.no_column``, ``signals.column_twice``, ``rules.column_length``,
                ``signals.row_length``; ``signals.file``, ``signals.file_kind``,
                ``rules.no_frame``.
            ConfigurationError: ``kit.no_signals``; ``missing_extra`` for a Parquet file that no
                installed library reads.
        """
        from retainkit.engine._load import Loading

        counting, now = self._counting(), self._kit.clock.now()
        loading = Loading(
            counting=counting,
            key=key,
            at=now if at is None else at,
            latest=now + counting.tolerance,
            currency=currency,
            source=source,
            ignore=ignore,
            confirm=confirm,
        )
        return loading.load(data, self._opened, progress)

    # ---- the kit's own

    def _counting(self) -> Counting:
        counting = self._kit.features.counting
        if counting is None:
            raise ConfigurationError(
                "This kit has no signals",
                code="kit.no_signals",
                field="signals",
                remedy="pass RetainKit(signals=...), a class of Signals",
            )
        return counting

    def _customers(self, after: CustomerId | None) -> tuple[CustomerId, ...]:
        with self._opened() as k:
            return k.tx.timeline.customers(after=after, limit=PAGE)

    def _rebuilt(self, counting: Counting, customer: CustomerId) -> None:
        with self._opened() as k:
            k.tx.records.lock(customer)
            counting.rebuild(k.tx, customer)


def record_anew(k: JoinedKit, wishes: Sequence[Event]) -> None:
    """Record wishes; what was wished at this instant before may be otherwise by now."""
    while wishes:
        known = frozenset(k.record(*wishes).duplicates)
        again = [wish for wish in wishes if wish.id in known]
        wishes = [evolve(wish, id=EventId(derive(wish.id, "again"))) for wish in again]


def _told_so_far(
    counting: Counting,
    tx: Transaction,
    customer: CustomerId,
    now: datetime,
    names: Collection[str],
) -> Sequence[Bucket]:
    """The facts that are known; whoever tells others at this moment is waited for."""
    tx.records.lock(customer)
    return counting.read(tx, customer, counting.measures.wanted(now, names))


def _until(as_of: int | datetime | None, now: datetime) -> Callable[[RecordedEvent], bool] | None:
    """Whether an event was known by then."""
    given: object = as_of  # from Python, whatever the annotation says
    if as_of is None:
        return None
    if isinstance(as_of, datetime):
        then = utc(as_of, "as_of")
        if then <= now:
            return lambda recorded: recorded.recorded_at <= then
    elif type(given) is int and as_of >= 0:
        return lambda recorded: recorded.sequence <= as_of
    raise _not_yet(as_of)


def _not_yet(as_of: object, more: str = "") -> InvalidInput:
    return InvalidInput(
        "Nobody knows yet what will be known then",
        code="signals.as_of",
        field="as_of",
        value=as_of.isoformat() if isinstance(as_of, datetime) else as_of,
        remedy=f"pass a time that has come, or a counter of the customer's events from 0 on{more}",
    )
