"""What becomes of a rule for one customer, look by look."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from retainkit.errors import InvalidInput
from retainkit.rules import (
    Cleared,
    Ending,
    Fired,
    Flag,
    Limit,
    LongUnknown,
    MaxPer,
    Number,
    OncePer,
    Phase,
    Rule,
    RuleState,
    RuleStatus,
    Signals,
    Suppressed,
    Time,
    Truth,
    Turn,
    advance,
    days,
    end,
    hours,
    is_asked,
)
from retainkit.rules._state import IDLE


NOW = datetime(2026, 11, 4, 9, tzinfo=UTC)  # a Wednesday
T, F, U = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN


class Customer(Signals):
    """What the rules here would read, were they asked."""

    usage = Number()
    quiet = Flag()
    renewal_at = Time()


LOW = Customer.usage < 5


def rule(**options: object) -> Rule:
    """A rule with these options."""
    return Rule(id="low", when=LOW, **options)  # type: ignore[arg-type] # each is checked by Rule


def walked(
    given: Rule,
    looks: Iterable[tuple[datetime, Truth] | tuple[datetime, Truth, Truth]],
    *,
    zone: str = "UTC",
    term: str | None = None,
    state: RuleState = IDLE,
) -> tuple[RuleState, list[tuple[datetime, Turn]], datetime | None]:
    """The state after these looks, all that happened and when, and the next time."""
    turns: list[tuple[datetime, Turn]] = []
    following = None
    for at, truth, *clears in looks:
        found = advance(
            given,
            state,
            at,
            truth=truth,
            clears=clears[0] if clears else None,
            zone=zone,
            term=term,
        )
        state, following = found.state, found.next
        turns += [(at, turn) for turn in found.turns]
    return state, turns, following


def test_it_fires_when_it_becomes_true_and_clears_when_it_becomes_false() -> None:
    """The simplest life: once each, however often somebody looks."""
    state, turns, following = walked(
        rule(), [(NOW + hours(h), truth) for h, truth in enumerate((F, T, T, T, F, F, T), 1)]
    )
    assert turns == [
        (NOW + hours(2), Fired(episode=1)),
        (NOW + hours(5), Cleared(episode=1, reason=Ending.FALSE)),
        (NOW + hours(7), Fired(episode=2)),
    ]
    assert (state.phase, state.since, following) == (Phase.ACTIVE, NOW + hours(7), None)


def test_unknown_changes_nothing() -> None:
    """A failed import neither ends an episode nor begins one."""
    _, turns, _ = walked(
        rule(), [(NOW + hours(h), truth) for h, truth in enumerate((U, T, U, U, T, U, F, U), 1)]
    )
    assert [type(turn) for _, turn in turns] == [Fired, Cleared]


def test_it_must_be_true_for_a_while() -> None:
    """It is pending for two days, and begins anew when it was false in between."""
    two_days = rule(for_=days(2))
    state, turns, following = walked(two_days, [(NOW, T)])
    assert (state.phase, turns, following) == (Phase.PENDING, [], NOW + days(2))

    state, turns, following = walked(
        two_days, [(NOW, T), (NOW + days(1), F), (NOW + hours(36), T), (NOW + days(3), T)]
    )
    assert (state.phase, turns, following) == (Phase.PENDING, [], NOW + hours(84))

    _, turns, _ = walked(two_days, [(NOW, T), (NOW + days(2), T)])
    assert turns == [(NOW + days(2), Fired(episode=1))]


def test_time_in_which_nobody_knows_does_not_count() -> None:
    """Two days of being true, with a day unknown between them, are over after three."""
    two_days = rule(for_=days(2))
    looks = [(NOW, T), (NOW + days(1), U), (NOW + days(2), T)]
    state, turns, following = walked(two_days, looks)
    assert (state.phase, turns, following) == (Phase.PENDING, [], NOW + days(3))

    _, turns, _ = walked(two_days, [*looks, (NOW + days(3), T)])
    assert turns == [(NOW + days(3), Fired(episode=1))]


def test_it_recovers_before_it_clears() -> None:
    """Over for less than keep_for is not over; the episode goes on."""
    kept = rule(keep_for=days(1))
    looks = [(NOW, T), (NOW + hours(1), F)]
    state, _, following = walked(kept, looks)
    assert (state.phase, following) == (Phase.RECOVERING, NOW + hours(25))

    state, turns, _ = walked(kept, [*looks, (NOW + hours(2), T)])
    assert (state.phase, state.since, state.episode) == (Phase.ACTIVE, NOW, 1)
    assert len(turns) == 1

    _, turns, _ = walked(kept, [*looks, (NOW + hours(25), F)])
    assert turns[-1] == (NOW + hours(25), Cleared(episode=1, reason=Ending.FALSE))


def test_another_threshold_ends_it() -> None:
    """Between the two thresholds it goes on, whichever side it came from."""
    edged = rule(clears_when=Customer.usage > 8)
    _, turns, _ = walked(edged, [(NOW, F, F), (NOW + hours(1), T, F), (NOW + hours(2), F, F)])
    assert [type(turn) for _, turn in turns] == [Fired]

    _, turns, _ = walked(edged, [(NOW, T, F), (NOW + hours(1), F, U), (NOW + hours(2), F, T)])
    assert [type(turn) for _, turn in turns] == [Fired, Cleared]


def test_it_never_ends_while_it_is_true_or_may_be() -> None:
    """A clears_when that overlaps the condition doesn't make it flicker."""
    edged = rule(clears_when=Customer.quiet)
    _, turns, _ = walked(edged, [(NOW, T, T), (NOW + hours(1), T, T), (NOW + hours(2), U, T)])
    assert [type(turn) for _, turn in turns] == [Fired]


def test_the_cooldown_counts_from_the_end_of_the_episode() -> None:
    """Still true when it ends: it fires then, once, and said before why it didn't."""
    cool = rule(cooldown=days(7))
    looks = [(NOW, T), (NOW + days(10), F), (NOW + days(11), T), (NOW + days(12), T)]
    state, turns, following = walked(cool, looks)
    until = NOW + days(17)
    assert turns[-1] == (NOW + days(11), Suppressed(reason=Limit.COOLDOWN, until=until))
    assert len(turns) == 3
    assert (state.phase, following) == (Phase.PENDING, until)

    _, turns, _ = walked(cool, [*looks, (until, T), (until + hours(1), T)])
    assert turns[3:] == [(until, Fired(episode=2))]


def test_a_firing_that_is_held_back_is_forgotten_when_it_is_over() -> None:
    """Nothing had begun, so nothing ends."""
    cool = rule(cooldown=days(7))
    _, turns, _ = walked(
        cool, [(NOW, T), (NOW + days(1), F), (NOW + days(2), T), (NOW + days(3), F)]
    )
    assert [type(turn) for _, turn in turns] == [Fired, Cleared, Suppressed]


@pytest.mark.parametrize("limits", [{"once_per": "ever"}, {"cooldown": days(90)}])
def test_a_condition_that_comes_and_goes_says_its_limit_once(limits: dict[str, object]) -> None:
    """A limit is there for what comes and goes: told each time, it would fill the timeline."""
    looks = [(NOW + days(day), T if day % 2 == 0 else F) for day in range(40)]
    state, turns, _ = walked(rule(**limits), looks)
    assert [type(turn) for _, turn in turns] == [Fired, Cleared, Suppressed]
    later = [(NOW + days(day), T if day % 2 == 0 else F) for day in range(100, 120)]
    _, turns, _ = walked(rule(cooldown=days(90)), later, state=state)
    assert [type(turn) for _, turn in turns] == [Fired, Cleared, Suppressed], "and after a firing"


@pytest.mark.parametrize(
    ("period", "zone", "free"),
    [
        ("day", "UTC", datetime(2026, 11, 5, tzinfo=UTC)),
        ("day", "America/New_York", datetime(2026, 11, 5, 5, tzinfo=UTC)),
        ("week", "UTC", datetime(2026, 11, 9, tzinfo=UTC)),
        ("month", "Europe/Berlin", datetime(2026, 11, 30, 23, tzinfo=UTC)),
    ],
)
def test_once_a_calendar_period_of_the_customer(period: str, zone: str, free: datetime) -> None:
    """From the first instant of the next one it may fire again."""
    looks = [(NOW, T), (NOW + hours(1), F), (NOW + hours(2), T)]
    state, turns, following = walked(rule(once_per=period), looks, zone=zone)
    assert turns[-1][1] == Suppressed(reason=Limit.ONCE_PER, until=free)
    assert (state.phase, following) == (Phase.PENDING, free)
    _, turns, _ = walked(rule(once_per=period), [*looks, (free, T)], zone=zone)
    assert turns[-1] == (free, Fired(episode=2))


def test_once_ever() -> None:
    """No time ends that."""
    looks = [(NOW, T), (NOW + days(1), F), (NOW + days(4_000), T)]
    _, turns, following = walked(rule(once_per=OncePer.EVER), looks)
    assert turns[-1][1] == Suppressed(reason=Limit.ONCE_PER, until=None)
    assert following is None


def test_once_a_term() -> None:
    """In the next term it fires again; where nobody knows the term, it doesn't."""
    termly = rule(once_per="term", term="renewal_at")
    first, _, _ = walked(termly, [(NOW, T), (NOW + days(1), F)], term="2027-01-01T00:00:00Z")
    again = [(NOW + days(2), T)]

    _, turns, _ = walked(termly, again, term="2027-01-01T00:00:00Z", state=first)
    assert turns[0][1] == Suppressed(reason=Limit.ONCE_PER, until=None)
    _, turns, _ = walked(termly, again, term=None, state=first)
    assert turns[0][1] == Suppressed(reason=Limit.TERM_UNKNOWN, until=None)
    _, turns, _ = walked(termly, again, term="2028-01-01T00:00:00Z", state=first)
    assert turns[0][1] == Fired(episode=2)


def test_so_many_in_a_rolling_window() -> None:
    """The third waits until the first is thirty days old."""
    twice = rule(max_per=(2, days(30)))
    looks = [(NOW + days(day), truth) for day, truth in enumerate((T, F, T, F, T))]
    state, turns, following = walked(twice, looks)
    assert turns[-1][1] == Suppressed(reason=Limit.MAX_PER, until=NOW + days(30))
    assert following == NOW + days(30)
    state, turns, _ = walked(twice, [(NOW + days(30), T)], state=state)
    assert turns == [(NOW + days(30), Fired(episode=3))]
    assert state.fires == (NOW + days(2), NOW + days(30))


def test_of_several_limits_the_last_to_end_is_told() -> None:
    """One reason, one time to look again."""
    both = rule(cooldown=days(3), max_per=(1, days(30)))
    _, turns, following = walked(both, [(NOW, T), (NOW + days(1), F), (NOW + days(2), T)])
    assert turns[-1][1] == Suppressed(reason=Limit.MAX_PER, until=NOW + days(30))
    assert following == NOW + days(30)


def test_too_long_unknown_is_found_once() -> None:
    """Each time that it was known in between begins anew."""
    watched = rule(unknown_for=days(7))
    _, turns, following = walked(watched, [(NOW, U), (NOW + days(3), U)])
    assert (turns, following) == ([], NOW + days(7))

    _, turns, following = walked(
        watched, [(NOW + days(day), truth) for day, truth in ((0, U), (7, U), (9, U), (10, F))]
    )
    assert turns == [(NOW + days(7), LongUnknown(since=NOW))]

    _, turns, _ = walked(
        watched,
        [(NOW + days(day), truth) for day, truth in ((0, U), (7, U), (8, F), (9, U), (16, U))],
    )
    assert [turn for _, turn in turns] == [
        LongUnknown(since=NOW),
        LongUnknown(since=NOW + days(9)),
    ]


@pytest.mark.parametrize("status", [RuleStatus.RETIRED, RuleStatus.DRAFT])
def test_a_retired_rule_ends_what_it_had_begun(status: RuleStatus) -> None:
    """Once; and when it is active again, it remembers how often it fired."""
    state, _, _ = walked(rule(), [(NOW, T)])
    ended, turns, following = walked(
        rule(status=status), [(NOW + days(1), T), (NOW + days(2), T)], state=state
    )
    assert turns == [(NOW + days(1), Cleared(episode=1, reason=Ending.RETIRED))]
    assert (ended.phase, following) == (Phase.IDLE, None)
    _, turns, _ = walked(rule(), [(NOW + days(3), T)], state=ended)
    assert turns == [(NOW + days(3), Fired(episode=2))]


def test_it_counts_between_two_instants() -> None:
    """Its own times wake it: for the first, and for the last of what it began."""
    limited = rule(effective_from=NOW, effective_until=NOW + days(10))
    _, turns, following = walked(limited, [(NOW - days(1), T)])
    assert (turns, following) == ([], NOW)

    _, turns, following = walked(limited, [(NOW - days(1), T), (NOW, T)])
    assert (turns, following) == ([(NOW, Fired(episode=1))], NOW + days(10))

    _, turns, following = walked(limited, [(NOW, T), (NOW + days(10), T), (NOW + days(11), T)])
    assert turns[1:] == [(NOW + days(10), Cleared(episode=1, reason=Ending.EXPIRED))]
    assert following is None


def test_a_rule_is_asked_while_its_answer_matters() -> None:
    """Shadows, too; drafts and what is over are asked by nobody."""
    limited = rule(effective_from=NOW, effective_until=NOW + days(10))
    answers = [is_asked(limited, NOW + days(day)) for day in (-1, 0, 9, 10)]
    assert answers == [False, True, True, False]
    asked = [status for status in RuleStatus if is_asked(rule(status=status), NOW)]
    assert asked == [RuleStatus.SHADOW, RuleStatus.ACTIVE]


def test_what_is_left_of_a_rule_that_is_taken_out() -> None:
    """Its episode ends; of one that had not fired nothing is told. What was, stays known."""
    fired, _, _ = walked(rule(unknown_for=days(9)), [(NOW, T), (NOW + days(1), U)])
    left = end(fired, NOW + days(2), Ending.RETIRED)
    assert left.turns == (Cleared(episode=1, reason=Ending.RETIRED),)
    assert left.state == RuleState(episode=1, fires=(NOW,), ended_at=NOW + days(2))
    assert left.next is None

    waits, _, _ = walked(rule(for_=days(2)), [(NOW, T)])
    left = end(waits, NOW + days(1), Ending.EXPIRED)
    assert (left.turns, left.state) == ((), IDLE)


# ---- what is refused


@pytest.mark.parametrize(
    ("options", "code", "field", "value"),
    [
        ({"for_": days(0)}, "rules.window", "for", "0:00:00"),
        ({"keep_for": -days(1)}, "rules.window", "keep_for", "-1 day, 0:00:00"),
        ({"cooldown": days(0)}, "rules.window", "cooldown", "0:00:00"),
        (
            {"unknown_for": timedelta(milliseconds=5)},
            "rules.window",
            "unknown_for",
            "0:00:00.005000",
        ),
        ({"max_per": (0, days(1))}, "rules.max_per", "max_per", 0),
        ({"max_per": (True, days(1))}, "rules.max_per", "max_per", True),
        ({"max_per": (1, days(0))}, "rules.window", "max_per", "0:00:00"),
        ({"once_per": "fortnight"}, "rules.choice", "once_per", "fortnight"),
        ({"status": "live"}, "rules.choice", "status", "live"),
        ({"once_per": "term"}, "rules.term", "term", None),
        ({"term": "renewal_at"}, "rules.term", "term", "renewal_at"),
        ({"once_per": "day", "term": "renewal_at"}, "rules.term", "term", "renewal_at"),
        (
            {"effective_from": NOW, "effective_until": NOW},
            "rules.effective",
            "effective_until",
            NOW.isoformat(),
        ),
        (
            {"effective_from": datetime(2026, 11, 1)},
            "time.naive",
            "effective_from",
            "2026-11-01T00:00:00",
        ),
    ],
)
def test_options_that_make_no_sense_are_refused(
    options: dict[str, object], code: str, field: str, value: object
) -> None:
    """Where the rule is written, not where it fails to fire."""
    with pytest.raises(InvalidInput) as caught:
        rule(**options)
    error = caught.value
    assert (error.code, error.field, error.value) == (code, field, value)
    assert error.remedy


def test_a_number_in_a_window_is_a_value() -> None:
    """Written either way."""
    assert rule(max_per=(3, days(90))) == rule(max_per=MaxPer(3, days(90)))
