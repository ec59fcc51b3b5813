"""The tables of the SQL store: text and integers only, so that no value needs a converter."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)


class Tables:
    """
    The eight tables under a prefix and an optional database schema.

    Instants are microseconds since 1970 in UTC; bodies are canonical JSON text. The metadata is
    public, so that Alembic or Django can own the migrations.
    """

    def __init__(self, *, prefix: str, schema: str | None) -> None:
        metadata = MetaData(schema=schema)
        self.metadata: MetaData = metadata
        self.version: Table = Table(
            f"{prefix}version", metadata, Column("version", Integer, primary_key=True)
        )
        self.customer: Table = _customer(metadata, prefix)
        self.event: Table = _event(metadata, prefix)
        self.record: Table = _record(metadata, prefix)
        self.definition: Table = Table(
            f"{prefix}definition", metadata, _key("tenant"), _key("id"), _text("body")
        )
        self.schedule: Table = _schedule(metadata, prefix)
        self.bucket: Table = _bucket(metadata, prefix)
        self.member: Table = _member(metadata, prefix)


def _customer(metadata: MetaData, prefix: str) -> Table:
    return Table(
        f"{prefix}customer",
        metadata,
        _key("tenant"),
        _key("id"),
        Column("counter", BigInteger, nullable=False),
    )


def _event(metadata: MetaData, prefix: str) -> Table:
    return Table(
        f"{prefix}event",
        metadata,
        _key("tenant"),
        _key("id"),
        _text("customer"),
        Column("sequence", BigInteger, nullable=False),
        _text("name"),
        Column("occurred_at", BigInteger, nullable=False),
        Column("recorded_at", BigInteger, nullable=False),
        _text("origin"),
        _text("state"),
        Column("schema", Integer, nullable=False),
        _text("fingerprint"),
        _text("data"),
        _text("because"),
        Column("actor", Text, nullable=False, server_default="retainkit"),
        Index(f"{prefix}event_customer", "tenant", "customer", "sequence"),
        _partial(f"{prefix}event_listed", "tenant", "state", where="state <> 'accepted'"),
    )


def _record(metadata: MetaData, prefix: str) -> Table:
    of_customer = ("tenant", "customer", "feature", "key")
    return Table(
        f"{prefix}record",
        metadata,
        _key("tenant"),
        _key("feature"),
        _key("id"),
        _text("key"),
        _text("customer"),
        Column("open", SmallInteger, nullable=False),
        Column("version", Integer, nullable=False),
        Column("schema", Integer, nullable=False),
        _text("definition"),
        _text("body"),
        _partial(f"{prefix}record_open", *of_customer, where="open = 1", unique=True),
    )


def _schedule(metadata: MetaData, prefix: str) -> Table:
    return Table(
        f"{prefix}schedule",
        metadata,
        _key("tenant"),
        _key("id"),
        _text("feature"),
        _text("customer"),
        Column("case_id", Text),
        Column("kind", Text),
        Column("attempt", Text),
        Column("since", BigInteger, nullable=False),
        Column("data", Text),
        Column("state", Text),
        Column("tries", Integer, nullable=False),
        Column("sent_at", BigInteger),
        Column("outcome", Text),
        Column("wake_at", BigInteger),
        Column("lease", Text),
        _partial(f"{prefix}schedule_wake", "wake_at", where="wake_at IS NOT NULL"),
        Index(f"{prefix}schedule_customer", "tenant", "customer"),
        _partial(f"{prefix}schedule_unclear", "tenant", "state", where="state = 'unclear'"),
    )


def _bucket(metadata: MetaData, prefix: str) -> Table:
    return Table(
        f"{prefix}bucket",
        metadata,
        _key("tenant"),
        _key("customer"),
        _key("metric"),
        Column("day", Integer, primary_key=True, autoincrement=False, nullable=False),
        _key("part"),
        Column("count", BigInteger, nullable=False),
        Column("total", BigInteger, nullable=False),
        Column("first", BigInteger, nullable=False),
        Column("last", BigInteger, nullable=False),
        _text("last_id"),
        _text("value"),
        # Where a sum leaves 64 bits, SQLite would go on with a float.
        CheckConstraint("abs(total) < 9223372036854775807"),
        sqlite_with_rowid=False,
    )


def _member(metadata: MetaData, prefix: str) -> Table:
    return Table(
        f"{prefix}member",
        metadata,
        _key("tenant"),
        _key("group_name"),
        _key("customer"),
        Column("since", BigInteger, nullable=False),
        Index(f"{prefix}member_customer", "tenant", "customer"),
    )


def _key(name: str) -> Column[str]:
    return Column(name, String, primary_key=True, nullable=False)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(
        name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where)
    )
