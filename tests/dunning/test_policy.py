"""The policy: what is refused and how, and the definition it is kept as."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.dunning.conftest import DAY, RETRYING, STAGES, days

from retainkit.core import JsonObject, dumps, loads
from retainkit.dunning import (
    AccessLevel,
    Collector,
    DeclineClass,
    DunningPolicy,
    EndAction,
    Stage,
    Tone,
)
from retainkit.errors import ConfigurationError, InvalidInput, RetainkitError


ZERO = timedelta(0)
MESSAGE = Stage(after=ZERO, message="payment_failed")
KEEP = Stage(after=21 * DAY, end="keep")
LONGER = (MESSAGE, *(Stage(after=each, message="payment_failed") for each in days(1, 2)))


def test_the_plan_of_the_documentation_is_valid() -> None:
    """As it stands in the design, by its words."""
    policy = DunningPolicy(
        retries=(timedelta(days=1), timedelta(days=3), timedelta(days=7)),
        stages=(
            Stage(after=timedelta(0), message="payment_failed", tone="friendly"),
            Stage(after=timedelta(days=7), message="payment_failed", tone="firm", access="limited"),
            Stage(after=timedelta(days=14), message="last_notice", tone="firm"),
            Stage(after=timedelta(days=21), end="cancel"),
        ),
    )

    assert policy.collector is Collector.PROVIDER
    assert policy.end is EndAction.CANCEL
    assert policy.stages[0].tone is Tone.FRIENDLY
    assert policy.stages[1].access is AccessLevel.LIMITED
    assert policy.notice == 2


@pytest.mark.parametrize(
    ("retries", "stages", "code", "field", "value"),
    [
        ((ZERO,), (MESSAGE, KEEP), "retry_not_after_failure", "retries[0]", ZERO),
        (days(3, 1), (MESSAGE, KEEP), "retries_unsorted", "retries[1]", DAY),
        (days(1, 1), (MESSAGE, KEEP), "retries_unsorted", "retries[1]", DAY),
        (days(1, 3, 7, 7), (MESSAGE, KEEP), "retries_unsorted", "retries[3]", 7 * DAY),
        (days(1, 3, 2), (MESSAGE, KEEP), "retries_unsorted", "retries[2]", 2 * DAY),
        (days(1, 21), (MESSAGE, KEEP), "retry_after_end", "retries[1]", 21 * DAY),
        (days(1, 3, 7, 22), (MESSAGE, KEEP), "retry_after_end", "retries[3]", 22 * DAY),
        ((), (), "no_end", "stages", 0),
        ((), (MESSAGE,), "no_end", "stages", 1),
        ((), (MESSAGE, MESSAGE, KEEP), "stages_unsorted", "stages[1].after", ZERO),
        (
            (),
            (MESSAGE, KEEP, Stage(after=22 * DAY, message="late")),
            "stage_after_end",
            "stages[1].end",
            EndAction.KEEP,
        ),
        (
            (),
            (MESSAGE, evolve(KEEP, end="cancel")),
            "unannounced_end",
            "stages[1].end",
            EndAction.CANCEL,
        ),
        (
            (),
            (MESSAGE, evolve(KEEP, message="last_notice")),
            "notice_at_end",
            "stages[1].message",
            "last_notice",
        ),
        (
            (),
            (Stage(after=ZERO, access="limited"), KEEP),
            "access_before_message",
            "stages[0].access",
            AccessLevel.LIMITED,
        ),
        (
            (),
            (
                Stage(after=ZERO, message="payment_failed", access="blocked"),
                Stage(after=DAY, access="limited"),
                KEEP,
            ),
            "access_given_back",
            "stages[1].access",
            AccessLevel.LIMITED,
        ),
        # The place is named in a longer plan, too.
        (
            (),
            (*LONGER, evolve(KEEP, message="last_notice")),
            "notice_at_end",
            "stages[3].message",
            "last_notice",
        ),
        ((), (*LONGER, evolve(KEEP, end="cancel")), "unannounced_end", "stages[3].end", "cancel"),
        ((), (*LONGER, LONGER[2], KEEP), "stages_unsorted", "stages[3].after", 2 * DAY),
        (
            (),
            (*LONGER, KEEP, Stage(after=22 * DAY, end="keep")),
            "stage_after_end",
            "stages[3].end",
            EndAction.KEEP,
        ),
        (
            (),
            (*(evolve(stage, message=None) for stage in LONGER), evolve(KEEP, access="blocked")),
            "access_before_message",
            "stages[3].access",
            AccessLevel.BLOCKED,
        ),
        (
            (),
            (evolve(MESSAGE, access="blocked"), *LONGER[1:], evolve(KEEP, access="notice")),
            "access_given_back",
            "stages[3].access",
            AccessLevel.NOTICE,
        ),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(
    retries: tuple[timedelta, ...],
    stages: tuple[Stage, ...],
    code: str,
    field: str,
    value: object,
) -> None:
    """The error names the place, the value and the way out."""
    with pytest.raises(ConfigurationError) as caught:
        DunningPolicy(retries=retries, stages=stages)

    assert caught.value.code == f"dunning.policy.{code}"
    assert (caught.value.field, caught.value.value) == (field, value)
    assert caught.value.remedy


def _error(build: Callable[[], object]) -> RetainkitError:
    with pytest.raises(InvalidInput) as caught:
        build()
    return caught.value


def test_a_word_nobody_knows_is_refused_with_the_words_there_are() -> None:
    """Tone, access, end, collector and classes are words of short lists."""
    errors = [
        _error(lambda: Stage(after=ZERO, tone="rude")),
        _error(lambda: Stage(after=ZERO, access="none")),
        _error(lambda: Stage(after=ZERO, end="sue")),
        _error(lambda: evolve(RETRYING, collector="nobody")),
        _error(lambda: evolve(RETRYING, overrides={"do_not_honor": "maybe"})),
    ]

    assert [(error.code, error.field, error.value) for error in errors] == [
        ("dunning.policy.word", "tone", "rude"),
        ("dunning.policy.word", "access", "none"),
        ("dunning.policy.word", "end", "sue"),
        ("dunning.policy.word", "collector", "nobody"),
        ("dunning.policy.word", "overrides.do_not_honor", "maybe"),
    ]
    assert errors[0].remedy == "use one of: friendly, neutral, firm"


def test_offsets_are_durations_and_not_negative() -> None:
    """A number has no unit, and nothing happens before the first failure."""
    number = _error(lambda: Stage(after=3))  # type: ignore[arg-type]  # that is the point
    negative = _error(lambda: Stage(after=-DAY))
    retry = _error(lambda: DunningPolicy(retries=(DAY, 3), stages=STAGES))  # type: ignore[arg-type]  # as above
    recheck = _error(lambda: evolve(RETRYING, recheck=7))  # type: ignore[arg-type]  # as above

    assert (number.code, number.field, number.value) == ("dunning.policy.duration", "after", 3)
    assert (negative.code, negative.field) == ("dunning.policy.negative", "after")
    assert (retry.code, retry.field) == ("dunning.policy.duration", "retries[1]")
    assert (recheck.code, recheck.field) == ("dunning.policy.duration", "recheck")
    assert number.remedy
    assert negative.remedy


def test_waiting_for_news_takes_time() -> None:
    """A recheck of nothing would spin."""
    with pytest.raises(ConfigurationError) as caught:
        evolve(RETRYING, recheck=ZERO)

    assert (caught.value.code, caught.value.field) == ("dunning.policy.recheck", "recheck")


offsets = st.lists(
    st.timedeltas(min_value=timedelta(microseconds=1), max_value=90 * DAY), unique=True, max_size=5
).map(lambda found: tuple(sorted(found)))


policies = st.builds(
    lambda quiet, tone, **rest: DunningPolicy(
        stages=(
            Stage(after=quiet, message="payment_failed", tone=tone, access="blocked"),
            Stage(after=91 * DAY, end="pause"),
        ),
        **rest,
    ),
    quiet=st.timedeltas(min_value=ZERO, max_value=30 * DAY),
    tone=st.sampled_from(list(Tone)),
    retries=offsets,
    collector=st.sampled_from(list(Collector)),
    overrides=st.dictionaries(st.text(max_size=9), st.sampled_from(list(DeclineClass))),
    forgive_on_cancel=st.booleans(),
    recovered_message=st.none() | st.text(max_size=9),
)


@given(policies)
def test_a_definition_is_exact(policy: DunningPolicy) -> None:
    """To JSON and back is the same policy, to the microsecond, with the same fingerprint."""
    read = DunningPolicy.from_definition(loads(dumps(policy.definition)))

    assert read == policy
    assert read.fingerprint == policy.fingerprint


@pytest.mark.parametrize(
    ("broken", "value"), [({"schema": 2}, 2), ({}, None), ({"schema": 1}, "'retries'")]
)
def test_what_is_no_definition_is_refused(broken: JsonObject, value: object) -> None:
    """A newer schema, nothing, or half of one."""
    error = _error(lambda: DunningPolicy.from_definition(broken))

    assert (error.code, error.field, error.value) == (
        "dunning.policy.definition",
        "definition",
        value,
    )
    assert error.remedy


def test_overrides_can_t_be_changed_behind_the_policy_s_back() -> None:
    """The mapping that was passed is copied; the policy's own is read-only."""
    mine = {"do_not_honor": DeclineClass.HARD}
    policy = evolve(RETRYING, overrides=mine)
    mine["do_not_honor"] = DeclineClass.SOFT

    assert policy.overrides == {"do_not_honor": DeclineClass.HARD}
    with pytest.raises(TypeError):
        policy.overrides["x"] = DeclineClass.SOFT  # type: ignore[index]  # that is the point


def test_of_two_notices_the_later_one_announces_the_end() -> None:
    """The end keeps its distance from the last word about it."""
    notices = [Stage(after=days(day)[0], message="last_notice") for day in (7, 14)]
    policy = DunningPolicy(retries=(), stages=(MESSAGE, *notices, evolve(KEEP, end="cancel")))

    assert policy.notice == 2
    assert DunningPolicy(retries=(), stages=(MESSAGE, KEEP)).notice is None
