"""What is still to come: the case's one timer, and the list a person may look at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from attrs import evolve, frozen

from retainkit.core import Because, JsonValue
from retainkit.dunning._case import DunningCase
from retainkit.dunning._plan import (
    fitted,
    held,
    level_at,
    next_access,
    next_try,
    outlook,
    provider_try,
    stage_due,
)
from retainkit.dunning._policy import AccessLevel, DunningPolicy
from retainkit.timing import to_micros


class UpcomingKind(StrEnum):
    """What comes."""

    RETRY = "retry"
    PROVIDER_RETRY = "provider_retry"
    MESSAGE = "message"
    ACCESS = "access"
    END = "end"
    CHECK = "check"


@frozen(kw_only=True)
class Upcoming:
    """
    Something a case has before it, if nothing is paid and nobody changes anything.

    Args:
        at: When; never before ``now``.

        kind: What.

        because: Why then.
    """

    at: datetime
    kind: UpcomingKind
    because: Because


@frozen(kw_only=True)
class Access:
    """
    What a customer may use.

    Args:
        level: How much.

        since: Since when; None for full access.

        until: When it gets harsher, if nothing is paid.

        because: Why.
    """

    level: AccessLevel
    since: datetime | None
    until: datetime | None
    because: Because


def full_access() -> Access:
    """Nothing is restricted."""
    because = Because(key="dunning.access.full")
    return Access(level=AccessLevel.FULL, since=None, until=None, because=because)


def harshest(levels: Iterable[Access]) -> Access:
    """The one of several cases that counts: the harshest, and of these the longest in force."""
    return min(levels, key=_mildness, default=full_access())


def _mildness(access: Access) -> tuple[int, int]:
    return -access.level.severity, 0 if access.since is None else to_micros(access.since)


def access(case: DunningCase, policy: DunningPolicy, now: datetime) -> Access:
    """
    What the case leaves the customer at an instant; a closed case leaves everything.

    It follows from the first failure of the oldest open invoice and the policy alone, so neither
    a stopped worker nor a message that waits puts it off.
    """
    if not case.open:
        return full_access()
    clock = case.clock
    level, index = level_at(policy, clock, now)
    ahead = next_access(policy, clock, level, now)
    until = None if ahead is None else ahead[0]
    if index < 0:
        return evolve(full_access(), until=until)
    after = policy.stages[index].after
    because = _because(
        policy,
        "dunning.access.stage",
        level=level.value,
        was=AccessLevel.FULL.value,
        after=int(after.total_seconds()),
        since=(clock + after).isoformat(),
    )
    return Access(level=level, since=clock + after, until=until, because=because)


def upcoming(case: DunningCase, policy: DunningPolicy, now: datetime) -> tuple[Upcoming, ...]:
    """What the case has before it, soonest first; empty when it is closed."""
    if not case.open:
        return ()
    case = fitted(case, policy)
    clock = case.clock
    found = [
        *_tries(case, policy),
        *_access_changes(policy, clock, now),
        *_stages(case, policy, clock, now),
    ]
    look = next_look(case, policy, now)
    if look is not None:
        seconds = int(policy.recheck.total_seconds())
        because = _because(policy, "dunning.check.planned", seconds=seconds)
        found.append(Upcoming(at=look, kind=UpcomingKind.CHECK, because=because))
    planned = (_not_before(step, now) for step in found)
    return tuple(sorted(planned, key=lambda step: (step.at, step.kind)))


def wake(case: DunningCase, policy: DunningPolicy, now: datetime) -> datetime:
    """When an open case is to be decided next: there is always such a time."""
    own = _own(case, policy, now)
    look = _look(case, policy, own)
    return min(own if look is None else (*own, look))


def next_look(case: DunningCase, policy: DunningPolicy, now: datetime) -> datetime | None:
    """When the invoices are read again; None while the plan has steps that will come anyway."""
    return _look(case, policy, _own(case, policy, now))


def _look(case: DunningCase, policy: DunningPolicy, own: Sequence[datetime]) -> datetime | None:
    waits = (
        not own
        or bool(case.ending)
        or held(case)
        or any(invoice.pending for invoice in case.open_invoices)
    )
    return case.seen_at + policy.recheck if waits else None


def _own(case: DunningCase, policy: DunningPolicy, now: datetime) -> list[datetime]:
    """The times at which retainkit itself has something to do."""
    clock = case.clock
    times = [at for invoice in case.open_invoices if (at := next_try(case, invoice, policy))]
    ahead = next_access(policy, clock, case.access, now)
    if ahead is not None:
        times.append(ahead[0])
    waits = held(case) or any(invoice.pending for invoice in case.open_invoices)
    if case.ended_at is None and not waits:
        times.append(stage_due(case, policy, case.stages_done, clock, now))
    return times


def _tries(case: DunningCase, policy: DunningPolicy) -> list[Upcoming]:
    found = []
    for invoice in case.open_invoices:
        at = next_try(case, invoice, policy)
        if at is not None:
            because = _reason(policy, outlook(case, invoice, policy))
            found.append(Upcoming(at=at, kind=UpcomingKind.RETRY, because=because))
        elif invoice.next_payment_attempt is not None:
            because = _because(
                policy,
                "dunning.retry.provider_retries",
                next_payment_attempt=provider_try(invoice),
            )
            at = invoice.next_payment_attempt
            found.append(Upcoming(at=at, kind=UpcomingKind.PROVIDER_RETRY, because=because))
    return found


def _access_changes(policy: DunningPolicy, clock: datetime, now: datetime) -> list[Upcoming]:
    found = []
    was, _ = level_at(policy, clock, now)
    ahead = next_access(policy, clock, was, now)
    while ahead is not None:
        at, level, index = ahead
        because = _because(
            policy,
            "dunning.access.planned",
            level=level.value,
            was=was.value,
            after=int(policy.stages[index].after.total_seconds()),
            since=at.isoformat(),
        )
        found.append(Upcoming(at=at, kind=UpcomingKind.ACCESS, because=because))
        was = level
        ahead = next_access(policy, clock, level, at)
    return found


def _stages(
    case: DunningCase, policy: DunningPolicy, clock: datetime, now: datetime
) -> list[Upcoming]:
    if case.ended_at is not None:
        return []
    found = []
    for index in range(case.stages_done, len(policy.stages)):
        stage = policy.stages[index]
        due = stage_due(case, policy, index, clock, now)
        after = int(stage.after.total_seconds())
        if stage.message is not None:
            because = _because(
                policy, "dunning.message.planned", stage=index, after=after, due=due.isoformat()
            )
            found.append(Upcoming(at=due, kind=UpcomingKind.MESSAGE, because=because))
        if stage.end is not None:
            told = case.announced_at
            because = _because(
                policy,
                "dunning.end.planned",
                action=stage.end.value,
                after=after,
                due=due.isoformat(),
                announced_at=None if told is None else told.isoformat(),
            )
            found.append(Upcoming(at=due, kind=UpcomingKind.END, because=because))
    return found


def _not_before(step: Upcoming, now: datetime) -> Upcoming:
    return step if step.at >= now else Upcoming(at=now, kind=step.kind, because=step.because)


def _because(policy: DunningPolicy, key: str, **values: JsonValue) -> Because:
    return _reason(policy, (key, values))


def _reason(policy: DunningPolicy, reason: tuple[str, dict[str, JsonValue]]) -> Because:
    key, values = reason
    return Because(key=key, values={**values, "policy": policy.fingerprint})
