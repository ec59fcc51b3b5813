"""Following the health of a customer: on news, every day, with overrides; and its history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve
from tests.health.worlds import BANDS, HIGHER, NOW, usual

from retainkit.core import (
    EVERY_NAME,
    Answer,
    Because,
    Decision,
    Due,
    Effect,
    Event,
    Facts,
    Performed,
    RecordedEvent,
    Woken,
)
from retainkit.errors import InvalidInput
from retainkit.health import (
    UNKNOWN,
    Component,
    Factors,
    HealthCase,
    HealthFeature,
    HealthModel,
    HealthModels,
    HealthPoint,
    Linear,
    Override,
    health_case,
    history,
    point_at,
    request_end,
    request_override,
    rescore_request,
)
from retainkit.ids import CustomerId, EventId, TenantId
from retainkit.messages.reasons import explain_text
from retainkit.rules import Number, Signals, Text, anything, days, event
from retainkit.signals import Measures


ACME = CustomerId("acme")


class Customer(Signals):
    """What is known here: two facts, and one that is counted."""

    usage = Number()
    plan = Text()
    failures = event("payment.failed").count(days(30))


def _model(**changes: Any) -> HealthModel:
    values: dict[str, Any] = {
        "components": (
            Component(
                signal=Customer.usage, direction=HIGHER, weight=80, mapping=Linear(low=0, high=100)
            ),
            Component(
                name="payments",
                weight=20,
                mapping=Factors(cases=((Customer.failures >= 1, 0),), otherwise=100),
            ),
        ),
        "caps": (),
    }
    return usual(**{**values, **changes})


MODELS = HealthModels(models=[_model()])


class World:
    """One customer, a clock that is turned by hand, and the feature."""

    def __init__(self, models: HealthModels = MODELS) -> None:
        self.measures = Measures(Customer, conditions=models.conditions, zone="Europe/Berlin")
        self.feature = HealthFeature(models, self.measures)
        self.now = NOW
        self.case: HealthCase | None = None
        self.wake: datetime | None = None
        self.past: list[RecordedEvent] = []
        self.report("customer.created", at=NOW - days(100))

    def report(
        self, name: str, data: Mapping[str, Any] | None = None, at: datetime | None = None
    ) -> RecordedEvent:
        """Something happened, and is known now."""
        return self.know(
            Event(
                id=EventId(f"e{len(self.past)}"),
                name=name,
                customer=ACME,
                occurred_at=at or self.now,
                data=data or {},
            )
        )

    def know(self, event: Event) -> RecordedEvent:
        """An event is on the timeline."""
        recorded = RecordedEvent(event=event, sequence=len(self.past) + 1, recorded_at=self.now)
        self.past.append(recorded)
        return recorded

    def set(self, **facts: object) -> list[Event]:
        """The host states facts; what is said about it."""
        return self.wakes([self.report("signals.set", self.measures.facts(facts))])

    def wakes(self, news: Iterable[RecordedEvent]) -> list[Event]:
        """The news are decided."""
        return self._decided(Woken(events=tuple(news)))

    def next(self) -> list[Event]:
        """The time that the feature asked for has come."""
        assert self.wake is not None
        self.now = self.wake
        return self._decided(Due())

    def day(self, count: int, **facts: object) -> list[Event]:
        """Some days later, the host states facts, or nothing does."""
        self.now += timedelta(days=count)
        return self.set(**facts) if facts else self._decided(Due())

    def _decided(self, trigger: Woken | Due) -> list[Event]:
        decision = self.decide(trigger)
        again = self.decide(trigger)
        assert decision == again  # the same arguments, the same decision
        self.case, self.wake = decision.case, decision.wake
        for told in decision.events:
            self.know(told)
        return list(decision.events)

    def decide(self, trigger: Woken | Due) -> Decision[HealthCase]:
        """What the feature says."""
        buckets = self.measures.recount(self.past)
        wanted = self.feature.wanted(self.case, trigger, self.now)
        seen = [
            bucket
            for bucket in buckets
            if bucket.metric in wanted.metrics and (bucket.day == 0 or bucket.day >= wanted.since)
        ]
        facts = Facts(tenant=TenantId("main"), customer=ACME, buckets=tuple(seen))
        return self.feature.decide(self.case, trigger, facts, self.now, None)


def _names(events: Iterable[Event]) -> list[str]:
    return [each.name for each in events]


def test_the_first_score_is_told_with_what_it_is_made_of() -> None:
    """80 of 100 usage at four fifths, no payment failed: 84, green."""
    world = World()
    scored, band = world.set(usage=80)
    assert (scored.name, band.name) == ("health.scored", "health.band_changed")
    assert scored.data["score"] == "84.00"
    assert scored.data["band"] == "green"
    assert scored.data["before"] is None
    assert scored.data["parts"] == {
        "usage": {"part": "64.00", "points": "80.0000", "weight": "0.800000000"},
        "payments": {"part": "20.00", "points": "100.0000", "weight": "0.200000000"},
    }
    assert scored.because[0].key == "health.scored.first"
    assert (band.data["band"], band.data["before"]) == ("green", None)


def test_of_a_customer_of_whom_nothing_is_known_nothing_is_told() -> None:
    """Not even that the band is unknown; the next day is looked at again."""
    world = World(HealthModels(models=[_model(components=_model().components[:1], total=80)]))
    assert world.wakes([world.report("customer.zone_set", {"zone": "Europe/Berlin"})]) == []
    assert world.case is not None
    assert world.case.told is None


def test_a_small_move_is_not_told_and_is_not_lost() -> None:
    """A twentieth of the scale is told: 2.4 points are not, 2.4 and 4 together are."""
    world = World()
    world.set(usage=80)
    assert world.set(usage=77) == []
    (moved,) = world.set(usage=72)
    assert moved.data["score"] == "77.60"
    assert moved.data["shifts"] == {"usage": "-6.40"}
    before = moved.data["before"]
    assert isinstance(before, Mapping)
    assert before["score"] == "84.00"
    assert [each.key for each in moved.because][:2] == ["health.scored.moved", "health.shift"]
    assert moved.because[0].values["by"] == "-6.40"


def test_what_is_no_longer_known_is_not_said_to_be_better() -> None:
    """The bad use is gone, and the score rises: since it is silent, and for that reason alone."""
    world = World(HealthModels(models=[_model(minimum_coverage=0)]))
    world.set(usage=10)
    moved = world.set(usage=None)[0]
    reason = moved.because[1]
    assert reason == Because(
        key="health.shift.silent",
        values={"component": "usage", "by": "72.00", "silence": "missing"},
    )
    assert explain_text(reason.key, reason.values, "en") == (
        "usage has no say any more (not known), which moved it: 72.00."
    )
    assert explain_text(reason.key, reason.values, "de") == (
        "usage sagt nichts mehr aus (nicht bekannt); das hat ihn verändert: 72,00."
    )


def test_a_step_of_its_own_is_kept_to() -> None:
    """One point, where the model says so."""
    world = World(HealthModels(models=[_model(step=1)]))
    world.set(usage=80)
    assert _names(world.set(usage=78)) == ["health.scored"]


def test_another_band_is_told_however_small_the_move() -> None:
    """From 75.20 to 74.40."""
    world = World()
    world.set(usage=69)
    scored, band = world.set(usage=68)
    assert scored.data["score"] == "74.40"
    assert (band.data["before"], band.data["band"]) == ("green", "yellow")
    assert band.because[0].key == "health.band.moved"


def test_a_failed_payment_moves_the_score_by_payments_alone() -> None:
    """Counted from the timeline, without anything that the host sets."""
    world = World()
    world.set(usage=80)
    scored, _ = world.wakes([world.report("payment.failed", {"invoice": "in_1"})])
    assert scored.data["shifts"] == {"payments": "-20.00"}


def test_time_alone_moves_a_score() -> None:
    """30 days after the failure it is out of the window, and nobody has to tell."""
    world = World()
    world.set(usage=80)
    world.wakes([world.report("payment.failed", {"invoice": "in_1"})])
    told: list[Event] = []
    for _ in range(32):
        told += world.next()
    assert _names(told) == ["health.scored", "health.band_changed"]
    assert told[0].data["score"] == "84.00"
    assert told[0].occurred_at == datetime(2026, 11, 30, 23, tzinfo=UTC)  # midnight in Berlin


def test_each_day_begins_in_the_customers_zone() -> None:
    """That of the kit until the customer's own is told."""
    world = World()
    world.set(usage=80)
    assert world.wake == datetime(2026, 11, 1, 23, tzinfo=UTC)
    zone = world.report("customer.zone_set", {"zone": "America/New_York"})
    world.wakes([zone])
    assert world.wake == datetime(2026, 11, 2, 5, tzinfo=UTC)


def test_a_score_that_is_known_no_more_is_told() -> None:
    """The fact was taken back: the rest is a fifth of the weight, and no band."""
    world = World()
    world.set(usage=80)
    scored, band = world.set(usage=None)
    assert (scored.data["coverage"], scored.data["band"]) == ("0.2000", UNKNOWN)
    assert band.data["band"] == UNKNOWN
    alone = World(HealthModels(models=[_model(components=_model().components[:1], total=80)]))
    alone.set(usage=80)
    lost, _ = alone.set(usage=None)
    assert lost.data["score"] is None
    assert lost.because[0].key == "health.scored.lost"
    assert alone.day(1) == []  # said once
    found, _ = alone.set(usage=10)
    assert found.because[0].key == "health.scored.found"


def test_the_segment_decides_which_model_tells() -> None:
    """A customer who leaves all segments has no health; and the change is the model's."""
    free = _model(id="free", segment=Customer.plan.eq("free"), components=_model().components)
    paid = _model(
        id="paid",
        segment=Customer.plan.eq("team"),
        total=80,
        components=_model().components[:1],
    )
    world = World(HealthModels(models=[free, paid]))
    first, _ = world.set(usage=80, plan="free")
    assert first.data["model"] == "free"
    other = world.set(plan="team")[0]
    assert (other.data["model"], other.data["score"]) == ("paid", "80.00")
    assert other.data["shifts"] == {"model": "-4.00"}
    assert other.because[0].key == "health.scored.remodelled"
    gone, band = world.set(plan="trial")
    assert (gone.data["model"], gone.data["score"], band.data["band"]) == ("", None, UNKNOWN)
    assert "health.model.none" in {each.key for each in gone.because}


def test_a_trend_grows_out_of_days() -> None:
    """Three points a day down, for three weeks: 21 a week."""
    world = World(HealthModels(models=[_model(components=_model().components[:1], total=80)]))
    told = world.set(usage=90)
    for day in range(1, 22):
        told += world.day(1, usage=90 - 3 * day)
    assert told[0].data["trend"] is None
    last = [each for each in told if each.name == "health.scored"][-1]
    assert Decimal(str(last.data["trend"])) == Decimal("-21.00")
    assert world.case is not None
    assert len(world.case.days) == 22


def test_the_days_are_those_of_the_trend() -> None:
    """No more than its window is kept; another model begins anew."""
    world = World()
    world.set(usage=80)
    for _ in range(40):
        world.next()
    assert world.case is not None
    assert len(world.case.days) == 29
    world.feature = HealthFeature(HealthModels(models=[_model(places=0)]), world.measures)
    (told,) = world.next()
    assert told.because[0].key == "health.scored.remodelled"
    assert len(world.case.days) == 1


def test_hysteresis_holds_a_band_from_day_to_day() -> None:
    """Green stays green down to 72, although no score is told."""
    bands = evolve(BANDS, hysteresis=3)
    world = World(HealthModels(models=[_model(bands=bands)]))
    world.set(usage=70)
    assert world.set(usage=67) == []
    world.next()
    assert world.set(usage=66) == []
    assert "health.band_changed" in _names(world.set(usage=64))
    assert world.case is not None
    assert world.case.band == "yellow"


# ---------------------------------------------------------------------------------------- overrides


def _override(**changes: Any) -> Override:
    values = {"band": "red", "reason": "sponsor_left", "actor": "kim", "until": NOW + days(30)}
    return Override(**{**values, **changes})


def test_a_persons_word_is_the_band_until_its_end() -> None:
    """The score beside it goes on; at the end the band is the model's again."""
    world = World()
    world.set(usage=80)
    asked = request_override(MODELS, ACME, _override(until=NOW + timedelta(hours=3)), world.now)
    overridden, band = world.wakes([world.know(asked)])
    assert (overridden.name, overridden.actor) == ("health.overridden", "kim")
    assert overridden.data["plain"] == "green"
    assert (band.data["band"], band.data["overridden"]) == ("red", True)
    assert world.set(usage=81) == []
    scored = world.set(usage=99)
    assert _names(scored) == ["health.scored"]
    assert (scored[0].data["band"], scored[0].data["plain"]) == ("red", "green")
    assert world.wake == NOW + timedelta(hours=3)
    ended, back = world.next()
    assert (ended.name, ended.actor) == ("health.override_ended", "retainkit")
    assert ended.because[0].key == "health.override.expired"
    assert (back.name, back.data["band"]) == ("health.band_changed", "green")
    assert world.case is not None
    assert world.case.override is None


def test_a_person_ends_an_override() -> None:
    """And says why; a second time there is nothing to end."""
    world = World()
    world.set(usage=80)
    world.wakes([world.know(request_override(MODELS, ACME, _override(), world.now))])
    asked = request_end(ACME, actor="lou", reason="sponsor_is_back", now=world.now)
    ended, back = world.wakes([world.know(asked)])
    assert (ended.actor, ended.data["reason"]) == ("lou", "sponsor_left")
    assert ended.because[0].values == {"reason": "sponsor_is_back"}
    assert back.data["band"] == "green"
    again = evolve(asked, id=EventId("again"))
    assert world.wakes([world.know(again)]) == []


def test_an_override_can_come_before_the_first_score() -> None:
    """The band is known by a person's word, though nothing else is."""
    world = World(HealthModels(models=[_model(components=_model().components[:1], total=80)]))
    asked = request_override(MODELS, ACME, _override(), world.now)
    assert _names(world.wakes([world.know(asked)])) == ["health.overridden", "health.band_changed"]


@pytest.mark.parametrize(
    ("changes", "code", "field", "value"),
    [
        ({"band": "purple"}, "health.unknown_band", "band", "purple"),
        ({"band": UNKNOWN}, "health.unknown_band", "band", UNKNOWN),
        ({"until": NOW}, "health.override_end", "until", NOW.isoformat()),
        ({"actor": ""}, "health.actor", "actor", ""),
        ({"reason": "Kim said so"}, "health.reason", "reason", 11),
        ({"reason": ""}, "health.reason", "reason", 0),
    ],
)
def test_an_override_is_somebodys_word_on_a_band_until_a_day(
    changes: Mapping[str, Any], code: str, field: str, value: object
) -> None:
    """Anything else is refused, with the way out."""
    with pytest.raises(InvalidInput) as caught:
        request_override(MODELS, ACME, _override(**changes), NOW)
    error = caught.value
    assert (error.code, error.field, error.value) == (code, field, value)
    assert error.remedy


def test_an_override_is_about_somebody() -> None:
    """It would be recorded, and never decided; so would its end."""
    nobody = CustomerId(" ")
    with pytest.raises(InvalidInput) as asked:
        request_override(MODELS, nobody, _override(), NOW)
    with pytest.raises(InvalidInput) as ended:
        request_end(nobody, actor="kim", reason="x", now=NOW)
    for error in (asked.value, ended.value):
        assert (error.code, error.field, error.value) == ("health.customer", "customer", " ")
        assert error.remedy == "pass the id of a customer"


def test_an_override_that_can_not_be_read_or_is_over_changes_nothing() -> None:
    """Somebody else wrote such an event; or it was decided late."""
    world = World()
    world.set(usage=80)
    for data in ({}, {"band": "red", "reason": "two words", "until": "2027-01-01T00:00:00+00:00"}):
        assert world.wakes([world.report("health.override_requested", data)]) == []
    late = request_override(MODELS, ACME, _override(until=NOW + days(1)), NOW)
    world.now += days(2)
    assert world.wakes([world.know(late)]) == []


# ------------------------------------------------------------------------------------------ history


def test_sixty_days_after_a_save_the_health_is_in_the_history() -> None:
    """A review needs the score of then and of now, and the trend between."""
    world = World()
    world.set(usage=20)
    saved_at = world.now
    for week in range(1, 9):
        world.day(7, usage=20 + 8 * week)
    world.day(4)
    points = history(recorded.event for recorded in world.past)
    then, later = point_at(points, saved_at), point_at(points, saved_at + days(60))
    assert then is not None
    assert later is not None
    assert (then.score, then.band) == (Decimal("36.00"), "red")
    assert (later.score, later.band) == (Decimal("87.20"), "green")
    assert point_at(points, saved_at - days(1)) is None
    assert [point.at for point in points] == sorted(point.at for point in points)


def test_history_has_the_bands_that_people_saw() -> None:
    """An override counts, also where no score was told."""
    world = World()
    world.set(usage=80)
    world.day(1)
    world.wakes([world.know(request_override(MODELS, ACME, _override(), world.now))])
    points = history(recorded.event for recorded in reversed(world.past))
    assert [(point.score, point.band) for point in points] == [
        (Decimal("84.00"), "green"),
        (Decimal("84.00"), "red"),
    ]
    assert isinstance(points[0], HealthPoint)


# ------------------------------------------------------------------------------------ when asked


def test_who_was_there_before_health_is_scored_when_asked() -> None:
    """Nothing happens to the customer: the request alone has the health told."""
    world = World()
    world.report("signals.set", world.measures.facts({"usage": 80}))
    asked = rescore_request(ACME, NOW)
    assert (asked.name, asked.customer, asked.occurred_at) == (
        "health.rescore_requested",
        ACME,
        NOW,
    )
    assert rescore_request(ACME, NOW).id == asked.id  # asking twice at once is asking once
    scored, _ = world.wakes([world.know(asked)])
    assert (scored.name, scored.data["score"]) == ("health.scored", "84.00")
    assert isinstance(world.case, world.feature.case_type)
    assert world.case.id == health_case(ACME) != health_case(CustomerId("other"))


def test_the_health_can_be_seen_without_telling_it() -> None:
    """As it would be told at this instant, with the trend of what is kept; also before any is."""
    world = World()
    for usage in (60, 50, 40):
        world.day(7, usage=usage)
    counted = world.measures.recount(world.past)
    seen = world.feature.health(world.case, counted, world.now)
    assert seen is not None
    assert (seen.score, seen.band, seen.trend) == (Decimal(52), "yellow", Decimal(-8))
    assert [each.name for each in seen.contributions] == ["usage", "payments"]
    assert seen.because
    alone = world.feature.health(None, counted, world.now)
    assert alone is not None
    assert (alone.score, alone.trend) == (Decimal(52), None)


def test_of_whom_no_model_is_nothing_is_seen() -> None:
    """Health is told of those on the team plan only."""
    world = World(HealthModels(models=[_model(segment=Customer.plan.eq("team"))]))
    world.report("signals.set", world.measures.facts({"usage": 80, "plan": "free"}))
    counted = world.measures.recount(world.past)
    assert world.feature.health(None, counted, world.now) is None


# ----------------------------------------------------------------------------------- what it needs


def test_it_is_woken_by_what_its_signals_read() -> None:
    """And by what is asked of it; not by what other signals count."""

    class More(Customer):
        logins = event("login").count(days(7))

    measures = Measures(More, conditions=MODELS.conditions)
    feature = HealthFeature(MODELS, measures)
    assert "login" in measures.events
    assert feature.subscribes == {
        "signals.set",
        "payment.failed",
        "event.retagged",
        "customer.zone_set",
        "health.override_requested",
        "health.override_end_requested",
        "health.rescore_requested",
    }


def test_one_that_reads_every_name_is_woken_by_every_event() -> None:
    """A silence ends with whatever happens, not in the night after."""
    back = anything(but=("mail.sent",)).last().less_than_ago(days(21))
    alive = Component(name="alive", weight=100, mapping=Factors(cases=((back, 100),), otherwise=0))
    models = HealthModels(models=[_model(total=100, components=(alive,))])
    measures = Measures(Customer, conditions=models.conditions)
    assert EVERY_NAME in HealthFeature(models, measures).subscribes
    assert EVERY_NAME not in HealthFeature(MODELS, measures).subscribes


def test_what_nobody_counts_is_refused() -> None:
    """A signal that the kit does not know, or one made by a condition that it was not given."""
    with pytest.raises(InvalidInput) as caught:
        HealthFeature(MODELS, Measures({"usge": Number(name="usge")}))
    assert (caught.value.code, caught.value.value) == ("rules.unknown_signal", "usage")
    cases = ((event("ticket.opened").at_least(3).within(days(7)), 0),)
    calm = _model(
        total=100,
        components=(
            Component(name="calm", weight=100, mapping=Factors(cases=cases, otherwise=100)),
        ),
    )
    models = HealthModels(models=[calm])
    with pytest.raises(InvalidInput) as caught:
        HealthFeature(models, Measures(Customer))
    assert (caught.value.code, caught.value.field) == ("rules.unknown_signal", "measures")
    assert "conditions=models.conditions" in caught.value.remedy
    assert HealthFeature(models, Measures(Customer, conditions=models.conditions)).name == "health"


def test_it_asks_for_nothing_to_be_performed() -> None:
    """So an outcome is none of its business."""
    feature = World().feature
    facts = Facts(tenant=TenantId("main"), customer=ACME)
    outcome = Performed(effect=Effect(kind="x", attempt="1"), outcome=Answer(data={}))
    assert feature.decide(None, outcome, facts, NOW, None) == Decision()
    assert feature.upcast({"a": 1}, 1) == {"a": 1}
    assert feature.definition == {}
