"""Versioned, idempotent migrations; what has been released here never changes."""

from __future__ import annotations

import sqlalchemy as sa

from retainkit.stores.sql._tables import Tables


# One tuple a version; {p} is the prefix with the database schema, {w} keeps the rows in the primary
# key itself, as SQLite can. Text and integers only, so that SQLite and PostgreSQL read the same
# statements.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        (
            "CREATE TABLE {p}customer (tenant VARCHAR NOT NULL, id VARCHAR NOT NULL,"
            " counter BIGINT NOT NULL, PRIMARY KEY (tenant, id))"
        ),
        (
            "CREATE TABLE {p}event (tenant VARCHAR NOT NULL, id VARCHAR NOT NULL,"
            " customer TEXT NOT NULL, sequence BIGINT NOT NULL, name TEXT NOT NULL,"
            " occurred_at BIGINT NOT NULL, recorded_at BIGINT NOT NULL, origin TEXT NOT NULL,"
            " state TEXT NOT NULL, schema INTEGER NOT NULL, fingerprint TEXT NOT NULL,"
            " data TEXT NOT NULL, because TEXT NOT NULL, PRIMARY KEY (tenant, id))"
        ),
        "CREATE INDEX {i}event_customer ON {p}event (tenant, customer, sequence)",
        "CREATE INDEX {i}event_listed ON {p}event (tenant, state) WHERE state <> 'accepted'",
        (
            "CREATE TABLE {p}record (tenant VARCHAR NOT NULL, feature VARCHAR NOT NULL,"
            " id VARCHAR NOT NULL, key TEXT NOT NULL, customer TEXT NOT NULL,"
            " open SMALLINT NOT NULL, version INTEGER NOT NULL, schema INTEGER NOT NULL,"
            " definition TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (tenant, feature, id))"
        ),
        (
            "CREATE UNIQUE INDEX {i}record_open ON {p}record (tenant, customer, feature, key)"
            " WHERE open = 1"
        ),
        (
            "CREATE TABLE {p}definition (tenant VARCHAR NOT NULL, id VARCHAR NOT NULL,"
            " body TEXT NOT NULL, PRIMARY KEY (tenant, id))"
        ),
        (
            "CREATE TABLE {p}schedule (tenant VARCHAR NOT NULL, id VARCHAR NOT NULL,"
            " feature TEXT NOT NULL, customer TEXT NOT NULL, case_id TEXT, kind TEXT,"
            " attempt TEXT, since BIGINT NOT NULL, data TEXT, state TEXT, tries INTEGER NOT NULL,"
            " sent_at BIGINT, outcome TEXT, wake_at BIGINT, lease TEXT, PRIMARY KEY (tenant, id))"
        ),
        "CREATE INDEX {i}schedule_wake ON {p}schedule (wake_at) WHERE wake_at IS NOT NULL",
        "CREATE INDEX {i}schedule_customer ON {p}schedule (tenant, customer)",
    ),
    (
        # Who caused an event; and what waits for a person, without reading all effects ever made.
        "ALTER TABLE {p}event ADD COLUMN actor TEXT DEFAULT 'retainkit' NOT NULL",
        ("CREATE INDEX {i}schedule_unclear ON {p}schedule (tenant, state) WHERE state = 'unclear'"),
    ),
    (
        # What is counted of the past, and who is in which group.
        (
            "CREATE TABLE {p}bucket (tenant VARCHAR NOT NULL, customer VARCHAR NOT NULL,"
            " metric VARCHAR NOT NULL, day INTEGER NOT NULL, part VARCHAR NOT NULL,"
            " count BIGINT NOT NULL, total BIGINT NOT NULL, first BIGINT NOT NULL,"
            " last BIGINT NOT NULL, last_id TEXT NOT NULL, value TEXT NOT NULL,"
            " PRIMARY KEY (tenant, customer, metric, day, part),"
            " CHECK (abs(total) < 9223372036854775807)){w}"
        ),
        (
            "CREATE TABLE {p}member (tenant VARCHAR NOT NULL, group_name VARCHAR NOT NULL,"
            " customer VARCHAR NOT NULL, since BIGINT NOT NULL,"
            " PRIMARY KEY (tenant, group_name, customer))"
        ),
        "CREATE INDEX {i}member_customer ON {p}member (tenant, customer)",
    ),
)


def migrate(
    connection: sa.Connection, tables: Tables, *, prefix: str, to: int | None = None
) -> None:
    """
    Bring the schema to a version inside the open transaction; a database already there stays.

    Concurrent migrations wait for each other.
    """
    schema = tables.metadata.schema
    preparer = connection.dialect.identifier_preparer
    qualified = "" if schema is None else f"{preparer.quote(schema)}."
    keyed = " WITHOUT ROWID"
    if connection.dialect.name == "postgresql":
        keyed = ""
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7236123)")
        if schema is not None:
            connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
    tables.version.create(connection, checkfirst=True)
    done = connection.scalar(sa.select(sa.func.max(tables.version.c.version))) or 0
    for number, statements in enumerate(MIGRATIONS[:to], start=1):
        if number <= done:
            continue
        for statement in statements:
            said = statement.format(p=f"{qualified}{prefix}", i=prefix, w=keyed)
            connection.exec_driver_sql(said)
        connection.execute(tables.version.insert().values(version=number))
