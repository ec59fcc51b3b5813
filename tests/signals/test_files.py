"""Derived signals as data: written by `signal_data` and `condition_data`, read from rule files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.schema.test_rule_files import _fits
from tests.signals.everything import CONDITIONS, Everything

from retainkit.errors import InvalidInput
from retainkit.rules import (
    Condition,
    Mistake,
    Number,
    RemedyKind,
    Rule,
    Rulebook,
    Signal,
    Signals,
    Truth,
    compiled,
    condition_data,
    days,
    declared,
    event,
    read_condition,
    read_rulebook,
    readings,
    share,
    signal_data,
    truth_of,
    version,
)
from retainkit.schema import read_rules, rules_schema
from retainkit.signals import EarlyWarnings, early_warnings


MONDAY = datetime(2026, 6, 1, 12, tzinfo=UTC)


def _as_written(signal: Signal) -> dict[str, object]:
    """The signal as a file declares it."""
    data: dict[str, object] = dict(signal_data(signal))
    of = data.pop("of", None)
    if of is None:
        return data
    data.pop("kind")
    data.pop("currency", None)
    assert isinstance(of, dict)
    return {**data, **of.get("computed", of)}


@pytest.mark.parametrize(
    "condition",
    [
        event("used").last(missing="never").more_than_ago(days(9)),
        event("used").first(missing="never").less_than_ago(days(9)),
        event("plan.chosen").latest_text("plan", one_of=("free", "team")).eq("free"),
        share(event("a").count(days(9)), of=event("b").latest("n").about("", fresh_for=days(2)))
        < 0.5,
        event("x", {"paid": True}).count(days(1)) >= event("x", {"paid": 1}).count(days(1)),
    ],
)
def test_options_go_through_a_file_with_what_they_belong_to(condition: Condition) -> None:
    """What is meant by none, which texts there are, how long a part is believed."""
    again = read_condition(condition_data(condition), {})
    assert again == condition
    assert version(again) == version(condition)


def test_choices_beside_what_is_computed_are_those_inside_of_it() -> None:
    """Written either way, as in Python."""
    latest = {"event": "plan.chosen", "of": "plan", "kind": "text"}
    book = read_rulebook(
        {
            "signals": {
                "beside": {"latest": latest, "one_of": ["free", "team"]},
                "inside": {"latest": {**latest, "one_of": ["free", "team"]}},
            }
        }
    )
    plan = event("plan.chosen").latest_text("plan", one_of=("free", "team"))
    assert signal_data(book.signals["beside"]) == signal_data(plan)
    assert signal_data(book.signals["inside"]) == signal_data(plan)


def test_never_in_one_rule_is_not_never_in_another() -> None:
    """Two rules over the same events, one of which takes none for never."""
    never = event("used").last(missing="never").more_than_ago(days(9))
    unknown = event("used").last().more_than_ago(days(9))
    truths = compiled({"never": never, "unknown": unknown}).truths(readings({}, {}), MONDAY)
    assert truths == {"never": Truth.TRUE, "unknown": Truth.UNKNOWN}
    assert truth_of(never & ~unknown, readings({}, {}), MONDAY) is Truth.UNKNOWN


def test_what_goes_stale_has_to_be_declared() -> None:
    """Two rules could mean one value, believed for different lengths of time."""
    stale = event("nps.answered").latest("score").about("", fresh_for=days(9)) < 7
    with pytest.raises(InvalidInput) as caught:
        Rulebook(signals={}, rules=[Rule(id="unhappy", when=stale)])
    assert (caught.value.code, caught.value.field, caught.value.remedy) == (
        "rules.unknown_signal",
        "rules.unhappy.when",
        "declare it in your class of Signals",
    )


@pytest.mark.parametrize("signals", [Everything, EarlyWarnings])
def test_what_is_written_of_a_signal_is_read_as_the_same(signals: type[Signals]) -> None:
    """Every derivation goes through a file and keeps its content, hence its hash."""
    document = {"signals": {name: _as_written(s) for name, s in declared(signals).items()}}
    book = read_rulebook(document)
    for name, signal in declared(signals).items():
        assert signal_data(book.signals[name]) == signal_data(signal), name


def test_conditions_over_what_nobody_named_go_through_a_file_too() -> None:
    """A trend inside of a rule is written out, and read back as the same version."""
    falling = event("feature.used").trend(days(28), minimum=20) < -0.3
    two = event("a").mean("x", days(3)) >= event("b").sum("x", days(9)) * 2
    for condition in (falling, two, *CONDITIONS[:-1]):
        again = read_condition(condition_data(condition), declared(Everything))
        assert version(again) == version(condition)
    assert condition_data(falling) == {
        "computed": {
            "trend": {
                "of": {"event": {"name": "feature.used", "within": "28d"}},
                "minimum": 20,
            },
            "lt": "-0.3",
        }
    }


def test_the_catalogue_is_documented_and_says_what_helps() -> None:
    """Every ready signal has a text and a remedy, but for measures of others and good news."""
    signals = declared(EarlyWarnings)
    assert all(signal.doc for signal in signals.values())
    without = {name for name, signal in signals.items() if signal.remedy is None}
    assert without <= {
        "paid_seats",
        "tickets_30d",
        "tickets_90d",
        "term_started_at",
        "first_contact_at",
        "programmes_90d",
        "engagement_365d",
    }
    kinds = {signal.remedy.kind for signal in signals.values() if signal.remedy is not None}
    assert kinds == set(RemedyKind)
    assert all(condition_data(condition) for condition in early_warnings().values())


def test_a_file_declares_derived_signals_with_unit_freshness_and_remedy() -> None:
    """As people write them."""
    book = read_rules(
        """
signals:
  seats: {kind: number, unit: seats}
  active:
    event: {name: feature.used, distinct: user, within: 28d}
    unit: seats
    doc: People who used anything.
    source: product
  breadth:
    share: {of: active, whole: seats}
    fresh_for: 2d
    remedy: {kind: tutorial, ref: invite-your-team}
  last_use: {last: {event: feature.used}, missing: never}
  mood: {latest: {event: {name: nps.answered, where: {by: admin}}, of: word, kind: text}}
rules:
  - id: narrow
    when: {breadth: {lt: 0.3}}
"""
    )
    breadth = book.signals["breadth"]
    assert breadth.fresh_for == timedelta(days=2)
    assert breadth.remedy is not None
    assert (breadth.remedy.kind, breadth.remedy.ref) == (RemedyKind.TUTORIAL, "invite-your-team")
    assert signal_data(book.signals["active"])["unit"] == "seats"
    assert book.signals["active"].source == "product"
    assert signal_data(book.signals["last_use"])["missing"] == "never"
    assert book.signals["mood"].kind == "text"


@pytest.mark.parametrize(
    ("declared_as", "place", "code", "remedy"),
    [
        ({"sum": {"event": "x", "of": "a"}}, ("sum",), "rules.form", "write `within: ...`"),
        ({"summ": {}}, ("summ",), "rules.unknown_word", "did you mean 'sum'?"),
        (
            {"sum": {"event": "x", "of": "a", "within": "7d"}, "currency": "EUR"},
            ("currency",),
            "rules.unknown_word",
            "write it inside: sum: {event: ..., currency: EUR}",
        ),
        (
            {"last": {"event": "x"}, "unit": "seats"},
            ("unit",),
            "rules.unknown_word",
            "leave it out: the signal is of the kind time",
        ),
        (
            {"last": {"event": "x"}, "kind": "number"},
            ("kind",),
            "rules.unknown_word",
            "leave it out: what is computed is of the kind time",
        ),
        (
            {"event": {"name": "x", "within": "7d"}, "last": {"event": "x"}},
            ("last",),
            "rules.unknown_word",
            "leave it out: one thing is computed, event",
        ),
        ({"last": {"event": "x"}, "missing": "nver"}, (), "rules.choice", "use unknown or never"),
        ({"kind": "time", "missing": "nver"}, (), "rules.choice", "use unknown or never"),
        (
            {"kind": "text", "one_of": "free"},
            (),
            "rules.choice",
            'list them: one_of=("free", "team")',
        ),
        (
            {"latest": {"event": "x", "of": "a", "kind": "text"}, "one_of": ["free", None]},
            (),
            "rules.choice",
            'list them: one_of=("free", "team")',
        ),
        (
            {"sum": {"event": "x", "of": "a", "within": "0d"}},
            ("sum", "within"),
            "rules.window",
            "pass days(14) in Python, or write 14d, 4w, 12h, 30min or 90s in a file",
        ),
        (
            {"depth": {"event": "x", "of": "f", "features": [], "within": "7d"}},
            ("depth",),
            "rules.features",
            'name them: features=("reports", "alerts")',
        ),
        (
            {"trend": {"of": {"event": {"name": "x", "within": "5h"}}}},
            ("trend",),
            "rules.whole_days",
            "pass days(28), or write 28d",
        ),
        (
            {"trend": {"of": {"last": {"event": "x"}}}},
            ("trend", "of", "last"),
            "rules.unknown_word",
            "use one of event, sum, mean",
        ),
        (
            {"share": {"of": {"event": {"name": "x", "within": "5d"}}, "whole": "seat"}},
            ("share", "whole"),
            "rules.unknown_signal",
            "did you mean 'seats'?",
        ),
        (
            {"share": {"of": {"event": {"name": "x", "within": "5d"}}, "whole": "seats"}},
            ("share",),
            "rules.unit",
            'name the unit of both: event(...).count(days(28)).counting("seats")',
        ),
        (
            {"latest": {"event": "x", "of": "a", "kind": "amount"}},
            ("latest",),
            "rules.kind",
            "use number, text, flag or time; set amounts as facts",
        ),
        (
            {"last": {"event": {"name": "x", "origins": ["rael"]}}},
            ("last", "event", "origins"),
            "rules.origin",
            "use real, sample, internal, test, backfill",
        ),
        (
            {"last": {"event": "x"}, "remedy": {"kind": "tutorail", "ref": "a"}},
            ("remedy",),
            "rules.remedy",
            "use one of tutorial, call, configuration, message, task",
        ),
        (
            {"active_weeks": {"event": "x", "within": "10d"}},
            ("active_weeks",),
            "rules.whole_weeks",
            "pass weeks(8), or write 8w",
        ),
        (
            {"mean": {"event": "x", "of": "a", "within": "9d", "minimum": 0}},
            ("mean",),
            "rules.minimum",
            "below it the signal is unknown; pass 1 to have it always",
        ),
    ],
)
def test_a_mistake_in_a_derived_signal_is_named_with_its_place(
    declared_as: dict[str, object], place: tuple[str, ...], code: str, remedy: str
) -> None:
    """Each thing that can be wrong, where it stands, with what was probably meant."""
    document = {"signals": {"seats": {"kind": "number", "unit": "seats"}, "bad": declared_as}}
    with pytest.raises(InvalidInput) as caught:
        read_rulebook(document)
    assert caught.value.code == "rules.mistakes"
    assert isinstance(caught.value.value, tuple)
    mistake = caught.value.value[0]
    assert isinstance(mistake, Mistake)
    assert mistake.place == ("signals", "bad", *place)
    assert (mistake.code, mistake.remedy) == (code, remedy)


def test_names_of_a_class_reach_what_is_computed_of_its_signals() -> None:
    """A share of a signal of the same class knows it by its name, a parent's one, too."""

    class Paid(Signals):
        seats = Number(unit="seats")

    class More(Paid):
        active = event("x").distinct("user").count(days(7)).counting("seats")
        breadth = share(active, of=Paid.seats)
        narrow = share(active, of=breadth.counting("seats"))

    assert signal_data(More.breadth)["of"] == {
        "computed": {
            "share": {
                "of": {
                    "event": {"name": "x", "distinct": "user", "within": "7d"},
                    "unit": "seats",
                },
                "whole": "seats",
            }
        }
    }


def test_the_schema_for_editors_takes_what_is_written() -> None:
    """Every derived signal is valid there; a word that nothing has is not."""
    schema = rules_schema()
    every = {**declared(Everything), **declared(EarlyWarnings)}
    for name, signal in every.items():
        assert _fits({"signals": {name: _as_written(signal)}}, schema, schema), name
    assert not _fits({"signals": {"x": {"trend": {"off": 1}}}}, schema, schema)
    assert not _fits({"signals": {"x": {"summ": {}}}}, schema, schema)
