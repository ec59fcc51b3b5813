"""Usage from day one: time to value, depth by role, cohorts; each finding leads to its remedy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import median

import pytest

from retainkit.core import Event
from retainkit.engine import RetainKit
from retainkit.ids import CustomerId, EventId
from retainkit.rules import RemedyKind, Rule, Rulebook, Text, days, event, signals_of
from retainkit.signals import EarlyWarnings, early_warnings
from retainkit.simulate import Trouble, usage_world
from retainkit.stores.memory import MemoryStore
from retainkit.testing import ManualClock


START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
NOW = START + 20 * DAY
CORE = ("board", "report", "automation")
_USED = event("feature.used")


class Customer(EarlyWarnings):
    """The ready signals, and what this product wants to know beside."""

    size = Text(one_of=("small", "large"))
    time_to_value = event("workspace.created").elapsed(
        event("report.shared"), by="workspace", within=days(90)
    )
    depth_of_admins = event("feature.used", {"role": "admin"}).depth(
        "feature", features=CORE, within=days(28)
    )
    depth_of_members = event("feature.used", {"role": "member"}).depth(
        "feature", features=CORE, within=days(28)
    )


BOOK = Rulebook(
    signals=Customer,
    segments={"small": Customer.size.eq("small"), "large": Customer.size.eq("large")},
    rules=[
        Rule(
            id="members-lag-behind",
            when=(Customer.depth_of_admins >= 0.6) & (Customer.depth_of_members < 0.4),
        ),
        *(Rule(id=name.replace("_", "-"), when=when) for name, when in early_warnings().items()),
    ],
)


def told(kit: RetainKit, customer: str, name: str, day: float, **data: str) -> None:
    """Something a customer did on a day."""
    kit.record(
        Event(
            id=EventId(f"{customer}/{name}/{day}/{'/'.join(data.values())}"),
            name=name,
            customer=CustomerId(customer),
            occurred_at=START + timedelta(days=day),
            data={**data},
            actor="host",
        )
    )


@pytest.fixture(name="kit")
def _kit() -> RetainKit:
    """Three small customers, two large ones; not all of them have shared a report yet."""
    clock = ManualClock(START)
    kit = RetainKit(store=MemoryStore(), signals=Customer, rules=BOOK, clock=clock)
    clock.set(NOW)
    for customer, size, shared in (
        ("ada", "small", 1.0),
        ("bob", "small", 3.0),
        ("cyd", "small", None),
        ("dan", "large", 9.0),
        ("eve", "large", 12.5),
    ):
        kit.signals.set(CustomerId(customer), {"size": size}, at=START)
        told(kit, customer, "workspace.created", 0, workspace=f"w-{customer}")
        if shared is not None:
            told(kit, customer, "report.shared", shared, workspace=f"w-{customer}")
    for feature in CORE:
        told(kit, "ada", "feature.used", 2, user="u1", role="admin", feature=feature)
        told(kit, "dan", "feature.used", 10, user="u1", role="admin", feature=feature)
        told(kit, "dan", "feature.used", 11, user="u2", role="member", feature=feature)
    told(kit, "ada", "feature.used", 4, user="u2", role="member", feature="board")
    kit.run_due()
    return kit


def test_time_to_first_value_is_read_by_cohort(kit: RetainKit) -> None:
    """A segment is a cohort; who has not got there yet is unknown, not slow and not zero."""
    found: dict[str, list[timedelta | None]] = {}
    for size in ("small", "large"):
        for member in kit.rules.members(f"segment:{size}"):
            reading = kit.signals.of(member.customer).of("time_to_value")
            value = None if reading is None else reading.value
            assert value is None or isinstance(value, timedelta)
            found.setdefault(size, []).append(value)
    assert found["small"] == [timedelta(days=1), timedelta(days=3), None]
    reached = {size: [each / DAY for each in of if each] for size, of in found.items()}
    assert {size: median(each) for size, each in reached.items()} == {"small": 2, "large": 10.75}


def test_depth_is_read_by_role(kit: RetainKit) -> None:
    """Admins know the product, members know a third of it: that is a finding of its own."""
    ada, dan = (kit.signals.of(CustomerId(name)) for name in ("ada", "dan"))
    assert [ada.known(f"depth_of_{role}", NOW) for role in ("admins", "members")] == [
        1,
        pytest.approx(1 / 3),
    ]
    assert [dan.known(f"depth_of_{role}", NOW) for role in ("admins", "members")] == [1, 1]
    members = [m.customer for m in kit.rules.members("rule:members-lag-behind")]
    assert members == ["ada"]


def test_who_uses_nothing_has_no_depth_that_could_be_compared(kit: RetainKit) -> None:
    """After three weeks there is no window of four: unknown, so nobody is said to lag behind."""
    assert kit.signals.of(CustomerId("bob")).known("depth_of_members", NOW) is None
    assert kit.rules.why(CustomerId("bob"), "members-lag-behind").truth.value == "unknown"


@pytest.mark.parametrize("warning", sorted(early_warnings()))
def test_each_warning_leads_to_a_remedy(warning: str) -> None:
    """As data: of which kind, which one, and what the signal means, for people."""
    read = signals_of(early_warnings()[warning])
    remedies = [signal.remedy for signal in read if signal.remedy is not None]
    assert remedies
    assert all(remedy.kind in RemedyKind and remedy.ref for remedy in remedies)
    assert all(signal.doc for signal in read)


def test_what_fired_leads_to_what_helps() -> None:
    """From the event through the rule's decisive signals to the remedy; nobody looks it up."""
    world = usage_world(1, 12, 120)
    clock = ManualClock(world.start)
    kit = RetainKit(store=MemoryStore(), rules=BOOK, clock=clock)
    one = next(c for c in world.customers if c.fate.trouble is Trouble.CHAMPION_LEFT)
    assert one.fate.leaves_at is not None
    clock.set(one.fate.leaves_at - timedelta(days=1))
    kit.record(*(d.event for d in one.deliveries if d.received_at <= clock.now()))
    kit.run_due()
    (fired,) = (
        recorded.event
        for recorded in kit.timeline(one.id)
        if recorded.event.name == "rules.fired" and recorded.event.data["rule"] == "champion-left"
    )
    named = {
        str(because.values["signal"]) for because in fired.because if "signal" in because.values
    }
    assert named == {"champion_left_at", "champions"}
    remedies = [BOOK.signals[name].remedy for name in sorted(named)]
    assert {(remedy.kind, remedy.ref) for remedy in remedies if remedy is not None} == {
        (RemedyKind.CALL, "new-champion")
    }
    told_why = kit.rules.why(one.id, "champion-left")
    assert {str(leaf.because.values["signal"]) for leaf in told_why.explained.decisive()} == named
