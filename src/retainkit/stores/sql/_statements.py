"""Every statement of the SQL store, compiled once for the dialect; each is written once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from retainkit.stores.sql._errors import driver_error, translate
from retainkit.stores.sql._tables import Tables


Value: TypeAlias = None | int | str
Values: TypeAlias = Mapping[str, Value]
Row: TypeAlias = Sequence[Value]


_WORKING = ("ready", "sent", "unknown", "answered")


class Cursor(Protocol):
    """A cursor of the driver, as PEP 249 has it: hot statements take no detour."""

    @property
    def rowcount(self) -> int:
        """How many rows the last statement touched."""
        ...

    def execute(self, sql: str, values: object = ..., /) -> object:
        """Execute a statement."""
        ...

    def executemany(self, sql: str, rows: Sequence[object], /) -> object:
        """Execute a statement for every row."""
        ...

    def fetchall(self) -> Sequence[Row]:
        """The rows of the last statement."""
        ...


class Statement:
    """A statement as the driver takes it: SQLAlchemy compiles it here, once."""

    __slots__ = ("constants", "errors", "names", "sql")

    def __init__(self, clause: sa.ClauseElement, dialect: sa.Dialect) -> None:
        compiled = clause.compile(dialect=dialect)
        self.sql: str = str(compiled)
        given = getattr(compiled, "params", {})
        self.constants: dict[str, Value] = {
            name: value for name, value in given.items() if value is not None
        }
        positions: Sequence[str] | None = getattr(compiled, "positiontup", None)
        self.names: tuple[str, ...] | None = None if positions is None else tuple(positions)
        self.errors: type[Exception] = driver_error(dialect)

    def all(self, cursor: Cursor, values: Values) -> Sequence[Row]:
        """Execute it and fetch what it gives."""
        self.one(cursor, values)
        return cursor.fetchall()

    def one(self, cursor: Cursor, values: Values) -> int:
        """Execute it once; the number of rows it touched."""
        try:
            cursor.execute(self.sql, self._bound(values))
        except self.errors as exc:
            raise translate(exc) from exc
        return cursor.rowcount

    def many(self, cursor: Cursor, rows: Sequence[Values]) -> int:
        """Execute it for every row; the number of rows it touched."""
        if len(rows) == 1:
            return self.one(cursor, rows[0])
        try:
            cursor.executemany(self.sql, [self._bound(row) for row in rows])
        except self.errors as exc:
            raise translate(exc) from exc
        return cursor.rowcount

    def _bound(self, values: Values) -> object:
        if self.constants:
            values = {**self.constants, **values}
        if self.names is None:
            return values
        return tuple([values[name] for name in self.names])


class Statements:
    """The store's statements for one dialect, prefix and schema."""

    def __init__(self, tables: Tables, dialect: sa.Dialect) -> None:
        self.postgres: bool = dialect.name == "postgresql"
        now = sa.bindparam("now", type_=sa.BigInteger())
        # Leases run by the database's clock where it has one; workers' clocks may differ.
        clock: sa.ColumnElement[int] = (
            sa.literal_column(
                "(extract(epoch from statement_timestamp()) * 1000000)::bigint", sa.BigInteger()
            )
            if self.postgres
            else now
        )

        def ready(clause: sa.ClauseElement) -> Statement:
            return Statement(clause, dialect)

        def same(table: sa.Table, *names: str) -> sa.ColumnElement[bool]:
            return sa.and_(*(table.c[name] == _bind(f"w_{name}") for name in names))

        def among(column: sa.Column[str]) -> sa.ColumnElement[bool]:
            """The column's value is in the JSON list bound as ``ids``."""
            source = (
                "jsonb_array_elements_text(CAST(:ids AS jsonb))"
                if self.postgres
                else "json_each(:ids)"
            )
            listed = sa.text(
                f"SELECT value FROM {source} AS listed(value)"
                if self.postgres
                else f"SELECT value FROM {source}"
            )
            return column.in_(listed.columns(sa.column("value", sa.Text)).scalar_subquery())

        # ---- the past
        event, customer = tables.event, tables.customer
        counts = (
            "SELECT CAST(:tenant AS text), key, CAST(value AS bigint) FROM jsonb_each_text(CAST(:counts AS jsonb)) AS c"
            if self.postgres
            else "SELECT :tenant, key, value FROM json_each(:counts)"
        )
        name = _quoted(customer, dialect)
        self.number: Statement = ready(
            sa.text(
                f"INSERT INTO {name} (tenant, id, counter) {counts} WHERE true ORDER BY key "
                f"ON CONFLICT (tenant, id) DO UPDATE SET counter = {customer.name}.counter + excluded.counter "
                "RETURNING id, counter"
            )
        )
        self.append: Statement = ready(self._insert(event).on_conflict_do_nothing())
        # PostgreSQL numbers and appends in one round trip; a row's sequence counts from 1 here.
        columns = [column.name for column in event.c if column.name not in {"tenant", "sequence"}]
        names = ", ".join(column.name for column in event.c)
        shape = ", ".join(f"{column.name} {column.type.compile(dialect)}" for column in event.c)
        self.append_numbered: Statement | None = (
            ready(
                sa.text(
                    f"WITH counted AS (INSERT INTO {name} (tenant, id, counter) {counts} WHERE true ORDER BY key "
                    f"ON CONFLICT (tenant, id) DO UPDATE SET counter = {customer.name}.counter + excluded.counter "
                    "RETURNING id, counter), appended AS ("
                    f"INSERT INTO {_quoted(event, dialect)} (tenant, sequence, {', '.join(columns)}) "
                    "SELECT CAST(:tenant AS text), n.counter - CAST(CAST(:counts AS jsonb) ->> n.id AS bigint) + e.sequence, "
                    f"{', '.join(f'e.{column}' for column in columns)} "
                    f"FROM ROWS FROM (jsonb_to_recordset(CAST(:rows AS jsonb)) AS ({shape})) WITH ORDINALITY "
                    f"AS e({names}, place) JOIN counted AS n ON n.id = e.customer ORDER BY e.place "
                    "ON CONFLICT DO NOTHING RETURNING 1) "
                    "SELECT id, counter, (SELECT count(*) FROM appended) FROM counted"
                )
            )
            if self.postgres
            else None
        )
        self.known: Statement = ready(
            sa.select(event.c.id, event.c.fingerprint, event.c.customer, event.c.sequence).where(
                event.c.tenant == _bind("tenant"), among(event.c.id)
            )
        )
        self.event: Statement = ready(sa.select(*event.c).where(same(event, "tenant", "id")))
        accepted = sa.and_(same(event, "tenant", "customer"), event.c.state == "accepted")
        later = event.c.sequence > _bind("after", sa.BigInteger())
        ordered = (event.c.sequence,)
        self.events: Statement = ready(
            sa.select(*event.c)
            .where(accepted, later)
            .order_by(*ordered)
            .limit(_bind("limit", sa.BigInteger()))
        )
        self.events_named: Statement = ready(
            sa.select(*event.c)
            .where(accepted, later, among(event.c.name))
            .order_by(*ordered)
            .limit(_bind("limit", sa.BigInteger()))
        )
        self.listed: Statement = ready(
            sa.select(*event.c)
            .where(same(event, "tenant", "state"), event.c.state != sa.literal_column("'accepted'"))
            .order_by(event.c.recorded_at, event.c.id)
            .limit(_bind("limit", sa.BigInteger()))
        )
        self.release: Statement = ready(
            sa.update(event)
            .where(same(event, "tenant", "id"), event.c.state == "parked")
            .values(
                customer=_bind("customer"),
                sequence=_bind("sequence", sa.BigInteger()),
                recorded_at=_bind("recorded_at", sa.BigInteger()),
                state="accepted",
            )
        )

        # ---- the present
        record, definition = tables.record, tables.definition
        self.lock: Statement = ready(
            sa.select(customer.c.counter).where(same(customer, "tenant", "id")).with_for_update()
        )
        self.enrol: Statement = ready(self._insert(customer).on_conflict_do_nothing())
        self.drop_customer: Statement = ready(
            sa.delete(customer).where(same(customer, "tenant", "id"))
        )
        self.record: Statement = ready(
            sa.select(*record.c).where(same(record, "tenant", "feature", "id"))
        )
        of_feature = same(record, "tenant", "feature")
        is_open = record.c.open == sa.literal_column("1")
        size = _bind("limit", sa.BigInteger())

        def records(*which: sa.ColumnElement[bool], id_: sa.ColumnElement[str]) -> Statement:
            page = id_ > _bind("after")
            return ready(sa.select(*record.c).where(*which, page).order_by(id_).limit(size))

        self.open_records: Statement = records(of_feature, is_open, id_=record.c.id)
        self.records: Statement = records(of_feature, id_=record.c.id)
        # A customer has few cases: hidden like this, the id does not lure SQLite into a walk
        # through everybody's.
        hidden = sa.func.coalesce(record.c.id, "")
        of_customer = sa.and_(of_feature, record.c.customer == _bind("w_customer"))
        self.open_of: Statement = records(of_customer, is_open, id_=hidden)
        self.records_of: Statement = records(of_customer, id_=hidden)
        self.put_new: Statement = ready(self._insert(record).on_conflict_do_nothing())
        self.put: Statement = ready(
            sa.update(record)
            .where(
                same(record, "tenant", "feature", "id"),
                record.c.version == _bind("version", sa.Integer()) - 1,
            )
            .values(
                {
                    column.name: _bind(column.name, column.type)
                    for column in record.c
                    if column.name not in {"tenant", "feature", "id"}
                }
            )
        )
        self.define: Statement = ready(self._insert(definition).on_conflict_do_nothing())
        self.definition: Statement = ready(
            sa.select(definition.c.body).where(same(definition, "tenant", "id"))
        )

        # ---- the future
        item = tables.schedule
        held = sa.and_(
            same(item, "tenant", "id"), sa.func.coalesce(item.c.lease, "") == _bind("held")
        )
        length = sa.bindparam("length", type_=sa.BigInteger())
        self.intend: Statement = ready(self._insert(item).on_conflict_do_nothing())
        wake = self._insert(item)
        self.wake: Statement = ready(
            wake.on_conflict_do_update(
                index_elements=[item.c.tenant, item.c.id],
                set_={"wake_at": wake.excluded.wake_at},
                where=item.c.wake_at.is_(None),
            )
        )
        self.rest: Statement = ready(
            sa.update(item)
            .where(held)
            .values(wake_at=sa.null(), lease=sa.null(), since=_bind("since", sa.BigInteger()))
        )
        plan = self._insert(item)
        self.plan: Statement = ready(
            plan.on_conflict_do_update(
                index_elements=[item.c.tenant, item.c.id],
                set_={
                    "wake_at": plan.excluded.wake_at,
                    "lease": sa.null(),
                    "since": plan.excluded.since,
                },
            )
        )
        self.drop: Statement = ready(sa.delete(item).where(same(item, "tenant", "id")))
        self.finish: Statement = ready(sa.delete(item).where(held))
        self.move: Statement = ready(
            sa.update(item)
            .where(held)
            .values(wake_at=_bind("wake_at", sa.BigInteger()), lease=sa.null())
        )
        self.intend_leased: Statement = ready(
            self._insert(item, wake_at=clock + length).on_conflict_do_nothing()
        )
        self.settle: Statement = ready(
            sa.update(item)
            .where(held)
            .values(
                state=_bind("state"),
                tries=_bind("tries", sa.Integer()),
                sent_at=_bind("sent_at", sa.BigInteger()),
                outcome=_bind("outcome"),
                wake_at=_bind("wake_at", sa.BigInteger()),
                lease=sa.null(),
            )
        )
        self.begin: Statement = ready(
            sa.update(item)
            .where(held, item.c.state == sa.literal_column("'ready'"))
            .values(state="sent", sent_at=now)
        )
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
            .limit(size)
        )
        pending = sa.exists().where(
            item.c.tenant == record.c.tenant,
            item.c.customer == record.c.customer,
            item.c.feature == record.c.feature,
            item.c.case_id == record.c.id,
            sa.func.coalesce(item.c.state, "") != "done",
        )
        self.orphans: Statement = ready(
            sa.select(*record.c)
            .where(
                same(record, "tenant", "feature"), record.c.open == sa.literal_column("1"), ~pending
            )
            .order_by(record.c.id)
            .limit(size)
        )
        timer = sa.and_(item.c.kind.is_(None), item.c.case_id.is_not(None))
        working = item.c.state.in_([sa.literal_column(f"'{state}'") for state in _WORKING])
        self.strays: Statement = ready(
            sa.select(*item.c)
            .where(
                same(item, "tenant"),
                item.c.wake_at.is_(None),
                sa.or_(timer, working, item.c.lease.is_not(None)),
            )
            .order_by(item.c.id)
            .limit(size)
        )
        told = sa.and_(event.c.tenant == _bind("tenant"), event.c.state == "accepted")
        named = among(event.c.name)
        resting = sa.and_(
            item.c.tenant == event.c.tenant,
            item.c.customer == event.c.customer,
            item.c.feature == _bind("feature"),
            item.c.kind.is_(None),
            item.c.case_id.is_(None),
        )
        undecided = sa.or_(
            item.c.id.is_(None), sa.and_(item.c.wake_at.is_(None), event.c.sequence >= item.c.since)
        )
        self.missed: Statement = ready(
            sa.select(event.c.customer, sa.func.min(event.c.sequence), sa.func.count(item.c.id))
            .select_from(event.outerjoin(item, resting))
            .where(told, named, undecided)
            .group_by(event.c.customer)
            .order_by(event.c.customer)
            .limit(size)
        )
        last = (
            sa.select(event.c.customer, sa.func.max(event.c.sequence).label("last"))
            .where(told)
            .group_by(event.c.customer)
            .subquery()
        )
        counted = sa.and_(customer.c.tenant == _bind("tenant"), customer.c.id == last.c.customer)
        self.miscounted: Statement = ready(
            sa.select(last.c.customer, last.c.last)
            .select_from(last.outerjoin(customer, counted))
            .where(sa.func.coalesce(customer.c.counter, 0) < last.c.last)
        )
        self.due: Statement = ready(
            sa.select(*item.c)
            .where(
                item.c.wake_at <= (sa.func.greatest(now, clock) if self.postgres else now),
                item.c.wake_at <= sa.case((item.c.lease.is_(None), now), else_=clock),
            )
            .order_by(item.c.wake_at)
            .limit(size)
            .with_for_update(skip_locked=True)
        )
        self.claim: Statement = ready(
            sa.update(item)
            .where(same(item, "tenant", "id"))
            .values(lease=_bind("lease"), wake_at=clock + length)
        )
        self.tenants: Statement = ready(
            sa.union(
                # One with accepted events has a counter above 0; looking at all events takes long.
                sa.select(customer.c.tenant).where(customer.c.counter > sa.literal_column("0")),
                sa.select(event.c.tenant).where(event.c.state != sa.literal_column("'accepted'")),
                sa.select(record.c.tenant),
                sa.select(definition.c.tenant),
                sa.select(item.c.tenant),
            )
        )

    def _insert(
        self, table: sa.Table, **values: sa.ColumnElement[int]
    ) -> sqlite.Insert | postgresql.Insert:
        binds: dict[str, sa.ColumnElement[int] | sa.BindParameter[Value]] = {
            column.name: _bind(column.name, column.type) for column in table.c
        }
        insert = postgresql.insert(table) if self.postgres else sqlite.insert(table)
        return insert.values({**binds, **values})


def _bind(
    name: str, type_: sa.types.TypeEngine[Value] | sa.types.TypeEngine[int] | None = None
) -> sa.BindParameter[Value]:
    return sa.bindparam(name, type_=type_ or sa.Text())


def _quoted(table: sa.Table, dialect: sa.Dialect) -> str:
    return dialect.identifier_preparer.format_table(table)
