"""What comes out of frames, enumerations and other libraries means what it looks like."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from retainkit.errors import InvalidInput
from retainkit.rules import (
    Amount,
    Flag,
    MaxPer,
    Number,
    Rule,
    Signals,
    Text,
    Time,
    Truth,
    compiled,
    condition_data,
    days,
    event,
    next_flip,
    readings,
    truth_of,
    version,
    why,
    why_not,
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
    usage = Number()
    mrr = Amount()
    renewal_at = Time()
    opted_out = Flag()
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
    because = why(Customer.share > 3, readings(Customer, {"share": np.float64(3.5)}), NOW).because
    assert because.values.get("value") == "3.5"  # noqa: PD011 - of a reason, not of a frame


def test_what_an_event_must_have_is_compared_as_pythons_own() -> None:
    """The plan is a member of an enumeration in the rule, and a text on the timeline."""
    bought = event("plan.bought", {"plan": Plan.TEAM, "seats": Size.LARGE})
    plain = event("plan.bought", {"plan": "team", "seats": 5})
    assert bought == plain
    assert version(bought.at_least(1).within(days(7))) == version(plain.at_least(1).within(days(7)))
    assert truth_of(Customer.plan.eq("team"), readings(Customer, {"plan": Plan.TEAM}), NOW) is (
        Truth.TRUE
    )


# ---- what looks like a comparison

C: Any = Customer  # what a checker would find before
AND = "write & for and, | for or, ~ for not, with brackets around comparisons"
SCALED = "write left < right * k: one signal, compared with another one times k"
EXACT = "multiply by an int, a Fraction or a Decimal"
UNREADABLE = "decode the bytes that it came from as what they are"


@pytest.mark.parametrize(
    ("make", "code", "field", "value", "remedy"),
    [
        (lambda: C.share > 0 & C.usage > 5, "rules.and_for_ampersand", "condition", "usage", AND),
        (lambda: C.share > 0 | C.usage > 5, "rules.and_for_ampersand", "condition", "usage", AND),
        (
            lambda: C.share > 0 & C.opted_out,
            "rules.and_for_ampersand",
            "condition",
            "opted_out",
            AND,
        ),
        (lambda: C.usage & C.share, "rules.and_for_ampersand", "condition", "usage", AND),
        (lambda: True & (C.share > 1), "rules.and_for_ampersand", "condition", "Compare", AND),
        (lambda: C.share | (C.share > 1), "rules.and_for_ampersand", "condition", "share", AND),
        (lambda: C.share * 2 < C.usage * 3, "rules.scaled", "share.times", "2", SCALED),
        (lambda: C.share * 2 >= 5, "rules.scaled", "share.times", "2", SCALED),
        (lambda: C.mrr * Decimal("NaN"), "rules.value_type", "mrr.times", "Decimal", EXACT),
        (lambda: C.mrr * Decimal("Infinity"), "rules.value_type", "mrr.times", "Decimal", EXACT),
        (
            lambda: C.renewal_at > pd.NaT,
            "rules.value_type",
            "renewal_at",
            "NaTType",
            "pass a datetime with a zone",
        ),
        (
            lambda: version(C.industry.eq("\ud800")),
            "json.text",
            "condition",
            "'\\ud800'",
            UNREADABLE,
        ),
        (
            lambda: version(~C.share.present() & C.industry.contains("a\ud800")),
            "json.text",
            "condition",
            "'\\ud800'",
            UNREADABLE,
        ),
        (
            lambda: cast("Any", Rule)(id="a", when=C.share > 1, max_per=(3,)),
            "rules.max_per",
            "max_per",
            "(3,)",
            "write 3/90d: three in ninety days",
        ),
    ],
)
def test_a_slip_of_the_pen_is_named_with_what_to_write(
    make: Callable[[], object], code: str, field: str, value: object, remedy: str
) -> None:
    """Before the rule is asked, and never as an error of Python's own."""
    with pytest.raises(InvalidInput) as caught:
        make()
    error = caught.value
    assert (error.code, error.field, error.value) == (code, field, value)
    assert error.remedy.startswith(remedy)


def test_a_factor_on_the_left_may_stand_there_alone() -> None:
    """It is the same comparison the other way round."""
    assert (C.share * 2 < C.usage) == (C.usage > C.share * 2)


def test_a_frames_mark_for_no_instant_is_missing() -> None:
    """As NaN is for numbers."""
    known = readings(Customer, {"renewal_at": pd.NaT, "share": float("nan")})
    assert [reading.value for _, reading in known] == [None, None]


def test_a_flag_can_be_asked_like_a_condition() -> None:
    """It stands for its being true, wherever a condition is asked."""
    known = readings(Customer, {"opted_out": False})
    assert truth_of(C.opted_out, known, NOW) is Truth.FALSE
    assert compiled({"out": C.opted_out}).truths(known, NOW) == {"out": Truth.FALSE}
    assert why(C.opted_out, known, NOW).because.key == "rules.is.eq"
    assert [change.to for change in why_not(C.opted_out, known, NOW).changes] == [True]
    assert next_flip(C.opted_out, known, NOW) is None


def test_so_many_in_a_window_may_be_written_as_in_a_file() -> None:
    """In Python, too."""
    made: Any = Rule
    assert made(id="a", when=C.share > 1, max_per="3/90d").max_per == MaxPer(3, days(90))
