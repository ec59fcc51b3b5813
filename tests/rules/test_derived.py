"""What signals are computed from, as data: files hold it, and versions depend on every word."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from retainkit.core import JsonObject, Origin, content_hash
from retainkit.errors import InvalidInput
from retainkit.rules import (
    Amount,
    Condition,
    Duration,
    EventPattern,
    Flag,
    Latest,
    Mistake,
    Number,
    Open,
    Rule,
    Rulebook,
    Signal,
    Signals,
    Text,
    Time,
    anything,
    condition_data,
    days,
    declared,
    either,
    event,
    hours,
    minutes,
    read_condition,
    read_rulebook,
    readings,
    sequence,
    share,
    signal_data,
    version,
    weeks,
    why,
)


USED = event("feature.used")
OPENED, CLOSED = event("ticket.opened"), event("ticket.closed")
ITEMS = OPENED.until(CLOSED, by="ticket")
PAID = Number(name="paid", unit="seats")
USED_SAID: JsonObject = {"name": "feature.used"}
OPEN_SAID: JsonObject = {
    "event": {"name": "ticket.opened"},
    "until": {"name": "ticket.closed"},
    "by": "ticket",
}

COMPUTED: list[tuple[Signal, type[Signal], dict[str, Any]]] = [
    (USED.sum("minutes", days(7)), Number, {"sum": {"of": "minutes", "within": "7d"}}),
    (
        USED.sum_of_money("spent", weeks(2), currency="EUR"),
        Amount,
        {"sum": {"of": "spent", "within": "14d", "currency": "EUR"}},
    ),
    (
        USED.mean("minutes", hours(36), minimum=3),
        Number,
        {"mean": {"of": "minutes", "within": "36h", "minimum": 3}},
    ),
    (
        USED.mean("minutes", minutes(90)),
        Number,
        {"mean": {"of": "minutes", "within": "90min"}},
    ),
    (USED.last(), Time, {"last": {}}),
    (USED.last(missing="never"), Time, {"last": {"missing": "never"}}),
    (USED.first(), Time, {"first": {}}),
    (USED.first(missing="never"), Time, {"first": {"missing": "never"}}),
    (USED.latest("seats"), Number, {"latest": {"of": "seats", "kind": "number"}}),
    (USED.latest_text("plan"), Text, {"latest": {"of": "plan", "kind": "text"}}),
    (
        USED.latest_text("plan", one_of=("team", "free")),
        Text,
        {"latest": {"of": "plan", "kind": "text", "one_of": ["team", "free"]}},
    ),
    (USED.latest_flag("trial"), Flag, {"latest": {"of": "trial", "kind": "flag"}}),
    (USED.latest_time("ends"), Time, {"latest": {"of": "ends", "kind": "time"}}),
    (USED.change("seats", days(7)), Number, {"change": {"of": "seats", "within": "7d"}}),
    (
        USED.change("score", days(7), same="user"),
        Number,
        {"change": {"of": "score", "within": "7d", "same": "user"}},
    ),
    (
        USED.depth("feature", features=("reports", "alerts"), within=days(28)),
        Number,
        {"depth": {"of": "feature", "features": ["alerts", "reports"], "within": "28d"}},
    ),
    (USED.active_days(days(7)), Number, {"active_days": {"within": "7d"}}),
    (USED.active_weeks(weeks(8)), Number, {"active_weeks": {"within": "56d"}}),
]
OF_OTHERS: list[tuple[Signal, type[Signal], JsonObject]] = [
    (ITEMS.count(), Number, {"computed": {"open": OPEN_SAID}}),
    (ITEMS.oldest(), Time, {"computed": {"oldest_open": OPEN_SAID}}),
    (
        OPENED.until(CLOSED, by="ticket", within=days(90)).count(),
        Number,
        {"computed": {"open": {**OPEN_SAID, "within": "90d"}}},
    ),
    (
        ITEMS.silent(days(3), touched=event("ticket.replied")),
        Number,
        {
            "computed": {
                "silent": {**OPEN_SAID, "touched": {"name": "ticket.replied"}, "silent_for": "3d"}
            }
        },
    ),
    (
        OPENED.elapsed(CLOSED, by="ticket", within=days(30), minimum=5),
        Duration,
        {"computed": {"elapsed": {**OPEN_SAID, "within": "30d", "minimum": 5}}},
    ),
    (
        OPENED.again(after=CLOSED, by="ticket", gap=days(7), within=days(90)),
        Number,
        {
            "computed": {
                "again": {
                    "event": {"name": "ticket.opened"},
                    "after": {"name": "ticket.closed"},
                    "by": "ticket",
                    "gap": "7d",
                    "within": "90d",
                }
            }
        },
    ),
    (
        USED.trend(days(28)),
        Number,
        {"computed": {"trend": {"of": {"event": {**USED_SAID, "within": "28d"}}}}},
    ),
    (
        USED.distinct("user").trend(days(28), minimum=20),
        Number,
        {
            "computed": {
                "trend": {
                    "of": {"event": {**USED_SAID, "distinct": "user", "within": "28d"}},
                    "minimum": 20,
                }
            }
        },
    ),
    (
        USED.sum_trend("minutes", days(7)),
        Number,
        {
            "computed": {
                "trend": {"of": {"sum": {"event": USED_SAID, "of": "minutes", "within": "7d"}}}
            }
        },
    ),
    (
        share(
            USED.distinct("user").count(days(28)).counting("seats"),
            of=event("plan.bought").latest("seats").about("", fresh_for=days(2)).counting("seats"),
            minimum=3,
        ),
        Number,
        {
            "computed": {
                "share": {
                    "of": {
                        "event": {**USED_SAID, "distinct": "user", "within": "28d"},
                        "unit": "seats",
                    },
                    "whole": {
                        "latest": {
                            "event": {"name": "plan.bought"},
                            "of": "seats",
                            "kind": "number",
                        },
                        "unit": "seats",
                        "fresh_for": "2d",
                    },
                    "minimum": 3,
                }
            }
        },
    ),
    (
        share(USED.count(days(7)).counting("seats"), of=PAID),
        Number,
        {
            "computed": {
                "share": {
                    "of": {"event": {**USED_SAID, "within": "7d"}, "unit": "seats"},
                    "whole": "paid",
                }
            }
        },
    ),
    (USED.count(days(7)), Number, {"event": {**USED_SAID, "within": "7d"}}),
    (
        USED.count(timedelta(seconds=90), same="user"),
        Number,
        {"event": {**USED_SAID, "same": "user", "within": "90s"}},
    ),
]
EVERY = [
    *(
        (signal, kind, {"computed": {word: {"event": USED_SAID, **said}}})
        for signal, kind, data in COMPUTED
        for word, said in data.items()
    ),
    *OF_OTHERS,
]


@pytest.mark.parametrize(("signal", "kind", "data"), EVERY, ids=[each[0].name for each in EVERY])
def test_what_is_computed_is_told_as_data_and_read_back(
    signal: Signal, kind: type[Signal], data: JsonObject
) -> None:
    """Of its kind; and written into a condition or declared in a file it is the same signal."""
    assert type(signal) is kind
    assert signal.derivation is not None
    assert signal.derivation.to_json() == data
    word = type(signal.derivation).__name__.lower()
    assert signal.name == f"{word}_{content_hash(data)[:16]}"

    there = _Asking.present(signal)
    known = {"paid": PAID}
    again = read_condition(condition_data(there), known)
    assert (again, version(again)) == (there, version(there))

    inner = data.get("computed", data)
    assert isinstance(inner, dict)
    book = read_rulebook({"signals": {"mine": inner}}, known)
    assert signal_data(book.signals["mine"])["of"] == data


class _Asking:
    """What all kinds have in common, whichever one it is."""

    @staticmethod
    def present(signal: Any) -> Condition:
        """Is it known?"""
        found: Condition = signal.present()
        return found


def test_days_and_weeks_are_counted_in_days_and_weeks() -> None:
    """So nobody compares them with a number of anything else."""
    assert USED.active_days(days(7)).unit == "days"
    assert USED.active_weeks(days(14)).unit == "weeks"


@pytest.mark.parametrize(
    ("pattern", "data", "names"),
    [
        (event("x", {"b": 1, "a": True}), {"name": "x", "where": {"a": True, "b": 1}}, ("x",)),
        (
            either("x", "z", "y", "y", where={"paid": None}),
            {"name": "x", "where": {"paid": None}, "or": ["y", "z"]},
            ("x", "y", "z"),
        ),
        (anything(but=("payment.*", "a")), {"name": "*", "but": ["a", "payment.*"]}, ()),
        (
            event("x").of_origin(Origin.TEST, Origin.REAL),
            {"name": "x", "origins": ["real", "test"]},
            ("x",),
        ),
    ],
)
def test_events_are_told_by_name_data_and_origin(
    pattern: EventPattern, data: JsonObject, names: tuple[str, ...]
) -> None:
    """In an order of their own, each once: written otherwise, they are the same events."""
    assert (pattern.to_json(), pattern.names) == (data, names)
    again = read_condition({"event": {**data, "within": "7d", "gte": 1}}, {})
    assert again == (pattern.count(days(7)) >= 1)


def test_every_name_is_every_one_but_those_left_out_and_what_is_only_written() -> None:
    """A fact that somebody set about a customer is no sign of life."""
    alive = anything(but=("payment.*", "a"))
    taken = {name for name in ("payment.failed", "payments", "a", "b", "signals.set")
             if alive.takes(name)}  # fmt: skip
    assert taken == {"payments", "b"}
    assert [either("x", "y").takes(name) for name in ("x", "y", "z")] == [True, True, False]
    assert event("signals.set").takes("signals.set")


def test_what_waits_for_a_window_is_a_condition_once_it_has_one() -> None:
    """So many, none, so many different ones."""
    week = days(7)
    assert USED.at_least(3).same("user").within(week) == (USED.count(week, same="user") >= 3)
    assert USED.absent().within(week) == USED.count(week).eq(0)
    assert USED.distinct("user").at_least(2).within(week) == (
        USED.distinct("user").count(week) >= 2
    )


def test_open_items_have_the_window_in_which_they_were_opened() -> None:
    """Or none: what was opened at any time counts."""
    of = [
        ITEMS.count().derivation,
        OPENED.until(CLOSED, by="t", within=days(90)).count().derivation,
    ]
    assert [each.within for each in of if isinstance(each, Open)] == [None, days(90)]


# ---------------------------------------------------------------------------------------- refused


Refused = tuple[str, Callable[[], object], str, str, object, str]
REFUSED: list[Refused] = [
    ("no names", either, "rules.event_name", "name", "", "payment.failed"),
    (
        "a name that is none",
        lambda: anything(but=(5,)),  # type: ignore[arg-type] # the mistake
        "rules.event_name",
        "name",
        5,
        "payment.failed",
    ),
    *(
        (
            f"what is left out by {but}",
            lambda but=but: anything(but=but),
            "rules.event_name",
            "but",
            but,
            "payment.*",
        )
        for but in ("payment*", "*", ".*", "*.failed", "*.*")
    ),
    (
        "every name and another",
        lambda: either("*", "x"),
        "rules.event_name",
        "name",
        "*",
        "leave out * to count the others alone",
    ),
    (
        "one name, and another left out",
        lambda: EventPattern(name="a.b", but=("a.b", "c")),
        "rules.event_name",
        "but",
        "a.b, c",
        "anything(but=...)",
    ),
    (
        "an origin that is none",
        lambda: event("x").of_origin("rael"),  # type: ignore[arg-type] # the mistake
        "rules.origin",
        "origins",
        "rael",
        "use real, sample, internal, test, backfill",
    ),
    (
        "a missing time that means something else",
        lambda: event("x").last(missing="always"),  # type: ignore[arg-type] # the mistake
        "rules.choice",
        "missing",
        "always",
        "unknown or never",
    ),
    (
        "no least volume",
        lambda: USED.mean("n", days(7), minimum=0),
        "rules.minimum",
        "minimum",
        0,
        "pass 1",
    ),
    (
        "a least volume that is no number",
        lambda: USED.mean("n", days(7), minimum=[3]),  # type: ignore[arg-type] # the mistake
        "rules.minimum",
        "minimum",
        "list",
        "pass 1",
    ),
    (
        "hours counted by days",
        lambda: USED.active_days(hours(36)),
        "rules.whole_days",
        "within",
        "1 day, 12:00:00",
        "days(28)",
    ),
    (
        "a trend over hours",
        lambda: USED.trend(hours(36)),
        "rules.whole_days",
        "within",
        "1 day, 12:00:00",
        "days(28)",
    ),
    (
        "days counted by weeks",
        lambda: USED.active_weeks(days(10)),
        "rules.whole_weeks",
        "within",
        "10 days, 0:00:00",
        "weeks(8)",
    ),
    (
        "one text for choices",
        lambda: USED.latest_text("plan", one_of="free"),
        "rules.choice",
        "one_of",
        "free",
        'one_of=("free", "team")',
    ),
    (
        "choices that are no texts",
        lambda: USED.latest_text("plan", one_of=("free", None)),  # type: ignore[arg-type] # the mistake
        "rules.choice",
        "one_of",
        "'free', None",
        'one_of=("free", "team")',
    ),
    (
        "one text for features",
        lambda: USED.depth("f", features="reports", within=days(7)),
        "rules.features",
        "features",
        "reports",
        'features=("reports", "alerts")',
    ),
    (
        "a feature twice",
        lambda: USED.depth("f", features=("a", "a"), within=days(7)),
        "rules.features",
        "features",
        "a, a",
        'features=("reports", "alerts")',
    ),
    (
        "the latest amount",
        lambda: Latest(pattern=USED, key="spent", kind="amount"),
        "rules.kind",
        "kind",
        "amount",
        "set amounts as facts",
    ),
    (
        "a share of a time",
        lambda: share(USED.last(), of=PAID),  # type: ignore[arg-type] # the mistake
        "rules.value_type",
        "share.of",
        "time",
        "two signals of one kind",
    ),
    (
        "a share of what is no signal",
        lambda: share(PAID, of=5),  # type: ignore[arg-type] # the mistake
        "rules.value_type",
        "share.whole",
        "int",
        "two signals of one kind",
    ),
    (
        "a share of another unit",
        lambda: share(USED.count(days(7)), of=PAID),
        "rules.unit",
        "share.whole",
        "a plain number of seats",
        'counting("seats")',
    ),
    (
        "a share of another currency",
        lambda: share(Amount(name="a", currency="EUR"), of=Amount(name="b", currency="USD")),
        "rules.unit",
        "share.whole",
        "EUR of USD",
        'counting("seats")',
    ),
]


@pytest.mark.parametrize(
    ("make", "code", "field", "value", "remedy"),
    [case[1:] for case in REFUSED],
    ids=[case[0] for case in REFUSED],
)
def test_what_can_not_be_computed_is_refused_where_it_is_written(
    make: Callable[[], object], code: str, field: str, value: object, remedy: str
) -> None:
    """With its place and a way out."""
    with pytest.raises(InvalidInput) as caught:
        make()
    error = caught.value
    assert (error.code, error.field, error.value) == (code, field, value)
    assert remedy in error.remedy


SEVEN = {"event": "x", "within": "7d"}


@pytest.mark.parametrize(
    ("said", "place", "code", "value", "remedy"),
    [
        (5, (), "rules.form", "int", "write keys and values; the keys are sum, mean, last"),
        ({"sum": 5}, ("sum",), "rules.form", "int", "the keys are event, of, within, currency"),
        (
            {"sum": {"of": "a"}},
            ("sum",),
            "rules.form",
            "event, within",
            "write `event: ...`, `within: ...`",
        ),
        (
            {"sum": {**SEVEN, "of": "a"}, "last": {"event": "x"}},
            (),
            "rules.form",
            ["last", "sum"],
            "write one of sum, mean",
        ),
        (
            {"last": {"event": ["x"]}},
            ("last", "event"),
            "rules.form",
            "list",
            "the keys are name, where, or, but, origins",
        ),
        ({"trend": {"of": 5}}, ("trend", "of"), "rules.form", "int", "event, sum, mean"),
        (
            {
                "trend": {
                    "of": {"event": {"name": "x", "within": "7d"}, "sum": {**SEVEN, "of": "a"}}
                }
            },
            ("trend", "of"),
            "rules.form",
            ["event", "sum"],
            "write `of: {event: {name: feature.used, within: 28d}}`",
        ),
        (
            {"trend": {"of": {"sum": {"event": "x", "of": "a"}}}},
            ("trend", "of", "sum"),
            "rules.form",
            "within",
            "write `within: ...`",
        ),
        ({"share": {"of": 5, "whole": "paid"}}, ("share", "of"), "rules.form", "int", "event, sum"),
        (
            {"share": {"of": {"unit": "seats"}, "whole": "paid"}},
            ("share", "of"),
            "rules.form",
            [],
            "write its name, or one of event",
        ),
        (
            {"share": {"of": {"evnt": {}}, "whole": "paid"}},
            ("share", "of", "evnt"),
            "rules.unknown_word",
            "evnt",
            "did you mean 'event'?",
        ),
        (
            {"share": {"of": {"active_days": SEVEN, "fresh_for": "soon"}, "whole": "paid"}},
            ("share", "of", "fresh_for"),
            "rules.window",
            "soon",
            "or write 14d",
        ),
        (
            {"depth": {**SEVEN, "of": "f", "features": "reports"}},
            ("depth", "features"),
            "rules.form",
            "str",
            "put them into [brackets]",
        ),
    ],
)
def test_a_mistake_in_what_is_computed_is_told_once_with_its_place(
    said: object, place: tuple[str, ...], code: str, value: object, remedy: str
) -> None:
    """Inside of a condition, where nobody gave it a name."""
    data = {"computed": {**said, "gt": 1} if isinstance(said, dict) else said}
    with pytest.raises(InvalidInput) as caught:
        read_condition(data, {"paid": PAID})
    assert caught.value.code == "rules.mistakes"
    found: Any = caught.value.value
    (mistake,) = found
    assert isinstance(mistake, Mistake)
    assert (mistake.place, mistake.code, mistake.value) == (("computed", *place), code, value)
    assert remedy in mistake.remedy


@pytest.mark.parametrize(
    ("said", "place", "code", "value"),
    [
        (5, (), "rules.form", "int"),
        ({"lst": {}}, ("lst",), "rules.unknown_word", "lst"),
        ({"last": {"event": "x"}}, None, "rules.value_type", "time"),
    ],
)
def test_what_a_signal_is_compared_with_is_computed_like_it(
    said: object, place: tuple[str, ...] | None, code: str, value: object
) -> None:
    """Or refused in the same words."""
    mean = {"mean": {"event": "x", "of": "n", "within": "7d"}}
    more = read_condition({"paid": {"gt": {"computed": mean}}}, {"paid": PAID.counting("")})
    assert more == (PAID.counting("") > event("x").mean("n", days(7)))

    with pytest.raises(InvalidInput) as caught:
        read_condition({"paid": {"gt": {"computed": said}}}, {"paid": PAID})
    found: Any = caught.value.value
    (mistake,) = found
    whole = ("paid", "gt") if place is None else ("paid", "gt", "computed", *place)
    assert (mistake.place, mistake.code, mistake.value) == (whole, code, value)
    assert mistake.remedy


@pytest.mark.parametrize("said", [5, ["x"], None])
def test_what_a_signal_is_compared_with_is_counted_of_named_events(said: object) -> None:
    """One mistake: of nothing, nobody is asked within which time."""
    with pytest.raises(InvalidInput) as caught:
        read_condition({"paid": {"gt": {"event": said}}}, {"paid": PAID})
    found: Any = caught.value.value
    kinds = [(each.place, each.code, each.value) for each in found]
    assert kinds == [(("paid", "gt", "event"), "rules.form", type(said).__name__)]
    assert found[0].remedy.startswith("write keys and values; the keys are name, where")


@pytest.mark.parametrize(
    ("said", "first", "word", "remedy"),
    [
        ({"computed": {"summ": {**SEVEN, "of": "a"}, "gt": 1}}, "rules.form", "summ", "sum"),
        ({"event": {"name": "x", "wihtin": "7d", "gt": 1}}, "rules.window", "wihtin", "within"),
    ],
)
def test_a_misspelt_word_is_named_beside_what_is_missing_without_it(
    said: dict[str, object], first: str, word: str, remedy: str
) -> None:
    """Else who reads "within which time?" looks at a line where it seems to stand."""
    with pytest.raises(InvalidInput) as caught:
        read_condition(said, {})
    found: Any = caught.value.value
    assert [each.code for each in found] == [first, "rules.unknown_word"]
    assert (found[1].place[-1], found[1].value) == (word, word)
    assert found[1].remedy == f"did you mean {remedy!r}?"


# ------------------------------------------------------------------------------------- with a name


def test_a_class_names_what_it_computes() -> None:
    """Also where it is part of something else, and in classes below it."""

    class Paid(Signals):
        seats = Number(unit="seats")

    class More(Paid):
        active = USED.distinct("user").count(days(7)).counting("seats")
        breadth = share(active, of=Paid.seats)

    assert list(declared(More)) == ["seats", "active", "breadth"]
    of = More.breadth.derivation
    assert of is not None
    assert [signal.name for signal in of.signals] == ["active", "seats"]  # type: ignore[attr-defined] # a share


def test_a_mapping_names_what_it_computes_as_a_class_does() -> None:
    """Else a share of what has no name yet would be one of nothing."""
    paid, active = Number(unit="seats"), USED.distinct("user").count(days(7)).counting("seats")
    breadth = declared({"seats": paid, "active": active, "breadth": share(active, of=paid)})[
        "breadth"
    ]
    assert breadth.derivation is not None
    assert [each.name for each in breadth.derivation.signals] == ["active", "seats"]  # type: ignore[attr-defined] # a share


def test_what_nobody_named_needs_no_declaration() -> None:
    """Its name is its content; one that goes stale has to be declared, since that is not in it."""
    fresh = event("nps.answered").latest("score")
    book = Rulebook(signals={}, rules=[Rule(id="unhappy", when=fresh < 7)])
    assert book.signals == {}

    stale = fresh.about("", fresh_for=days(9))
    with pytest.raises(InvalidInput) as caught:
        Rulebook(signals={}, rules=[Rule(id="unhappy", when=stale < 7)])
    error = caught.value
    assert (error.code, error.field, error.value, error.remedy) == (
        "rules.unknown_signal",
        "rules.unhappy.when",
        stale.name,
        "declare it in your class of Signals",
    )


NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
UNNAMED: list[tuple[Condition, JsonObject]] = [
    (
        event("payment.failed", {"reason": "declined"}).at_least(3).same("id").within(days(7)),
        {"word": "count", "of": ["payment.failed", "reason: declined", "id"], "seconds": 604800},
    ),
    (
        either("a", "b").distinct("user").at_least(2).within(hours(3)),
        {"word": "distinct", "of": ["a", "b", "user"], "seconds": 10800},
    ),
    (
        sequence(event("a"), event("b")).same("id").within(hours(3)),
        {"word": "sequence", "of": ["a", "b", "id"], "seconds": 10800},
    ),
    (
        USED.sum_trend("minutes", days(7)) < 0,
        {"word": "trend", "of": ["feature.used", "minutes"], "seconds": 604800},
    ),
    (
        USED.depth("feature", features=("x", "y"), within=days(1)) < 1,
        {"word": "depth", "of": ["feature.used", "feature"], "seconds": 86400},
    ),
    (
        anything(but=("payment.*",)).last().more_than_ago(days(3)),
        {"word": "last", "of": ["*"]},
    ),
    (ITEMS.count() > 3, {"word": "open", "of": ["ticket.opened", "ticket.closed", "ticket"]}),
]


@pytest.mark.parametrize(("condition", "counted"), UNNAMED)
def test_a_reason_says_what_the_rule_counts_by_itself(
    condition: Condition, counted: JsonObject
) -> None:
    """Its name is a hash, which tells nobody anything; a signal with a name needs no more."""
    (leaf,) = why(condition, readings({}, {}), NOW).leaves()
    assert leaf.because.values["counted"] == counted
    (leaf,) = why(PAID > 3, readings({"paid": PAID}, {}), NOW).leaves()
    assert "counted" not in leaf.because.values
