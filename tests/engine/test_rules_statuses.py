"""What a preview says of rules that are drafts, rehearsed or retired."""

from __future__ import annotations

from attrs import evolve
from tests.engine.measured import Customer, measured
from tests.engine.world import LEASE, World

from retainkit.rules import Rule, Rulebook, RuleStatus


MANY = Rule(id="many_seats", when=Customer.seats >= 20)


def book(*statuses: RuleStatus) -> Rulebook:
    """The same rule once in each of these."""
    rules = [evolve(MANY, id=f"many_{status}", status=status) for status in statuses]
    return Rulebook(signals=Customer, rules=rules)


def test_a_preview_tries_drafts_and_leaves_out_what_is_retired(world: World) -> None:
    """A draft of the new book counts as if it were active, one of the old book never did."""
    kit = measured(world, rules=book(*RuleStatus), instrumentation=world.told, lease=LEASE)
    kit.signals.load({"customer": ["ada", "bob"], "seats": [30, 3]})
    same = kit.rules.diff(book(*RuleStatus))
    assert {place: found.enters for place, found in same.items()} == {"rule:many_draft": ("ada",)}
    gone = kit.rules.diff(book(RuleStatus.RETIRED))
    assert {place: found.leaves for place, found in gone.items()} == {
        "rule:many_active": ("ada",),
        "rule:many_shadow": ("ada",),
    }
