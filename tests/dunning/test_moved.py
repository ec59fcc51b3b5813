"""Running cases that are moved to another policy: whatever it is, the plan goes on to its end."""

from __future__ import annotations

from datetime import timedelta

from tests.dunning.conftest import DAY, HARD, STAGES, START, World, days

from retainkit.dunning import CaseOutcome, Dunning, DunningPolicy, Stage, upcoming


SHORT = DunningPolicy(
    retries=days(1),
    stages=(
        Stage(after=timedelta(0), message="last_notice"),
        Stage(after=30 * DAY, end="cancel"),
    ),
    collector="retainkit",
)
SILENT = DunningPolicy(
    retries=days(1),
    stages=(
        *(Stage(after=days(day)[0], message="payment_failed") for day in (0, 3, 7)),
        Stage(after=30 * DAY, end="keep"),
    ),
    collector="retainkit",
)
LONG = DunningPolicy(retries=days(1, 3, 7), stages=STAGES, collector="retainkit")
WARNED = DunningPolicy(
    retries=days(1),
    stages=(
        Stage(after=timedelta(0), message="payment_failed"),
        Stage(after=5 * DAY, message="last_notice"),
        Stage(after=9 * DAY, message="payment_failed"),
        Stage(after=14 * DAY, message="payment_failed"),
        Stage(after=16 * DAY, end="cancel"),
    ),
    collector="retainkit",
)


def _moved(before: DunningPolicy, at: timedelta, after: DunningPolicy) -> World:
    """A case that has come so far under one policy, and is now moved to another."""
    world = World(before)
    world.observe(world.provider.bill(decline=HARD))
    world.until(START + at)
    world.policy, world.feature = after, Dunning(after)
    world.wakes[world.case.id] = world.now
    return world


def test_a_case_that_has_more_stages_behind_it_than_the_policy_has_goes_on() -> None:
    """Its end is still ahead; no message of the shorter plan is written a second time."""
    world = _moved(LONG, 15 * DAY, SHORT)
    assert upcoming(world.case, SHORT, world.now)[-1].at == START + 44 * DAY
    written = len(world.messages)
    world.until(START + 50 * DAY)
    assert len(world.messages) == written
    assert world.case.outcome is CaseOutcome.ENDED


def test_a_notice_that_the_case_has_passed_is_still_given_before_the_end() -> None:
    """Nobody is cancelled unannounced, and no case waits for ever for its announcement."""
    world = _moved(SILENT, 8 * DAY, WARNED)
    world.until(START + 40 * DAY)
    assert [message for message, _, _ in world.messages].count("last_notice") == 1
    assert world.case.announced_at == START + 8 * DAY
    assert world.case.ended_at == START + 19 * DAY
    assert world.case.outcome is CaseOutcome.ENDED
