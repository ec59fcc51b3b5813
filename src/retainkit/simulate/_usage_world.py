"""Drawing a world of use from a seed: who uses what, asks for help, leaves; what is told of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from attrs import field, frozen

from retainkit.billing import Decline, Payment, PaymentState, payment_event
from retainkit.core import Event, JsonObject, Origin
from retainkit.errors import InvalidInput
from retainkit.ids import CustomerId, EventId, InvoiceId, PaymentId
from retainkit.money import money
from retainkit.signals import RETAG_EVENT
from retainkit.simulate._seeded import START
from retainkit.simulate._usage import (
    Delivery,
    Fate,
    Lull,
    QuietTime,
    Trouble,
    UsageCustomer,
    UsageWorld,
)


T = TypeVar("T")

SHORTEST: Final = 120
"""Days: two months to get used to, and two to be in trouble."""

_ALL: Final = 1_000
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)
_SETTLED: Final = 58
_LONGEST: Final = 56
_LEFT: Final = 150  # what falling use comes to, in thousandths

_ZONES: Final = ("Europe/Berlin", "Europe/Dublin", "America/New_York", "Asia/Tokyo")
_WEEKS: Final = (
    (1000, 1000, 1000, 1000, 900, 80, 50),  # an office
    (1000, 1000, 1000, 1000, 900, 80, 50),
    (300, 900, 900, 1000, 1000, 1000, 500),  # a shop
    (900, 900, 900, 900, 900, 900, 900),  # a team that is always on
)
_PLANS: Final = (("starter", 29, 5), ("team", 99, 8), ("business", 299, 12))
_INDUSTRIES: Final = ("retail", "software", "education", "logistics")
FEATURES: Final = ("report", "export", "board", "automation", "sharing", "search")
"""What users of the world use: the ``feature`` of ``feature.used``."""
_REPERTOIRE: Final = {"admin": 6, "member": 4, "viewer": 2}
_TOPICS: Final = ("billing", "import", "permissions", "speed", "mail")
_SHORT_OF_FUNDS = Decline(code="insufficient_funds", network_code="51", network="visa")


@frozen(kw_only=True)
class UsageParameters:
    """
    What a world of use is drawn from. All of it is assumed: it shows what a rule can find, and
    nothing about your customers. Shares are per 1,000.

    Args:
        falling_use: Of all customers, those who use the product less and less, and leave.

        champion_left: Those whose champion leaves, and who leave later.

        silent_backlog: Those whose tickets nobody answers, and who leave later.

        holidays: Of those who stay, those who are away for one or two weeks.

        seasons: Of those who stay and are not away, those with a slack season.

        noise: By how much the use of one week differs from that of another, at most.

        late: Of all events, those that arrive hours or days late; the others take minutes.

        doubled: Those that arrive twice.

        monitored: Of all customers, those whose account is used daily by a probe of ours
            (``internal``).

        visited: Those whose account our staff used for an afternoon as if it were theirs; it is
            re-tagged some days later.

        movers: Those who move to another zone.

        handovers: Of those whose champion doesn't leave like that, those where one hands over to
            another, who is there before the first one leaves.

        leavers: Those where somebody else leaves.
    """

    falling_use: int = 200
    champion_left: int = 150
    silent_backlog: int = 150
    holidays: int = 350
    seasons: int = 250
    noise: int = 150
    late: int = 40
    doubled: int = 20
    monitored: int = 250
    visited: int = 150
    movers: int = 100
    handovers: int = 150
    leavers: int = 200


def usage_world(
    seed: int, customers: int, days: int, *, parameters: UsageParameters | None = None
) -> UsageWorld:
    """
    A world of customers who use a product, drawn from a seed.

    The same arguments give the same world on every machine and Python; a customer's fate does
    not depend on how many others there are. Its events are named as the catalogue of
    `retainkit.signals` reads them: ``feature.used`` with user, role and feature, ``ticket.opened``,
    ``ticket.replied``, ``ticket.closed``, ``ticket.rated``, ``contact.joined``, ``contact.left``,
    ``nps.answered``, ``payment.succeeded``, ``payment.failed``, ``customer.zone_set`` and
    ``event.retagged``.

    Args:
        seed: Any whole number.

        customers: How many.

        days: How long it lasts; troubles begin after the first eight weeks.

        parameters: What to draw from.

    Raises:
        InvalidInput: ``simulate.size``: no customer, or fewer than 120 days.
    """
    for name, value, least in (("customers", customers, 1), ("days", days, SHORTEST)):
        if value < least:
            raise InvalidInput(
                "A world of use has at least one customer and four months",
                code="simulate.size",
                field=name,
                value=value,
                remedy=f"pass {least} or more",
            )
    known = parameters or UsageParameters()
    width = max(4, len(str(customers)))
    return UsageWorld(
        start=START,
        days=days,
        customers=tuple(
            _Person(
                id=CustomerId(f"cus_{n:0{width}d}"), seed=seed, days=days, known=known
            ).customer()
            for n in range(1, customers + 1)
        ),
        seed=seed,
    )


@frozen(kw_only=True)
class _Person:
    """One customer being drawn; each topic has a lot of its own, so that none moves another."""

    id: CustomerId
    seed: int
    days: int
    known: UsageParameters
    zone: str = field(init=False)
    plan: tuple[str, int, int] = field(init=False)
    users: dict[str, str] = field(init=False)
    fate: Fate = field(init=False)

    @zone.default
    def _zone(self) -> str:
        return _one(self._lot("zone"), _ZONES)

    @plan.default
    def _plan(self) -> tuple[str, int, int]:
        return _one(self._lot("plan"), _PLANS)

    @users.default
    def _users(self) -> dict[str, str]:
        lot, most = self._lot("users"), self.plan[2]
        roles = ("admin", *(_one(lot, ("member", "member", "viewer")) for _ in range(most - 1)))
        count = most // 2 + lot.randrange(most // 2 + 1)
        return {f"{self.id}-u{n}": role for n, role in enumerate(roles[:count], 1)}

    @fate.default
    def _fate(self) -> Fate:
        lot = self._lot("fate")
        drawn, day, late = lot.randrange(_ALL), lot.randrange(_ALL), lot.randrange(_ALL)
        minute = lot.randrange(9 * 60, 17 * 60)
        shares = (
            (Trouble.FALLING_USE, self.known.falling_use, 42),
            (Trouble.CHAMPION_LEFT, self.known.champion_left, 28),
            (Trouble.SILENT_BACKLOG, self.known.silent_backlog, 28),
        )
        for trouble, share, soonest in shares:
            if drawn < share:
                onset_day = _SETTLED + day * (self.days - _SETTLED - _LONGEST) // _ALL
                falls = trouble is Trouble.FALLING_USE
                onset = self._at(onset_day, 0 if falls else minute)
                after = soonest + late * (_LONGEST - soonest) // _ALL
                leaves_at = self._at(onset_day + after, minute)
                return Fate(customer=self.id, trouble=trouble, onset=onset, leaves_at=leaves_at)
            drawn -= share
        return Fate(customer=self.id, quiet=tuple(self._quiet()))

    def customer(self) -> UsageCustomer:
        """All of them."""
        name, _, seats = self.plan
        lot = self._lot("facts")
        return UsageCustomer(
            fate=self.fate,
            zone=self.zone,
            users=self.users,
            facts={
                "plan": name,
                "size": "small" if name == "starter" else "large",
                "industry": _one(lot, _INDUSTRIES),
                "seats": seats,
                "term_ends_at": self._at(90 + lot.randrange(275), 0),
            },
            deliveries=tuple(self._delivered()),
        )

    # ---- what happens

    def _quiet(self) -> Iterator[QuietTime]:
        lot = self._lot("quiet")
        drawn, day, length = lot.randrange(_ALL), lot.randrange(_ALL), lot.randrange(8)
        level = lot.randrange(150)
        if drawn < self.known.holidays:
            lull, first, long, level = Lull.HOLIDAY, 35, 7 + length, 100 + level
        elif drawn < self.known.holidays + self.known.seasons:
            lull, first, long, level = Lull.SEASON, 35, 21 + length, 550 + level
        else:
            return
        since = first + day * (self.days - first - long) // _ALL
        yield QuietTime(
            lull=lull, since=self._at(since, 0), until=self._at(since + long, 0), level=level
        )

    def _happened(self) -> Iterator[Event]:
        yield self._event("customer.zone_set", START, {"zone": self.zone})
        yield from self._moves()
        yield from self._uses()
        yield from self._traffic()
        yield from self._people()
        yield from self._tickets()
        yield from self._opinions()
        yield from self._payments()

    def _moves(self) -> Iterator[Event]:
        lot = self._lot("moves")
        moves, day, zone = self._hit(lot, self.known.movers), lot.randrange(_ALL), _one(lot, _ZONES)
        if moves and zone != self.zone:
            at = self._at(40 + day * (self.days - 40) // _ALL, 12 * 60)
            yield self._event("customer.zone_set", at, {"zone": zone})

    def _uses(self) -> Iterator[Event]:
        week = _one(self._lot("week"), _WEEKS)
        weather = [
            _ALL - self.known.noise + self._lot("noise", n).randrange(2 * self.known.noise + 1)
            for n in range(self.days // 7 + 1)
        ]
        for user, role in self.users.items():
            lot = self._lot("use", user)
            habit = 500 + lot.randrange(400)
            repertoire = FEATURES[: _REPERTOIRE[role]]
            for day in range(self.days):
                drawn, minute = lot.randrange(_ALL), lot.randrange(8 * 60, 19 * 60)
                first, second = lot.randrange(len(repertoire)), lot.randrange(2 * len(repertoire))
                weekday = self._date(day).weekday()
                chance = habit * week[weekday] * weather[day // 7] * self._level(day)
                if drawn * _ALL**3 >= chance:
                    continue
                used = {first, second} & set(range(len(repertoire)))
                for number in sorted(used):
                    at = self._at(day, minute) + number * _MINUTE
                    data: JsonObject = {"user": user, "role": role, "feature": FEATURES[number]}
                    yield self._event("feature.used", at, data, f"{user}/{day}/{number}")

    def _level(self, day: int) -> int:
        """What is left of the usual use on a day, in thousandths."""
        at, fate = self._at(day, 0), self.fate
        for quiet in fate.quiet:
            if quiet.since <= at < quiet.until:
                return quiet.level
        if fate.trouble is not Trouble.FALLING_USE or fate.onset is None or fate.lead is None:
            return _ALL
        gone = max(0, (at - fate.onset) // _DAY)
        over = fate.lead // _DAY - 7  # a week before they leave, it is over
        return max(_LEFT, _ALL - (_ALL - _LEFT) * gone // over)

    def _traffic(self) -> Iterator[Event]:
        """What is no use of theirs: our probe, a demo's sample data, a test, a visit of our own."""
        lot = self._lot("traffic")
        monitored, visited = (
            self._hit(lot, self.known.monitored),
            self._hit(lot, self.known.visited),
        )
        day, count = 30 + lot.randrange(self.days - 40), 8 + lot.randrange(12)
        for number in range(10):
            data: JsonObject = {"user": "sample", "role": "admin", "feature": FEATURES[0]}
            at = START + number * _HOUR
            yield self._event("feature.used", at, data, f"sample/{number}", Origin.SAMPLE)
        probe: JsonObject = {"user": "probe", "role": "admin", "feature": "search"}
        yield self._event("feature.used", START + 5 * _HOUR, probe, "test", Origin.TEST)
        if monitored:
            for each in range(self.days):
                at = self._at(each, 3 * 60)
                yield self._event("feature.used", at, probe, f"probe/{each}", Origin.INTERNAL)
        if visited:
            staff: JsonObject = {"user": "staff", "role": "admin", "feature": "report"}
            visit = [
                self._event("feature.used", self._at(day, 10 * 60 + n), staff, f"staff/{n}")
                for n in range(count)
            ]
            yield from visit
            retag: JsonObject = {
                "events": [each.id for each in visit],
                "origin": Origin.INTERNAL.value,
            }
            yield self._event(RETAG_EVENT, self._at(day + 2 + count % 3, 9 * 60), retag)

    def _people(self) -> Iterator[Event]:
        lot = self._lot("people")
        others = 2 + lot.randrange(3)
        changes, day, overlap = lot.randrange(_ALL), lot.randrange(_ALL), 2 + lot.randrange(10)
        roles = ["champion", *(_one(lot, ("sponsor", "user", "finance")) for _ in range(others))]
        for number, role in enumerate(roles):
            yield self._contact("joined", number, role, START + _HOUR)
        if self.fate.trouble is Trouble.CHAMPION_LEFT and self.fate.onset is not None:
            yield self._contact("left", 0, "champion", self.fate.onset)
            return
        at = 30 + day * (self.days - 45) // _ALL
        if changes < self.known.leavers:
            yield self._contact("joined", 9, "user", self._at(at - 20, 600))
            yield self._contact("left", 9, "user", self._at(at, 600))
        elif changes < self.known.leavers + self.known.handovers:
            yield self._contact("joined", 9, "champion", self._at(at, 600))
            yield self._contact("left", 0, "champion", self._at(at + overlap, 600))

    def _tickets(self) -> Iterator[Event]:
        lot, fate = self._lot("tickets"), self.fate
        silent = fate.onset if fate.trouble is Trouble.SILENT_BACKLOG else None
        at, number = START + lot.randrange(20 * 24 * 60) * _MINUTE, 0
        end = START + self.days * _DAY
        while at < end and (silent is None or at < silent - 5 * _DAY):
            yield from self._answered(lot, number, at)
            at, number = at + (8 * 24 * 60 + lot.randrange(24 * 24 * 60)) * _MINUTE, number + 1
        at = silent or end
        while at < end:
            yield self._ticket("opened", number, at, {"topic": _one(lot, _TOPICS)})
            at, number = at + (3 * 24 * 60 + lot.randrange(5 * 24 * 60)) * _MINUTE, number + 1

    def _answered(self, lot: Random, number: int, at: datetime) -> Iterator[Event]:
        """A ticket as it should be: answered within 30 hours, closed within four days."""
        topic: JsonObject = {"topic": _one(lot, _TOPICS)}
        replied = at + (10 + lot.randrange(30 * 60)) * _MINUTE
        closed = replied + (30 + lot.randrange(64 * 60)) * _MINUTE
        rated, score = self._hit(lot, 400), 3 + lot.randrange(3)
        yield self._ticket("opened", number, at, topic)
        yield self._ticket("replied", number, replied, topic)
        yield self._ticket("closed", number, closed, topic)
        if rated:
            yield self._ticket("rated", number, closed + _HOUR, {**topic, "score": score})

    def _opinions(self) -> Iterator[Event]:
        lot = self._lot("opinions")
        user, day = next(iter(self.users)), lot.randrange(45)
        while day < self.days:
            data: JsonObject = {"user": user, "score": 7 + lot.randrange(4)}
            yield self._event("nps.answered", self._at(day, 700), data)
            day += 40 + lot.randrange(20)

    def _payments(self) -> Iterator[Event]:
        lot, (_, price, _) = self._lot("payments"), self.plan
        first = lot.randrange(28)
        for month, day in enumerate(range(first, self.days, 30)):
            short, tries = self._hit(lot, 60), 1 + lot.randrange(2)
            for number in range(tries + 1 if short else 1):
                paid = number == tries or not short
                payment = Payment(
                    id=PaymentId(f"pay_{self.id}_{month}_{number}"),
                    state=PaymentState.SUCCEEDED if paid else PaymentState.FAILED,
                    amount=money(price, "EUR"),
                    at=self._at(day + 2 * number, 60),
                    decline=None if paid else _SHORT_OF_FUNDS,
                )
                yield payment_event(payment, InvoiceId(f"in_{self.id}_{month}"), "", self.id)

    # ---- how it is told

    def _delivered(self) -> Iterator[Delivery]:
        end = min(START + self.days * _DAY, self.fate.leaves_at or datetime.max.replace(tzinfo=UTC))
        lot = self._lot("delivery")
        for event in self._happened():
            late, doubled = self._hit(lot, self.known.late), self._hit(lot, self.known.doubled)
            minutes, hours, again = lot.randrange(5), 1 + lot.randrange(96), lot.randrange(4320)
            if event.occurred_at >= end:
                continue
            at = event.occurred_at + (hours * _HOUR if late else minutes * _MINUTE)
            yield Delivery(event=event, received_at=at)
            if doubled:
                yield Delivery(event=event, received_at=at + again * _MINUTE)

    def _event(
        self,
        name: str,
        at: datetime,
        data: JsonObject,
        key: str = "",
        origin: Origin = Origin.REAL,
    ) -> Event:
        return Event(
            id=EventId(f"{self.id}/{name}/{key or f'{at:%Y%m%dT%H%M}'}"),
            name=name,
            customer=self.id,
            occurred_at=at,
            data=data,
            origin=origin,
            actor="customer",
        )

    def _contact(self, what: str, number: int, role: str, at: datetime) -> Event:
        contact = f"{self.id}-p{number}"
        data: JsonObject = {"contact": contact, "role": role}
        return self._event(f"contact.{what}", at, data, contact)

    def _ticket(self, what: str, number: int, at: datetime, data: JsonObject) -> Event:
        ticket = f"{self.id}-t{number}"
        return self._event(f"ticket.{what}", at, {"ticket": ticket, **data}, ticket)

    # ---- days and draws

    def _date(self, day: int) -> date:
        return START.date() + timedelta(days=day)

    def _at(self, day: int, minute: int) -> datetime:
        """A minute of a day where the customer lives."""
        date = self._date(day)
        midnight = datetime(date.year, date.month, date.day, tzinfo=ZoneInfo(self.zone))
        return max(START, (midnight + minute * _MINUTE).astimezone(UTC))

    def _lot(self, *names: object) -> Random:
        return Random("/".join(str(name) for name in (self.seed, self.id, *names)))  # noqa: S311 - a world, not a secret

    def _hit(self, lot: Random, share: int) -> bool:
        return lot.randrange(_ALL) < share


def _one(lot: Random, choices: Sequence[T]) -> T:
    return choices[lot.randrange(len(choices))]
