"""``retainkit health``: the report on all customers, and the back-test of the score."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from retainkit.cli._app import app_argument, kit_of, tenant_argument
from retainkit.cli._outcomes import read_outcomes
from retainkit.cli._progress import progress
from retainkit.core import dumps
from retainkit.errors import ConfigurationError
from retainkit.ids import CustomerId


if TYPE_CHECKING:
    from retainkit.core import Event
    from retainkit.engine import RetainKit
    from retainkit.health import BackTest, Engagement, Stay
    from retainkit.reports import Page, Rated
    from retainkit.rules import Readings

NAME = "health"
HELP = "report on the health of all customers, or hold the score against who left"

_PAGE = 200
_MOST_DAYS = 36_500
_DIGITS = 5
_CANCELLED = frozenset({"subscription.cancelled"})


def arguments(parser: ArgumentParser) -> None:
    """``report`` and ``backtest``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    report = actions.add_parser("report", help="a page on the health of all customers")
    _common(report)
    report.add_argument(
        "--out",
        type=Path,
        default=Path("health.html"),
        metavar="FILE",
        help="the page (health.html)",
    )
    report.add_argument("--segment", metavar="NAME", help="only customers who are in it now")
    report.add_argument(
        "--since", type=_days, default="28", metavar="DAYS", help="what moved since (28)"
    )
    report.add_argument(
        "--backtest", action="store_true", help="with the back-test, and programmes"
    )
    _looking_back(report)
    test = actions.add_parser("backtest", help="hold the score against who left")
    _common(test)
    test.add_argument("--out", type=Path, metavar="FILE", help="a page instead of tables")
    test.add_argument("--json", action="store_true", help="print it as JSON, as the last line")
    _looking_back(test)


def _common(parser: ArgumentParser) -> None:
    app_argument(parser)
    tenant_argument(parser)
    parser.add_argument("--by", metavar="SIGNAL", help="show customers by this signal's value")


def _looking_back(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--outcomes", type=Path, metavar="FILE", help="who left when, as CSV; else the timeline"
    )
    for name, default, meaning in (
        ("--horizon", "90", "leaving within so many days"),
        ("--every", "7", "a look every so many days"),
        ("--over", "364", "looks over so many days"),
    ):
        parser.add_argument(
            name, type=_days, default=default, metavar="DAYS", help=f"{meaning} ({default})"
        )
    parser.add_argument(
        "--imported",
        action="store_true",
        help="take what was imported as known since it occurred",
    )


def _days(text: str) -> timedelta:
    days = int(text) if text.isdecimal() and len(text) <= _DIGITS else 0
    if not 1 <= days <= _MOST_DAYS:
        raise ArgumentTypeError(f"a whole number of days, from 1 to {_MOST_DAYS}")
    return timedelta(days=days)


def run(args: Namespace) -> int:
    """Look, write the page, and say what came out."""
    return _report(args) if args.action == "report" else _backtest(args)


def _report(args: Namespace) -> int:
    from retainkit.reports import health_page

    kit = kit_of(args)
    stays = _stays(kit, args) if args.backtest or args.outcomes is not None else []
    test = _back_test(kit, args, stays) if args.backtest else None
    customers = _customers(kit, args.segment)
    gone = _gone(kit, args, stays, customers)
    there = [customer for customer in customers if customer not in gone]
    rated = _rated(kit, there, args)
    page = health_page(
        rated,
        kit.health.models,
        at=kit.clock.now(),
        test=test,
        engagement=_programmes(kit, args, stays),
        unmodelled=len(there) - len(rated),
        left=len(customers) - len(there),
    )
    _write(args.out, page)
    if test is not None:
        _say(test)
    return 0


def _backtest(args: Namespace) -> int:
    from retainkit.reports import back_test_page, text_table

    kit = kit_of(args)
    test = _back_test(kit, args, _stays(kit, args))
    _say(test)
    page = back_test_page(test)
    if args.out is not None:
        _write(args.out, page)
    elif not args.json:
        for table in page.tables:
            print(f"\n{text_table(table)}")
    if args.json:
        print(dumps(test.to_json()))
    return 0


def _say(test: BackTest) -> None:
    for verdict in test.verdicts:
        print(verdict.text)


def _write(out: Path, page: Page) -> None:
    from retainkit.reports import html_page

    try:
        out.write_text(html_page(page), encoding="utf-8")
    except OSError as exc:
        raise ConfigurationError(
            "The report can't be written there",
            code="cli.out",
            field="out",
            value=str(out),
            remedy="name a file in a folder you may write to",
        ) from exc
    print(f"The report: {out}")


def _customers(kit: RetainKit, segment: str | None) -> list[CustomerId]:
    """All customers of whom there is an event, or those in a segment now."""
    found: list[CustomerId] = []
    while page := _page(kit, segment, found[-1] if found else None):
        found += page
    return found


def _page(kit: RetainKit, segment: str | None, after: CustomerId | None) -> Sequence[CustomerId]:
    if segment is not None:
        members = kit.rules.members(f"segment:{segment}", after=after, limit=_PAGE)
        return [member.customer for member in members]
    with kit.transaction() as k:
        return k.tx.timeline.customers(after=after, limit=_PAGE)


def _rated(kit: RetainKit, customers: Sequence[CustomerId], args: Namespace) -> list[Rated]:
    """Their health now and then, a page of customers a transaction."""
    from retainkit.reports import Rated

    now = kit.clock.now()
    before = now - args.since
    told_by = _told_by(kit, args.by)
    found: list[Rated] = []
    with progress("Scoring", "customers") as tell:
        for start in range(0, len(customers), _PAGE):
            with kit.transaction() as k:
                for customer in customers[start : start + _PAGE]:
                    said = k.health.why(customer)
                    if said.health is not None:
                        found.append(
                            Rated(
                                customer=customer,
                                health=said.health,
                                override=said.override,
                                before=k.health.of(customer, as_of=before),
                                segment=told_by(k.signals.of(customer), now) if args.by else "",
                            )
                        )
            tell(min(start + _PAGE, len(customers)), len(customers))
    return found


def _gone(
    kit: RetainKit, args: Namespace, stays: Sequence[Stay], customers: Sequence[CustomerId]
) -> set[CustomerId]:
    """Those who left: by the stays if they were asked for, else as the timelines tell."""
    from retainkit.health import stay_of

    if args.backtest or args.outcomes is not None:
        return {stay.customer for stay in stays if stay.left}
    now, found = kit.clock.now(), set()
    for start in range(0, len(customers), _PAGE):
        with kit.transaction() as k:
            for customer in customers[start : start + _PAGE]:
                if not k.tx.timeline.of(customer, names=_CANCELLED):
                    continue
                stay = stay_of(k.timeline(customer), until=now)
                if stay is not None and stay.left:
                    found.add(customer)
    return found


def _told_by(kit: RetainKit, signal: str | None) -> Callable[[Readings, datetime], str]:
    """What customers are shown by; empty when it is not known, or nothing was asked for."""
    measures = kit.measures
    if measures is not None and signal is not None:
        measures.wanted(kit.clock.now(), [signal])  # refuses a name that is not declared

    def value(known: Readings, at: datetime) -> str:
        found = None if signal is None else known.known(signal, at)
        return "" if found is None else str(found)

    return value


def _programmes(kit: RetainKit, args: Namespace, stays: Sequence[Stay]) -> tuple[Engagement, ...]:
    """How taking part within a horizon goes with staying for the next one."""
    from retainkit.health import ATTENDED, engagement_effect
    from retainkit.signals import RETAG_EVENT, as_tagged

    def attended() -> Iterator[Event]:
        for stay in stays:
            with kit.transaction() as k:
                told = k.tx.timeline.of(stay.customer, names=frozenset({ATTENDED, RETAG_EVENT}))
            yield from as_tagged(told)

    return engagement_effect(
        stays,
        attended(),
        at=kit.clock.now() - args.horizon,
        horizon=args.horizon,
        within=args.horizon,
    )


def _back_test(kit: RetainKit, args: Namespace, stays: Sequence[Stay]) -> BackTest:
    from retainkit.health import HealthModels, backtest, known_events

    measures, now = kit.measures, kit.clock.now()
    assert measures is not None  # noqa: S101 - a kit with health has signals
    known = known_events(measures, kit.timeline, trust_backfill=args.imported)
    by = [] if args.by is None else [args.by]
    measures.wanted(now, by)  # refuses a name that is not declared
    steps = range(args.over // args.every, -1, -1)
    with progress("Looking back", "customers") as tell:
        return backtest(
            HealthModels(models=kit.health.models.models, signals=measures.signals),
            stays,
            known,
            at=[now - step * args.every for step in steps],
            horizon=args.horizon,
            known_until=now,
            by=by,
            progress=tell,
        )


def _stays(kit: RetainKit, args: Namespace) -> list[Stay]:
    from retainkit.health import stay_of

    now = kit.clock.now()
    if args.outcomes is not None:
        return read_outcomes(args.outcomes, until=now)
    customers = _customers(kit, None)
    found: list[Stay] = []
    with progress("Reading", "timelines") as tell:
        for done, customer in enumerate(customers, 1):
            stay = stay_of(kit.timeline(customer), until=now)
            if stay is not None:
                found.append(stay)
            tell(done, len(customers))
    return found
