"""Ids as long as every store keeps them: what is longer is refused before anything is written."""

from __future__ import annotations

import string
from collections.abc import Callable
from random import Random
from typing import cast

import pytest
from tests.engine.measured import Customer, measured
from tests.engine.world import LEASE, NOW, World, run

from retainkit.core import Event
from retainkit.errors import InvalidInput
from retainkit.ids import CustomerId, EventId
from retainkit.rules import Rule, Rulebook, days, event
from retainkit.schema import FileMistake, read_rules


MOST, LONGEST_NAME = 2000, 500


def random(length: int) -> str:
    """Letters that no database makes shorter."""
    return "".join(Random(length).choices(string.ascii_letters, k=length))


def test_the_longest_ids_are_kept_by_every_store(world: World) -> None:
    """Of customers, events, rules, segments and the values that counts are split by."""
    rule, section, who = random(LONGEST_NAME), random(LONGEST_NAME - 1), CustomerId(random(MOST))
    users = event("report.exported").distinct("user").count(days(7))
    book = Rulebook(
        signals=Customer,
        rules=[Rule(id=rule, when=users >= 1)],
        segments={section: users >= 1},
    )
    kit = measured(world, rules=book, instrumentation=world.told, lease=LEASE)
    id = EventId(random(MOST - 1))
    kit.record(
        Event(
            id=id,
            name="report.exported",
            customer=who,
            occurred_at=NOW,
            data={"user": f"é{random(9 * MOST)}"},
        )
    )
    run(kit)
    assert kit.timeline(who)[0].event.id == id
    for group in (f"rule:{rule}", f"segment:{section}"):
        assert [member.customer for member in kit.rules.members(group)] == [who]


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda id: Rule(id=id, when=Customer.seats >= 1), "id"),
        (
            lambda id: Rulebook(signals=Customer, segments={id: Customer.seats >= 1}),
            f"segments.{random(LONGEST_NAME + 1)}",
        ),
    ],
    ids=["rule", "segment"],
)
def test_a_longer_name_of_a_rule_is_refused(make: Callable[[str], object], field: str) -> None:
    """When it is written, not with the first customer that it is true of."""
    long = random(LONGEST_NAME + 1)
    with pytest.raises(InvalidInput) as caught:
        make(long)
    assert (caught.value.code, caught.value.field) == ("json.id_length", field)
    assert caught.value.value == f"{long[:40]}... of {LONGEST_NAME + 1} bytes"
    assert caught.value.remedy == (
        "pass one of at most 500 bytes of UTF-8, such as a digest of this one"
    )


@pytest.mark.parametrize(
    ("make", "field", "value"),
    [
        (lambda: Rule(id=cast("str", None), when=Customer.seats >= 1), "id", "NoneType"),
        (
            lambda: Rulebook(signals=Customer, segments={cast("str", 5): Customer.seats >= 1}),
            "segments.5",
            "int",
        ),
    ],
    ids=["rule", "segment"],
)
def test_a_name_that_is_no_text_is_refused(
    make: Callable[[], object], field: str, value: str
) -> None:
    """A number of a table, or a name that somebody forgot."""
    with pytest.raises(InvalidInput) as caught:
        make()
    assert (caught.value.code, caught.value.field) == ("json.id_type", field)
    assert (caught.value.value, caught.value.remedy) == (value, "pass it as text, in quotes")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("rules: [{id: %s, when: {seats: 5}}]", (1, 14)),
        ("segments: {'%s': {seats: 5}}", (1, 517)),
    ],
    ids=["rule", "segment"],
)
def test_a_longer_name_in_a_file_is_told_with_its_place(text: str, place: tuple[int, int]) -> None:
    """Line and column, as of any mistake of the file."""
    with pytest.raises(InvalidInput) as caught:
        read_rules(text % random(LONGEST_NAME + 1), Customer)
    assert isinstance(caught.value.value, tuple)
    (found,) = caught.value.value
    assert isinstance(found, FileMistake)
    assert (found.line, found.column, found.mistake.code) == (*place, "json.id_length")
