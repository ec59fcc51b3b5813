"""What comes out of frames, enumerations and other libraries means what it looks like."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum, IntEnum

import numpy as np
import pytest

from retainkit.rules import (
    Number,
    Signals,
    Text,
    Truth,
    condition_data,
    days,
    event,
    readings,
    truth_of,
    version,
    why,
)
from retainkit.signals import Measures


NOW = datetime(2026, 11, 1, tzinfo=UTC)


class Plan(str, Enum):  # noqa: UP042 - the older kind, whose str() is another text
    """Texts that write themselves with the name of their class."""

    TEAM = "team"


class Size(IntEnum):
    """Whole numbers with names."""

    LARGE = 5


class Customer(Signals):
    """What a frame's row is about."""

    share = Number()
    plan = Text(one_of=(Plan.TEAM, "free"))
    industry = Text()


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("share", np.float64(2.5), 2.5),
        ("share", np.float64(2), 2),
        ("share", Size.LARGE, 5),
        ("plan", Plan.TEAM, "team"),
        ("industry", np.str_("retail"), "retail"),
    ],
)
def test_a_value_of_another_library_is_kept_as_pythons_own(
    name: str, given: object, kept: object
) -> None:
    """The mean of a column is written as a number, and read again as the same."""
    known = readings(Customer, {name: given}).of(name)
    assert known is not None
    assert (known.value, type(known.value)) == (kept, type(kept))
    assert Measures(Customer).facts({name: given})["signals"] == {
        name: repr(kept) if isinstance(kept, float) else kept
    }


def test_a_threshold_of_another_library_has_the_version_of_pythons_own() -> None:
    """One meaning, one version; and one text of it."""
    assert version(Customer.share > np.float64(0.5)) == version(Customer.share > 0.5)
    assert condition_data(Customer.plan.eq(Plan.TEAM)) == {"plan": {"eq": "team"}}
    starts = Customer.industry.starts_with(np.str_("re"))
    assert type(condition_data(starts)["industry"]["starts_with"]) is str  # type: ignore[index,call-overload] # as data
    told = why(Customer.share > 3, readings(Customer, {"share": np.float64(3.5)}), NOW)
    assert told.because.values["value"] == "3.5"


def test_what_an_event_must_have_is_compared_as_pythons_own() -> None:
    """The plan is a member of an enumeration in the rule, and a text on the timeline."""
    bought = event("plan.bought", {"plan": Plan.TEAM, "seats": Size.LARGE})
    plain = event("plan.bought", {"plan": "team", "seats": 5})
    assert bought == plain
    assert version(bought.at_least(1).within(days(7))) == version(plain.at_least(1).within(days(7)))
    assert truth_of(Customer.plan.eq("team"), readings(Customer, {"plan": Plan.TEAM}), NOW) is (
        Truth.TRUE
    )
