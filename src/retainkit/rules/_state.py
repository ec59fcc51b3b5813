"""What becomes of a rule for one customer: idle, pending, active, recovering; a pure function.

The state is a function of the instants at which somebody looked and of what was true then; who
looks, and when, is decided in `signals`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import ClassVar, TypeAlias, assert_never

from attrs import evolve, frozen

from retainkit.rules._rule import OncePer, Rule, RuleStatus
from retainkit.rules._truth import Truth, all_true
from retainkit.timing import local_time, wall_time


class Phase(StrEnum):
    """Where a rule stands for a customer."""

    IDLE = "idle"
    """It is false, or nobody has seen it true yet."""

    PENDING = "pending"
    """It is true, and has not fired: ``for`` is not over, or a limit holds it back."""

    ACTIVE = "active"
    """It has fired."""

    RECOVERING = "recovering"
    """It is over, but not yet for as long as ``keep_for`` asks."""


class Limit(StrEnum):
    """What holds a firing back."""

    COOLDOWN = "cooldown"
    ONCE_PER = "once_per"
    MAX_PER = "max_per"

    TERM_UNKNOWN = "term_unknown"
    """Nobody knows the present term, so nobody knows whether it fired in it."""


class Ending(StrEnum):
    """Why an episode ended."""

    FALSE = "false"
    """The condition is over."""

    RETIRED = "retired"
    """The rule counts no more: it was retired, made a draft or shadow, or taken out."""

    EXPIRED = "expired"
    """The rule's ``effective_until`` has come."""


@frozen(kw_only=True)
class RuleState:
    """
    Where a rule stands for a customer, and what its limits need to know of before.

    Args:
        phase: Where it stands.

        since: Since when, as `for_` and `keep_for` count it; UTC.

        episode: How often it fired; the number of the latest episode.

        fires: When it fired, as far back as its limits ask; the latest last.

        term: The term that it fired in last.

        ended_at: When the latest episode ended.

        held: What held it back last; said once, until it fires. So a condition that comes and goes
            beside a limit says it no second time.

        unknown_since: Since when nobody knows.

        unknown_told: Whether that was recorded as a finding.
    """

    phase: Phase = Phase.IDLE
    since: datetime | None = None
    episode: int = 0
    fires: tuple[datetime, ...] = ()
    term: str | None = None
    ended_at: datetime | None = None
    held: Limit | None = None
    unknown_since: datetime | None = None
    unknown_told: bool = False

    is_sparse: ClassVar[bool] = True
    """It is stored without what is as it is by default: a customer has one for each live rule."""

    @property
    def member(self) -> bool:
        """Whether the customer is under the rule: it has fired, and that is not over."""
        return self.phase in (Phase.ACTIVE, Phase.RECOVERING)


IDLE = RuleState()
"""Nothing has happened yet."""


@frozen(kw_only=True)
class Fired:
    """An episode begins."""

    episode: int


@frozen(kw_only=True)
class Cleared:
    """An episode has ended."""

    episode: int
    reason: Ending


@frozen(kw_only=True)
class Suppressed:
    """
    It would have fired.

    Args:
        reason: What holds it back.

        until: Until when; None when no time ends that.
    """

    reason: Limit
    until: datetime | None


@frozen(kw_only=True)
class LongUnknown:
    """It is unknown for longer than the rule allows: a finding about the data."""

    since: datetime


Turn: TypeAlias = Fired | Cleared | Suppressed | LongUnknown


@frozen(kw_only=True)
class Advance:
    """
    What one look made of a state.

    Args:
        state: The state now.

        turns: What happened, in order.

        next: When time alone changes the state although every answer stays the same; UTC.
    """

    state: RuleState
    turns: tuple[Turn, ...] = ()
    next: datetime | None = None


def advance(
    rule: Rule,
    state: RuleState,
    now: datetime,
    *,
    truth: Truth,
    clears: Truth | None = None,
    zone: str = "UTC",
    term: str | None = None,
) -> Advance:
    """
    What a look at an instant makes of the state. Pure.

    A look that finds what the one before found changes nothing until ``next``; so it does not
    matter how often somebody looks in between.

    Args:
        rule: The rule.

        state: Where it stood.

        now: The instant, in UTC; not before that of the last look.

        truth: What its condition is.

        clears: What its ``clears_when`` is; None when it has none.

        zone: The customer's IANA zone, for days, weeks and months.

        term: The value of its term signal; None when that is not known.
    """
    ending = _no_more(rule, now)
    if ending is not None:
        return end(state, now, ending)
    if rule.effective_from is not None and now < rule.effective_from:
        return evolve(end(state, now, Ending.RETIRED), next=rule.effective_from)
    ends = ~truth if clears is None else all_true((clears, ~truth))
    asked = ends if state.member else truth
    if asked is Truth.UNKNOWN:
        found = _unknown(rule, state, now)
    else:
        found = _known(rule, _resumed(state, now), now, asked, zone=zone, term=term)
    until, quiet = rule.effective_until, found.state.unknown_since is None
    if until is None or (quiet and found.state.phase is Phase.IDLE):
        return found
    return evolve(found, next=until if found.next is None else min(found.next, until))


def end(state: RuleState, now: datetime, reason: Ending) -> Advance:
    """What is left of a state when its rule counts no more: its episode ends, its past stays."""
    left = evolve(state, phase=Phase.IDLE, since=None, unknown_since=None, unknown_told=False)
    if not state.member:
        return Advance(state=left)
    turn = Cleared(episode=state.episode, reason=reason)
    return Advance(state=evolve(left, ended_at=now), turns=(turn,))


def is_asked(rule: Rule, now: datetime) -> bool:
    """Whether the rule counts, so that its answer matters."""
    begun = rule.effective_from is None or rule.effective_from <= now
    return begun and _no_more(rule, now) is None


def _no_more(rule: Rule, now: datetime) -> Ending | None:
    if rule.status in (RuleStatus.DRAFT, RuleStatus.RETIRED):
        return Ending.RETIRED
    if rule.effective_until is not None and rule.effective_until <= now:
        return Ending.EXPIRED
    return None


def _unknown(rule: Rule, state: RuleState, now: datetime) -> Advance:
    """Nothing changes, except that somebody may want to look at the data."""
    counts = state.phase in (Phase.PENDING, Phase.RECOVERING)
    if rule.unknown_for is None and not counts and state.unknown_since is None:
        return Advance(state=state)  # nobody asks since when
    since = now if state.unknown_since is None else state.unknown_since
    if state.unknown_since is None:
        state = evolve(state, unknown_since=since)
    if rule.unknown_for is None or state.unknown_told:
        return Advance(state=state)
    at = since + rule.unknown_for
    if now < at:
        return Advance(state=state, next=at)
    return Advance(state=evolve(state, unknown_told=True), turns=(LongUnknown(since=since),))


def _resumed(state: RuleState, now: datetime) -> RuleState:
    """It is known again; time in which it was not does not count for what has to last."""
    if state.unknown_since is None:
        return state
    since = state.since
    if since is not None and state.phase in (Phase.PENDING, Phase.RECOVERING):
        since += now - state.unknown_since
    return evolve(state, since=since, unknown_since=None, unknown_told=False)


def _known(
    rule: Rule, state: RuleState, now: datetime, asked: Truth, *, zone: str, term: str | None
) -> Advance:
    holds = asked is Truth.TRUE
    match state.phase:
        case Phase.IDLE | Phase.ACTIVE if not holds:
            return Advance(state=state)
        case Phase.PENDING if not holds:
            return Advance(state=evolve(state, phase=Phase.IDLE, since=None))
        case Phase.IDLE:
            return _pending(rule, evolve(state, phase=Phase.PENDING, since=now), now, zone, term)
        case Phase.PENDING:
            return _pending(rule, state, now, zone, term)
        case Phase.ACTIVE:
            return _recovering(rule, evolve(state, phase=Phase.RECOVERING, since=now), now)
        case Phase.RECOVERING if not holds:
            return Advance(state=evolve(state, phase=Phase.ACTIVE, since=state.fires[-1]))
        case Phase.RECOVERING:
            return _recovering(rule, state, now)
        case _:
            assert_never(state.phase)


def _pending(rule: Rule, state: RuleState, now: datetime, zone: str, term: str | None) -> Advance:
    at = _after(state.since, rule.for_)
    if at is not None and now < at:
        return Advance(state=state, next=at)
    limits = list(_limits(rule, state, now, zone, term))
    if not limits:
        return _fired(rule, state, now, term)
    held = max(limits, key=lambda each: (each.until is None, each.until or now))
    if state.held is held.reason:
        return Advance(state=state, next=held.until)
    return Advance(state=evolve(state, held=held.reason), turns=(held,), next=held.until)


def _fired(rule: Rule, state: RuleState, now: datetime, term: str | None) -> Advance:
    kept = 1 if rule.max_per is None else rule.max_per.count
    fired = evolve(
        state,
        phase=Phase.ACTIVE,
        since=now,
        episode=state.episode + 1,
        fires=(*state.fires, now)[-kept:],
        term=term if rule.once_per is OncePer.TERM else None,
        held=None,
    )
    return Advance(state=fired, turns=(Fired(episode=fired.episode),))


def _recovering(rule: Rule, state: RuleState, now: datetime) -> Advance:
    at = _after(state.since, rule.keep_for)
    if at is not None and now < at:
        return Advance(state=state, next=at)
    return end(state, now, Ending.FALSE)


def _after(since: datetime | None, length: timedelta | None) -> datetime | None:
    return None if since is None or length is None else since + length


# ---- limits


def _limits(
    rule: Rule, state: RuleState, now: datetime, zone: str, term: str | None
) -> Iterator[Suppressed]:
    """All that holds it back now."""
    if rule.once_per is OncePer.TERM and term is None:
        yield Suppressed(reason=Limit.TERM_UNKNOWN, until=None)
    if not state.fires:
        return
    cool = _after(state.ended_at, rule.cooldown)
    if cool is not None and now < cool:
        yield Suppressed(reason=Limit.COOLDOWN, until=cool)
    if rule.max_per is not None and len(state.fires) >= rule.max_per.count:
        free = state.fires[-rule.max_per.count] + rule.max_per.window
        if now < free:
            yield Suppressed(reason=Limit.MAX_PER, until=free)
    if rule.once_per is None:
        return
    if rule.once_per is OncePer.EVER or (term is not None and term == state.term):
        yield Suppressed(reason=Limit.ONCE_PER, until=None)
    elif rule.once_per is not OncePer.TERM:
        free = _next_period(rule.once_per, state.fires[-1], zone)
        if now < free:
            yield Suppressed(reason=Limit.ONCE_PER, until=free)


def _next_period(period: OncePer, at: datetime, zone: str) -> datetime:
    """The first instant of the day, week or month after that of an instant."""
    day = local_time(at, zone).date()
    return wall_time(_next_first_day(period, day), time(0), zone)


def _next_first_day(period: OncePer, day: date) -> date:
    match period:
        case OncePer.WEEK:
            return day + timedelta(days=7 - day.weekday())
        case OncePer.MONTH:
            return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        case _:
            return day + timedelta(days=1)
