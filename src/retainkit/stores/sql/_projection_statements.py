"""The statements of the projections, as :mod:`retainkit.stores.sql._statements` has the others."""

from __future__ import annotations

import sqlalchemy as sa

from retainkit.stores.sql._statement import Dialect, Statement, bind, same, size
from retainkit.stores.sql._tables import Tables


class ProjectionStatements:
    """What was counted, and who is in which group."""

    def __init__(self, tables: Tables, dialect: Dialect) -> None:
        bucket, member, ready = tables.bucket, tables.member, dialect.ready
        # One statement for all rows, or one for each.
        self.at_once: bool = dialect.postgres
        self.add: Statement = ready(sa.text(_add(bucket, dialect)))
        of_customer = same(bucket, "tenant", "customer")
        self.buckets: Statement = ready(_wanted(bucket, of_customer, dialect))
        among = sa.and_(same(bucket, "tenant"), dialect.is_any(bucket.c.customer, "customers"))
        self.buckets_of: Statement = ready(_wanted(bucket, among, dialect))
        self.latest: Statement = ready(
            sa.select(bucket.c.customer, bucket.c.value).where(
                among,
                bucket.c.metric == bind("metric"),
                _standing(bucket),
                bucket.c.part == sa.literal_column("''"),
            )
        )
        self.counted: Statement = ready(sa.text(_counted(bucket, dialect)))
        self.clear: Statement = ready(
            sa.delete(bucket).where(of_customer, sa.or_(_standing(bucket), _since(bucket)))
        )
        self.parts: Statement = ready(sa.text(_parts(bucket, dialect)))
        self.enter: Statement = ready(dialect.insert(member).on_conflict_do_nothing())
        self.leave: Statement = ready(
            sa.delete(member).where(same(member, "tenant", "group_name", "customer"))
        )
        self.members: Statement = ready(
            sa.select(*member.c)
            .where(same(member, "tenant", "group_name"), member.c.customer > bind("after"))
            .order_by(member.c.customer)
            .limit(size())
        )
        # Sorted by name, SQLite would be lured into a walk through every group.
        self.groups: Statement = ready(
            sa.select(*member.c).where(same(member, "tenant", "customer"))
        )


_KEY = "tenant, customer, metric, day, part"


def _add(bucket: sa.Table, dialect: Dialect) -> str:
    """Add rows to those of the same key; on PostgreSQL all at once, from a JSON list."""
    names = ", ".join(column.name for column in bucket.c)
    if dialect.postgres:
        read = ", ".join(
            f"CAST(row ->> {place} AS {dialect.type_of(column)})"
            for place, column in enumerate(bucket.c)
        )
        rows = f"SELECT {read} FROM jsonb_array_elements(CAST(:rows AS jsonb)) AS listed(row)"
        least, greatest, by_code = "least", "greatest", ' COLLATE "C"'
    else:
        rows = f"VALUES ({', '.join(f':{name}' for name in names.split(', '))})"
        least, greatest, by_code = "min", "max", ""
    later = f"(excluded.last, excluded.last_id{by_code}) > (b.last, b.last_id{by_code})"
    return (
        f"INSERT INTO {dialect.quoted(bucket)} AS b ({names}) {rows}"
        f" ON CONFLICT ({_KEY}) DO UPDATE SET count = b.count + excluded.count,"
        f" total = b.total + excluded.total, first = {least}(b.first, excluded.first),"
        f" value = CASE WHEN {later} THEN excluded.value ELSE b.value END,"
        f" last_id = CASE WHEN {later} THEN excluded.last_id ELSE b.last_id END,"
        f" last = {greatest}(b.last, excluded.last)"
    )


def _standing(bucket: sa.Table) -> sa.ColumnElement[bool]:
    return bucket.c.day == sa.literal_column("0")


def _since(bucket: sa.Table) -> sa.ColumnElement[bool]:
    """It is of the day bound as ``since``, which is none before the first, or of a later one."""
    return bucket.c.day >= bind("since", sa.Integer())


def _wanted(bucket: sa.Table, whose: sa.ColumnElement[bool], dialect: Dialect) -> sa.ClauseElement:
    """Standing buckets, and those since a day: as two, each of them is one range of the key."""
    named = {"metric", "part"}
    read = (dialect.by_code(each) if each.name in named else each for each in bucket.c)
    asked = sa.select(*read).where(whose, dialect.is_any(bucket.c.metric, "metrics"))
    both = sa.union_all(asked.where(_standing(bucket)), asked.where(_since(bucket)))
    columns = both.selected_columns
    return both.order_by(columns.customer, columns.metric, columns.day, columns.part)


def _each(bucket: sa.Table, dialect: Dialect) -> str:
    """Each customer with an id above ``after``, found by leaps through the key."""
    next_one = f"SELECT min(customer) FROM {dialect.quoted(bucket)} WHERE tenant = :tenant"
    return (
        f"WITH RECURSIVE each_one(customer) AS ({next_one} AND customer > :after UNION ALL"
        f" SELECT ({next_one} AND customer > each_one.customer) FROM each_one"
        " WHERE each_one.customer IS NOT NULL)"
    )


def _counted(bucket: sa.Table, dialect: Dialect) -> str:
    """The next customers that have any of the wanted buckets."""
    listed = (
        "SELECT jsonb_array_elements_text(CAST(:metrics AS jsonb))"
        if dialect.postgres
        else "SELECT value FROM json_each(:metrics)"
    )
    metric = f"metric = ANY(ARRAY({listed}))" if dialect.postgres else f"metric IN ({listed})"
    # A scalar, as PostgreSQL would answer EXISTS by reading everybody's buckets first.
    has = (
        f"(SELECT 1 FROM {dialect.quoted(bucket)} AS b WHERE b.tenant = :tenant"
        f" AND b.customer = each_one.customer AND b.{metric} AND b.day"
    )
    return (
        f"{_each(bucket, dialect)} SELECT customer FROM each_one WHERE customer IS NOT NULL"
        f" AND coalesce({has} >= :since LIMIT 1), {has} = 0 LIMIT 1)) = 1 LIMIT :limit"
    )


def _parts(bucket: sa.Table, dialect: Dialect) -> str:
    """The parts of a metric that the most customers have."""
    by_code = ' COLLATE "C"' if dialect.postgres else ""
    return (
        f"{_each(bucket, dialect)} SELECT b.part, count(DISTINCT b.customer), sum(b.count)"
        f" FROM each_one CROSS JOIN {dialect.quoted(bucket)} AS b"
        " WHERE b.tenant = :tenant AND b.customer = each_one.customer AND b.metric = :metric"
        " AND b.day >= :since AND b.part <> '' GROUP BY b.part"
        f" ORDER BY 2 DESC, 3 DESC, b.part{by_code} LIMIT :limit"
    )
