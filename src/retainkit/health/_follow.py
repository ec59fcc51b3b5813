"""One look at a customer's health: what was asked, the score, and what of it is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from retainkit.core import Because, Event, JsonValue, content_hash
from retainkit.health._bands import UNKNOWN
from retainkit.health._change import Shift, explain_change
from retainkit.health._history import BAND_CHANGED, SCORED, point_data
from retainkit.health._model import HealthModel
from retainkit.health._models import HealthModels
from retainkit.health._override import (
    OVERRIDE_END_REQUESTED,
    OVERRIDE_REQUESTED,
    Override,
    override_in,
)
from retainkit.health._score import Contribution, Health, score
from retainkit.health._trend import HealthPoint
from retainkit.ids import EventId, derive
from retainkit.rules import Readings


if TYPE_CHECKING:
    from retainkit.health._feature import HealthCase

NO_MODEL = ""
"""The model of a customer who is in none of their segments."""


@define(kw_only=True)
class Following:
    """
    Follows one customer at one instant.

    Args:
        models: The models.

        case: What is kept; changed here.

        at: The instant, in UTC.

        day: Its date in the customer's zone.

        events: What happened.
    """

    models: HealthModels
    case: HealthCase
    at: datetime
    day: date
    events: list[Event] = field(factory=list)

    def hear(self, events: Iterable[Event]) -> None:
        """Take up what people asked for, in the order it was learned."""
        for event in events:
            if event.name == OVERRIDE_REQUESTED:
                override = override_in(event)
                if override is not None and override.until > self.at:
                    self._override(override)
            elif event.name == OVERRIDE_END_REQUESTED and self.case.override is not None:
                reason = str(event.data.get("reason", ""))
                because = Because(key="health.override.withdrawn", values={"reason": reason})
                self._end_override(self.case.override, because, event.actor)

    def score(self, known: Readings) -> None:
        """Score the customer, and tell what changed."""
        override = self.case.override
        if override is not None and override.until <= self.at:
            values = {"until": override.until.isoformat()}
            expired = Because(key="health.override.expired", values=values)
            self._end_override(override, expired, "retainkit")
        model = self.models.of(known, self.at)
        health = self.health(model, known)
        self._keep_day(model, health)
        reasons = self._moved(model, health)
        band = self._band(health)
        if reasons:
            self._tell_score(health, band, reasons)
        if band != (self.case.band or UNKNOWN):
            self._tell_band(health, band)
        self.case = evolve(self.case, band=band, plain=health.band)

    def health(self, model: HealthModel | None, known: Readings) -> Health:
        """The health by a model; with the trend and the hysteresis of what is kept."""
        if model is None:
            return Health(
                model=NO_MODEL,
                version="",
                at=self.at,
                score=None,
                coverage=Decimal(0),
                trend=None,
                band=UNKNOWN,
                contributions=(),
                because=(Because(key="health.model.none"),),
            )
        return score(model, known, self.at, before=self._past(model))

    def _past(self, model: HealthModel) -> Sequence[HealthPoint]:
        """The days before, and the band of the last look."""
        if self.case.version != model.version:
            return ()
        return [
            HealthPoint(
                at=self.at - (self.day - date.fromisoformat(day)),
                score=points,
                coverage=Decimal(1),
                band=self.case.plain,
                version=model.version,
            )
            for day, points in sorted(self.case.days.items())
            if day < self.day.isoformat()
        ] or ([self._last(model)] if self.case.plain else [])

    def _last(self, model: HealthModel) -> HealthPoint:
        return HealthPoint(
            at=self.at,
            score=None,
            coverage=Decimal(1),
            band=self.case.plain,
            version=model.version,
        )

    def _keep_day(self, model: HealthModel | None, health: Health) -> None:
        if model is None:
            self.case = evolve(self.case, days={}, version="")
            return
        same = self.case.version == model.version
        oldest = (self.day - model.trend_over).isoformat()
        days = {day: s for day, s in self.case.days.items() if same and day >= oldest}
        if health.score is not None:
            days[self.day.isoformat()] = health.score
        self.case = evolve(self.case, days=days, version=model.version)

    def _moved(self, model: HealthModel | None, health: Health) -> list[Because]:
        """Why the score is told; nothing when it is not."""
        told = self.case.told
        now = None if health.score is None else str(health.score)
        if told is None:
            return [] if now is None else [_because("health.scored.first", score=now)]
        was = None if told.score is None else str(told.score)
        if told.version != health.version:
            values = {"score": now, "before": was, "model": health.model}
            return [Because(key="health.scored.remodelled", values=values)]
        if health.score is None or told.score is None:
            if health.score is None and told.score is None:
                return []
            key = "health.scored.lost" if now is None else "health.scored.found"
            return [Because(key=key, values={"score": now, "before": was})]
        least = Decimal(0) if model is None else model.least_move
        change = health.score - told.score
        if abs(change) < least and health.band == told.band:
            return []
        moved = _because("health.scored.moved", score=now, before=was, by=str(change))
        return [moved, *_of_shifts(explain_change(told, health))]

    def _band(self, health: Health) -> str:
        return health.band if self.case.override is None else self.case.override.band

    def _override(self, override: Override) -> None:
        self.case = evolve(self.case, override=override)
        values: dict[str, JsonValue] = {**override.to_json(), "plain": self.case.plain or UNKNOWN}
        self._say(
            "health.overridden",
            values,
            [Because(key="health.overridden", values=override.to_json())],
            override.actor,
        )

    def _end_override(self, override: Override, because: Because, actor: str) -> None:
        self.case = evolve(self.case, override=None)
        self._say("health.override_ended", override.to_json(), [because], actor)

    def _tell_score(self, health: Health, band: str, reasons: Sequence[Because]) -> None:
        told = self.case.told
        shifts = () if told is None else explain_change(told, health)
        data: dict[str, JsonValue] = {
            **point_data(health, band),
            "plain": health.band,
            "trend": None if health.trend is None else str(health.trend),
            "before": None if told is None else {**point_data(told, self.case.band)},
            "shifts": {shift.name: str(shift.by) for shift in shifts},
            "parts": {each.name: _part(each) for each in health.contributions},
        }
        self._say(SCORED, data, [*reasons, *health.because])
        self.case = evolve(self.case, told=health.standing)

    def _tell_band(self, health: Health, band: str) -> None:
        data = {
            **point_data(health, band),
            "plain": health.band,
            "before": self.case.band or None,
            "overridden": self.case.override is not None,
        }
        override = self.case.override
        why = (
            _because("health.band.moved", band=band, before=self.case.band or UNKNOWN)
            if override is None
            else Because(key="health.overridden", values=override.to_json())
        )
        self._say(BAND_CHANGED, data, [why])

    def _say(
        self,
        name: str,
        data: Mapping[str, JsonValue],
        because: Iterable[Because],
        actor: str = "retainkit",
    ) -> None:
        # With what it says, as a clock can come by the same instant again.
        natural = f"{self.at.isoformat()}:{len(self.events)}:{content_hash(data)}"
        self.events.append(
            Event(
                id=EventId(derive(self.case.id, name, natural)),
                name=name,
                customer=self.case.customer,
                occurred_at=self.at,
                data=dict(data),
                actor=actor,
                because=tuple(because),
            )
        )


def _because(key: str, **values: JsonValue) -> Because:
    return Because(key=key, values=values)


def _of_shifts(shifts: Iterable[Shift]) -> Iterator[Because]:
    for shift in shifts:
        values: dict[str, JsonValue] = {"component": shift.name, "by": str(shift.by)}
        if shift.silence is None:
            yield Because(key="health.shift", values=values)
        else:
            values["silence"] = shift.silence.value
            yield Because(key="health.shift.silent", values=values)


def _part(found: Contribution) -> dict[str, JsonValue]:
    return {
        "part": str(found.part),
        "points": None if found.points is None else str(found.points),
        "weight": str(found.weight),
        **({} if found.silence is None else {"silence": found.silence.value}),
    }
