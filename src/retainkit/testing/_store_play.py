"""Scripts of what can happen to a store, and what it then shows; no promise is made here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Protocol, TypeVar

from attrs import evolve, frozen

from retainkit.core import (
    STANDING,
    Answer,
    Bucket,
    Effect,
    EffectState,
    Event,
    EventState,
    Intent,
    Item,
    JsonObject,
    JsonValue,
    Lease,
    Member,
    NoEffect,
    NotSent,
    Outcome,
    Record,
    RecordedEvent,
    Timer,
    Unknown,
    Wanted,
    dumps,
)
from retainkit.errors import RetainkitError
from retainkit.ids import CaseId, CustomerId, EventId, TenantId
from retainkit.stores import Store, TenantStore, Transaction


T = TypeVar("T")

START = datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)
FEATURE = "dunning"
TENANTS = ("one", "two")
CUSTOMERS = tuple(CustomerId(id_) for id_ in ("cus_a", "cus_b", "Käse & Söhne"))
CASES = tuple(CaseId(id_) for id_ in ("case_1", "case_2", "case_3"))
EVENTS = tuple(EventId(f"evt_{number}") for number in range(9))
ATTEMPTS = ("try 1", "try 2", "try 3")
DEFINITIONS = ("sha-1", "sha-2")
METRICS = ("logins", "zone")
DAYS = (STANDING, 7, 8, 9)
PARTS = ("", "user_1", "Ümit")
GROUPS = ("segment:big", "rule:r1")
_DAYS = Wanted(metrics=frozenset(METRICS), since=DAYS[2])
OUTCOMES: tuple[Outcome | None, ...] = (
    None,
    Answer(data={"result": "paid", "cents": 1200}),
    NotSent(reason="rate_limited", retry_after=timedelta(seconds=1, microseconds=5)),
    NotSent(reason="refused"),
    Unknown(reason="timeout"),
    NoEffect(reason="looked_up"),
)
PAUSES = tuple(timedelta(hours=hours) for hours in (0, 1, 30))
# An hour, however long the script; and one that has run out at once by any clock.
LEASES = (timedelta(days=3650), timedelta(0))


def event(
    id: str,
    customer: str = "cus_a",
    *,
    name: str = "invoice.failed",
    data: JsonObject | None = None,
    at: datetime = START,
) -> Event:
    """Something that happened to a customer."""
    return Event(
        id=EventId(id),
        name=name,
        customer=CustomerId(customer),
        occurred_at=at,
        data={} if data is None else data,
    )


def record(
    id: str,
    customer: str = "cus_a",
    *,
    key: str = "eur",
    version: int = 1,
    is_open: bool = True,
    body: JsonObject | None = None,
    feature: str = FEATURE,
) -> Record:
    """A case of a customer."""
    return Record(
        feature=feature,
        id=CaseId(id),
        key=key,
        customer=CustomerId(customer),
        open=is_open,
        version=version,
        schema=1,
        definition="sha-1",
        body={} if body is None else body,
    )


def timer(
    tenant: TenantId,
    customer: str = "cus_a",
    *,
    due: datetime = START,
    case: str | None = None,
    since: int = 0,
    feature: str = FEATURE,
) -> Timer:
    """A wake-up for a customer, or the next step of a case."""
    return Timer(
        tenant=tenant,
        feature=feature,
        customer=CustomerId(customer),
        due=due,
        case=None if case is None else CaseId(case),
        since=since,
    )


def intent(
    tenant: TenantId,
    attempt: str,
    customer: str = "cus_a",
    *,
    case: str | None = "case_1",
    data: JsonObject | None = None,
) -> Intent:
    """A payment to be collected for a case."""
    return Intent(
        tenant=tenant,
        feature=FEATURE,
        customer=CustomerId(customer),
        case=None if case is None else CaseId(case),
        effect=Effect(kind="payments.collect", attempt=attempt, data={} if data is None else data),
    )


def bucket(
    metric: str,
    day: int,
    customer: str = "cus_a",
    *,
    part: str = "",
    at: int = 1,
    id: str = "evt_1",
    number: int = 1,
    total: int = 0,
    value: JsonValue = None,
) -> Bucket:
    """What happened to a customer on one day."""
    return Bucket(
        customer=CustomerId(customer),
        metric=metric,
        day=day,
        part=part,
        count=number,
        total=total,
        first=at,
        last=at,
        last_id=id,
        value=value,
    )


class Stage:
    """One tenant of a store, and what its workers have in hand."""

    def __init__(self, store: TenantStore) -> None:
        self.store = store
        self.now = START
        self.timers: list[Timer] = []
        self.intents: list[Intent] = []

    @contextmanager
    def transaction(self, *, fails: bool = False) -> Iterator[Transaction]:
        """A transaction that ends well, or in an error."""
        with self.store.transaction() as tx:
            yield tx
            if fails:
                raise _Failure

    def take(self, item: Item) -> None:
        """Remember a claim, for good: a worker may come back to it when it is long lost."""
        if isinstance(item, Timer):
            self.timers.append(item)
        else:
            self.intents.append(item)


class Action(Protocol):
    """Something that happens in one tenant."""

    @property
    def tenant(self) -> str:
        """Where: one of ``TENANTS``."""
        ...

    def act(self, stage: Stage) -> JsonValue:
        """Do it; returns what the store answered."""
        ...


@frozen(kw_only=True)
class Append:
    """Events arrive, some of them not for the first time."""

    tenant: str
    said: tuple[tuple[EventId, CustomerId, int], ...]
    parked: bool
    fails: bool

    def act(self, stage: Stage) -> JsonValue:
        events = [event(id_, whose, data={"cents": cents}) for id_, whose, cents in self.said]
        state = EventState.PARKED if self.parked else EventState.ACCEPTED
        with stage.transaction(fails=self.fails) as tx:
            made = tx.timeline.append(events, recorded_at=stage.now, state=state)
            news = {
                str(customer): [kept.event.id for kept in tx.timeline.of(customer, after=at - 1)]
                for customer, at in made.first.items()
            }
        return [[kept.id for kept in made.new], [*made.duplicates], [*made.conflicts], news]


@frozen(kw_only=True)
class Release:
    """A person says whose a parked event is."""

    tenant: str
    event: EventId
    customer: CustomerId
    fails: bool

    def act(self, stage: Stage) -> JsonValue:
        with stage.transaction(fails=self.fails) as tx:
            tx.timeline.release(self.event, self.customer, recorded_at=stage.now)
        return "released"


@frozen(kw_only=True)
class Put:
    """A case is opened, changed or closed; by somebody who may have read an old version."""

    tenant: str
    case: CaseId
    customer: CustomerId
    key: str
    is_open: bool
    behind: int
    fails: bool

    def act(self, stage: Stage) -> JsonValue:
        with stage.transaction(fails=self.fails) as tx:
            stored = tx.records.get(FEATURE, self.case)
            version = max(1, (0 if stored is None else stored.version) + 1 - self.behind)
            written = record(
                self.case,
                self.customer if stored is None else stored.customer,
                key=self.key,
                version=version,
                is_open=self.is_open,
                body={"written": version},
            )
            tx.records.put(written)
        return version


@frozen(kw_only=True)
class Define:
    """A policy is kept under its hash."""

    tenant: str
    definition: str
    tries: int
    fails: bool

    def act(self, stage: Stage) -> JsonValue:
        with stage.transaction(fails=self.fails) as tx:
            tx.records.define(self.definition, {"tries": self.tries})
        return "defined"


@frozen(kw_only=True)
class Wake:
    """Events wake a feature."""

    tenant: str
    customers: tuple[CustomerId, ...]
    pause: timedelta
    fails: bool

    def act(self, stage: Stage) -> JsonValue:
        due = stage.now + self.pause
        with stage.transaction(fails=self.fails) as tx:
            tx.schedule.wake(
                [
                    timer(stage.store.tenant, id_, due=due, since=tx.records.lock(id_) + 1)
                    for id_ in self.customers
                ]
            )
        return "woken"


@frozen(kw_only=True)
class Rest:
    """A worker has decided all that is known of a customer, with a claim of whatever age."""

    tenant: str
    which: int
    fails: bool

    def act(self, stage: Stage) -> JsonValue:
        wake_ups = [held for held in stage.timers if held.case is None]
        if not wake_ups:
            return None
        held = _latest(wake_ups, self.which)
        with stage.transaction(fails=self.fails) as tx:
            return tx.schedule.rest(held, since=tx.records.lock(held.customer) + 1)


@frozen(kw_only=True)
class Plan:
    """A case gets its next step, or has none any more."""

    tenant: str
    case: CaseId
    pause: timedelta | None
    fails: bool

    def act(self, stage: Stage) -> JsonValue:
        with stage.transaction(fails=self.fails) as tx:
            if self.pause is None:
                tx.schedule.drop(FEATURE, self.case)
            else:
                due = stage.now + self.pause
                tx.schedule.plan(
                    timer(stage.store.tenant, _customer_of(self.case), due=due, case=self.case)
                )
        return "planned"


@frozen(kw_only=True)
class Intend:
    """A decision asks for effects; the worker that decided performs the first at once."""

    tenant: str
    case: CaseId
    attempts: tuple[str, ...]
    lease: Lease | None
    fails: bool

    def act(self, stage: Stage) -> JsonValue:
        intents = [
            intent(stage.store.tenant, attempt, _customer_of(self.case), case=self.case)
            for attempt in self.attempts
        ]
        with stage.transaction(fails=self.fails) as tx:
            tx.schedule.intend(intents, self.lease, now=stage.now)
            kept = [tx.schedule.intent(wanted.id) for wanted in intents]
        for taken in kept:
            if taken is not None and taken.lease is not None:
                stage.take(taken)
        return "intended"


@frozen(kw_only=True)
class Finish:
    """A worker ends or moves a timer that it claimed, however long ago."""

    tenant: str
    which: int
    pause: timedelta | None
    fails: bool

    def act(self, stage: Stage) -> JsonValue:
        if not stage.timers:
            return None
        held = _latest(stage.timers, self.which)
        next_due = None if self.pause is None else stage.now + self.pause
        with stage.transaction(fails=self.fails) as tx:
            return tx.schedule.finish(held, next_due=next_due)


@frozen(kw_only=True)
class Begin:
    """A worker is about to perform an effect that it claimed, however long ago."""

    tenant: str
    which: int
    fails: bool

    def act(self, stage: Stage) -> JsonValue:
        ready = [held for held in stage.intents if held.state is EffectState.READY]
        if not ready:
            return None
        with stage.transaction(fails=self.fails) as tx:
            held = _latest(ready, self.which)
            return tx.schedule.begin(
                held, Lease(id=held.lease or "", length=LEASES[0]), now=stage.now
            )


@frozen(kw_only=True)
class Withdraw:
    """A decision takes back an effect, if nobody has begun it."""

    tenant: str
    case: CaseId
    attempt: str
    fails: bool

    def act(self, stage: Stage) -> JsonValue:
        with stage.transaction(fails=self.fails) as tx:
            wanted = intent(
                stage.store.tenant, self.attempt, _customer_of(self.case), case=self.case
            )
            nothing = NoEffect(reason="withdrawn")
            return tx.schedule.withdraw(
                evolve(wanted, state=EffectState.DONE, outcome=nothing, wake_at=None)
            )


@frozen(kw_only=True)
class Settle:
    """A worker writes what became of an effect that it claimed, however long ago."""

    tenant: str
    which: int
    state: EffectState
    outcome: Outcome | None
    pause: timedelta | None
    fails: bool

    def act(self, stage: Stage) -> JsonValue:
        if not stage.intents:
            return None
        held = _latest(stage.intents, self.which)
        known = evolve(
            held,
            state=self.state,
            tries=held.tries + 1,
            outcome=self.outcome,
            wake_at=None if self.pause is None else stage.now + self.pause,
        )
        with stage.transaction(fails=self.fails) as tx:
            return tx.schedule.settle(known, lease=held.lease)


@frozen(kw_only=True)
class Answered:
    """A person says what became of an effect that is unclear."""

    tenant: str
    case: CaseId
    attempt: str
    fails: bool

    def act(self, stage: Stage) -> JsonValue:
        with stage.transaction(fails=self.fails) as tx:
            asked = intent(stage.store.tenant, self.attempt, case=self.case).id
            unclear = tx.schedule.intent(asked)
            if unclear is None or unclear.state is not EffectState.UNCLEAR:
                return None
            said = NoEffect(reason="settled_by_a_person")
            done = evolve(unclear, state=EffectState.DONE, outcome=said, wake_at=None)
            return tx.schedule.settle(done, lease=None)


@frozen(kw_only=True)
class Count:
    """What happened to customers is counted."""

    tenant: str
    said: tuple[tuple[str, CustomerId, int, str, int], ...]
    fails: bool

    def act(self, stage: Stage) -> JsonValue:
        told = [
            bucket(metric, day, customer, part=part, at=at, total=at, value=at)
            for metric, customer, day, part, at in self.said
        ]
        with stage.transaction(fails=self.fails) as tx:
            tx.projections.add(told)
        return "counted"


@frozen(kw_only=True)
class Recount:
    """A customer is counted anew, from a day on."""

    tenant: str
    customer: CustomerId
    metric: str
    since: int
    day: int
    fails: bool

    def act(self, stage: Stage) -> JsonValue:
        told = bucket(self.metric, self.day, self.customer, total=7, value="anew")
        with stage.transaction(fails=self.fails) as tx:
            tx.projections.replace(self.customer, [told], since=self.since)
        return "recounted"


@frozen(kw_only=True)
class Move:
    """Customers enter groups and leave others."""

    tenant: str
    entered: tuple[tuple[str, CustomerId], ...]
    left: tuple[tuple[str, CustomerId], ...]
    fails: bool

    def act(self, stage: Stage) -> JsonValue:
        members = [
            Member(group=group, customer=customer, since=stage.now)
            for group, customer in self.entered
        ]
        with stage.transaction(fails=self.fails) as tx:
            tx.projections.move(members, self.left)
        return "moved"


@frozen(kw_only=True)
class Claim:
    """A worker takes what is due in all tenants, some time later."""

    later: timedelta
    lease: Lease

    def everywhere(self, world: World) -> dict[str, JsonValue]:
        """Take it; returns the items of each tenant."""
        for stage in world.stages.values():
            stage.now += self.later
        now = next(iter(world.stages.values())).now
        items = world.store.claim(self.lease, now=now, limit=10_000)
        names = {stage.store.tenant: name for name, stage in world.stages.items()}
        taken: dict[str, list[Item]] = {name: [] for name in world.stages}
        for item in items:
            if item.tenant in names:
                taken[names[item.tenant]].append(item)
        for name, mine in taken.items():
            mine.sort(key=_id)
            for item in mine:
                world.stages[name].take(item)
        answers: dict[str, JsonValue] = {}
        for name, mine in taken.items():
            with world.stages[name].store.transaction() as tx:
                answers[name] = [_shown_item(tx, item) for item in mine]
        return answers


class World:
    """A store with the tenants of a script."""

    def __init__(self, store: Store, tenants: Mapping[str, TenantId]) -> None:
        self.store = store
        self.stages = {name: Stage(store.for_tenant(id_)) for name, id_ in tenants.items()}

    def perform(self, step: Action | Claim) -> dict[str, JsonValue]:
        """Do one step of a script; returns what each tenant's store answered, errors too."""
        if isinstance(step, Claim):
            return step.everywhere(self)
        if step.tenant not in self.stages:
            return {}
        try:
            return {step.tenant: step.act(self.stages[step.tenant])}
        except _Failure:
            return {step.tenant: "failed"}
        except RetainkitError as exc:
            return {step.tenant: [type(exc).__name__, exc.code, exc.field]}

    def shown(self) -> dict[str, JsonValue]:
        """All that each tenant's store shows."""
        return {name: shown(stage) for name, stage in self.stages.items()}


def shown(stage: Stage) -> JsonValue:
    """All that one tenant's store shows of what a script can have done to it."""
    with stage.store.transaction() as tx:
        return {
            **_shown_past(tx),
            **_shown_records(tx),
            **_shown_schedule(tx, stage.store.tenant),
            **_shown_projections(tx),
        }


def _shown_past(tx: Transaction) -> JsonObject:
    return {
        "events": [_shown_event(tx.timeline.get(id_)) for id_ in EVENTS],
        "histories": {
            customer: [kept.event.id for kept in tx.timeline.of(customer)] for customer in CUSTOMERS
        },
        "aside": {
            state.value: [_shown_event(kept) for kept in tx.timeline.listed(state)]
            for state in (EventState.PARKED, EventState.CONFLICT)
        },
    }


def _shown_records(tx: Transaction) -> JsonObject:
    return {
        "records": [_shown_record(kept) for kept in tx.records.all(FEATURE)],
        "open": [kept.id for kept in tx.records.open(FEATURE)],
        "definitions": [tx.records.definition(id_) for id_ in DEFINITIONS],
    }


def _shown_schedule(tx: Transaction, tenant: TenantId) -> JsonObject:
    effects = [intent(tenant, attempt, case=case).id for case in CASES for attempt in ATTEMPTS]
    timers = (f"{FEATURE}:{id_}" for id_ in (*CUSTOMERS, *CASES))
    return {
        "timers": [_shown_item(tx, tx.schedule.timer(id_)) for id_ in timers],
        "effects": [_shown_item(tx, tx.schedule.intent(id_)) for id_ in effects],
        "to come": {
            customer: sorted(item.id for item in tx.schedule.of(customer)) for customer in CUSTOMERS
        },
        "unclear": sorted(item.id for item in tx.schedule.unclear()),
        "orphans": [kept.id for kept in tx.schedule.orphans(FEATURE)],
        "strays": sorted(item.id for item in tx.schedule.strays()),
        "missed": {
            missed.customer: missed.since and _news(tx, missed)
            for missed in tx.schedule.missed(FEATURE, frozenset({"invoice.failed"}))
        },
        "miscounted": [*tx.schedule.recount()],
    }


def _shown_projections(tx: Transaction) -> JsonObject:
    return {
        "buckets": {
            customer: [_shown_bucket(kept) for kept in tx.projections.buckets(customer, _DAYS)]
            for customer in CUSTOMERS
        },
        "counted": sorted({kept.customer for kept in tx.projections.page(_DAYS)}),
        "standing": {
            str(customer): value
            for customer, value in tx.projections.latest(METRICS[0], CUSTOMERS).items()
        },
        "parts": [
            [part.part, part.customers, part.count]
            for part in tx.projections.parts(METRICS[0], since=DAYS[1])
        ],
        "members": {
            group: sorted(member.customer for member in tx.projections.members(group))
            for group in GROUPS
        },
        "groups": {
            customer: [
                [member.group, _iso(member.since)] for member in tx.projections.groups(customer)
            ]
            for customer in CUSTOMERS
        },
    }


def _shown_bucket(kept: Bucket) -> JsonValue:
    key: list[JsonValue] = [kept.metric, kept.day, kept.part]
    return [*key, kept.count, kept.total, kept.first, kept.last, kept.last_id, kept.value]


def _shown_item(tx: Transaction, item: Item | None) -> JsonValue:
    """A timer or an effect; times of a lease are left out, for they may be the database's."""
    if item is None:
        return None
    about = [item.feature, item.customer, item.case, item.lease]
    if isinstance(item, Timer):
        return [*about, _news(tx, item), _iso(item.due) if item.lease is None else "leased"]
    return [
        *about,
        [item.effect.kind, item.effect.attempt, item.effect.data],
        item.state.value,
        item.tries,
        _iso(item.sent_at),
        _shown_outcome(item.outcome),
        _iso(item.wake_at) if item.lease is None else "leased",
    ]


def _shown_outcome(outcome: Outcome | None) -> JsonValue:
    # Not its repr: JSON objects come back with their keys in any order.
    return outcome.data if isinstance(outcome, Answer) else repr(outcome)


def _news(tx: Transaction, wake_up: Timer) -> int:
    """How many events it is about: counters may have gaps, so they say less."""
    return len(tx.timeline.of(wake_up.customer, after=wake_up.since - 1))


def _shown_event(kept: RecordedEvent | None) -> JsonValue:
    if kept is None:
        return None
    said = kept.event
    at = [_iso(said.occurred_at), _iso(kept.recorded_at)]
    return [said.id, said.name, said.customer, said.data, kept.state.value, *at]


def _shown_record(kept: Record) -> JsonValue:
    return [kept.id, kept.customer, kept.key, kept.open, kept.version, kept.body]


# ---- scripts, from dice of any make


class Dice(Protocol):
    """Chooses; a seeded random generator, or a property test that can shrink its choices."""

    def one(self, pool: Sequence[T]) -> T:
        """One of the pool."""
        ...


@frozen
class SeededDice:
    """Chooses as the seed says, in every process."""

    random: Random

    def one(self, pool: Sequence[T]) -> T:
        """One of the pool."""
        return pool[self.random.randrange(len(pool))]


def step(dice: Dice, number: int) -> Action | Claim:
    """One step of a script; its number makes the lease's id unique."""
    return dice.one(_STEPS)(dice, Lease(id=f"lease {number}", length=dice.one(LEASES)))


def store_transcript(store: Store, *, seed: int, steps: int = 300) -> tuple[str, ...]:
    """
    Play a seeded script on an empty store, and write down what the store answers.

    Two stores that keep the contract give the same transcript, line by line; so hold yours
    against `retainkit.stores.memory.MemoryStore`.

    Args:
        store: Migrated and empty.

        seed: Chooses the script.

        steps: How many things happen.

    Returns:
        A line a step, with its answer or error, and a line a tenant with all it shows at the end.
    """
    world = World(store, {name: TenantId(name) for name in TENANTS})
    dice = SeededDice(Random(seed))  # noqa: S311 - a script, no secret
    lines = []
    for number in range(steps):
        taken = step(dice, number)
        lines.append(f"{taken} -> {dumps(world.perform(taken))}")
    return (*lines, *(f"{name}: {dumps(seen)}" for name, seen in world.shown().items()))


_NO_OR_SOME: tuple[timedelta | None, ...] = (None, *PAUSES)
_RARELY = (False, False, False, True)
_AGO = (0, 0, 0, 1, 2, 5)
_ENDS = (EffectState.DONE, EffectState.UNCLEAR)


def _append(dice: Dice, _: Lease) -> Action:
    said = tuple(
        (dice.one(EVENTS), dice.one(CUSTOMERS), dice.one((100, 200)))
        for _ in range(dice.one((0, 1, 2, 5)))
    )
    return Append(
        tenant=dice.one(TENANTS), said=said, parked=dice.one((False, True)), fails=dice.one(_RARELY)
    )


def _release(dice: Dice, _: Lease) -> Action:
    return Release(
        tenant=dice.one(TENANTS),
        event=dice.one(EVENTS),
        customer=dice.one(CUSTOMERS),
        fails=dice.one(_RARELY),
    )


def _put(dice: Dice, _: Lease) -> Action:
    case = dice.one(CASES)
    return Put(
        tenant=dice.one(TENANTS),
        case=case,
        customer=_customer_of(case),
        key=dice.one(("eur", "usd")),
        is_open=not dice.one(_RARELY),
        behind=dice.one((0, 0, 0, 0, 0, 1, -1)),
        fails=dice.one(_RARELY),
    )


def _define(dice: Dice, _: Lease) -> Action:
    return Define(
        tenant=dice.one(TENANTS),
        definition=dice.one(DEFINITIONS),
        tries=dice.one((3, 4)),
        fails=dice.one(_RARELY),
    )


def _wake(dice: Dice, _: Lease) -> Action:
    customers = tuple(dice.one(CUSTOMERS) for _ in range(dice.one((0, 1, 3))))
    return Wake(
        tenant=dice.one(TENANTS),
        customers=customers,
        pause=dice.one(PAUSES),
        fails=dice.one(_RARELY),
    )


def _rest(dice: Dice, _: Lease) -> Action:
    return Rest(tenant=dice.one(TENANTS), which=dice.one(_AGO), fails=dice.one(_RARELY))


def _plan(dice: Dice, _: Lease) -> Action:
    return Plan(
        tenant=dice.one(TENANTS),
        case=dice.one(CASES),
        pause=dice.one(_NO_OR_SOME),
        fails=dice.one(_RARELY),
    )


def _intend(dice: Dice, lease: Lease) -> Action:
    return Intend(
        tenant=dice.one(TENANTS),
        case=dice.one(CASES),
        attempts=tuple(dice.one(ATTEMPTS) for _ in range(dice.one((1, 1, 2)))),
        lease=dice.one((lease, None)),
        fails=dice.one(_RARELY),
    )


def _finish(dice: Dice, _: Lease) -> Action:
    return Finish(
        tenant=dice.one(TENANTS),
        which=dice.one(_AGO),
        pause=dice.one(_NO_OR_SOME),
        fails=dice.one(_RARELY),
    )


def _begin(dice: Dice, _: Lease) -> Action:
    return Begin(tenant=dice.one(TENANTS), which=dice.one(_AGO), fails=dice.one(_RARELY))


def _withdraw(dice: Dice, _: Lease) -> Action:
    return Withdraw(
        tenant=dice.one(TENANTS),
        case=dice.one(CASES),
        attempt=dice.one(ATTEMPTS),
        fails=dice.one(_RARELY),
    )


def _settle(dice: Dice, _: Lease) -> Action:
    state = dice.one(tuple(EffectState))
    return Settle(
        tenant=dice.one(TENANTS),
        which=dice.one(_AGO),
        state=state,
        outcome=dice.one(OUTCOMES),
        pause=None if state in _ENDS else dice.one(_NO_OR_SOME),
        fails=dice.one(_RARELY),
    )


def _answered(dice: Dice, _: Lease) -> Action:
    return Answered(
        tenant=dice.one(TENANTS),
        case=dice.one(CASES),
        attempt=dice.one(ATTEMPTS),
        fails=dice.one(_RARELY),
    )


def _count(dice: Dice, _: Lease) -> Action:
    said = tuple(
        (
            dice.one(METRICS),
            dice.one(CUSTOMERS),
            dice.one(DAYS),
            dice.one(PARTS),
            dice.one((1, 2, 3)),
        )
        for _ in range(dice.one((0, 1, 4)))
    )
    return Count(tenant=dice.one(TENANTS), said=said, fails=dice.one(_RARELY))


def _recount(dice: Dice, _: Lease) -> Action:
    return Recount(
        tenant=dice.one(TENANTS),
        customer=dice.one(CUSTOMERS),
        metric=dice.one(METRICS),
        since=dice.one(DAYS),
        day=dice.one(DAYS),
        fails=dice.one(_RARELY),
    )


def _move(dice: Dice, _: Lease) -> Action:
    entered, left = (
        tuple((dice.one(GROUPS), dice.one(CUSTOMERS)) for _ in range(dice.one((0, 1, 2))))
        for _ in range(2)
    )
    return Move(tenant=dice.one(TENANTS), entered=entered, left=left, fails=dice.one(_RARELY))


def _claim(dice: Dice, lease: Lease) -> Claim:
    return Claim(later=dice.one(PAUSES), lease=lease)


_STEPS: tuple[Callable[[Dice, Lease], Action | Claim], ...] = (
    _append,
    _release,
    _put,
    _define,
    _wake,
    _rest,
    _plan,
    _intend,
    _finish,
    _begin,
    _withdraw,
    _settle,
    _answered,
    _count,
    _recount,
    _move,
    _claim,
    _claim,
)


class _Failure(Exception):
    """Ends a transaction of a script badly."""


def _latest(held: Sequence[T], ago: int) -> T:
    """What was taken last, or so many claims before that."""
    return held[-1 - ago % len(held)]


def _customer_of(case: CaseId) -> CustomerId:
    return CUSTOMERS[CASES.index(case) % 2]


def _id(item: Item) -> str:
    return item.id


def _iso(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
