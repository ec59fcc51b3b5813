"""How cases are written and read again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from retainkit.engine._codec import dump, load
from retainkit.ids import CaseId, CustomerId
from retainkit.rules import Limit, Phase, RuleState
from retainkit.signals import RulesCase


NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
TIMES = st.none() | st.datetimes(timezones=st.just(UTC))
STATES = st.builds(
    RuleState,
    phase=st.sampled_from(Phase),
    since=TIMES,
    episode=st.integers(0, 3),
    fires=st.lists(st.datetimes(timezones=st.just(UTC)), max_size=2).map(tuple),
    term=st.none() | st.text(max_size=3),
    ended_at=TIMES,
    held=st.none() | st.sampled_from(Limit),
    unknown_since=TIMES,
    unknown_told=st.booleans(),
)


def case(state: RuleState) -> RulesCase:
    """A customer with one rule."""
    return RulesCase(
        id=CaseId("c"),
        customer=CustomerId("acme"),
        rulebook="v1",
        checked_at=NOW,
        states={"rule:gone": state},
        wakes={},
    )


def test_a_state_is_stored_without_what_is_empty() -> None:
    """A customer has many states, and most of each is as it is by default."""
    body = dump(case(RuleState(phase=Phase.ACTIVE, since=NOW, episode=1, fires=(NOW,))))
    at = "2026-11-01T09:00:00+00:00"
    assert body["states"] == {
        "rule:gone": {"phase": "active", "since": at, "episode": 1, "fires": [at]}
    }
    assert body["open"] is True
    assert body["key"] == ""


@given(STATES)
def test_what_is_stored_is_read_as_it_was(state: RuleState) -> None:
    """Whatever was left out comes back."""
    known = case(state)
    assert load(dump(known), RulesCase) == known


def test_a_state_that_was_stored_whole_is_read_as_well() -> None:
    """What an earlier version wrote names every field."""
    body = dump(case(RuleState()))
    whole: dict[str, object] = {
        "phase": "idle",
        "since": None,
        "episode": 0,
        "fires": [],
        "term": None,
        "ended_at": None,
        "held": None,
        "unknown_since": None,
        "unknown_told": False,
    }
    assert load({**body, "states": {"rule:gone": whole}}, RulesCase) == case(RuleState())


def test_an_instant_is_written_in_its_own_zone() -> None:
    """The same instant in two zones is equal; neither is written as the other one was."""
    there = NOW.astimezone(timezone(timedelta(hours=1)))
    assert there == NOW
    for _ in range(2):
        assert dump(case(RuleState(since=NOW)))["checked_at"] == "2026-11-01T09:00:00+00:00"
        body = dump(case(RuleState(since=there)))
        assert body["states"] == {"rule:gone": {"since": "2026-11-01T10:00:00+01:00"}}
