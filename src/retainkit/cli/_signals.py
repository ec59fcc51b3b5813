"""``retainkit signals``: load facts, read what is known of a customer, count anew."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from retainkit.cli._app import app_argument, kit_of, tenant_argument
from retainkit.cli._progress import progress
from retainkit.errors import ConfigurationError
from retainkit.ids import CustomerId


if TYPE_CHECKING:
    from retainkit.rules import Reading, Remedy, Value

NAME = "signals"
HELP = "load facts about customers from a file, list what is known of one, or count anew"

_SHOWN = 20


def arguments(parser: ArgumentParser) -> None:
    """``load FILE``, ``of CUSTOMER`` and ``rebuild``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    load = actions.add_parser("load", help="set facts from a CSV or Parquet file")
    app_argument(load)
    tenant_argument(load)
    load.add_argument("file", metavar="FILE", help="a row for each customer, a column a signal")
    load.add_argument("--key", default="customer", metavar="COLUMN", help="of the customers' ids")
    load.add_argument("--at", metavar="TIME", help="as of when: an instant, or a column; now")
    load.add_argument("--currency", metavar="COLUMN", help="of the currency of amounts")
    load.add_argument("--source", metavar="WORD", help="what made the facts known")
    load.add_argument(
        "--ignore", action="append", default=[], metavar="COLUMN", help="not read; may be repeated"
    )
    of = actions.add_parser("of", help="list what is known of a customer")
    app_argument(of)
    tenant_argument(of)
    of.add_argument("customer", metavar="CUSTOMER", help="the host's id of the customer")
    of.add_argument("--as-of", metavar="TIME", help="as it was known then: an instant or a counter")
    rebuild = actions.add_parser(
        "rebuild", help="count customers anew from their timelines; after signals were changed"
    )
    app_argument(rebuild)
    tenant_argument(rebuild)
    rebuild.add_argument("customer", metavar="CUSTOMER", nargs="?", help="only this one; else all")


def run(args: Namespace) -> int:
    """Do it; 1 when a row was refused."""
    match args.action:
        case "load":
            return _load(args)
        case "rebuild":
            return _rebuild(args)
        case _:
            return _of(args)


def _rebuild(args: Namespace) -> int:
    kit = kit_of(args)
    only = None if args.customer is None else CustomerId(args.customer)
    with progress("Counting", "customers") as tell:
        done = kit.signals.rebuild(only, progress=tell)
    print(f"{done} customers counted")
    return 0


def _load(args: Namespace) -> int:
    kit = kit_of(args)
    with progress("Loading", "customers") as tell:
        loaded = kit.signals.load(
            args.file,
            key=args.key,
            at=_instant(args.at),
            currency=args.currency,
            source=args.source,
            ignore=args.ignore,
            progress=tell,
        )
    for row in loaded.refused[:_SHOWN]:
        print(f"line {row.line}, {row.field}: {row.value} [{row.code}]\n  {row.remedy}")
    more = len(loaded.refused) - _SHOWN
    if more > 0:
        print(f"and {more} more")
    print(f"{loaded.set} set, {loaded.unchanged} unchanged, {len(loaded.refused)} refused")
    return 1 if loaded.refused else 0


def _instant(text: str | None) -> datetime | str | None:
    """An instant, or the name of a column."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return text


def _of(args: Namespace) -> int:
    kit = kit_of(args)
    readings, at = kit.signals.known(CustomerId(args.customer), _as_of(args.as_of))
    known = dict(readings)
    declared = {} if kit.measures is None else kit.measures.signals
    rows = [("signal", "value", "as of", "source", "remedy")]
    for name, signal in declared.items():
        value, since, source = _told(known.get(name))
        if since and readings.known(name, at) is None:
            value += " (stale)"
        rows.append((name, value, since, source, _remedy(signal.remedy)))
    for line in _table(rows):
        print(line)
    return 0


def _as_of(text: str | None) -> int | datetime | None:
    if text is None:
        return None
    try:
        return int(text) if text.isdigit() else datetime.fromisoformat(text)
    except ValueError as exc:
        raise ConfigurationError(
            "This is neither an instant nor a counter",
            code="cli.as_of",
            field="--as-of",
            value=text,
            remedy="write it as 2026-09-01T00:00:00Z, or as the number of an event",
        ) from exc


def _told(reading: Reading | None) -> tuple[str, str, str]:
    """Value, time and source; what is not known is said to be so."""
    if reading is None or reading.value is None:
        return "not known", "", ""
    at = "" if reading.at is None else f"{reading.at:%Y-%m-%d %H:%M} UTC"
    return _value(reading.value), at, reading.source or ""


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:%Y-%m-%d %H:%M} UTC" if isinstance(value, datetime) else str(value)


def _remedy(remedy: Remedy | None) -> str:
    return "" if remedy is None else f"{remedy.kind} {remedy.ref}".rstrip()


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
