"""One look at a customer: rules are asked and followed, and what happened becomes events."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime
from typing import Final, assert_never

from attrs import define, field

from retainkit.core import Because, Bucket, Event, JsonObject, JsonValue, Origin, RecordedEvent
from retainkit.ids import CustomerId, EventId, derive
from retainkit.rules import (
    Cleared,
    Ending,
    Fired,
    Limit,
    LongUnknown,
    Readings,
    RuleState,
    Suppressed,
    Truth,
    Turn,
    advance,
    end,
    fire_key,
    is_asked,
    why,
)
from retainkit.signals._followed import SHADOW, Followed, Index
from retainkit.signals._measures import Measures
from retainkit.timing import local_time, to_micros


MOST_LISTED: Final = 50
"""How many late events, and how many days, a ``signals.revised`` names; it counts all events."""

_IDLE = RuleState()
_COUNTED = frozenset({Origin.REAL, Origin.BACKFILL})


@define(kw_only=True)
class Look:
    """
    Asks rules at one instant, and keeps what came of it.

    Args:
        index: What is followed.

        measures: What is counted.

        customer: Who is looked at.

        buckets: What was counted of the customer.

        now: The instant, in UTC.

        states: Where each group stands; changed here.

        wakes: When time alone can change each group; changed here.

        events: What happened.
    """

    index: Index
    measures: Measures
    customer: CustomerId
    buckets: tuple[Bucket, ...]
    now: datetime
    states: dict[str, RuleState]
    wakes: dict[str, datetime]
    events: list[Event] = field(factory=list)

    def follow(self, groups: Collection[str]) -> None:
        """Ask these rules and segments, and move each as its answer says."""
        if not groups:
            return
        index, now = self.index, self.now
        known = self.measures.read(self.buckets, now, index.read_by(groups))
        zone = self.measures.zone_of(self.buckets)
        every = [index.followed[group] for group in groups]
        asked = [
            name for each in every if is_asked(each.rule, now) for name, _ in each.conditions()
        ]
        truths = index.compiled.truths(known, now, only=asked)
        for each in every:
            self._follow(each, known, truths, zone)

    def forget(self) -> None:
        """End what is followed no more; and what its limits know stays."""
        followed = self.index.followed
        for group in self.states.keys() - followed.keys():
            found = end(self.states[group], self.now, Ending.RETIRED)
            self._keep(group, found.state)
            for turn in found.turns:
                self._say(group, None, turn, ())
        for group in self.wakes.keys() - followed.keys():
            del self.wakes[group]

    def tell_late(self, news: Iterable[RecordedEvent]) -> None:
        """Say which days that were over are others now, because something was told late."""
        zone = self.measures.zone_of(self.buckets)
        late: list[RecordedEvent] = []
        days: set[date] = set()
        signals: set[str] = set()
        for recorded in news:
            event = recorded.event
            day = local_time(event.occurred_at, zone).date()
            counts = event.name in self.measures.events and event.origin in _COUNTED
            if counts and day < local_time(recorded.recorded_at, zone).date():
                late.append(recorded)
                days.add(day)
                signals |= self.index.touched(event)
        if not late:
            return
        late.sort(key=lambda recorded: (recorded.event.occurred_at, recorded.event.id))
        ids = [recorded.event.id for recorded in late]
        data: JsonObject = {
            "events": list(ids[:MOST_LISTED]),
            "count": len(late),
            "signals": sorted(signals),
            "days": [day.isoformat() for day in sorted(days)[:MOST_LISTED]],
        }
        because = Because(key="signals.revised", values={"count": len(late), "days": data["days"]})
        self._event("signals.revised", derive(*ids), data, (because,))

    # ---- one rule

    def _follow(self, each: Followed, known: Readings, truths: dict[str, Truth], zone: str) -> None:
        group, rule = each.group, each.rule
        truth, clears = truths.get(group), truths.get(each.clears)
        before = self.states.get(group, _IDLE)
        found = advance(
            rule,
            before,
            self.now,
            truth=Truth.UNKNOWN if truth is None else truth,
            clears=clears,
            zone=zone,
            term=None if rule.term is None else self._term(rule.term, known),
        )
        if found.state is not before:
            self._keep(group, found.state)
        times = [found.next]
        if truth is not None:
            times += self._flips(each, found.state, known, truths)
        coming = min((at for at in times if at is not None), default=None)
        if coming is not None:
            self.wakes[group] = coming
        else:
            self.wakes.pop(group, None)
        for turn in found.turns:
            self._say(group, each, turn, self._reasons(each, turn, known))

    def _keep(self, group: str, state: RuleState) -> None:
        if state == _IDLE:
            self.states.pop(group, None)
        else:
            self.states[group] = state

    def _flips(
        self, each: Followed, state: RuleState, known: Readings, truths: dict[str, Truth]
    ) -> Iterator[datetime]:
        """When time alone changes what was answered, as long as the rule counts."""
        rule, flip = each.rule, self.index.compiled.next_flip
        times = [flip(each.group, known, self.now, truth=truths[each.group])]
        if state.member and rule.clears_when is not None:
            times.append(flip(each.clears, known, self.now, truth=truths[each.clears]))
        if state.held is not None and rule.term is not None:
            times.append(known.believed_until(rule.term))
        for at in times:
            last = rule.effective_until
            if at is not None and at > self.now and (last is None or at < last):
                yield at

    def _term(self, name: str, known: Readings) -> str | None:
        value = known.known(name, self.now)
        return value.isoformat() if isinstance(value, datetime) else None

    def _reasons(self, each: Followed, turn: Turn, known: Readings) -> tuple[Because, ...]:
        """The leaves that decided it, each once."""
        rule = each.rule
        if isinstance(turn, Cleared) and turn.reason is not Ending.FALSE:
            return ()
        when = rule.when
        if isinstance(turn, Cleared) and rule.clears_when is not None:
            when = rule.clears_when
        explained = why(when, known, self.now, segments=self.index.segments)
        leaves = {repr(leaf.because): leaf.because for leaf in explained.decisive()}
        return tuple(leaves.values())

    # ---- events

    def _say(
        self, group: str, each: Followed | None, turn: Turn, reasons: tuple[Because, ...]
    ) -> None:
        kind, _, id = group.partition(":")
        named: dict[str, JsonValue] = {"segment" if kind == "segment" else "rule": id}
        if each is not None:
            named["version"] = each.version
        match turn:
            case Fired():
                self._begins(kind, id, turn, named, reasons)
            case Cleared():
                self._ends(kind, id, turn, named, reasons)
            case Suppressed():
                self._held(each, turn, {**named, "shadow": kind + ":" == SHADOW}, reasons)
            case LongUnknown():
                data: JsonObject = {
                    **named,
                    "shadow": kind + ":" == SHADOW,
                    "since": turn.since.isoformat(),
                }
                because = Because(key="rules.state.unknown", values=data)
                self._event("rules.unknown", f"{group}@{self._micros()}", data, (because, *reasons))
            case _:
                assert_never(turn)

    def _begins(
        self,
        kind: str,
        id: str,
        turn: Fired,
        named: JsonObject,
        reasons: tuple[Because, ...],
    ) -> None:
        key = fire_key(id, self.customer, turn.episode)
        data: JsonObject = {**named, "episode": turn.episode}
        match kind:
            case "segment":
                because = Because(key="rules.segment.entered", values=data)
                self._event("rules.segment_entered", key, data, (because, *reasons))
            case "shadow":
                because = Because(key="rules.state.shadow_fired", values=data)
                self._event("rules.shadow_fired", key, data, (because, *reasons))
            case _:
                because = Because(key="rules.state.fired", values=data)
                self._event("rules.fired", key, {**data, "fire": key}, (because, *reasons))

    def _ends(
        self,
        kind: str,
        id: str,
        turn: Cleared,
        named: JsonObject,
        reasons: tuple[Because, ...],
    ) -> None:
        key = fire_key(id, self.customer, turn.episode)
        data: JsonObject = {**named, "episode": turn.episode, "reason": turn.reason.value}
        match kind:
            case "segment":
                because = Because(key=f"rules.segment.{turn.reason}", values=data)
                self._event("rules.segment_left", key, data, (because, *reasons))
            case "shadow":
                because = Because(key=f"rules.state.{turn.reason}", values=data)
                self._event("rules.shadow_cleared", key, data, (because, *reasons))
            case _:
                because = Because(key=f"rules.state.{turn.reason}", values=data)
                self._event("rules.cleared", key, {**data, "fire": key}, (because, *reasons))

    def _held(
        self,
        each: Followed | None,
        turn: Suppressed,
        named: JsonObject,
        reasons: tuple[Because, ...],
    ) -> None:
        data: JsonObject = {
            **named,
            "reason": turn.reason.value,
            "until": None if turn.until is None else turn.until.isoformat(),
        }
        because = Because(key=f"rules.held.{turn.reason}", values={**data, **_limit(each, turn)})
        key = f"{named['rule']}@{named['shadow']}@{turn.reason}@{self._micros()}"
        self._event("rules.suppressed", key, data, (because, *reasons))

    def _event(self, name: str, key: str, data: JsonObject, because: tuple[Because, ...]) -> None:
        self.events.append(
            Event(
                id=EventId(derive(name, self.customer, key)),
                name=name,
                customer=self.customer,
                occurred_at=self.now,
                data=data,
                because=because,
            )
        )

    def _micros(self) -> int:
        return to_micros(self.now)


def _limit(each: Followed | None, turn: Suppressed) -> JsonObject:
    """What the limit says."""
    if each is None:
        return {}
    rule = each.rule
    match turn.reason:
        case Limit.COOLDOWN if rule.cooldown is not None:
            return {"seconds": int(rule.cooldown.total_seconds())}
        case Limit.MAX_PER if rule.max_per is not None:
            return {
                "count": rule.max_per.count,
                "seconds": int(rule.max_per.window.total_seconds()),
            }
        case Limit.TERM_UNKNOWN:
            return {"signal": rule.term}
        case _:
            return {"per": rule.once_per}
