"""The laws of dunning over random histories: money, order, time, liveness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dunning.conftest import (
    ASK,
    DAY,
    HARD,
    ODD,
    RETRYING,
    SOFT,
    START,
    WATCHING,
    Provider,
    World,
    cancelled,
    method_changed,
)

from retainkit.billing import Decline, InvoiceState, PaymentState
from retainkit.core import Decision
from retainkit.dunning import AccessLevel, DunningCase, DunningPolicy, access, upcoming
from retainkit.dunning._plan import held


POLICIES = (RETRYING, WATCHING, evolve(RETRYING, forgive_on_cancel=True))
METHODS = ("pm_old", "pm_a", "pm_b")
WHAT = st.sampled_from([SOFT, HARD, ASK, ODD, "paid", "pending"])

Move = Callable[[World], None]


def _bill(name: str) -> Move:
    def move(world: World) -> None:
        if name not in world.provider.invoices:
            world.provider.bill(name, at=world.now, subscription=f"sub_{name}")
            world.observe(world.provider.invoices[name])

    return move


def _pay(name: str) -> Move:
    def move(world: World) -> None:
        if (found := world.provider.invoices.get(name)) and found.state is InvoiceState.OPEN:
            world.provider.now = world.now
            world.provider.pay(name)

    return move


def _void(name: str) -> Move:
    def move(world: World) -> None:
        if (found := world.provider.invoices.get(name)) and found.state is InvoiceState.OPEN:
            world.provider.change(name, state=InvoiceState.VOID)

    return move


def _webhook(name: str, back: int) -> Move:
    """A webhook leads to a look; ``back`` looks ago means that it was slow."""

    def move(world: World) -> None:
        if name in world.provider.invoices:
            world.provider.seen.setdefault(name, []).append(world.provider.invoices[name])
            looks = world.provider.seen[name]
            world.observe(looks[max(0, len(looks) - 1 - back)])

    return move


def _settle_pending(name: str, *, arrives: bool) -> Move:
    def move(world: World) -> None:
        invoice = world.provider.invoices.get(name)
        if invoice is None or invoice.state is not InvoiceState.OPEN:
            return
        for old in invoice.payments:
            if old.state is PaymentState.PENDING:
                state = PaymentState.SUCCEEDED if arrives else PaymentState.FAILED
                new = evolve(old, state=state, decline=None if arrives else SOFT)
                payments = tuple(new if each is old else each for each in invoice.payments)
                if arrives:
                    world.provider.successes.append(name)
                world.provider.change(
                    name,
                    payments=payments,
                    tries=invoice.tries + 1,
                    state=InvoiceState.PAID if arrives else InvoiceState.OPEN,
                )
                return

    return move


def _change(method: str) -> Move:
    return lambda world: world.deliver(method_changed(method, world.now))


def _cancel(name: str) -> Move:
    def move(world: World) -> None:
        if name in world.provider.invoices:
            world.provider.change(name, subscription_cancelled=True)
        world.deliver(cancelled(f"sub_{name}", world.now))

    return move


def _behave(method: str, what: Decline | str) -> Move:
    return lambda world: world.provider.behaviour.__setitem__(method, what)


def _miss() -> Move:
    return lambda world: setattr(world.provider, "without_effect", 1)


def _wait(hours: int) -> Move:
    return lambda world: world.until(world.now + timedelta(hours=hours))


def _jump(hours: int) -> Move:
    return lambda world: world.jump(world.now + timedelta(hours=hours))


def _one(_: object = None) -> Move:
    """A worker performs one thing, while others still wait."""
    return lambda world: world.settle_one() if world.waiting else None


NAMES = st.sampled_from(["in_1", "in_2", "in_3"])
MOVES = st.one_of(
    st.builds(_bill, NAMES),
    st.builds(_pay, NAMES),
    st.builds(_void, NAMES),
    st.builds(_webhook, NAMES, st.integers(0, 3)),
    st.builds(_settle_pending, NAMES, arrives=st.booleans()),
    st.builds(_change, st.sampled_from(METHODS)),
    st.builds(_cancel, NAMES),
    st.builds(_behave, st.sampled_from(METHODS), WHAT),
    st.builds(_miss),
    st.builds(_wait, st.integers(1, 24 * 8)),
    st.builds(_jump, st.integers(-24 * 10, 24 * 40)),
    st.builds(_one),
)


class Watcher:
    """Looks at every decision of a world and fails at the first that breaks a law."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dead: set[str] = set()

    def __call__(self, after: DunningCase, decision: Decision[DunningCase]) -> None:
        policy = self.world.policy
        self.dead |= set(after.dead)
        collects = [effect for effect in decision.effects if effect.kind == "payments.collect"]
        tried = Counter(effect.data["invoice"] for effect in collects)
        assert all(count == 1 for count in tried.values()), "I6: one try of an invoice at a time"
        for effect in collects:
            assert policy.collector == "retainkit"
            method = str(effect.data["method"])
            assert not {method, f"fp_{method}"} & set(after.dead), "I8: a dead credential"
            invoice = next(each for each in after.invoices if each.id == effect.data["invoice"])
            assert invoice.open, "I9: nothing of a settled invoice is collected"
            assert not invoice.cancelled, "a cancelled subscription is not charged"
            assert not invoice.pending, "I18: a pending debit blocks"
        requests = [event for event in decision.events if event.name == "message.requested"]
        assert len(requests) <= 1, "I6: never a burst of messages"
        if after.open:
            assert decision.wake is not None, "I15: an open case has a next step"
            assert decision.wake > self.world.now
            ahead = upcoming(after, policy, self.world.now)
            assert ahead, "I15: and can say what it is"
            assert all(step.at >= self.world.now for step in ahead)
        else:
            assert after.outcome is not None
            assert not collects


@settings(max_examples=250)
@given(policy=st.sampled_from(POLICIES), moves=st.lists(MOVES, max_size=25), first=WHAT)
def test_the_laws_hold_over_random_histories(
    policy: DunningPolicy, moves: list[Move], first: Decline | str
) -> None:
    """Webhooks late and twice, cards, cancellations, lost effects, time in both directions."""
    world = World(policy)
    world.observer = Watcher(world)
    world.provider.behaviour.update({"pm_old": first, "pm_a": "paid"})
    _bill("in_1")(world)
    for move in moves:
        move(world)
        _check_waiting(world)
    world.until(max(world.now, START) + 5 * DAY)
    _check_history(world)


def _check_waiting(world: World) -> None:
    """What was not sent yet is still wanted, as far as the case knows."""
    for name, effect in world.waiting:
        if effect.kind == "payments.collect":
            case = world.cases[name]
            invoice = next(each for each in case.invoices if each.id == effect.data["invoice"])
            assert invoice.flight == effect.attempt
            assert invoice.open, "I9: a settled invoice's try is withdrawn"
            assert not invoice.cancelled
            assert not invoice.pending
            assert not invoice.provider_owned
            assert case.method in (None, effect.data["method"]), "I8: so is the old card's"


def _check_history(world: World) -> None:
    paid = Counter(world.provider.successes)
    assert all(count == 1 for count in paid.values()), "I1: an invoice is paid once"
    attempts = Counter((effect.kind, effect.attempt) for effect in world.effects)
    if len(world.cases) == 1:
        assert all(count == 1 for count in attempts.values()), "an attempt's number is used once"
    for case in world.cases.values():
        mine = [event.data for event in world.said("message.requested")]
        stages = [data["stage"] for data in mine if data["case"] == case.id]
        numbered = [stage for stage in stages if isinstance(stage, int)]
        if case.round == 0:
            assert len(numbered) == len(set(numbered)), "one message a case and stage"
        ends = [end for end in world.said("dunning.end_started") if end.data["case"] == case.id]
        assert len(ends) <= 1, "a plan ends once"
        notices = [
            event.occurred_at
            for event in world.said("message.requested")
            if event.data["case"] == case.id and event.data["message"] == "last_notice"
        ]
        for end in ends:
            assert notices, "nobody is cancelled without having been told"
            assert end.occurred_at - max(notices) >= 7 * DAY, "and told a week before"


@settings(max_examples=60)
@given(st.data())
def test_every_order_of_reports_gives_the_same_case_and_the_same_effects(
    data: st.DataObject,
) -> None:
    """I4: a settled set of reports, shuffled and doubled, within one moment."""
    provider = Provider()
    provider.bill("in_1", decline=data.draw(st.sampled_from([SOFT, HARD, ASK, ODD])))
    provider.bill("in_2", decline=data.draw(st.sampled_from([SOFT, HARD, ASK, ODD])))
    snapshots = [provider.invoices["in_1"], provider.invoices["in_2"]]
    for number in range(2, 2 + data.draw(st.integers(0, 2))):
        provider.now = START + number * timedelta(minutes=1)
        provider.behaviour["pm_old"] = data.draw(st.sampled_from([SOFT, ODD, ASK, HARD]))
        provider.charge("in_1", provider.default)
        snapshots.append(provider.invoices["in_1"])
    changed = method_changed("pm_a", START + timedelta(minutes=30))
    now = START + timedelta(hours=1)

    def play(order: list[object]) -> tuple[object, ...]:
        world = World(RETRYING)
        world.now = now
        for report in order:
            if report is changed:
                world.deliver(changed)
            else:
                world.observe(report)  # type: ignore[arg-type]  # one of the snapshots
        [case] = world.cases.values()
        facts = [
            (i.payments, i.rungs, i.tries, i.last, i.failed_at, i.attempts, i.remaining)
            for i in case.invoices
        ]
        effects = sorted((e.kind, e.attempt, str(e.data["method"])) for e in world.effects)
        return facts, case.dead, case.method, effects, case.clock

    reports: list[object] = [*snapshots, changed]
    plain = play(reports)
    shuffled = play(data.draw(st.permutations(reports + reports)))

    assert shuffled == plain


@settings(max_examples=60)
@given(st.integers(0, 40 * 24), st.integers(0, 40 * 24), st.integers(0, 40 * 24))
def test_access_is_a_function_of_time_alone(first: int, second: int, asked: int) -> None:
    """Whenever a worker ran, the answer for an instant is the same; and it only gets harsher."""
    at = START + timedelta(hours=asked)
    early, late = World(WATCHING), World(WATCHING)
    for world, hours in ((early, first), (late, second)):
        world.observe(world.provider.bill())
        world.jump(START + timedelta(hours=min(hours, 20 * 24)))

    assert access(early.case, WATCHING, at) == access(late.case, WATCHING, at)
    later = access(early.case, WATCHING, at + DAY)
    assert later.level.severity >= access(early.case, WATCHING, at).level.severity


@settings(max_examples=60)
@given(
    failures=st.lists(st.integers(0, 20), min_size=2, max_size=3),
    paid=st.integers(0, 2),
    day=st.integers(0, 20),
)
def test_access_comes_back_only_when_no_invoice_is_past_its_day(
    failures: list[int], paid: int, day: int
) -> None:
    """I11: one paid invoice leaves the others where they were."""
    world = World(WATCHING)
    names = [f"in_{number}" for number in range(len(failures))]
    now = START + 20 * DAY
    world.now = now
    for name, offset in zip(names, failures, strict=True):
        world.provider.bill(name, at=START + offset * DAY)
    world.observe(*world.provider.invoices.values())
    world.observe(world.provider.pay(names[paid % len(names)]))
    left = [offset for i, offset in enumerate(failures) if i != paid % len(names)]
    at = now + day * DAY
    overdue = any(START + offset * DAY + 7 * DAY <= at for offset in left)

    level = access(world.case, WATCHING, at).level
    assert level is (AccessLevel.LIMITED if overdue else AccessLevel.FULL)


def test_messages_wait_only_while_something_is_under_way() -> None:
    """What holds them is a try in flight, or money on its way for everything that is open."""
    world = World()
    world.observe(world.provider.bill())
    assert not held(world.case)
    world.now = START + DAY
    world.fire()
    assert held(world.case)
