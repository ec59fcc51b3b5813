"""One look at a customer: rules are asked and followed, and what happened becomes events."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime
from functools import cached_property
from typing import Final, assert_never

from attrs import define, field

from retainkit.core import Because, Bucket, Event, JsonObject, JsonValue, Origin, RecordedEvent
from retainkit.ids import CustomerId, EventId, derive
from retainkit.rules import (
    Cleared,
    Ending,
    Fired,
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
    turn_reason,
    why,
)
from retainkit.signals._facts import FACT_EVENT
from retainkit.signals._followed import Followed, Index
from retainkit.signals._measures import Measures
from retainkit.signals._seen import Seen
from retainkit.signals._zones import day_of
from retainkit.timing import to_micros


MOST_LISTED: Final = 50
"""How many late events, and how many days, a ``signals.revised`` names; it counts all events."""

_IDLE = RuleState()
_BEGINS = {
    "rule": "rules.fired",
    "shadow": "rules.shadow_fired",
    "segment": "rules.segment_entered",
}
_ENDS = {
    "rule": "rules.cleared",
    "shadow": "rules.shadow_cleared",
    "segment": "rules.segment_left",
}
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

        at: The instant, in UTC.

        states: Where each group stands; changed here.

        wakes: When time alone can change each group; changed here.

        events: What happened.
    """

    index: Index
    measures: Measures
    customer: CustomerId
    buckets: tuple[Bucket, ...]
    at: datetime
    states: dict[str, RuleState]
    wakes: dict[str, datetime]
    events: list[Event] = field(factory=list)

    def follow(self, groups: Collection[str], news: Collection[str] = ()) -> None:
        """
        Ask these rules and segments, and move each as its answer says.

        Args:
            groups: Which.

            news: The signals that are others now; what they alone keep idle is asked no further.
        """
        index, at = self.index, self.at
        idle = self._kept_idle(groups, news)
        groups = [group for group in groups if group not in idle]
        for group in idle:
            self.wakes.pop(group, None)
        if not groups:
            return
        known = self.measures.read_in(self._seen, index.read_by(groups))
        every = [index.followed[group] for group in groups]
        asked = [name for each in every if is_asked(each.rule, at) for name, _ in each.conditions()]
        truths = index.compiled.truths(known, at, only=asked)
        for each in every:
            self._follow(each, known, truths)

    def forget(self) -> None:
        """End what is followed no more; and what its limits know stays."""
        followed = self.index.followed
        for group in sorted(self.states.keys() - followed.keys()):
            found = end(self.states[group], self.at, Ending.RETIRED)
            self._keep(group, found.state)
            for turn in found.turns:
                self._say(group, None, turn, ())
        for group in self.wakes.keys() - followed.keys():
            del self.wakes[group]

    def tell_late(self, news: Iterable[RecordedEvent]) -> None:
        """
        Say which days that were over are others now, because something was told late.

        Only what a followed rule reads, of days that it still looks at; once a look, however many
        events. Facts are no part of it: they belong to no day, and are often loaded in the night
        after.
        """
        late: list[RecordedEvent] = []
        days: set[date] = set()
        signals: set[str] = set()
        for recorded in news:
            event = recorded.event
            if event.occurred_at >= recorded.recorded_at or not self._is_of_a_day(event):
                continue
            day, told, today = map(self._date, (event.occurred_at, recorded.recorded_at, self.at))
            if day >= told:
                continue
            read = self.index.touched(event)
            others = {name for name in read if self.measures.looks_at(name, day, today)}
            if others:
                late.append(recorded)
                days.add(day)
                signals |= others
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
        # Whoever is woken again from before tells it again; with the time, as it says another one.
        key = derive(*ids, str(to_micros(self.at)))
        self._event("signals.revised", key, data, (because,))

    def _is_of_a_day(self, event: Event) -> bool:
        by_day = event.name != FACT_EVENT and event.name in self.measures.events
        return by_day and event.origin in _COUNTED

    def _date(self, at: datetime) -> date:
        return date.fromordinal(day_of(self._zone, at))

    # ---- one rule

    @cached_property
    def _seen(self) -> Seen:
        return self.measures.seen(self.buckets, self.at)

    @property
    def _zone(self) -> str:
        return self._seen.zones.latest()

    def _kept_idle(self, groups: Collection[str], news: Collection[str]) -> Collection[str]:
        """Those of whom nothing has to be known, and that the news alone make false."""
        idle = {group for group in groups if group not in self.states} if news else ()
        if not idle:
            return ()
        index, at = self.index, self.at
        known = self.measures.read_in(self._seen, news)
        found = index.compiled.ruled_out(news, known, at, only=idle)
        return {group for group in found if is_asked(index.followed[group].rule, at)}

    def _follow(self, each: Followed, known: Readings, truths: dict[str, Truth]) -> None:
        group, rule = each.group, each.rule
        truth, clears = truths.get(group), truths.get(each.clears)
        before = self.states.get(group, _IDLE)
        found = advance(
            rule,
            before,
            self.at,
            truth=Truth.UNKNOWN if truth is None else truth,
            clears=clears,
            zone=self._zone,
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
        times = [flip(each.group, known, self.at, truth=truths[each.group])]
        if state.member and rule.clears_when is not None:
            times.append(flip(each.clears, known, self.at, truth=truths[each.clears]))
        if state.held is not None and rule.term is not None:
            times.append(known.believed_until(rule.term))
        for at in times:
            last = rule.effective_until
            if at is not None and at > self.at and (last is None or at < last):
                yield at

    def _term(self, name: str, known: Readings) -> str | None:
        value = known.known(name, self.at)
        return value.isoformat() if isinstance(value, datetime) else None

    def _reasons(self, each: Followed, turn: Turn, known: Readings) -> tuple[Because, ...]:
        """The leaves that decided it, each once."""
        rule = each.rule
        if isinstance(turn, Cleared) and turn.reason is not Ending.FALSE:
            return ()
        when = rule.when
        if isinstance(turn, Cleared) and rule.clears_when is not None:
            when = rule.clears_when
        explained = why(when, known, self.at, segments=self.index.segments)
        leaves: list[Because] = []
        for leaf in explained.decisive():
            if leaf.because not in leaves:
                leaves.append(leaf.because)
        return tuple(leaves)

    # ---- events

    def _say(
        self, group: str, each: Followed | None, turn: Turn, reasons: tuple[Because, ...]
    ) -> None:
        kind, _, id = group.partition(":")
        data: dict[str, JsonValue] = {"segment" if kind == "segment" else "rule": id}
        if each is not None:
            data["version"] = each.version
        key = f"{group}@{to_micros(self.at)}"
        match turn:
            case Fired(episode=episode):
                key = fire_key(id, self.customer, episode)
                data["episode"] = episode
                name = _BEGINS[kind]
            case Cleared(episode=episode, reason=reason):
                key = fire_key(id, self.customer, episode)
                data |= {"episode": episode, "reason": reason.value}
                name = _ENDS[kind]
            case Suppressed(reason=limit, until=until):
                data |= {"reason": limit.value, "shadow": kind == "shadow"}
                data["until"] = None if until is None else until.isoformat()
                key = f"{key}@{limit}@{data['until']}"  # a clock can come by an instant again
                name = "rules.suppressed"
            case LongUnknown(since=since):
                data |= {"since": since.isoformat(), "shadow": kind == "shadow"}
                key = f"{key}@{data['since']}"
                name = "rules.unknown"
            case _:
                assert_never(turn)
        because = turn_reason(kind, turn, dict(data), None if each is None else each.rule)
        if isinstance(turn, Fired | Cleared) and kind == "rule":
            data["fire"] = key
        self._event(name, key, data, (because, *reasons))

    def _event(self, name: str, key: str, data: JsonObject, because: tuple[Because, ...]) -> None:
        self.events.append(
            Event(
                id=EventId(derive(name, self.customer, key)),
                name=name,
                customer=self.customer,
                occurred_at=self.at,
                data=data,
                because=because,
            )
        )
