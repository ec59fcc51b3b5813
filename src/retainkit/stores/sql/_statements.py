"""The statements of the SQL store, compiled once; those of projections are beside it."""

from __future__ import annotations

import sqlalchemy as sa

from retainkit.stores.sql._projection_statements import ProjectionStatements
from retainkit.stores.sql._statement import Dialect, Statement, Value, bind, same, size
from retainkit.stores.sql._tables import Tables


_WORKING = ("ready", "sent", "unknown", "answered")


class Statements:
    """The store's statements for one dialect, prefix and schema."""

    def __init__(self, tables: Tables, dialect: sa.Dialect) -> None:
        written = Dialect(dialect)
        self.timeline: TimelineStatements = TimelineStatements(tables, written)
        self.records: RecordStatements = RecordStatements(tables, written)
        self.schedule: ScheduleStatements = ScheduleStatements(tables, written)
        self.damage: DamageStatements = DamageStatements(tables, written)
        self.claims: ClaimStatements = ClaimStatements(tables, written)
        self.projections: ProjectionStatements = ProjectionStatements(tables, written)


class TimelineStatements:
    """The past."""

    def __init__(self, tables: Tables, dialect: Dialect) -> None:
        event, ready = tables.event, dialect.ready
        self.columns: tuple[str, ...] = tuple(event.c.keys())
        self.number: Statement = ready(sa.text(_number(tables.customer, dialect)))
        self.append: Statement = ready(dialect.insert(event).on_conflict_do_nothing())
        self.append_numbered: Statement | None = (
            ready(sa.text(_append_numbered(tables, dialect))) if dialect.postgres else None
        )
        known = (event.c.id, event.c.fingerprint, event.c.customer, event.c.sequence)
        self.known: Statement = ready(
            sa.select(*known).where(event.c.tenant == bind("tenant"), dialect.among(event.c.id))
        )
        self.before: Statement = ready(sa.text(_before(dialect.quoted(event))))
        self.event: Statement = ready(sa.select(*event.c).where(same(event, "tenant", "id")))
        later = _later(event)
        self.events: Statement = ready(later)
        self.events_named: Statement = ready(later.where(dialect.among(event.c.name)))
        self.customers: Statement = ready(_customers(tables.customer))
        self.listed: Statement = ready(_listed(event))
        self.release: Statement = ready(_release(event))


def _later(event: sa.Table) -> sa.Select[tuple[Value, ...]]:
    """A customer's events above a counter, oldest first."""
    return (
        sa.select(*event.c)
        .where(
            same(event, "tenant", "customer"),
            event.c.state == "accepted",
            event.c.sequence > bind("after", sa.BigInteger()),
        )
        .order_by(event.c.sequence)
        .limit(size())
    )


def _customers(customer: sa.Table) -> sa.ClauseElement:
    """The customers who have any event, a page of them."""
    return (
        sa.select(customer.c.id)
        .where(
            same(customer, "tenant"),
            customer.c.id > bind("after"),
            customer.c.counter > sa.literal_column("0"),
        )
        .order_by(customer.c.id)
        .limit(size())
    )


def _listed(event: sa.Table) -> sa.ClauseElement:
    """Events that were kept aside."""
    return (
        sa.select(*event.c)
        .where(same(event, "tenant", "state"), event.c.state != sa.literal_column("'accepted'"))
        .order_by(event.c.recorded_at, event.c.id)
        .limit(size())
    )


def _release(event: sa.Table) -> sa.ClauseElement:
    """Make a parked event one of a customer's."""
    return (
        sa.update(event)
        .where(same(event, "tenant", "id"), event.c.state == "parked")
        .values(
            customer=bind("customer"),
            sequence=bind("sequence", sa.BigInteger()),
            recorded_at=bind("recorded_at", sa.BigInteger()),
            state="accepted",
        )
    )


def _number(customer: sa.Table, dialect: Dialect) -> str:
    """Raise each customer's counter by its number in the JSON object bound as ``counts``."""
    counts = (
        "SELECT CAST(:tenant AS text), key, CAST(value AS bigint)"
        " FROM jsonb_each_text(CAST(:counts AS jsonb)) AS c"
        ' ORDER BY key COLLATE "C"'  # rows are locked in this order, which is Python's, too
        if dialect.postgres
        else "SELECT :tenant, key, value FROM json_each(:counts) WHERE true"
    )
    return (
        f"INSERT INTO {dialect.quoted(customer)} (tenant, id, counter)"
        f" {counts} ON CONFLICT (tenant, id)"
        f" DO UPDATE SET counter = {customer.name}.counter + excluded.counter RETURNING id, counter"
    )


def _before(event: str) -> str:
    """Of some ids, those before the newest rows: SQLite numbers rows as they are written."""
    return (
        f"SELECT e.id, e.fingerprint FROM json_each(:ids) AS listed CROSS JOIN {event} AS e"
        " WHERE e.tenant = :tenant AND e.id = listed.value"
        f" AND e.rowid <= (SELECT max(rowid) FROM {event}) - :written"
    )


def _append_numbered(tables: Tables, dialect: Dialect) -> str:
    """Number and append in one round trip; the sequence of a row counts from 1 for its customer."""
    event = tables.event
    columns = [column.name for column in event.c if column.name not in {"tenant", "sequence"}]
    names = ", ".join(column.name for column in event.c)
    shape = ", ".join(dialect.typed(column) for column in event.c)
    rows = f"jsonb_to_recordset(CAST(:rows AS jsonb)) AS ({shape})"
    before = "n.counter - CAST(CAST(:counts AS jsonb) ->> n.id AS bigint)"
    return (
        f"WITH counted AS ({_number(tables.customer, dialect)}), appended AS ("
        f"INSERT INTO {dialect.quoted(event)} (tenant, sequence, {', '.join(columns)})"
        f" SELECT CAST(:tenant AS text), {before} + e.sequence,"
        f" {', '.join(f'e.{column}' for column in columns)}"
        f" FROM ROWS FROM ({rows}) WITH ORDINALITY AS e({names}, place)"
        " JOIN counted AS n ON n.id = e.customer ORDER BY e.place"
        " ON CONFLICT DO NOTHING RETURNING 1)"
        " SELECT * FROM counted, (SELECT count(*) FROM appended) AS told"
    )


class RecordStatements:
    """The present."""

    def __init__(self, tables: Tables, dialect: Dialect) -> None:
        record, definition, customer = tables.record, tables.definition, tables.customer
        ready = dialect.ready
        self.lock: Statement = ready(
            sa.select(customer.c.counter).where(same(customer, "tenant", "id")).with_for_update()
        )
        self.enrol: Statement = ready(dialect.insert(customer).on_conflict_do_nothing())
        of_feature = sa.select(*record.c).where(same(record, "tenant", "feature"))
        self.record: Statement = ready(of_feature.where(same(record, "id")))
        is_open = record.c.open == sa.literal_column("1")
        self.records: Statement = ready(_page(of_feature, record.c.id))
        self.open_records: Statement = ready(_page(of_feature.where(is_open), record.c.id))
        # A customer has few cases: hidden like this, the id does not lure SQLite into a walk
        # through everybody's.
        hidden = sa.func.coalesce(record.c.id, "")
        of_customer = of_feature.where(same(record, "customer"))
        self.records_of: Statement = ready(_page(of_customer, hidden))
        self.open_of: Statement = ready(_page(of_customer.where(is_open), hidden))
        self.put_new: Statement = ready(dialect.insert(record).on_conflict_do_nothing())
        self.put: Statement = ready(
            sa.update(record)
            .where(
                same(record, "tenant", "feature", "id"),
                record.c.version == bind("version", sa.Integer()) - 1,
            )
            .values(
                {
                    column.name: bind(column.name, column.type)
                    for column in record.c
                    if column.name not in {"tenant", "feature", "id"}
                }
            )
        )
        self.define: Statement = ready(dialect.insert(definition).on_conflict_do_nothing())
        self.definition: Statement = ready(
            sa.select(definition.c.body).where(same(definition, "tenant", "id"))
        )


def _page(chosen: sa.Select[tuple[Value, ...]], by: sa.ColumnElement[str]) -> sa.ClauseElement:
    return chosen.where(by > bind("after")).order_by(by).limit(size())


class ScheduleStatements:
    """The future."""

    def __init__(self, tables: Tables, dialect: Dialect) -> None:
        item = tables.schedule
        ready = dialect.ready
        self.item: Statement = ready(sa.select(*item.c).where(same(item, "tenant", "id")))
        self.items: Statement = ready(
            sa.select(*item.c)
            .where(same(item, "tenant", "customer"), item.c.wake_at.is_not(None))
            .order_by(item.c.wake_at, item.c.id)
        )
        self.unclear: Statement = ready(
            sa.select(*item.c)
            .where(same(item, "tenant"), item.c.state == sa.literal_column("'unclear'"))
            .order_by(item.c.id)
            .limit(size())
        )
        self.unserved: Statement = ready(
            sa.select(*item.c)
            .where(
                same(item, "tenant"),
                item.c.wake_at < bind("before", sa.BigInteger()),
                ~_covered(item, dialect),
            )
            .order_by(item.c.wake_at, item.c.id)
            .limit(size())
        )
        self.drop: Statement = ready(sa.delete(item).where(same(item, "tenant", "id")))
        self._timers(item, dialect)
        self._intents(item, dialect)

    def _timers(self, item: sa.Table, dialect: Dialect) -> None:
        ready, held = dialect.ready, _held(item)
        place = [item.c.tenant, item.c.id]
        new = dialect.insert(item)
        self.wake: Statement = ready(
            new.on_conflict_do_update(
                index_elements=place,
                set_={"wake_at": new.excluded.wake_at},
                where=item.c.wake_at.is_(None),
            )
        )
        self.rest: Statement = ready(
            sa.update(item)
            .where(held, item.c.since == bind("was", sa.BigInteger()))
            .values(wake_at=sa.null(), lease=sa.null(), since=bind("since", sa.BigInteger()))
        )
        replaced = {
            "wake_at": new.excluded.wake_at,
            "lease": sa.null(),
            "since": new.excluded.since,
        }
        self.plan: Statement = ready(new.on_conflict_do_update(index_elements=place, set_=replaced))
        self.finish: Statement = ready(sa.delete(item).where(held))
        self.move: Statement = ready(
            sa.update(item)
            .where(held)
            .values(wake_at=bind("wake_at", sa.BigInteger()), lease=sa.null())
        )

    def _intents(self, item: sa.Table, dialect: Dialect) -> None:
        ready, held = dialect.ready, _held(item)
        self.intend: Statement = ready(dialect.insert(item).on_conflict_do_nothing())
        self.intend_leased: Statement = ready(
            dialect.insert(item, wake_at=_lease_end(dialect)).on_conflict_do_nothing()
        )
        self.begin: Statement = ready(
            sa.update(item)
            .where(held, _is_ready(item), item.c.wake_at > dialect.clock)
            .values(state="sent", sent_at=dialect.now, wake_at=_lease_end(dialect))
        )
        settled = {
            "state": bind("state"),
            "tries": bind("tries", sa.Integer()),
            "sent_at": bind("sent_at", sa.BigInteger()),
            "outcome": bind("outcome"),
            "wake_at": bind("wake_at", sa.BigInteger()),
            "lease": sa.null(),
        }
        self.settle: Statement = ready(sa.update(item).where(held).values(settled))
        self.withdraw: Statement = ready(
            sa.update(item).where(same(item, "tenant", "id"), _is_ready(item)).values(settled)
        )


def _covered(item: sa.Table, dialect: Dialect) -> sa.ColumnElement[bool]:
    """The item is of the skills whose features and kinds are bound as JSON lists."""
    performed = sa.or_(item.c.kind.is_(None), dialect.is_any(item.c.kind, "kinds"))
    return sa.and_(dialect.is_any(item.c.feature, "features"), performed)


def _is_ready(item: sa.Table) -> sa.ColumnElement[bool]:
    """The item is an effect that nobody has begun."""
    return item.c.state == sa.literal_column("'ready'")


def _held(item: sa.Table) -> sa.ColumnElement[bool]:
    """The item is held by the claim bound as ``held``; empty is by none."""
    return sa.and_(same(item, "tenant", "id"), sa.func.coalesce(item.c.lease, "") == bind("held"))


def _lease_end(dialect: Dialect) -> sa.ColumnElement[int]:
    """When a lease of the length bound as ``length`` runs out."""
    return dialect.clock + sa.bindparam("length", type_=sa.BigInteger())


class DamageStatements:
    """What should not exist; see :mod:`retainkit.engine._sweeper`."""

    def __init__(self, tables: Tables, dialect: Dialect) -> None:
        ready = dialect.ready
        self.orphans: Statement = ready(_orphans(tables.record, tables.schedule))
        self.strays: Statement = ready(_strays(tables.schedule))
        named = dialect.among(tables.event.c.name)
        unreasoned = tables.event.c.because == sa.literal_column("'[]'")
        self.missed: Statement = ready(_missed(tables, named))
        self.missed_of_every_name: Statement = ready(_missed(tables, sa.or_(named, unreasoned)))
        self.miscounted: Statement = ready(_miscounted(tables.event, tables.customer))
        counted = dialect.insert(tables.customer)
        self.recount: Statement = ready(
            counted.on_conflict_do_update(
                index_elements=[tables.customer.c.tenant, tables.customer.c.id],
                set_={"counter": counted.excluded.counter},
            )
        )


def _orphans(record: sa.Table, item: sa.Table) -> sa.ClauseElement:
    """Open cases with neither a next step nor an effect that is not done."""
    pending = sa.exists().where(
        item.c.tenant == record.c.tenant,
        item.c.customer == record.c.customer,
        item.c.feature == record.c.feature,
        item.c.case_id == record.c.id,
        sa.func.coalesce(item.c.state, "") != "done",
    )
    is_open = record.c.open == sa.literal_column("1")
    return (
        sa.select(*record.c)
        .where(same(record, "tenant", "feature"), is_open, ~pending)
        .order_by(record.c.id)
        .limit(size())
    )


def _strays(item: sa.Table) -> sa.ClauseElement:
    """Items that would never come due."""
    timer = sa.and_(item.c.kind.is_(None), item.c.case_id.is_not(None))
    working = item.c.state.in_([sa.literal_column(f"'{state}'") for state in _WORKING])
    return (
        sa.select(*item.c)
        .where(
            same(item, "tenant"),
            item.c.wake_at.is_(None),
            sa.or_(timer, working, item.c.lease.is_not(None)),
        )
        .order_by(item.c.id)
        .limit(size())
    )


def _missed(tables: Tables, news: sa.ColumnElement[bool]) -> sa.ClauseElement:
    """Customers with such events since their wake-up went to rest, or whose wake-up is gone."""
    event, item = tables.event, tables.schedule
    resting = sa.and_(
        item.c.tenant == event.c.tenant,
        item.c.customer == event.c.customer,
        item.c.feature == bind("feature"),
        item.c.kind.is_(None),
        item.c.case_id.is_(None),
    )
    undecided = sa.or_(
        item.c.id.is_(None), sa.and_(item.c.wake_at.is_(None), event.c.sequence >= item.c.since)
    )
    return (
        sa.select(event.c.customer, sa.func.min(event.c.sequence), sa.func.count(item.c.id))
        .select_from(event.outerjoin(item, resting))
        .where(_told(event), news, undecided)
        .group_by(event.c.customer)
        .order_by(event.c.customer)
        .limit(size())
    )


def _miscounted(event: sa.Table, customer: sa.Table) -> sa.ClauseElement:
    """Customers whose counter lies below their last event."""
    last = (
        sa.select(event.c.customer, sa.func.max(event.c.sequence).label("last"))
        .where(_told(event))
        .group_by(event.c.customer)
        .subquery()
    )
    counted = sa.and_(customer.c.tenant == bind("tenant"), customer.c.id == last.c.customer)
    return (
        sa.select(last.c.customer, last.c.last)
        .select_from(last.outerjoin(customer, counted))
        .where(sa.func.coalesce(customer.c.counter, 0) < last.c.last)
    )


def _told(event: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(event.c.tenant == bind("tenant"), event.c.state == "accepted")


# The pairs of tenant and id in the JSON list bound as ``claims``.
_PAIRS_POSTGRES = (
    "SELECT value ->> 0 AS tenant, value ->> 1 AS id"
    " FROM jsonb_array_elements(CAST(:claims AS jsonb))"
)
_PAIRS_SQLITE = (
    "SELECT json_extract(value, '$[0]') AS tenant, json_extract(value, '$[1]') AS id"
    " FROM json_each(:claims)"
)


class ClaimStatements:
    """What a worker asks over all tenants."""

    def __init__(self, tables: Tables, dialect: Dialect) -> None:
        item, now, clock = tables.schedule, dialect.now, dialect.clock
        due = (
            sa.select(*item.c)
            .where(
                item.c.wake_at <= (sa.func.greatest(now, clock) if dialect.postgres else now),
                item.c.wake_at <= sa.case((item.c.lease.is_(None), now), else_=clock),
            )
            .order_by(item.c.wake_at)
            .limit(size())
            .with_for_update(skip_locked=True)
        )
        self.due: Statement = dialect.ready(due)
        self.covered: Statement = dialect.ready(due.where(_covered(item, dialect)))
        listed = sa.text(_PAIRS_POSTGRES if dialect.postgres else _PAIRS_SQLITE)
        pairs = listed.columns(sa.column("tenant", sa.Text), sa.column("id", sa.Text))
        claimed = pairs.subquery("claimed")
        self.claim: Statement = dialect.ready(
            sa.update(item)
            .where(item.c.tenant == claimed.c.tenant, item.c.id == claimed.c.id)
            .values(lease=bind("lease"), wake_at=_lease_end(dialect))
        )
        customer, event = tables.customer, tables.event
        self.tenants: Statement = dialect.ready(
            sa.union(
                # One with accepted events has a counter above 0; looking at all events takes long.
                sa.select(customer.c.tenant).where(customer.c.counter > sa.literal_column("0")),
                sa.select(event.c.tenant).where(event.c.state != sa.literal_column("'accepted'")),
                sa.select(tables.record.c.tenant),
                sa.select(tables.definition.c.tenant),
                sa.select(item.c.tenant),
            )
        )
