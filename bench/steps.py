"""Whole dunning steps: a due retry is decided, collected at 0 ms, its decline decided; two commits.

The anchor writes and reads the same rows by hand: SQLAlchemy Core on SQLite, psycopg on
PostgreSQL. Its texts are those that our own step left in the database, ready-made: it encodes and
decodes nothing, and decides nothing.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from threading import Thread

import psycopg
import sqlalchemy as sa
from databases import postgres_url, sqlite_url
from measure import in_turns
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from retainkit import CustomerId, DunningPolicy, RetainKit, Stage
from retainkit.customers import Customer, StaticDirectory
from retainkit.messages.console import ConsoleMessenger
from retainkit.money import money
from retainkit.payments.simulated import Declines, Script, SimulatedPayments
from retainkit.stores.sql import SqlStore
from retainkit.testing import ManualClock


STEPS = 400
REPEATS = 7
DAY = timedelta(days=1)
# Far more tries than any run makes, so that every round is the same kind of step.
POLICY = DunningPolicy(
    collector="retainkit",
    retries=tuple(DAY * day for day in range(1, 90)),
    stages=(Stage(after=timedelta(0), message="payment_failed"), Stage(after=DAY * 95, end="keep")),
)


def run(name: str) -> dict[str, object]:
    """At least 0.5 on SQLite and on 8 connections, 0.55 on one connection of PostgreSQL."""
    if name == "steps-sqlite":
        return _measured(sqlite_url(), 1, 0.5, _core_anchor)
    connections = 8 if name.endswith("-8") else 1
    return _measured(
        postgres_url(), connections, 0.55 if connections == 1 else 0.5, _psycopg_anchor
    )


def _measured(
    database: AbstractContextManager[str],
    workers: int,
    bound: float,
    anchor: Callable[[str, int, int], tuple[Callable[[], int], str]],
) -> dict[str, object]:
    with database as url:
        store = SqlStore(url, pool_size=workers + 2)
        store.migrate()
        clock = ManualClock(datetime(2026, 1, 1, 9, tzinfo=UTC))
        payments = SimulatedPayments(clock=clock, script=Script(usual=Declines()))
        kit = _kit(store, clock, payments)

        def ours() -> int:
            clock.advance(DAY)
            before = len(payments.charges)
            _in_threads(workers, kit.run_due)
            return len(payments.charges) - before

        if ours() != STEPS:
            raise SystemExit("a round of ours did not do every step")
        if url.startswith("postgresql"):
            _analyze(url)
        by_hand, durability = anchor(url, STEPS, workers)
        result = in_turns(ours, by_hand, repeats=REPEATS, bound=bound, unit="steps a second")
        store.close()
        return {**result, "connections": workers, "durability": durability}


def _kit(store: SqlStore, clock: ManualClock, payments: SimulatedPayments) -> RetainKit:
    """A kit with as many open cases as a round has steps, their first decline behind them."""
    customers = {
        CustomerId(f"c{number}"): Customer(id=CustomerId(f"c{number}"), email="a@b.example")
        for number in range(STEPS)
    }
    kit = RetainKit(
        store=store,
        payments=payments,
        messages=ConsoleMessenger(sender="Acme <a@acme.example>", out=io.StringIO()),
        customers=StaticDirectory(customers),
        dunning=POLICY,
        clock=clock,
    )
    for customer in customers:
        payments.add_method(reference=customer)
        payments.open_invoice(
            reference=customer, amount=money("12.34", "EUR"), subscription=customer
        )
    for event in payments.take_events():
        with kit.transaction() as k:
            k.receive_event(event)
    kit.run_due()
    return kit


def _analyze(url: str) -> None:
    """What autovacuum does within a minute: plans made for empty tables are made anew."""
    engine = sa.create_engine(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()


def _in_threads(count: int, work: Callable[[], object]) -> None:
    threads = [Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class _Rows:
    """Ready-made texts of the size our own steps write."""

    def __init__(self, connection: sa.Connection) -> None:
        one = connection.exec_driver_sql
        case = "FROM rk_record WHERE feature = 'dunning' LIMIT 1"
        self.body: str = one(f"SELECT body {case}").scalar_one()
        self.policy: str = one(f"SELECT definition {case}").scalar_one()
        self.events: list[tuple[str, str]] = []
        for name in ("dunning.retry_started", "payment.failed", "dunning.decline_noted"):
            found = one(f"SELECT data, because FROM rk_event WHERE name = '{name}' LIMIT 1")
            data, because = found.one()
            self.events.append((data, because))
        collect = "FROM rk_schedule WHERE kind = 'payments.collect'"
        self.effect: str = one(f"SELECT data {collect} LIMIT 1").scalar_one()
        self.outcome: str = one(
            f"SELECT outcome {collect} AND outcome IS NOT NULL LIMIT 1"
        ).scalar_one()


def _copies(url: str) -> tuple[sa.Engine, sa.MetaData, _Rows]:
    """The anchor's own tables, of the same shape, holding the same kind of rows."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        rows = _Rows(connection)
    anchor = SqlStore(url, prefix="by_hand_")
    anchor.migrate()
    metadata = anchor.metadata
    tables = metadata.tables
    with engine.begin() as connection:
        for table in ("customer", "event", "record", "schedule"):
            target = tables[f"by_hand_{table}"]
            connection.exec_driver_sql(f"INSERT INTO {target.name} SELECT * FROM rk_{table}")
    anchor.close()
    engine.dispose()
    return engine, metadata, rows


def _core_anchor(url: str, steps: int, workers: int) -> tuple[Callable[[], int], str]:
    """SQLAlchemy Core with its statement cache, on WAL and FULL as ours."""
    del workers
    _, metadata, texts = _copies(url)
    engine = sa.create_engine(url)

    @sa.event.listens_for(engine, "connect")
    def _durable(connection: object, _: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined] # sqlite3.Connection
        connection.execute("PRAGMA journal_mode=WAL")  # type: ignore[attr-defined] # sqlite3.Connection
        connection.execute("PRAGMA synchronous=FULL")  # type: ignore[attr-defined] # sqlite3.Connection

    @sa.event.listens_for(engine, "begin")
    def _immediate(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    with engine.connect() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        level = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    sql = _Core(metadata)
    cases = _cases(engine, "by_hand_record")[:steps]
    round_ = iter(range(1_000_000))

    def change(connection: sa.Connection, id_: str, case: str) -> int:
        who = {"who": id_}
        counter = connection.execute(sql.counter, who).scalar_one()
        found = connection.execute(sql.record, {"case": case}).one()
        connection.execute(
            sql.put,
            {
                "case": case,
                "was": found.version,
                "key": found.key,
                "customer": id_,
                "version": found.version + 1,
                "definition": texts.policy,
                "body": texts.body,
            },
        )
        return int(counter)

    def events(
        connection: sa.Connection, id_: str, counter: int, number: int, which: slice
    ) -> None:
        rows = texts.events[which]
        connection.execute(sql.count, {"id": id_, "counter": len(rows)})
        connection.execute(
            sql.event,
            [
                {
                    "id": f"hand:{id_}:{number}:{which.start}:{index}",
                    "customer": id_,
                    "sequence": counter + index + 1,
                    "at": number,
                    "data": data,
                    "because": because,
                }
                for index, (data, because) in enumerate(rows)
            ],
        )

    def by_hand() -> int:
        number = 2_000_000_000_000_000 + next(round_)
        for id_, case in cases:
            effect, timer = f"hand:{id_}:{number}", f"dunning:{case}"
            with engine.begin() as connection:
                counter = change(connection, id_, case)
                connection.execute(sql.move, {"item": timer, "at": number})
                events(connection, id_, counter, number, slice(0, 1))
                connection.execute(
                    sql.intend,
                    {
                        "id": effect,
                        "customer": id_,
                        "case_id": case,
                        "data": texts.effect,
                        "at": number,
                    },
                )
            with engine.begin() as connection:
                connection.execute(
                    sql.settle, {"item": effect, "at": number, "answer": texts.outcome}
                )
                counter = change(connection, id_, case)
                connection.execute(
                    sql.plan, {"id": timer, "customer": id_, "case_id": case, "at": number}
                )
                events(connection, id_, counter, number, slice(1, 3))
        return len(cases)

    return by_hand, f"journal_mode={mode} synchronous={level}"


class _Core:
    """The anchor's statements, built once, so that SQLAlchemy compiles each once."""

    def __init__(self, metadata: sa.MetaData) -> None:
        tables = {name.removeprefix("by_hand_"): table for name, table in metadata.tables.items()}
        customer, event = tables["customer"], tables["event"]
        record, schedule = tables["record"], tables["schedule"]
        bind = sa.bindparam
        self.counter = sa.select(customer.c.counter).where(
            customer.c.tenant == "main", customer.c.id == bind("who")
        )
        case = sa.and_(
            record.c.tenant == "main", record.c.feature == "dunning", record.c.id == bind("case")
        )
        self.record = sa.select(record).where(case)
        self.put = (
            sa.update(record)
            .where(case, record.c.version == bind("was"))
            .values(
                key=bind("key"),
                customer=bind("customer"),
                open=1,
                version=bind("version"),
                schema=1,
                definition=bind("definition"),
                body=bind("body"),
            )
        )
        item = sa.and_(schedule.c.tenant == "main", schedule.c.id == bind("item"))
        held = sa.func.coalesce(schedule.c.lease, "")
        self.move = (
            sa.update(schedule).where(item, held == "").values(wake_at=bind("at"), lease=sa.null())
        )
        self.count = (
            sqlite_insert(customer)
            .values(tenant="main", id=bind("id"), counter=bind("counter"))
            .on_conflict_do_update(
                index_elements=["tenant", "id"],
                set_={"counter": customer.c.counter + bind("counter")},
            )
        )
        self.event = (
            sqlite_insert(event)
            .values(
                tenant="main",
                id=bind("id"),
                customer=bind("customer"),
                sequence=bind("sequence"),
                name="dunning.retry_started",
                occurred_at=bind("at"),
                recorded_at=bind("at"),
                origin="real",
                state="accepted",
                schema=1,
                fingerprint="f" * 64,
                data=bind("data"),
                because=bind("because"),
                actor="retainkit",
            )
            .on_conflict_do_nothing()
        )
        self.intend = (
            sqlite_insert(schedule)
            .values(
                tenant="main",
                id=bind("id"),
                feature="dunning",
                customer=bind("customer"),
                case_id=bind("case_id"),
                kind="payments.collect",
                attempt=bind("id"),
                since=0,
                data=bind("data"),
                state="sent",
                tries=0,
                sent_at=bind("at"),
                wake_at=bind("at"),
                lease="held",
            )
            .on_conflict_do_nothing()
        )
        self.settle = (
            sa.update(schedule)
            .where(item, held == "held")
            .values(
                state="done",
                tries=0,
                sent_at=bind("at"),
                outcome=bind("answer"),
                wake_at=sa.null(),
                lease=sa.null(),
            )
        )
        plan = sqlite_insert(schedule).values(
            tenant="main",
            id=bind("id"),
            feature="dunning",
            customer=bind("customer"),
            case_id=bind("case_id"),
            since=0,
            tries=0,
            wake_at=bind("at"),
        )
        self.plan = plan.on_conflict_do_update(
            index_elements=["tenant", "id"],
            set_={
                "wake_at": plan.excluded.wake_at,
                "lease": sa.null(),
                "since": plan.excluded.since,
            },
        )


def _cases(engine: sa.Engine, table: str) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            f"SELECT customer, id FROM {table} WHERE feature = 'dunning' ORDER BY id"
        ).all()
    return [(str(customer), str(case)) for customer, case in found]


LOCK = "SELECT counter FROM by_hand_customer WHERE tenant = %s AND id = %s FOR UPDATE"
READ = "SELECT * FROM by_hand_record WHERE tenant = %s AND feature = %s AND id = %s"
PUT = (
    "UPDATE by_hand_record SET key=%s, customer=%s, open=1, version=version+1, schema=1,"
    " definition=%s, body=%s WHERE tenant=%s AND feature='dunning' AND id=%s AND version=%s"
)
MOVE = (
    "UPDATE by_hand_schedule SET wake_at=%s, lease=NULL"
    " WHERE tenant=%s AND id=%s AND coalesce(lease, '')=''"
)
COUNT = (
    "INSERT INTO by_hand_customer (tenant, id, counter) VALUES (%s, %s, %s)"
    " ON CONFLICT (tenant, id) DO UPDATE SET counter = by_hand_customer.counter + excluded.counter"
)
EVENT = (
    "INSERT INTO by_hand_event (tenant, id, customer, sequence, name, occurred_at, recorded_at,"
    " origin, state, schema, fingerprint, data, because, actor)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, 'real', 'accepted', 1, %s, %s, %s, 'retainkit')"
    " ON CONFLICT DO NOTHING"
)
INTEND = (
    "INSERT INTO by_hand_schedule (tenant, id, feature, customer, case_id, kind, attempt, since,"
    " data, state, tries, sent_at, outcome, wake_at, lease)"
    " VALUES (%s, %s, 'dunning', %s, %s, 'payments.collect', %s, 0,"
    " %s, 'sent', 0, %s, NULL, %s, 'held')"
    " ON CONFLICT DO NOTHING"
)
SETTLE = (
    "UPDATE by_hand_schedule SET state='done', tries=0, sent_at=%s, outcome=%s,"
    " wake_at=NULL, lease=NULL WHERE tenant=%s AND id=%s AND coalesce(lease, '')='held'"
)
PLAN = (
    "INSERT INTO by_hand_schedule (tenant, id, feature, customer, case_id, since, tries, wake_at)"
    " VALUES (%s, %s, 'dunning', %s, %s, 0, 0, %s) ON CONFLICT (tenant, id) DO UPDATE"
    " SET wake_at = excluded.wake_at, lease = NULL, since = excluded.since"
)


def _psycopg_anchor(url: str, steps: int, workers: int) -> tuple[Callable[[], int], str]:
    """Psycopg with prepared statements, one connection a thread."""
    _, _, texts = _copies(url)
    engine = sa.create_engine(url)
    cases = _cases(engine, "by_hand_record")[:steps]
    with engine.connect() as connection:
        fsync = connection.exec_driver_sql("SHOW fsync").scalar_one()
        commit = connection.exec_driver_sql("SHOW synchronous_commit").scalar_one()
    engine.dispose()
    plain = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connections = [psycopg.connect(plain) for _ in range(workers)]
    round_ = iter(range(1_000_000))

    def change(cursor: psycopg.Cursor[tuple[object, ...]], id_: str, case: str) -> int:
        counter = cursor.execute(LOCK, ("main", id_), prepare=True).fetchone()
        found = cursor.execute(READ, ("main", "dunning", case), prepare=True).fetchone()
        assert counter is not None
        assert found is not None
        cursor.execute(
            PUT, (found[3], id_, texts.policy, texts.body, "main", case, found[6]), prepare=True
        )
        return int(str(counter[0]))

    def events(
        cursor: psycopg.Cursor[tuple[object, ...]],
        id_: str,
        counter: int,
        number: int,
        which: slice,
    ) -> None:
        rows = [
            (
                "main",
                f"hand:{id_}:{number}:{which.start}:{index}",
                id_,
                counter + index + 1,
                "dunning.retry_started",
                number,
                number,
                "f" * 64,
                data,
                because,
            )
            for index, (data, because) in enumerate(texts.events[which])
        ]
        cursor.execute(COUNT, ("main", id_, len(rows)), prepare=True)
        if len(rows) == 1:
            cursor.execute(EVENT, rows[0], prepare=True)
        else:
            cursor.executemany(EVENT, rows)

    def share(worker: int, number: int) -> None:
        connection = connections[worker]
        cursor = connection.cursor()
        for id_, case in cases[worker::workers]:
            effect = f"hand:{id_}:{number}"
            counter = change(cursor, id_, case)
            cursor.execute(MOVE, (number, "main", f"dunning:{case}"), prepare=True)
            events(cursor, id_, counter, number, slice(0, 1))
            cursor.execute(
                INTEND,
                ("main", effect, id_, case, effect, texts.effect, number, number),
                prepare=True,
            )
            connection.commit()
            cursor.execute(SETTLE, (number, texts.outcome, "main", effect), prepare=True)
            counter = change(cursor, id_, case)
            cursor.execute(PLAN, ("main", f"dunning:{case}", id_, case, number), prepare=True)
            events(cursor, id_, counter, number, slice(1, 3))
            connection.commit()

    def by_hand() -> int:
        number = 2_000_000_000_000_000 + next(round_)
        threads = [Thread(target=share, args=(worker, number)) for worker in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(cases)

    return by_hand, f"fsync={fsync} synchronous_commit={commit}"
