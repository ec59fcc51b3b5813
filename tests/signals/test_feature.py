"""Rules and segments followed for one customer: who is asked when, and what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import evolve
from tests.signals.following import NOW, WHO, Following, happened

from retainkit.core import (
    Effect,
    Event,
    Facts,
    Measuring,
    Member,
    NoEffect,
    Origin,
    Performed,
    Woken,
)
from retainkit.ids import TenantId
from retainkit.messages.reasons import explain_text
from retainkit.rules import (
    Flag,
    Number,
    Phase,
    Rule,
    Rulebook,
    Signals,
    Time,
    anything,
    days,
    event,
    fire_key,
    hours,
    members_of,
    rule_group,
    segment,
    segment_group,
)
from retainkit.signals import RECHECK, RECHECK_EVENT, Measures, RulesCase, RulesFeature


class Customer(Signals):
    """What the stories are about."""

    usage = Number(source="app")
    quiet = Flag()
    last_login_at = Time(missing="never")
    renewal_at = Time()
    failures = event("payment.failed").count(days(7))
    last_sign_at = anything(but=("invoice.*",)).last()


C = Customer

LOW = Rule(id="low", when=C.usage < 5)
GONE = Rule(id="gone", when=C.last_login_at.more_than_ago(days(14)))
BROKE = Rule(id="broke", when=C.failures >= 2)


def following(*rules: Rule, zone: str = "UTC", **segments: object) -> Following:
    """A customer under these rules."""
    return Following(feature(*rules, zone=zone, **segments))


def feature(*rules: Rule, zone: str = "UTC", **segments: object) -> RulesFeature:
    """These rules and segments, and what is counted for them."""
    book = Rulebook(signals=Customer, rules=rules, segments=segments)  # type: ignore[arg-type] # conditions
    return RulesFeature(book, Measures(Customer, zone=zone))


def told(at: timedelta = timedelta(0), **values: object) -> Event:
    """Facts, so long after the beginning."""
    return happened("signals.set", NOW + at, Measures(Customer).facts(values))


def keys(said: Event) -> list[str]:
    """Its reasons' keys."""
    return [because.key for because in said.because]


# ---- what is said


def test_a_rule_that_fires_says_why() -> None:
    """The leaves that decided it, each with value, time, source and threshold."""
    world = following(LOW)
    assert world.tell(NOW, told(usage=3)) == ["rules.fired"]
    (fired,) = world.said
    assert fired.data == {
        "rule": "low",
        "version": world.feature.rulebook.versions()["low"],
        "episode": 1,
        "fire": fire_key("low", WHO, 1),
    }
    first, leaf = fired.because
    assert (first.key, first.values["rule"]) == ("rules.state.fired", "low")
    assert leaf.key == "rules.is.lt"
    assert leaf.values == {
        "signal": "usage",
        "value": 3,
        "at": "2026-11-04T09:00:00Z",
        "source": "app",
        "threshold": 5,
    }


def test_only_what_decided_it_is_told() -> None:
    """Of two that would each do, the one that is true."""
    either = Rule(id="either", when=(C.usage < 5) | (C.quiet & ~C.last_login_at.present()))
    world = following(either)
    world.tell(NOW, told(usage=3, quiet=False))
    assert keys(world.said[0]) == ["rules.state.fired", "rules.is.lt"]


def test_what_decided_it_twice_is_told_once() -> None:
    """The same comparison on two ways that are both true."""
    known = (C.usage < 5) & C.quiet.is_true() | (C.usage < 5) & C.last_login_at.present()
    world = following(Rule(id="known", when=known))
    world.tell(NOW, told(usage=3, quiet=True, last_login_at=NOW))
    (fired,) = world.said
    assert sorted(keys(fired)[1:]) == ["rules.is.eq", "rules.is.lt", "rules.is.present"]


def test_the_end_of_an_episode_says_what_ended_it() -> None:
    """By its own threshold, when it has one; and it names the same firing."""
    edged = evolve(LOW, clears_when=C.usage > 8)
    world = following(edged)
    world.tell(NOW, told(usage=3))
    assert world.tell(NOW + hours(1), told(hours(1), usage=6)) == []
    assert world.tell(NOW + hours(2), told(hours(2), usage=9)) == ["rules.cleared"]
    fired, cleared = world.said
    assert cleared.data["fire"] == fired.data["fire"]
    assert cleared.data["reason"] == "false"
    assert keys(cleared) == ["rules.state.false", "rules.is.gt"]


def test_a_firing_that_is_held_back_says_by_what() -> None:
    """Once; and when the pause is over it fires, by its own wake-up."""
    cool = evolve(LOW, cooldown=days(7))
    world = following(cool)
    world.tell(NOW, told(usage=3))
    world.tell(NOW + days(1), told(days(1), usage=9))
    world.until(NOW + days(2))
    assert world.tell(NOW + days(2), told(days(2), usage=3)) == ["rules.suppressed"]
    held = world.said[-1]
    assert held.data["reason"] == "cooldown"
    assert held.data["until"] == (NOW + days(8)).isoformat()
    assert held.because[0].key == "rules.held.cooldown"
    assert held.because[0].values["seconds"] == 7 * 86_400

    assert world.until(NOW + days(8) - timedelta(seconds=1)) == []
    assert world.until(NOW + days(8)) == ["rules.fired"]
    assert world.until(NOW + days(20)) == []


def test_too_long_unknown_is_said_with_what_is_missing() -> None:
    """A finding about the data, not about the customer."""
    watched = evolve(LOW, unknown_for=days(3))
    world = following(watched)
    world.tell(NOW, told(quiet=True))
    assert world.until(NOW + days(3)) == ["rules.unknown"]
    (finding,) = world.said
    assert finding.data["since"] == NOW.isoformat()
    assert keys(finding) == ["rules.state.unknown", "rules.is.lt"]
    assert finding.because[1].values == {"signal": "usage", "gap": "missing", "threshold": 5}


# ---- who is asked


def test_it_asks_for_its_buckets() -> None:
    """The engine loads what a measuring feature wants."""
    assert isinstance(feature(LOW), Measuring)


def test_an_event_asks_only_who_reads_it() -> None:
    """What is loaded is what those rules read, and nothing else."""
    world = following(LOW, GONE, BROKE)
    world.tell(NOW, told(usage=9))
    rules = world.feature
    whole = rules.wanted(None, Woken(events=()), NOW).metrics
    world.record(NOW, happened("payment.failed", NOW))
    some = rules.wanted(world.case, Woken(events=(world.history[-1],)), NOW).metrics
    assert some < whole
    assert not any("fact:" in metric for metric in some)
    world.record(NOW, told(hours(1), usage=2))
    facts = rules.wanted(world.case, Woken(events=(world.history[-1],)), NOW).metrics
    assert {metric for metric in facts if "fact:" in metric} == {"fact:usage"}


def test_what_the_news_rule_out_is_not_waited_for() -> None:
    """A count that ends with the day matters no more when the fact beside it says no."""
    world = following(Rule(id="both", when=(C.usage < 5) & (C.failures < 2)))
    world.tell(NOW - days(30), happened("payment.failed", NOW - days(30)))
    world.tell(NOW, told(usage=None))
    assert world.case is not None
    assert set(world.case.wakes) == {"rule:both"}
    assert world.tell(NOW + hours(1), told(hours(1), usage=9)) == []
    assert world.case.wakes == {}
    assert world.tell(NOW + hours(2), told(hours(2), usage=2)) == ["rules.fired"]


def test_time_alone_fires_and_clears() -> None:
    """Nobody polls: the customer is looked at when fourteen days are over."""
    world = following(GONE)
    world.tell(NOW, told(last_login_at=NOW - days(13), renewal_at=NOW))
    assert world.case is not None
    assert world.case.wakes == {"rule:gone": NOW + days(1)}
    assert world.until(NOW + days(1)) == ["rules.fired"]
    assert world.said[0].occurred_at == NOW + days(1)


def test_a_window_ends_with_the_customers_day() -> None:
    """Two failures a week ago are no longer two, at midnight in New York."""
    world = following(BROKE, zone="America/New_York")
    world.tell(NOW - days(30), happened("payment.failed", NOW - days(30)))
    world.until(NOW)
    failed = [happened("payment.failed", NOW + minutes, id=str(minutes)) for minutes in _SOON]
    assert world.tell(NOW, *failed) == ["rules.fired"]
    assert world.until(NOW + days(30)) == ["rules.cleared"]
    assert world.said[-1].occurred_at.isoformat() == "2026-11-11T05:00:00+00:00"


_SOON = (timedelta(0), timedelta(minutes=1))


def test_all_are_asked_at_the_latest_after_a_day() -> None:
    """Whatever was lost, the night repairs it."""
    world = following(LOW)
    world.tell(NOW, told(usage=9))
    world.record(NOW + hours(1), told(hours(1), usage=3))
    world.lose()
    assert world.until(NOW + RECHECK) == ["rules.fired"]
    assert world.wake == NOW + 2 * RECHECK


def test_a_recheck_asks_all_at_once() -> None:
    """When somebody asks for it."""
    world = following(LOW, GONE)
    world.tell(NOW, told(usage=9, last_login_at=NOW))
    assert world.case is not None
    checked = world.case.checked_at
    world.tell(NOW + hours(1), happened(RECHECK_EVENT, NOW + hours(1)))
    assert world.case.checked_at == checked + hours(1)


# ---- a rulebook that changes


def test_a_changed_condition_keeps_the_state() -> None:
    """The customer is asked anew; what had begun goes on, or ends, under the new version."""
    world = following(LOW)
    world.tell(NOW, told(usage=3))
    world.feature = feature(evolve(LOW, when=C.usage < 4))
    assert world.until(NOW + RECHECK) == []
    world.feature = feature(evolve(LOW, when=C.usage < 2))
    assert world.until(NOW + 2 * RECHECK) == ["rules.cleared"]
    fired, cleared = world.said
    assert fired.data["version"] != cleared.data["version"]
    assert fired.data["fire"] == cleared.data["fire"]


def test_a_rule_that_is_gone_ends_what_it_had_begun() -> None:
    """Retired, made a draft or taken out: once, and its number goes on when it comes back."""
    for after in ((), (evolve(LOW, status="retired"),), (evolve(LOW, status="draft"),)):
        world = following(LOW)
        world.tell(NOW, told(usage=3))
        world.feature = feature(*after)
        assert world.until(NOW + RECHECK) == ["rules.cleared"]
        assert world.said[-1].data["reason"] == "retired"
        assert keys(world.said[-1]) == ["rules.state.retired"]
        assert world.until(NOW + 3 * RECHECK) == []
        world.feature = feature(LOW)
        assert world.until(NOW + 4 * RECHECK) == ["rules.fired"]
        assert world.said[-1].data["episode"] == 2


def test_a_rule_counts_within_its_days() -> None:
    """Before them it is not asked, and the first instant is what is waited for; then it ends."""
    first, last = NOW + hours(3), NOW + hours(5)
    world = following(evolve(LOW, effective_from=first, effective_until=last))
    assert world.tell(NOW, told(usage=3)) == []
    assert world.wake == first
    assert world.until(first) == ["rules.fired"]
    assert world.wake == last
    assert world.until(last) == ["rules.cleared"]
    assert world.said[-1].data["reason"] == "expired"
    assert world.tell(last + hours(1), told(hours(6), usage=2)) == []


def test_who_waits_for_the_next_term_is_asked_when_the_term_goes_stale() -> None:
    """Held back once in a term; when nobody believes the term any more, that is what holds it."""

    class Renewing(Signals):
        usage = Number()
        renewal_at = Time(fresh_for=hours(5))

    once = Rule(id="once", when=Renewing.usage < 5, once_per="term", term="renewal_at")
    book = Rulebook(signals=Renewing, rules=(once,))
    world = Following(RulesFeature(book, Measures(Renewing)))
    told: list[dict[str, object]] = [{"usage": 3, "renewal_at": NOW}, {"usage": 9}, {"usage": 3}]
    for hour, values in enumerate(told):
        at = NOW + hours(hour)
        world.tell(at, happened("signals.set", at, world.measures.facts(values)))
    assert [event.name for event in world.said] == [
        "rules.fired",
        "rules.cleared",
        "rules.suppressed",
    ]
    assert world.wake == NOW + hours(5)


def test_nobody_waits_for_a_rule_that_is_gone() -> None:
    """Its time is dropped with it: the next look is the one that all are due."""
    world = following(GONE, LOW)
    world.tell(NOW, told(last_login_at=NOW - days(14) + hours(2), usage=9))
    assert world.wake == NOW + hours(2)
    world.feature = feature(LOW)
    assert world.tell(NOW + hours(1), told(hours(1), usage=8)) == []
    assert world.wake == NOW + hours(1) + RECHECK
    assert world.case is not None
    assert world.case.wakes == {}


def test_a_shadow_says_what_it_would_do_and_goes_live_with_a_clean_slate() -> None:
    """Nobody is under a shadow; what it had begun is no episode of the rule."""
    world = following(evolve(LOW, status="shadow", once_per="ever"))
    assert world.tell(NOW, told(usage=3)) == ["rules.shadow_fired"]
    assert members_of(world.said) == ([], [])
    world.feature = feature(evolve(LOW, once_per="ever"))
    assert world.until(NOW + RECHECK) == ["rules.fired", "rules.shadow_cleared"]
    assert world.said[1].data["episode"] == 1


# ---- segments and members


def test_a_segment_is_entered_and_left() -> None:
    """As a rule without limits; others may name it."""
    world = following(Rule(id="busy", when=segment("small")), small=C.usage < 5)
    assert world.tell(NOW, told(usage=3)) == ["rules.segment_entered", "rules.fired"]
    entered, left = members_of(world.said)
    assert entered == [
        Member(group=segment_group("small"), customer=WHO, since=NOW),
        Member(group=rule_group("busy"), customer=WHO, since=NOW),
    ]
    assert left == []
    before = len(world.said)
    assert world.tell(NOW + hours(1), told(hours(1), usage=9)) == [
        "rules.segment_left",
        "rules.cleared",
    ]
    assert members_of(world.said[before:]) == ([], [("segment:small", WHO), ("rule:busy", WHO)])
    assert members_of(world.said) == ([], [("segment:small", WHO), ("rule:busy", WHO)])


def test_who_was_silent_is_not_once_anything_happens() -> None:
    """Whatever its name is: a call to somebody who is back would be a mistake."""
    world = following(silent=C.last_sign_at.more_than_ago(days(21)))
    world.tell(NOW, happened("page.seen", NOW))
    assert world.until(NOW + days(21)) == ["rules.segment_entered"]
    bill = happened("invoice.issued", NOW + days(22))
    assert world.tell(NOW + days(22), bill) == []
    seen = happened("page.seen", NOW + days(23))
    assert world.tell(NOW + days(23), seen) == ["rules.segment_left"]


def test_only_rules_over_every_name_are_woken_by_every_name() -> None:
    """A declared signal that no rule reads wakes nobody."""
    rules = feature(BROKE)
    assert "*" not in rules.subscribes
    assert "*" in feature(silent=C.last_sign_at.more_than_ago(days(21))).subscribes


def test_members_of_other_events_is_nobody() -> None:
    """Whatever else is on the timeline."""
    assert members_of([happened("payment.failed", NOW)]) == ([], [])


# ---- late news


def test_a_late_event_revises_the_present_and_says_so() -> None:
    """Told a day later in the customer's zone: which days, and which signals, are others now."""
    world = following(BROKE, zone="America/New_York")
    world.tell(NOW - days(20), happened("payment.failed", NOW - days(20)))
    world.until(NOW)
    late = happened("payment.failed", NOW - hours(6))  # 22:00 the day before, in New York
    soon = happened("payment.failed", NOW - hours(3))
    assert world.tell(NOW, late, soon) == ["rules.fired", "signals.revised"]
    revised = world.said[-1]
    assert revised.data == {
        "events": [late.id],
        "count": 1,
        "signals": ["failures"],
        "days": ["2026-11-03"],
    }
    assert keys(revised) == ["signals.revised"]


def test_a_batch_of_the_night_is_told_once_and_only_if_a_rule_looks_there() -> None:
    """However many events it has; not what no rule reads, nor days that none looks at any more."""
    world = following(BROKE)
    world.tell(NOW - days(60), happened("payment.failed", NOW - days(60)))
    world.until(NOW)
    old = happened("payment.failed", NOW - days(50), id="old")
    assert world.tell(NOW, old) == []
    batch = [happened("payment.failed", NOW - days(1), id=f"b{n}") for n in range(9)]
    assert world.tell(NOW, *batch, old) == ["rules.fired", "signals.revised"]
    assert world.said[-1].data["count"] == 9

    unread = following(LOW)
    unread.tell(NOW - days(60), happened("payment.failed", NOW - days(60)))
    unread.until(NOW)
    assert unread.tell(NOW, *batch) == []


def test_an_event_of_the_first_year_there_is_revises_what_looks_at_all_times() -> None:
    """A date that somebody left empty: its day is told as it is, and stops nothing."""
    late = Rule(id="late", when=C.last_sign_at.more_than_ago(days(14)))
    world = following(late, zone="America/Los_Angeles")
    world.tell(NOW - days(1), happened("login", NOW - days(1)))
    world.until(NOW)
    empty = happened("payment.failed", datetime(1, 1, 1, tzinfo=UTC))
    assert world.tell(NOW, empty) == ["signals.revised"]
    assert world.said[-1].data["days"] == ["0001-01-01"]
    assert world.said[-1].data["signals"] == ["last_sign_at"]


def test_names_without_number_wake_who_reads_them_all() -> None:
    """A product that writes ids into the names of events: whoever reads any of them is asked."""
    quiet = Rule(id="quiet", when=C.last_sign_at.more_than_ago(days(14)))
    world = following(quiet)
    world.tell(NOW - days(20), happened("login", NOW - days(20)))
    world.until(NOW)
    assert [event.name for event in world.said] == ["rules.fired"]
    many = [happened(f"page.{n}", NOW - days(15)) for n in range(10_001)]
    world.tell(NOW, *many)
    assert [event.name for event in world.said] == ["rules.fired"], "too long ago"
    assert world.tell(NOW + hours(1), happened("page.10000", NOW)) == ["rules.cleared"]


def test_what_counts_nowhere_revises_nothing() -> None:
    """Nor does the history of a customer whom nobody was asked about before."""
    world = following(BROKE)
    first = happened("payment.failed", NOW - days(3))
    assert world.tell(NOW, first) == []
    sample = happened("payment.failed", NOW - days(2), id="s", origin=Origin.SAMPLE)
    assert world.tell(NOW, sample) == []
    yesterday = told(-days(1), usage=9)
    assert world.tell(NOW, yesterday) == [], "what a warehouse loads in the night after"


# ---- the feature itself


def test_nothing_is_performed_for_it() -> None:
    """An answer to an effect that it never asked for says nothing."""
    trigger = Performed(
        effect=Effect(kind="some", attempt="one", data={}), outcome=NoEffect(reason="none")
    )
    facts = Facts(tenant=TenantId("main"), customer=WHO)
    assert feature(LOW).decide(None, trigger, facts, NOW, None).case is None


def test_a_rulebook_without_rules_waits() -> None:
    """Rules may come later."""
    world = following()
    assert world.tell(NOW, told(usage=3)) == []
    assert world.wake == NOW + RECHECK
    world.feature = feature(LOW)
    assert world.until(NOW + RECHECK) == ["rules.fired"]


def test_the_body_of_a_case_is_small() -> None:
    """Rules of which nothing has to be known take no room."""
    world = following(LOW, GONE, BROKE)
    world.tell(NOW, told(usage=3, last_login_at=NOW))
    world.tell(NOW + hours(1), told(hours(1), usage=9))
    case = world.case
    assert isinstance(case, RulesCase)
    assert set(case.states) == {"rule:low"}
    assert case.states["rule:low"].phase is Phase.IDLE
    assert set(case.wakes) <= {"rule:gone", "rule:broke"}


def test_what_is_said_reads_as_sentences() -> None:
    """Each reason in the reader's language, with all of its values."""
    limits = {
        "cooldown": evolve(LOW, cooldown=days(7)),
        "max_per": evolve(LOW, max_per=(1, days(30))),
        "once_per": evolve(LOW, once_per="month"),
        "term_unknown": evolve(LOW, once_per="term", term="renewal_at"),
    }
    for limit, limited in limits.items():
        world = following(evolve(limited, unknown_for=days(1)))
        world.tell(NOW, told(usage=3, renewal_at=NOW + days(300)))
        world.tell(NOW + hours(1), told(hours(1), usage=9, renewal_at=None))
        world.tell(NOW + hours(2), told(hours(2), usage=3))
        assert world.said[-1].data["reason"] == limit
        world.tell(NOW + hours(3), told(hours(3), usage=None))
        world.until(NOW + days(2))
        assert {event.name for event in world.said} == {
            "rules.fired",
            "rules.cleared",
            "rules.suppressed",
            "rules.unknown",
        }
        for said in world.said:
            first = said.because[0]
            for locale, gap in (("en", "not known"), ("de", "unbekannt")):
                text = explain_text(first.key, first.values, locale)
                assert "low" in text
                assert first.key not in text
                assert gap not in text
