"""What signals mean: held against an oracle that looks at raw events, in any order and batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.signals.everything import CONDITIONS, START, Everything, dense, histories, nows
from tests.signals.oracle import Past, answer, known_by

from retainkit.core import Bucket, Event, RecordedEvent
from retainkit.rules import Readings, days
from retainkit.signals import ZONE_METRIC, Measures


MEASURES = Measures(Everything, conditions=CONDITIONS, zone="Europe/London")


def together(buckets: Iterable[Bucket]) -> dict[tuple[str, str, int], Bucket]:
    """Buckets of one customer added up, as a store does it."""
    kept: dict[tuple[str, str, int], Bucket] = {}
    for bucket in buckets:
        key = (bucket.metric, bucket.part, bucket.day)
        known = kept.get(key)
        if known is None:
            kept[key] = bucket
            continue
        later = max(known, bucket, key=lambda each: (each.last, each.last_id))
        kept[key] = later._replace(
            count=known.count + bucket.count,
            total=known.total + bucket.total,
            first=min(known.first, bucket.first),
        )
    return kept


def values(known: Readings, now: datetime) -> dict[str, object]:
    """The values that are known now."""
    return {name: known.known(name, now) for name in MEASURES.signals}


def facts(past: Past) -> dict[str, object]:
    """The latest facts that are values of their signals, fresh ones."""
    found: dict[str, object] = {}
    for event in past.real():
        if event.name == "signals.set" and isinstance(event.data["signals"], Mapping):
            for name, value in event.data["signals"].items():
                fits = isinstance(value, bool) is (name == "paying")
                found[name] = value if fits else None
                if name == "seats" and past.now >= event.occurred_at + SEATS_FRESH:
                    found[name] = None
    return found


SEATS_FRESH = days(20)


def meant(events: list[Event], now: datetime) -> dict[str, object]:
    """What the oracle says."""
    past = Past(events=events, now=now, zone="Europe/London")
    told = facts(past)
    return {name: answer(signal, past, told) for name, signal in MEASURES.signals.items()}


def differences(
    found: Mapping[str, object], meant: Mapping[str, object]
) -> dict[str, tuple[object, object]]:
    """Where two disagree, in value or in type."""
    return {
        name: (found[name], meant[name]) for name in meant if repr(found[name]) != repr(meant[name])
    }


def wanted(buckets: Iterable[Bucket], now: datetime) -> list[Bucket]:
    """What a store would load of these."""
    want = MEASURES.wanted(now)
    return [
        bucket
        for bucket in buckets
        if bucket.metric in want.metrics and (not bucket.day or bucket.day >= want.since)
    ]


@settings(max_examples=300)
@given(history=histories(), now=nows)
def test_every_derivation_says_what_the_oracle_says(
    history: list[RecordedEvent], now: datetime
) -> None:
    """Zones, clocks that change, origins, late events, events of one instant: all derivations."""
    known = MEASURES.read(wanted(MEASURES.recount(history), now), now)
    assert not differences(values(known, now), meant(known_by(history, None), now))


@settings(max_examples=300)
@given(history=histories(), cuts=st.lists(st.integers(0, 14)), chance=st.randoms())
def test_any_order_in_any_batches_adds_up_to_a_recount(
    history: list[RecordedEvent], cuts: list[int], chance: object
) -> None:
    """What is kept up as events arrive is what a rebuild makes of the whole history."""
    past = Past(events=known_by(history, None), now=START)
    born = [evolve(e, event=evolve(e.event, origin=past.origin(e.event))) for e in history]
    anew = MEASURES.recount(born)
    told = [bucket for bucket in anew if bucket.metric == ZONE_METRIC]
    zones = {bucket.customer: str(bucket.value) for bucket in told}
    events = [recorded.event for recorded in born]
    chance.shuffle(events)  # type: ignore[attr-defined] # a Random
    ends = sorted({*cuts, len(events)})
    batches = [events[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    counted = [bucket for batch in batches for bucket in MEASURES.count(batch, zones)]
    assert together([*counted, *told]) == together(anew)
    assert len(together(anew)) == len(anew), "one bucket each"


@settings(max_examples=300)
@given(history=histories(), now=nows, as_of=st.integers(0, 14))
def test_what_was_known_does_not_move(
    history: list[RecordedEvent], now: datetime, as_of: int
) -> None:
    """What is learned later, however early it happened, changes no answer as of then."""
    then = MEASURES.read(MEASURES.recount(history[:as_of]), now)
    later = MEASURES.read(MEASURES.recount(reversed(history), as_of=as_of), now)
    assert list(later) == list(then)
    assert not differences(values(later, now), meant(known_by(history, as_of), now))


@settings(max_examples=300)
@given(history=histories(), now=nows, wait=st.integers(1, 60 * 24 * 8))
def test_nothing_changes_before_its_time(
    history: list[RecordedEvent], now: datetime, wait: int
) -> None:
    """Until the time that a reading names, time alone does not change it."""
    buckets = MEASURES.recount(history)
    later = now + timedelta(minutes=wait)
    before, after = MEASURES.read(buckets, now), MEASURES.read(buckets, later)
    for name in MEASURES.signals:
        until = before.believed_until(name)
        if until is None or later < until:
            assert before.known(name, now) == after.known(name, later), name


def test_busy_customers_are_read_as_the_oracle_reads_them() -> None:
    """Dense histories, in which sequences close, items come back and trends have a base."""
    known: Counter[str] = Counter()
    for seed in range(200):
        history, now = dense(seed)
        found = values(MEASURES.read(wanted(MEASURES.recount(history), now), now), now)
        assert not differences(found, meant(known_by(history, None), now)), seed
        known.update(name for name, value in found.items() if value)
    never = {name for name in MEASURES.signals if not known[name]}
    assert never == {
        "breadth",
        "count_test",
        "euros",
        "latest_flag",
        "latest_time",
        "paying",
        "seats",
    }, "what these histories don't tell of; all others are met"
