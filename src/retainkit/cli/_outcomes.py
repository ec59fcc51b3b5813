"""A CSV file of who stayed until when; what a back-test makes of it is in `health`."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from retainkit.errors import ConfigurationError, InvalidInput
from retainkit.ids import CustomerId


if TYPE_CHECKING:
    from retainkit.health import Stay

_NEEDED = ("customer", "since", "left_at")


def read_outcomes(file: Path, *, until: datetime) -> list[Stay]:
    """
    The stays in a file with the columns ``customer``, ``since`` and ``left_at``.

    Times are ISO 8601; one without a zone is UTC. An empty ``left_at`` is a customer who stayed;
    ``until`` in the file says up to when that is known, else it is the argument. All other
    columns are attributes.

    Raises:
        ConfigurationError: ``cli.outcomes``, with the line: a column or a value is missing, a time
            can't be read, or a stay ends before it begins; ``cli.file``.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            rows = csv.DictReader(opened)
            missing = [name for name in _NEEDED if name not in (rows.fieldnames or ())]
            if missing:
                raise _wrong(file, 1, "header", missing, f"add the column {missing[0]}")
            return [_stay(file, rows.line_num, row, until) for row in rows]
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(
            "This file can't be read",
            code="cli.file",
            field="outcomes",
            value=str(file),
            remedy="name a CSV file in UTF-8 that is there",
        ) from exc


def _stay(file: Path, line: int, row: Mapping[str | None, str | None], until: datetime) -> Stay:
    from retainkit.health import Stay

    cells = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
    customer = cells["customer"]
    if not customer:
        raise _wrong(file, line, "customer", "", "name the customer by its id")
    since = _time(file, line, "since", cells["since"])
    left_at = cells["left_at"]
    known = _time(file, line, "until", cells["until"]) if cells.get("until") else until
    attributes = {
        name: value for name, value in cells.items() if value and name not in (*_NEEDED, "until")
    }
    try:
        return Stay(
            customer=CustomerId(customer),
            since=since,
            until=_time(file, line, "left_at", left_at) if left_at else known,
            left=bool(left_at),
            attributes=attributes,
        )
    except InvalidInput as exc:
        raise _wrong(file, line, "left_at", left_at, exc.remedy) from exc


def _time(file: Path, line: int, column: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as exc:
        raise _wrong(file, line, column, text, "write a date such as 2026-03-31") from exc
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _wrong(file: Path, line: int, column: str, value: object, remedy: str) -> ConfigurationError:
    return ConfigurationError(
        "This is no outcome",
        code="cli.outcomes",
        field=f"{file.name}:{line}:{column}",
        value=value,
        remedy=remedy,
    )
