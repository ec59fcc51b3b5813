"""What a decline means: its class, the wait it asks for, what the customer may be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from attrs import evolve, frozen


if TYPE_CHECKING:
    from retainkit.billing import Decline


class DeclineClass(StrEnum):
    """
    What a decline allows.

    ``hard``: never again on that credential. ``soft``: later. ``needs_customer_action``: no
    automatic repeat, the customer has to act. ``unknown``: one more try at most.
    """

    HARD = "hard"
    SOFT = "soft"
    NEEDS_CUSTOMER_ACTION = "needs_customer_action"
    UNKNOWN = "unknown"


@frozen(kw_only=True)
class Classified:
    """
    A decline, read.

    Args:
        class_: What it allows.

        retry_not_before: How long to wait before a retry, where a code says so.

        source: Which code decided: ``override``, ``advice``, ``network_advice``,
            ``network_code``, ``code``, or ``none``.

        code: The deciding code.

        decline: The provider's own decline code, which people can read; not always the same.

        reason: What the customer may be told: never that a card is lost, stolen or suspected.
    """

    class_: DeclineClass
    retry_not_before: timedelta | None
    source: str
    code: str
    decline: str
    reason: str


_Row = tuple[DeclineClass, int, str]

# Bank schemes by the provider's word for the network; every other code is the card networks'.
_BANKS = {
    "ach": "ach",
    "us_bank_account": "ach",
    "sepa": "sepa",
    "sepa_core": "sepa",
    "sepa_debit": "sepa",
    "bacs": "bacs_arudd",
    "bacs_debit": "bacs_arudd",
}

_WHAT_TO_TELL = ("code", "network_code", "network_advice", "advice")


def classify(decline: Decline, overrides: Mapping[str, DeclineClass]) -> Classified:
    """
    Read a decline.

    A tenant's override decides first, then the provider's advice, the network's advice, the
    network's code, the provider's code. A wait that any of them asks for is kept unless the
    decline is hard. Visa's response codes stand for those of all card networks (ISO 8583).

    Args:
        decline: The provider's codes.

        overrides: The tenant's classes, by code (``do_not_honor``) or by scheme and code
            (``visa:62``, ``mastercard_mac:02``).
    """
    read = _by_table(decline)
    if not overrides:
        return read
    for _, schemes, code in _given(decline):
        for key in (*(f"{scheme}:{code}" for scheme in schemes), code):
            if key in overrides:
                return evolve(read, class_=overrides[key], source="override", code=code)
    return read


@lru_cache(maxsize=4096)
def _by_table(decline: Decline) -> Classified:
    """What the table says of a decline; the few that a product meets come again and again."""
    known = [
        (word, code, row) for word, schemes, code in _given(decline) if (row := _row(schemes, code))
    ]
    rows = {word: row for word, _, row in known}
    hours = max((row[1] for row in rows.values()), default=0)
    source, code, class_ = "none", decline.code, DeclineClass.UNKNOWN
    if known:
        source, code, row = known[0]
        class_ = row[0]
    return Classified(
        class_=class_,
        retry_not_before=timedelta(hours=hours) if hours else None,
        source=source,
        code=code,
        decline=decline.code,
        reason=_reason(rows),
    )


def _given(decline: Decline) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """The codes a decline came with, the most trusted first, and the schemes they belong to."""
    network = decline.network or ""
    if decline.advice:
        yield "advice", ("stripe_advice",), decline.advice
    if decline.network_advice and network in ("", "mastercard"):
        yield "network_advice", ("mastercard_mac",), decline.network_advice
    if decline.network_code:
        yield "network_code", (_BANKS.get(network, "visa"),), decline.network_code
    bank = (_BANKS[network],) if network in _BANKS else ("ach", "sepa")
    yield "code", ("stripe", "gocardless", *bank), decline.code


def _row(schemes: tuple[str, ...], code: str) -> _Row | None:
    table = _table()
    return next((table[scheme, code] for scheme in schemes if (scheme, code) in table), None)


def _reason(rows: Mapping[str, _Row]) -> str:
    """The most exact harmless word; one code that must stay unsaid silences them all."""
    if any(row[0] is DeclineClass.HARD and row[2] == "generic" for row in rows.values()):
        return "generic"
    told = (rows[word][2] for word in _WHAT_TO_TELL if word in rows)
    return next((reason for reason in told if reason != "generic"), "generic")


@cache
def _table() -> Mapping[tuple[str, str], _Row]:
    from retainkit.dunning._decline_codes import ROWS

    table: dict[tuple[str, str], _Row] = {}
    for line in ROWS.split("\n"):
        if line:
            scheme, code, class_, hours, reason, _source = line.split()
            table[scheme, code] = (DeclineClass(class_), int(hours), reason)
    return table
