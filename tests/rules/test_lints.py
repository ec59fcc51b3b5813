"""What is suspicious about rules that are not wrong."""

from __future__ import annotations

from datetime import UTC, datetime

from retainkit.rules import (
    Condition,
    Flag,
    Number,
    Rule,
    Rulebook,
    RuleTest,
    Signals,
    Time,
    Truth,
    days,
    lint,
    readings,
    segment,
)


NOW = datetime(2026, 11, 1, tzinfo=UTC)


class Customer(Signals):
    """Signals of two sources and of none."""

    seats = Number(source="app")
    tickets = Number(source="helpdesk")
    last_login_at = Time(source="app", missing="never")
    asked_at = Time(source="helpdesk", missing="never")
    opted_out = Flag()


FALSE = RuleTest(name="small", known=readings(Customer, {"seats": 1}), at=NOW, expect=Truth.FALSE)


def found(*rules: Rule, sources: set[str] | None = None) -> list[tuple[str, str]]:
    """Which rules are to be looked at, and why."""
    book = Rulebook(
        signals=Customer,
        rules=[
            Rule(id=r.id, when=r.when, group=r.group, priority=r.priority, tests=[FALSE])
            for r in rules
        ],
        segments={"noisy": Customer.tickets > 3},
    )
    return [(finding.rule, finding.because.key) for finding in lint(book, sources=sources)]


BIG = Rule(id="big", when=Customer.seats > 5, group="size")


def test_a_sound_rule_is_not_looked_at() -> None:
    """Nothing is found where nothing is."""
    assert found(BIG) == []


def test_a_rule_without_a_negative_test_is_found() -> None:
    """A rule that nobody saw not firing may fire always."""
    (finding,) = lint(Rulebook(signals=Customer, rules=[BIG]))
    assert (finding.rule, finding.because.key) == ("big", "rules.lint.no_negative_test")


def test_a_signal_that_nothing_fills_is_found() -> None:
    """The rule stands, the import was never built."""
    either = Rule(id="either", when=(Customer.tickets > 3) | (Customer.seats > 5))
    assert found(either, sources={"app", "helpdesk"}) == []
    assert found(either, sources={"app"}) == [("either", "rules.lint.unknowable")]


def test_a_rule_that_needs_what_nothing_fills_is_never_true() -> None:
    """Through a segment, too; but absence may be what it wants."""
    noisy = Rule(id="noisy", when=segment("noisy") & (Customer.seats > 5))
    silent = Rule(id="silent", when=Customer.tickets.missing())
    never = Rule(id="never", when=Customer.asked_at.more_than_ago(days(14)))

    assert found(noisy, sources={"app"}) == [
        ("noisy", "rules.lint.unknowable"),
        ("noisy", "rules.lint.never_true"),
    ]
    assert found(silent, never, sources={"app"}) == [
        ("silent", "rules.lint.unknowable"),
        ("never", "rules.lint.unknowable"),
    ]


def test_a_rule_in_the_shadow_of_its_group_is_found() -> None:
    """Whoever has more than 8 has more than 5; so the second of the two never counts."""
    huge = Rule(id="huge", when=(Customer.seats > 8) & Customer.opted_out, group="size")

    assert found(BIG, huge) == [("huge", "rules.lint.shadowed")]
    assert found(huge, BIG) == []
    preferred = Rule(id="huge", when=huge.when, group="size", priority=1)
    assert found(BIG, preferred) == []
    elsewhere = Rule(id="huge", when=huge.when, group="other")
    assert found(BIG, elsewhere) == []


def test_a_rule_that_never_clears_is_found() -> None:
    """Its episode would go on for ever, and nothing would tell."""

    def clearing(clears_when: Condition) -> list[str]:
        rule = Rule(id="big", when=Customer.seats > 5, clears_when=clears_when, tests=[FALSE])
        return [finding.because.key for finding in lint(Rulebook(signals=Customer, rules=[rule]))]

    assert clearing(Customer.seats > 8) == ["rules.lint.never_clears"]
    assert clearing(Customer.seats < 4) == []
    assert clearing(Customer.opted_out.is_true()) == []


def test_a_limit_that_never_matters_is_found() -> None:
    """What fires once ever needs no pause."""
    rule = Rule(
        id="big",
        when=Customer.seats > 5,
        once_per="ever",
        cooldown=days(7),
        max_per=(3, days(90)),
        tests=[FALSE],
    )
    found = lint(Rulebook(signals=Customer, rules=[rule]))
    assert [(finding.because.key, finding.because.values["limit"]) for finding in found] == [
        ("rules.lint.limit_unused", "cooldown"),
        ("rules.lint.limit_unused", "max_per"),
    ]
    alone = Rule(id="big", when=Customer.seats > 5, once_per="ever", tests=[FALSE])
    assert lint(Rulebook(signals=Customer, rules=[alone])) == []


def test_what_asks_for_presence_is_in_no_shadow() -> None:
    """Its customers need not be those of the other rule: one that has a value may lose it."""
    known = Rule(id="known", when=Customer.seats.present() & (Customer.seats > 8), group="size")
    assert found(BIG, known) == []
