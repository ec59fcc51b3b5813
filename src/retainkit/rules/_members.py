"""Who is under which rule and in which segment, told by events; who stores that is the engine."""

from __future__ import annotations

from collections.abc import Iterable

from retainkit.core import Event, Member
from retainkit.ids import CustomerId, derive


_GROUPS = {
    "rules.fired": "rule",
    "rules.cleared": "rule",
    "rules.segment_entered": "segment",
    "rules.segment_left": "segment",
}
_IN = frozenset({"rules.fired", "rules.segment_entered"})


def rule_group(rule: str) -> str:
    """The group of those under a rule: ``rule:ID``."""
    return f"rule:{rule}"


def segment_group(segment: str) -> str:
    """The group of those in a segment: ``segment:NAME``."""
    return f"segment:{segment}"


def fire_key(rule: str, customer: CustomerId, episode: int) -> str:
    """
    What names one firing: whatever is made because of it derives its id from this, once.

    The same rule, customer and episode give the same key, in a replay, too.
    """
    return derive("rules.fired", rule, customer, str(episode))


def members_of(
    events: Iterable[Event],
) -> tuple[list[Member], list[tuple[str, CustomerId]]]:
    """
    Who enters and who leaves a group by these events: a projection of the timeline.

    Args:
        events: In the order of the timeline, of any names. Of several about one customer and
            group, the last one holds.

    Returns:
        Who is in a group now and since when; and who is in it no more, as group and customer.
    """
    last: dict[tuple[str, CustomerId], Event] = {}
    for event in events:
        kind = _GROUPS.get(event.name)
        if kind is not None:
            last[f"{kind}:{event.data.get(kind)}", event.customer] = event
    entered = [
        Member(group=group, customer=customer, since=event.occurred_at)
        for (group, customer), event in last.items()
        if event.name in _IN
    ]
    return entered, [place for place, event in last.items() if event.name not in _IN]
