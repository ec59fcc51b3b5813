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
        self.metadata: MetaData = MetaData(schema=schema)
        self.version: Table = Table(
            f"{prefix}version", self.metadata, Column("version", Integer, primary_key=True)
        )
        self.customer: Table = Table(
            f"{prefix}customer",
            self.metadata,
            _key("tenant"),
            _key("id"),
            Column("counter", BigInteger, nullable=False),
        )
        self.event: Table = Table(
            f"{prefix}event",
            self.metadata,
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
        )
        Index(
            f"{prefix}event_customer",
            self.event.c.tenant,
            self.event.c.customer,
            self.event.c.sequence,
        )
        _partial(
            f"{prefix}event_listed",
            [self.event.c.tenant, self.event.c.state],
            "state <> 'accepted'",
        )
        self.record: Table = Table(
            f"{prefix}record",
            self.metadata,
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
        )
        of_customer = [
            self.record.c.tenant,
            self.record.c.customer,
            self.record.c.feature,
            self.record.c.key,
        ]
        _partial(f"{prefix}record_open", of_customer, "open = 1", unique=True)
        self.definition: Table = Table(
            f"{prefix}definition", self.metadata, _key("tenant"), _key("id"), _text("body")
        )
        self.schedule: Table = Table(
            f"{prefix}schedule",
            self.metadata,
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
        )
        wake = self.schedule.c
        _partial(f"{prefix}schedule_wake", [wake.wake_at], "wake_at IS NOT NULL")
        Index(f"{prefix}schedule_customer", wake.tenant, wake.customer)
        _partial(f"{prefix}schedule_unclear", [wake.tenant, wake.state], "state = 'unclear'")
        self.bucket: Table = Table(
            f"{prefix}bucket",
            self.metadata,
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
        self.member: Table = Table(
            f"{prefix}member",
            self.metadata,
            _key("tenant"),
            _key("group_name"),
            _key("customer"),
            Column("since", BigInteger, nullable=False),
        )
        Index(f"{prefix}member_customer", self.member.c.tenant, self.member.c.customer)


def _key(name: str) -> Column[str]:
    return Column(name, String, primary_key=True, nullable=False)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _partial(
    name: str, columns: list[Column[str]] | list[Column[int]], where: str, *, unique: bool = False
) -> Index:
    return Index(
        name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where)
    )
