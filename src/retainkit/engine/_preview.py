"""What another rulebook would change in the present population; nothing is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from retainkit.core import Bucket, Wanted
from retainkit.engine._counting import measured
from retainkit.ids import CustomerId
from retainkit.rules import (
    Condition,
    Difference,
    Readings,
    Rulebook,
    RuleStatus,
    Truth,
    compiled,
    version,
)
from retainkit.signals import Measures


if TYPE_CHECKING:
    from retainkit.engine._join import JoinedKit


class Preview:
    """
    Asks the conditions of two rulebooks, one customer at a time.

    Args:
        measures: What is counted for the old one.

        old: The one in force.

        new: The one that might be.
    """

    def __init__(self, measures: Measures, old: Rulebook, new: Rulebook) -> None:
        self._counted = measures
        self._measures = measured(measures.signals, new, zone=measures.zone)
        before, after = dict(_places(old, drafts=False)), dict(_places(new, drafts=True))
        self._changed = [
            place
            for place in dict.fromkeys([*before, *after])
            if _meaning(before, place, old) != _meaning(after, place, new)
        ]
        self._before = compiled(
            {place: before[place] for place in self._changed if place in before},
            segments=old.segments,
        )
        self._after = compiled(
            {place: after[place] for place in self._changed if place in after},
            segments=new.segments,
        )
        self._moves: dict[str, dict[str, list[CustomerId]]] = {
            place: {"enters": [], "leaves": [], "holds": []} for place in self._changed
        }
        self._stays = dict.fromkeys(self._changed, 0)
        self._asked = 0

    def wanted(self, now: datetime) -> Wanted:
        """What both books read of what is counted."""
        return self._measures.wanted(now)

    def read(
        self, k: JoinedKit, customer: CustomerId, counted: tuple[Bucket, ...], now: datetime
    ) -> Readings:
        """What is known; what nobody has counted so far is counted from the timeline."""
        if not self._measures.wanted(now).metrics <= self._counted.wanted(now).metrics:
            counted = tuple(self._measures.recount(k.timeline(customer)))
        return self._measures.read(counted, now)

    def add(self, customer: CustomerId, known: Readings, now: datetime) -> None:
        """Ask about one customer."""
        before, after = self._before.truths(known, now), self._after.truths(known, now)
        self._asked += 1
        for place in self._changed:
            was = before.get(place) is Truth.TRUE
            match after.get(place, Truth.FALSE):
                case Truth.TRUE if was:
                    self._stays[place] += 1
                case Truth.TRUE:
                    self._moves[place]["enters"].append(customer)
                case Truth.FALSE if was:
                    self._moves[place]["leaves"].append(customer)
                case Truth.UNKNOWN if was:
                    self._moves[place]["holds"].append(customer)
                case _:
                    pass

    def differences(self) -> Mapping[str, Difference]:
        """What came of it."""
        return {
            place: Difference(
                enters=tuple(moves["enters"]),
                leaves=tuple(moves["leaves"]),
                holds=tuple(moves["holds"]),
                stays=self._stays[place],
                asked=self._asked,
            )
            for place, moves in self._moves.items()
        }


def _places(book: Rulebook, *, drafts: bool) -> Iterator[tuple[str, Condition]]:
    idle = {RuleStatus.RETIRED} if drafts else {RuleStatus.RETIRED, RuleStatus.DRAFT}
    for rule in book.rules:
        if rule.status not in idle:
            yield f"rule:{rule.id}", rule.when
    for name, when in book.segments.items():
        yield f"segment:{name}", when


def _meaning(places: Mapping[str, Condition], place: str, book: Rulebook) -> str | None:
    return version(places[place], book.segments) if place in places else None
