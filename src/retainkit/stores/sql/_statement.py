"""A statement as the driver takes it, and what one is made of; what they say is not here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Protocol, TypeAlias, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from retainkit.stores.sql._errors import driver_error, translate


Value: TypeAlias = int | str | None
Values: TypeAlias = Mapping[str, Value]
Row: TypeAlias = Sequence[Value]
Part: TypeAlias = "tuple[Statement, Values]"


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

    __slots__ = ("_pick", "constants", "errors", "names", "nests", "sql")

    def __init__(self, clause: sa.ClauseElement, dialect: sa.Dialect) -> None:
        compiled = clause.compile(dialect=dialect)
        self.sql: str = str(compiled)
        given = getattr(compiled, "params", {})
        self.constants: dict[str, Value] = {
            name: value for name, value in given.items() if value is not None
        }
        self.names: tuple[str, ...] = tuple(getattr(compiled, "positiontup", None) or ())
        # In C for what has several parameters, as the rows of a batch have.
        self._pick: Callable[[Values], tuple[Value, ...]] | None = (
            itemgetter(*self.names) if len(self.names) > 1 else None
        )
        self.nests: bool = dialect.name == "postgresql"
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

    def lines(self, cursor: Cursor, rows: Sequence[Sequence[Value]]) -> int:
        """Execute it for rows that are in its own order already; the number it touched."""
        try:
            cursor.executemany(self.sql, rows)
        except (self.errors, OverflowError) as exc:  # sqlite3 counts up to 64 bits, Python further
            raise translate(exc) from exc
        return cursor.rowcount

    def _bound(self, values: Values) -> tuple[Value, ...]:
        if self.constants:
            values = {**self.constants, **values}
        if self._pick is not None:
            return self._pick(values)
        return tuple([values[name] for name in self.names])


def write_parts(
    cursor: Cursor, parts: Sequence[Part], telling: Part | None = None
) -> tuple[list[int], Sequence[Row]]:
    """
    Write parts that touch different rows; how many rows each touched.

    PostgreSQL takes them as one statement, in one round trip, and ``telling`` with them: a
    statement from ``WITH`` to ``SELECT * FROM``, whose rows are what is returned beside.
    """
    if telling is None and (len(parts) < 2 or not parts[0][0].nests):  # noqa: PLR2004 - one alone needs no nest
        return [statement.one(cursor, values) for statement, values in parts], ()
    every = parts if telling is None else (*parts, telling)
    bound = chain.from_iterable(statement._bound(values) for statement, values in every)
    statements = tuple(statement for statement, _ in parts)
    try:
        cursor.execute(_nested(statements, telling and telling[0]), tuple(bound))
    except every[0][0].errors as exc:
        raise translate(exc) from exc
    found = cursor.fetchall()
    return [cast("int", count) for count in found[0][len(found[0]) - len(parts) :]], found


@cache
def _nested(statements: tuple[Statement, ...], telling: Statement | None) -> str:
    """
    All of the statements in one.

    Its rows are those of the telling one, each with the number of rows each other touched.
    """
    parts = [
        f"part_{place} AS ({statement.sql} RETURNING 1)"
        for place, statement in enumerate(statements)
    ]
    counts = [
        f"(SELECT count(*) FROM part_{place}) AS touched_{place}"  # noqa: S608 - our own names
        for place in range(len(statements))
    ]
    if telling is None:
        return f"WITH {', '.join(parts)} SELECT * FROM {', '.join(counts)}"  # noqa: S608 - as above
    told = ", ".join([*parts, telling.sql.removeprefix("WITH ")])
    return f"WITH {', '.join([told, *counts])}"


class Dialect:
    """What the statements of one database are made of."""

    def __init__(self, dialect: sa.Dialect) -> None:
        self._dialect = dialect
        self.postgres: bool = dialect.name == "postgresql"
        self.now: sa.BindParameter[int] = sa.bindparam("now", type_=sa.BigInteger())
        # Leases run by the database's clock where it has one; workers' clocks may differ.
        self.clock: sa.ColumnElement[int] = self._microseconds() if self.postgres else self.now

    def ready(self, clause: sa.ClauseElement) -> Statement:
        """The clause, compiled."""
        return Statement(clause, self._dialect)

    def insert(
        self, table: sa.Table, **values: sa.ColumnElement[int]
    ) -> sqlite.Insert | postgresql.Insert:
        """An insert of whole rows, each column bound by its name but those given."""
        binds: dict[str, sa.ColumnElement[int] | sa.BindParameter[Value]] = {
            column.name: bind(column.name, column.type) for column in table.c
        }
        insert = postgresql.insert(table) if self.postgres else sqlite.insert(table)
        return insert.values({**binds, **values})

    def among(self, column: sa.Column[str]) -> sa.ColumnElement[bool]:
        """The column's value is in the JSON list bound as ``ids``."""
        listed = sa.text(
            "SELECT value FROM jsonb_array_elements_text(CAST(:ids AS jsonb)) AS listed(value)"
            if self.postgres
            else "SELECT value FROM json_each(:ids)"
        )
        return column.in_(listed.columns(sa.column("value", sa.Text)).scalar_subquery())

    def is_any(self, column: sa.Column[str], name: str) -> sa.ColumnElement[bool]:
        """The column's value is in a short JSON list; never joined, so that an order is kept."""
        if not self.postgres:
            return column.in_(
                sa.select(sa.func.json_each(bind(name)).table_valued("value").c.value)
            )
        listed = f"ARRAY(SELECT jsonb_array_elements_text(CAST(:{name} AS jsonb)))"
        return column == sa.func.any(sa.text(listed))

    def by_code(self, column: sa.Column[str]) -> sa.ColumnElement[str]:
        """The column in the order of its characters' codes, which is no language's."""
        return sa.collate(column, "C").label(column.name) if self.postgres else column

    def quoted(self, table: sa.Table) -> str:
        """The table's name with its schema, as a text of SQL has it."""
        return self._dialect.identifier_preparer.format_table(table)

    def typed(self, column: sa.Column[int] | sa.Column[str]) -> str:
        """The column's name and type."""
        return f"{column.name} {self.type_of(column)}"

    def type_of(self, column: sa.Column[int] | sa.Column[str]) -> str:
        """The column's type."""
        return column.type.compile(self._dialect)

    @staticmethod
    def _microseconds() -> sa.ColumnElement[int]:
        return sa.literal_column(
            "(extract(epoch from statement_timestamp()) * 1000000)::bigint", sa.BigInteger()
        )


def bind(
    name: str, type_: sa.types.TypeEngine[Value] | sa.types.TypeEngine[int] | None = None
) -> sa.BindParameter[Value]:
    """A value bound by name: text, where nothing else is said."""
    return sa.bindparam(name, type_=type_ or sa.Text())


def size() -> sa.BindParameter[Value]:
    """At most how many rows, bound as ``limit``."""
    return bind("limit", sa.BigInteger())


def same(table: sa.Table, *names: str) -> sa.ColumnElement[bool]:
    """The columns have the values bound under their names, each after ``w_``."""
    return sa.and_(*(table.c[name] == bind(f"w_{name}") for name in names))
