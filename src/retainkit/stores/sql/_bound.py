"""A cursor bound to one tenant: every statement it runs carries the tenant."""

from __future__ import annotations

from collections.abc import Sequence

from retainkit.ids import TenantId
from retainkit.stores.sql._statement import Cursor, Part, Row, Statement, Value, write_parts


class Bound:
    """A cursor whose statements all carry the tenant."""

    __slots__ = ("cursor", "tenant")

    def __init__(self, cursor: Cursor, tenant: TenantId) -> None:
        self.cursor = cursor
        self.tenant = tenant

    def write(self, statement: Statement, **values: Value) -> int:
        return statement.one(
            self.cursor, {"tenant": self.tenant, "w_tenant": self.tenant, **values}
        )

    def write_part(self, part: Part) -> int:
        statement, values = part
        return statement.one(self.cursor, values)

    def write_parts(
        self, parts: Sequence[Part], telling: Part | None = None
    ) -> tuple[list[int], Sequence[Row]]:
        return write_parts(self.cursor, parts, telling)

    def part(self, statement: Statement, **values: Value) -> Part:
        return statement, {"tenant": self.tenant, "w_tenant": self.tenant, **values}

    def write_rows(self, statement: Statement, written: Sequence[dict[str, Value]]) -> int:
        return statement.many(self.cursor, written)

    def write_lines(self, statement: Statement, written: Sequence[Row]) -> int:
        return statement.lines(self.cursor, written)

    def all(self, statement: Statement, **values: Value) -> Sequence[Row]:
        return statement.all(
            self.cursor, {"tenant": self.tenant, "w_tenant": self.tenant, **values}
        )

    def all_of(self, part: Part) -> Sequence[Row]:
        statement, values = part
        return statement.all(self.cursor, values)

    def first(self, statement: Statement, **values: Value) -> Row | None:
        found = self.all(statement, **values)
        return found[0] if found else None
