"""What is suspicious about rules that are not wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from retainkit.money import money
from retainkit.rules import (
    Amount,
    Condition,
    Flag,
    Number,
    Rule,
    Rulebook,
    RuleStatus,
    RuleTest,
    Signals,
    Time,
    Truth,
    amounts,
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
    mrr = Amount()
    spent = Amount()
    fee = Amount(currency="EUR")
    paid = Amount(currency="EUR")


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


EURO, DOLLAR = money(500, "EUR"), money(550, "USD")
BOTH = amounts(EURO, DOLLAR)


@pytest.mark.parametrize(
    ("before", "rule", "is_shadowed"),
    [
        (Customer.mrr >= BOTH, Customer.mrr >= money(600, "EUR"), True),
        (
            Customer.mrr >= EURO,
            Customer.mrr >= amounts(money(600, "EUR"), money(660, "USD")),
            False,
        ),
        (Customer.mrr >= EURO, Customer.mrr.between(BOTH, BOTH) & (Customer.mrr >= EURO), True),
        (Customer.mrr.between(EURO, EURO), Customer.mrr.between(EURO, EURO), True),
        (Customer.mrr > Customer.spent, Customer.mrr > Customer.spent, False),
        (Customer.fee > Customer.paid, Customer.fee > Customer.paid, True),
        (Customer.fee > EURO, (Customer.fee > Customer.paid) & (Customer.fee > 600), True),
        (Customer.mrr > EURO, Customer.mrr.eq(Customer.spent) & (Customer.spent > EURO), False),
        ((Customer.seats >= 0) | (Customer.seats < 0), Customer.seats > 5, True),
        (
            (Customer.seats >= 0) | (Customer.seats < 0),
            (Customer.seats > 5) | (Customer.tickets > 5),
            False,
        ),
        (segment("noisy"), Customer.tickets > 5, True),
        (Customer.seats.missing() | (Customer.seats > 5), Customer.seats > 8, True),
    ],
)
def test_a_shadow_is_told_only_where_the_other_rule_is_known(
    before: Condition, rule: Condition, *, is_shadowed: bool
) -> None:
    """In dollars the first is unknown, and the second is the only one that counts."""
    rules = Rule(id="first", when=before, group="g"), Rule(id="second", when=rule, group="g")
    assert found(*rules) == ([("second", "rules.lint.shadowed")] if is_shadowed else [])


def test_a_draft_casts_no_shadow() -> None:
    """Nobody asks it; nor one that is retired, and nobody acts on one in the shade itself."""
    after = Rule(id="huge", when=Customer.seats > 8, group="size", tests=[FALSE])
    for status in RuleStatus:
        big = Rule(id="big", when=BIG.when, group="size", status=status, tests=[FALSE])
        shadowed = [each.rule for each in lint(Rulebook(signals=Customer, rules=[big, after]))]
        assert shadowed == (["huge"] if status is RuleStatus.ACTIVE else [])
