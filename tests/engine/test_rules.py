"""What is true of customers: firing, segments, why, the recheck of the night, and previews."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.measured import HOUR, Customer, export, measured, values
from tests.engine.world import ADA, DAY, LEASE, NOW, Watched, World, dies, run

from retainkit.core import Event, Origin, Timer
from retainkit.engine import RetainKit
from retainkit.errors import ConfigurationError, InvalidInput
from retainkit.ids import CustomerId, EventId
from retainkit.money import money
from retainkit.rules import (
    Condition,
    Number,
    Phase,
    Rule,
    Rulebook,
    Signals,
    Truth,
    anything,
    days,
    event,
    hours,
    segment,
)
from retainkit.stores.memory import MemoryStore


BOB = CustomerId("bob")
BOOK = Rulebook(
    signals=Customer,
    segments={"big": Customer.mrr >= 500},
    rules=(
        Rule(id="quiet", when=segment("big") & event("report.exported").absent().within(days(3))),
        Rule(id="many_seats", when=Customer.seats >= 20),
    ),
)


def ruled(world: World, book: Rulebook = BOOK, **more: object) -> RetainKit:
    """A kit that follows rules, over the world's store and clock."""
    return measured(world, rules=book, instrumentation=world.told, lease=LEASE, **more)


def book(**rules: Condition) -> Rulebook:
    """A rulebook of these rules."""
    made = tuple(Rule(id=name, when=when) for name, when in rules.items())
    return Rulebook(signals=Customer, rules=made)


def names(kit: RetainKit, customer: CustomerId = ADA) -> list[str]:
    """The names of the customer's events."""
    return [recorded.event.name for recorded in kit.timeline(customer)]


def members(kit: RetainKit, group: str) -> list[str]:
    """Who is in a group."""
    return [member.customer for member in kit.rules.members(group)]


# ---- following


def test_rules_of_one_group_fire_all_the_same(world: World) -> None:
    """Which of them counts is for whoever acts on them."""
    many, more = Customer.seats >= 20, Customer.seats >= 30
    first = Rule(id="many", when=many, group="size", priority=1)
    second = Rule(id="more", when=more, group="size", priority=9)
    kit = ruled(world, Rulebook(signals=Customer, rules=(first, second)))
    kit.signals.set(ADA, {"seats": 40})
    run(kit)
    assert members(kit, "rule:many") == members(kit, "rule:more") == [ADA]


def test_a_day_of_hours_is_the_customers_day(world: World) -> None:
    """What was absent for 24 hours is absent from midnight on; for 23 hours, after so many."""
    sent = event("report.exported").absent()
    kit = ruled(world, book(a_day=sent.within(hours(24)), hours=sent.within(hours(23))))
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
    early, late = export(1, midnight - 3 * DAY), export(2, midnight - HOUR)
    world.clock.set(midnight - HOUR)
    kit.record(early, late)
    run(kit)
    assert (members(kit, "rule:a_day"), members(kit, "rule:hours")) == ([], [])
    world.clock.set(midnight)
    run(kit)
    assert (members(kit, "rule:a_day"), members(kit, "rule:hours")) == ([ADA], [])
    world.clock.set(midnight + timedelta(hours=22))
    run(kit)
    assert members(kit, "rule:hours") == [ADA]


def test_what_was_a_test_alone_clears_at_once(world: World) -> None:
    """A customer of whom all events were one: nothing happened, and that is known."""
    kit = ruled(world, book(busy=event("nobody.declared").at_least(2).within(days(7))))
    told = [_seen(NOW - DAY), _seen(NOW - 9 * DAY), _seen(NOW)]
    kit.record(*told)
    run(kit)
    assert members(kit, "rule:busy") == [ADA]
    kit.signals.retag([each.id for each in told], Origin.TEST, actor="kim")
    run(kit)
    assert members(kit, "rule:busy") == []
    assert names(kit)[-1] == "rules.cleared"


def test_an_event_of_any_name_ends_a_silence(world: World) -> None:
    """Nobody waits for the night: whoever is back is not called."""
    kit = ruled(world, book(silent=anything().last().more_than_ago(days(21))))
    kit.record(_seen(world.clock.now()))
    run(kit)
    world.clock.advance(21 * DAY)
    run(kit)
    assert members(kit, "rule:silent") == [ADA]
    kit.record(_seen(world.clock.now()))
    run(kit)
    assert members(kit, "rule:silent") == []
    timers = [item for item in kit.scheduled(ADA) if isinstance(item, Timer)]
    assert [timer for timer in timers if timer.due <= world.clock.now()] == [], (
        "what the rules themselves said wakes nobody"
    )


def _seen(at: datetime) -> Event:
    return Event(
        id=EventId(f"seen-{at.isoformat()}"), name="nobody.declared", customer=ADA, occurred_at=at
    )


def test_a_rule_fires_when_it_is_true_and_its_customers_are_listed(world: World) -> None:
    """The event, the state and the membership are one commit."""
    kit = ruled(world)
    kit.signals.set(ADA, {"seats": 25, "mrr": money(900, "EUR")}, at=NOW - 10 * DAY)
    assert members(kit, "rule:many_seats") == []
    run(kit)
    assert names(kit) == [
        "signals.set",
        "rules.segment_entered",
        "rules.fired",
        "rules.fired",
    ]
    assert members(kit, "rule:many_seats") == members(kit, "segment:big") == [ADA]
    assert kit.rules.states(ADA)["rule:many_seats"].phase is Phase.ACTIVE
    assert list(kit.rules.states(ADA)) == [
        "segment:big",
        "rule:quiet",
        "rule:many_seats",
    ], "in the order of the rulebook, whatever the store"
    (member,) = kit.rules.members("rule:many_seats")
    assert member.since == NOW
    world.clock.advance(DAY)
    kit.signals.set(ADA, {"seats": 3})
    run(kit)
    assert names(kit)[-1] == "rules.cleared"
    assert members(kit, "rule:many_seats") == []


def test_time_alone_fires_a_rule(world: World) -> None:
    """Nothing polls: the customer's one timer comes due when the silence is long enough."""
    kit = ruled(world)
    kit.signals.set(ADA, {"mrr": money(900, "EUR")}, at=NOW - 30 * DAY)
    kit.record(export(1, NOW))
    run(kit)
    assert members(kit, "rule:quiet") == []
    for _ in range(4):
        world.clock.advance(DAY)
        run(kit)
    assert members(kit, "rule:quiet") == [ADA]


def test_who_signs_up_and_does_nothing_is_heard_of(world: World) -> None:
    """The first event of a customer, whatever its name, begins to wait for what never comes."""
    kit = ruled(world, book(silent=event("report.exported").absent().within(days(3))))
    kit.record(
        Event(id=EventId("signed_up"), name="customer.signed_up", customer=ADA, occurred_at=NOW)
    )
    run(kit)
    assert members(kit, "rule:silent") == []
    world.clock.advance(3 * DAY)
    run(kit)
    assert members(kit, "rule:silent") == [ADA]


def test_a_crash_between_commits_fires_once(world: World) -> None:
    """Wherever the process dies, the rule has fired once, and the membership says so."""
    for die_at in range(1, 12):
        customer = CustomerId(f"c{die_at:02}")
        ruled(world).signals.set(customer, {"seats": 25}, at=NOW - DAY)
        dies(ruled(world, store=Watched(world.store, die_at=die_at)))
        world.leases_run_out()
        kit = ruled(world)
        run(kit)
        assert names(kit, customer).count("rules.fired") == 1
        assert customer in members(kit, "rule:many_seats")


def test_a_member_list_is_paged(world: World) -> None:
    """By the customers' ids, from after the last of the page before."""
    kit = ruled(world)
    kit.signals.load({"customer": [f"c{n}" for n in range(5)], "seats": [30] * 5})
    run(kit)
    first = kit.rules.members("rule:many_seats", limit=2)
    assert [member.customer for member in first] == ["c0", "c1"]
    rest = kit.rules.members("rule:many_seats", after=first[-1].customer)
    assert [member.customer for member in rest] == ["c2", "c3", "c4"]


@pytest.mark.parametrize("limit", [0, -1, 2**31, 2**70, "5", True, 1.0])
def test_a_page_has_some_members(world: World, limit: Any) -> None:
    """On every store alike: it is no store's own error, and never everybody."""
    kit = ruled(world)
    with pytest.raises(InvalidInput) as caught:
        kit.rules.members("rule:many_seats", limit=limit)
    error = caught.value
    assert (error.code, error.field, error.value) == ("rules.page", "limit", limit)
    assert error.remedy == "pass an int above zero, such as 1000"


def test_a_host_asks_in_its_own_transaction(world: World) -> None:
    """Sets a fact, decides at once, and reads who is in."""
    kit = ruled(world)
    with kit.transaction() as k:
        k.signals.set(ADA, {"seats": 25})
        k.decide(ADA)
        assert [member.customer for member in k.rules.members("rule:many_seats")] == [ADA]
        assert k.rules.why(ADA, "many_seats").truth is Truth.TRUE


@pytest.mark.parametrize(
    ("group", "remedy"),
    [
        ("rule:many_seat", "did you mean 'rule:many_seats'?"),
        ("segment:bigg", "did you mean 'segment:big'?"),
        ("?", "write rule:ID or segment:NAME"),
    ],
)
def test_an_unknown_group_is_told_the_nearest_name(world: World, group: str, remedy: str) -> None:
    """Instead of an empty page."""
    with pytest.raises(InvalidInput) as caught:
        ruled(world).rules.members(group)
    error = caught.value
    assert (error.code, error.field, error.value) == ("rules.unknown_group", "group", group)
    assert error.remedy == remedy


def test_a_kit_without_rules_says_so(world: World) -> None:
    """With the argument that is missing."""
    with pytest.raises(ConfigurationError) as caught:
        measured(world).rules.states(ADA)
    error = caught.value
    assert (error.code, error.field, error.value) == ("kit.no_rules", "rules", None)
    assert error.remedy == "pass RetainKit(rules=Rulebook(...)), or what read_rules gives of a file"


class Other(Signals):
    """Declares a signal otherwise than the rules do."""

    seats = Number(unit="users")


def test_rules_of_another_class_of_signals_are_refused(world: World) -> None:
    """Two units of one name would be compared."""
    kit = measured(world, signals=Other, rules=BOOK)
    with pytest.raises(ConfigurationError) as caught:
        kit.rules.states(ADA)
    error = caught.value
    assert (error.code, error.field, error.value) == ("signals.clash", "signals", "seats")
    assert error.remedy


# ---- why


def test_why_is_told_part_by_part(world: World) -> None:
    """Each part with what is known, and whether it is true; in the reader's language."""
    kit = ruled(world)
    kit.signals.set(ADA, {"mrr": money(900, "EUR")}, at=NOW - DAY, source="billing")
    answer = kit.rules.why(ADA, "segment:big")
    assert answer.truth is Truth.TRUE
    assert str(answer) == "Is mrr at least €500.00? It is €900.00. [yes]"
    german = kit.rules.why(ADA, "segment:big", locale="de")
    assert german.lines[0].endswith("[ja]")
    unknown = kit.rules.why(BOB, "quiet")
    assert unknown.truth is Truth.UNKNOWN
    assert unknown.lines[0] == "All of these must be true. [not known]"
    assert unknown.lines[1].startswith("  The customer must be in the segment big.")


def test_why_not_says_what_would_change_it(world: World) -> None:
    """The smallest change, tried; or the time when time alone does it."""
    kit = ruled(world)
    kit.signals.set(ADA, {"mrr": money(900, "EUR"), "seats": 12}, at=NOW - 30 * DAY)
    answer = kit.rules.why_not(ADA, "many_seats")
    assert answer.truth is Truth.FALSE
    (change,) = answer.changes
    assert (change.signal, change.value, change.to) == ("seats", 12, 20)
    assert answer.lines == (
        "Is seats at least 20? It is 12. [no]",
        "It would be true if seats were 20; it is 12.",
    )
    soon = Rulebook(signals=Customer, rules=(_soon(),))
    kit.signals.set(ADA, {"renewal_at": NOW + 40 * DAY})
    later = ruled(world, soon).rules.why_not(ADA, "renews_soon")
    assert later.by_time == NOW + 10 * DAY
    assert later.lines[-1] == (
        "Without any change it becomes true on March 11, 2026, 9:30\u202fAM."
    )


def _soon() -> Rule:
    return Rule(id="renews_soon", when=Customer.renewal_at.less_than_ahead(days(30)))


def test_an_unknown_rule_is_told_the_nearest_name(world: World) -> None:
    """As the rulebook does it."""
    with pytest.raises(InvalidInput) as caught:
        ruled(world).rules.why(ADA, "many_seat")
    error = caught.value
    assert (error.code, error.value) == ("rules.unknown_rule", "many_seat")
    assert error.remedy == "did you mean 'many_seats'?"


# ---- the batch of the night


def test_rules_that_come_to_customers_who_are_there_are_caught_up(world: World) -> None:
    """The recheck finds who was missed; a second one finds nobody."""
    measured(world).signals.load(
        {"customer": ["ada", "bob", "cyd"], "seats": [30, 3, None], "champion": [True] * 3}
    )
    kit = ruled(world)
    run(kit)
    assert members(kit, "rule:many_seats") == []
    told: list[int] = []
    found = kit.rules.recheck(progress=lambda done, _: told.append(done))
    assert (found.asked, found.woken) == (3, 3)
    assert told == [3]
    run(kit)
    assert members(kit, "rule:many_seats") == ["ada"]
    assert kit.rules.recheck().woken == 0


def test_the_recheck_wakes_only_those_whose_state_is_another(world: World) -> None:
    """Here a signal was changed behind retainkit's back."""
    kit = ruled(world)
    kit.signals.load({"customer": ["ada", "bob"], "seats": [30, 3]})
    run(kit)
    silent = measured(world)
    silent.signals.set(BOB, {"seats": 40})
    assert kit.rules.recheck([ADA]).woken == 0
    found = kit.rules.recheck()
    assert (found.asked, found.woken) == (2, 1)
    run(kit)
    assert members(kit, "rule:many_seats") == ["ada", "bob"]
    assert names(kit, BOB).count("rules.recheck_requested") == 1


def test_a_second_recheck_at_the_same_instant_wakes_as_well(world: World) -> None:
    """The clock stands still; what was asked for at this instant was decided, and is asked anew."""
    kit, silent = ruled(world), measured(world)
    kit.signals.load({"customer": ["ada", "bob"], "seats": [3, 3]})
    run(kit)
    for seats, found in ((40, ["bob"]), (4, []), (50, ["bob"])):
        silent.signals.set(BOB, {"seats": seats})
        assert kit.rules.recheck().woken == 1
        run(kit)
        assert members(kit, "rule:many_seats") == found
    assert kit.rules.recheck().woken == 0
    assert names(kit, BOB).count("rules.recheck_requested") == 3


def test_the_recheck_makes_no_customers(world: World) -> None:
    """A misspelt id is nobody's, and who is named twice is asked once."""
    kit = ruled(world)
    kit.signals.set(ADA, {"seats": 30})
    asked = [CustomerId("aad"), ADA, CustomerId(""), ADA]
    found = kit.rules.recheck(asked)
    assert (found.asked, found.woken) == (1, 1)
    assert kit.timeline(CustomerId("aad")) == ()


def test_another_rulebook_is_followed_after_a_recheck(world: World) -> None:
    """Its customers enter and leave; without it, at the latest a day later."""
    kit = ruled(world)
    kit.signals.load({"customer": ["ada", "bob"], "seats": [30, 10]})
    run(kit)
    changed = ruled(world, book(many_seats=Customer.seats >= 8))
    assert changed.rules.recheck().woken == 2
    run(changed)
    assert members(changed, "rule:many_seats") == ["ada", "bob"]


FOLLOWED = Rulebook(
    signals=Customer,
    segments={"big": Customer.mrr >= 500},
    rules=(
        Rule(id="seats", when=Customer.seats >= 20, keep_for=days(2), cooldown=days(5)),
        Rule(id="share", when=Customer.share < 0.5, for_=days(1), unknown_for=days(2)),
        Rule(id="both", when=segment("big") & Customer.champion.is_true(), status="shadow"),
        Rule(id="soon", when=Customer.renewal_at.less_than_ahead(days(3)), max_per=(1, days(9))),
        Rule(
            id="edge", when=Customer.seats >= 30, clears_when=Customer.seats < 10, unknown_for=DAY
        ),
    ),
)
TOLD = st.fixed_dictionaries(
    {},
    optional={
        "seats": st.none() | st.sampled_from([5, 15, 25, 35]),
        "share": st.none() | st.sampled_from([0.1, 0.9]),
        "mrr": st.sampled_from([money(10, "EUR"), money(900, "EUR")]),
        "champion": st.none() | st.booleans(),
        "renewal_at": st.sampled_from([NOW + DAY, NOW + 5 * DAY, NOW + 50 * DAY]),
    },
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TOLD, TOLD, st.sampled_from([0, 6, 24, 60])), min_size=1, max_size=4))
def test_the_recheck_overlooks_nobody(
    steps: list[tuple[dict[str, object], dict[str, object], int]],
) -> None:
    """It wakes exactly those for whom a worker that asks all rules would change something."""
    world = World(MemoryStore(), None)
    kit, silent = ruled(world, FOLLOWED), measured(world)
    kit.record(wish(world))  # of whom nothing at all was told, nobody is asked
    run(kit)
    for heard, unheard, hours_passed in steps:
        kit.signals.set(ADA, heard)
        run(kit)
        world.clock.advance(timedelta(hours=hours_passed, minutes=1))
        silent.signals.set(ADA, unheard)
        before = kit.rules.states(ADA)
        woken = kit.rules.recheck().woken
        told = len(names(kit))
        if not woken:
            kit.record(wish(world))
            told += 1
        run(kit)
        after = names(kit)[told:]
        assert (woken == 1) >= (kit.rules.states(ADA) != before or bool(after))


def wish(world: World) -> Event:
    """What asks all rules."""
    now = world.clock.now()
    return Event(
        id=EventId(f"wish-{now}"), name="rules.recheck_requested", customer=ADA, occurred_at=now
    )


# ---- previews


def test_a_preview_says_who_would_enter_and_who_would_leave(world: World) -> None:
    """Nothing is kept; who is unknown under the new one would stay for now."""
    kit = ruled(world)
    kit.signals.load(
        {
            "customer": ["ada", "bob", "cyd", "dan"],
            "seats": [30, 22, 3, 25],
            "share": [0.5, 0.1, 0.9, None],
        }
    )
    before = world.tables()
    new = book(many_seats=(Customer.seats >= 20) & (Customer.share > 0.2), other=Customer.seats < 5)
    differences = kit.rules.diff(new)
    assert world.tables() == before
    assert sorted(differences) == ["rule:many_seats", "rule:other", "rule:quiet", "segment:big"]
    many = differences["rule:many_seats"]
    assert (many.enters, many.leaves, many.holds) == ((), ("bob",), ("dan",))
    assert (many.stays, many.asked) == (1, 4)
    assert differences["rule:other"].enters == ("cyd",)


def test_a_preview_counts_what_nobody_has_counted_yet(world: World) -> None:
    """A new rule over events reads the timeline itself: none so far is not zero."""
    kit = ruled(world, book(many_seats=Customer.seats >= 20))
    kit.signals.set(ADA, {"seats": 3}, at=NOW - 30 * DAY)
    for number in range(3):
        kit.record(evolve(export(number, NOW - timedelta(hours=number)), name="visit.made"))
    new = book(
        many_seats=Customer.seats >= 20,
        visits=event("visit.made").at_least(3).within(days(7)),
    )
    assert kit.rules.diff(new)["rule:visits"].enters == (ADA,)
    assert "rule:many_seats" not in kit.rules.diff(new)
    assert values(kit)["seats"] == 3
