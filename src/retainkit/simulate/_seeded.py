"""Drawing a world from a seed; every draw has a name, so that none depends on another's place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from attrs import frozen

from retainkit.billing import Decline
from retainkit.customers import Customer
from retainkit.errors import InvalidInput
from retainkit.ids import CustomerId
from retainkit.simulate._parameters import Parameters, Span
from retainkit.simulate._world import HOUR, Card, Refusal, Renewal, SimulatedCustomer, World


T = TypeVar("T")

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""When seeded worlds begin."""
_ALL: Final = 10_000
# People act between the full hours at which invoices and tries are due: what happens at one and
# the same instant has no order that one could count on.
_BETWEEN: Final = timedelta(minutes=30)
_MESSAGES: Final = 8
_MONTH: Final = timedelta(days=30)
_PAID_AT: Final = 9
_GONE: Final = timedelta(days=45)
_UNASKED: Final = timedelta(days=28)  # the next renewal asks anew

_FUNDS = Decline(code="insufficient_funds", network_code="51", network="visa")
_NOT_HONOURED = Decline(code="do_not_honor", network_code="05", network="visa")
_LOST = Decline(code="lost_card", network_code="41", network="visa")
_STOLEN = Decline(code="stolen_card", network_code="43", network="visa")
_EXPIRED = Decline(code="expired_card", network_code="54", network="visa")
_CONFIRM = Decline(code="authentication_required")
_OUTAGE = Decline(code="issuer_not_available", network_code="91", network="visa")


def seeded_world(
    *, customers: int, days: int, seed: int, parameters: Parameters | None = None
) -> World:
    """
    A world of a small software company, drawn from a seed.

    The same arguments give the same world on every machine and Python; a customer's fate does
    not depend on how many others there are.

    Args:
        customers: How many.

        days: For how long renewals come.

        seed: Any whole number.

        parameters: What to draw from; those of `retainkit.simulate` by default.

    Raises:
        InvalidInput: ``simulate.size``: fewer than one customer or day.
    """
    for name, value in (("customers", customers), ("days", days)):
        if value < 1:
            raise InvalidInput(
                "A world has at least one customer and one day",
                code="simulate.size",
                field=name,
                value=value,
                remedy="pass 1 or more",
            )
    known = parameters or Parameters()
    outages = tuple(_outages(known, days, seed))
    drawn = _Drawn(parameters=known, days=days, seed=seed, outages=outages)
    width = max(4, len(str(customers)))
    return World(
        start=START,
        days=days,
        customers=tuple(drawn.customer(f"cus_{n:0{width}d}") for n in range(1, customers + 1)),
        slower=known.slower,
        seed=seed,
    )


def _outages(parameters: Parameters, days: int, seed: int) -> Iterator[tuple[int, Refusal]]:
    """Which bank can't be reached when; one draw a month."""
    for month in range(days // _MONTH.days + 1):
        for number in range(parameters.outages_per_month):
            lot = Random(f"{seed}/outage/{month}/{number}")  # noqa: S311 - a world, not a secret
            since = START + month * _MONTH + lot.randrange(_MONTH // HOUR) * HOUR
            length = _length(lot, parameters.outage_for)
            until = None if length is None else since + length
            bank = lot.randrange(parameters.banks)
            yield bank, Refusal(decline=_OUTAGE, since=since, until=until, of_account=True)


@frozen(kw_only=True)
class _Drawn:
    parameters: Parameters
    days: int
    seed: int
    outages: tuple[tuple[int, Refusal], ...]

    def customer(self, name: str) -> SimulatedCustomer:
        lot = self._lot(name, "person")
        market = _weighted(
            lot, [(known.weight, known) for _, known in sorted(self.parameters.markets.items())]
        )
        price, (locale, zone) = _one(lot, market.prices), _one(lot, market.people)
        paydays, bank = _one(lot, market.paydays), lot.randrange(self.parameters.banks)
        times = tuple(self._renewals(lot))
        refusals = [
            *self._expiry(name),
            *(outage for hit, outage in self.outages if hit == bank),
            *(
                trouble
                for number, at in enumerate(times)
                for trouble in self._troubles(name, number, at, paydays, ZoneInfo(zone))
            ),
        ]
        card = Card(refusals=tuple(sorted(refusals, key=lambda each: each.since)))
        return SimulatedCustomer(
            customer=Customer(
                id=CustomerId(name),
                email=f"{name}@example.com",
                locale=locale,
                zone=zone,
                reference=f"ref_{name}",
            ),
            price=price,
            renewals=tuple(
                Renewal(at=at, answers=self._answers(name, number, card.refusal(at)))
                for number, at in enumerate(times)
            ),
            card=card,
            leaves_at=self._leaves_at(name),
        )

    def _lot(self, *names: object) -> Random:
        return Random("/".join(str(name) for name in (self.seed, *names)))  # noqa: S311 - a world, not a secret

    def _hit(self, lot: Random, share: int) -> bool:
        return lot.randrange(_ALL) < share

    def _renewals(self, lot: Random) -> Iterator[datetime]:
        """Monthly, on a day all months have, at an hour of the customer's own."""
        day, hour = 1 + lot.randrange(28), lot.randrange(24)
        for month in range(self.days // 28 + 2):
            years, of_year = divmod(START.month - 1 + month, 12)
            at = START.replace(year=START.year + years, month=of_year + 1, day=day, hour=hour)
            if START <= at < START + timedelta(days=self.days):
                yield at

    def _expiry(self, name: str) -> Iterator[Refusal]:
        lot = self._lot(name, "expiry")
        month, updated = lot.randrange(self.parameters.card_months), lot.randrange(_ALL)
        years, of_year = divmod(START.month - 1 + month, 12)
        if updated >= self.parameters.card_updated:
            since = START.replace(year=START.year + years, month=of_year + 1)
            yield Refusal(decline=_EXPIRED, since=since)

    def _troubles(
        self, name: str, number: int, at: datetime, paydays: Sequence[int], zone: ZoneInfo
    ) -> Iterator[Refusal]:
        """What goes wrong about one renewal; each kind has a lot of its own."""
        known = self.parameters
        payday = _next_payday(at, paydays, zone)
        near = payday - at <= timedelta(days=known.funds_window)
        lot = self._lot(name, number, "funds")
        short, gone = self._hit(lot, known.funds_short), self._hit(lot, known.funds_gone)
        if near and short:
            funded = at + _GONE if gone else payday
            yield Refusal(decline=_FUNDS, since=at, until=funded, of_account=True)
        lot = self._lot(name, number, "not_honoured")
        if self._hit(lot, known.not_honoured):
            length = _length(lot, known.not_honoured_for)
            until = None if length is None else at + length
            yield Refusal(
                decline=_NOT_HONOURED, since=at, until=until, of_account=until is not None
            )
        for decline, share in ((_LOST, known.lost), (_STOLEN, known.stolen)):
            if self._hit(self._lot(name, number, decline.code), share):
                yield Refusal(decline=decline, since=at)
        if self._hit(self._lot(name, number, "authentication"), known.authentication):
            yield Refusal(decline=_CONFIRM, since=at, until=at + _UNASKED, of_account=True)

    def _answers(
        self, name: str, number: int, trouble: Refusal | None
    ) -> tuple[timedelta | None, ...]:
        if trouble is None:
            return ()
        lot = self._lot(name, number, "answers")
        if self._hit(lot, self.parameters.deaf):
            return ()
        share = self.parameters.answers.get(trouble.decline.code, 0)
        drawn = [
            (self._hit(lot, share), _length(lot, self.parameters.answers_within))
            for _ in range(_MESSAGES)
        ]
        return tuple(
            after + _BETWEEN if acts and after is not None else None for acts, after in drawn
        )

    def _leaves_at(self, name: str) -> datetime | None:
        lot = self._lot(name, "leaving")
        for month in range(self.days // _MONTH.days + 1):
            leaves, hour = self._hit(lot, self.parameters.leaving), lot.randrange(_MONTH // HOUR)
            if leaves:
                return START + month * _MONTH + hour * HOUR + _BETWEEN / 2
        return None


def _next_payday(at: datetime, days: Sequence[int], zone: ZoneInfo) -> datetime:
    """The first payday after an instant, in the morning where the customer lives."""
    local = at.astimezone(zone)
    for ahead in range(63):
        date = (local + timedelta(days=ahead)).date()
        morning = datetime(date.year, date.month, date.day, _PAID_AT, tzinfo=zone).astimezone(UTC)
        if date.day in days and morning > at:
            return morning
    raise InvalidInput(
        "There is no such day in a month",
        code="simulate.payday",
        field="paydays",
        value=tuple(days),
        remedy="use days from 1 to 28",
    )


def _length(lot: Random, spans: Sequence[Span]) -> timedelta | None:
    """A length in whole hours; None for ever. Always two draws, so that later ones stay put."""
    span = _weighted(lot, [(span.weight, span) for span in spans])
    draw = lot.randrange(1 << 30)
    if span.least is None:
        return None
    return (span.least + draw % (span.most - span.least)) * HOUR


def _one(lot: Random, choices: Sequence[T]) -> T:
    return choices[lot.randrange(len(choices))]


def _weighted(lot: Random, choices: Sequence[tuple[int, T]]) -> T:
    ends = list(accumulate(weight for weight, _ in choices))
    drawn = lot.randrange(ends[-1])
    return next(choice for end, (_, choice) in zip(ends, choices, strict=True) if drawn < end)
