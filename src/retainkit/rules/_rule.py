"""A rule: its condition, and how often and how long it counts; what became of it is elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from attrs import field, frozen

from retainkit.core import check_id
from retainkit.errors import InvalidInput
from retainkit.rules._meant import meant
from retainkit.rules._readings import Readings
from retainkit.rules._tree import Condition, condition
from retainkit.rules._truth import Truth
from retainkit.rules._windows import instant, read_length, window


E = TypeVar("E", bound=StrEnum)

LONGEST_NAME = 500
"""Bytes of UTF-8 that a rule's id, or a segment's name, can have; beside them stands a customer."""

_PER = re.compile(r"(\d{1,6})\s*/\s*(\S+)")


class RuleStatus(StrEnum):
    """Whether a rule counts."""

    DRAFT = "draft"
    """It is written, and asked by nobody."""

    SHADOW = "shadow"
    """It is followed and recorded like an active one, and nobody acts on it."""

    ACTIVE = "active"
    """It fires."""

    RETIRED = "retired"
    """It counts no more; what it had begun is ended."""


class OncePer(StrEnum):
    """Within what a rule fires once; days, weeks from Monday and months are the customer's."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    TERM = "term"
    """As long as a signal, such as the end of the contract's term, has the same value."""

    EVER = "ever"


def _count(count: int) -> int:
    given: object = count  # from Python, whatever the annotation says
    if type(given) is int and given > 0:
        return given
    raise InvalidInput(
        "A rule may fire once or more in a window",
        code="rules.max_per",
        field="max_per",
        value=given if isinstance(given, int | str) else type(given).__name__,
        remedy="pass (3, days(90)) in Python, or write 3/90d in a file; retire a rule that may not",
    )


def _per_window(length: timedelta) -> timedelta:
    return window(length, "max_per")


@frozen
class MaxPer:
    """
    So many firings in any window of this length.

    Args:
        count: How many.

        window: The length; it begins at each firing, not with a calendar's day.

    Raises:
        InvalidInput: ``rules.max_per``, ``rules.window``.
    """

    count: int = field(converter=_count)
    window: timedelta = field(converter=_per_window)


def read_max_per(text: str) -> MaxPer:
    """
    What a text such as ``3/90d`` says.

    Raises:
        InvalidInput: ``rules.max_per``, ``rules.window``.
    """
    parts = _PER.fullmatch(text.strip())
    if parts is None:
        raise InvalidInput(
            "This is no number of firings in a window",
            code="rules.max_per",
            field="max_per",
            value=text,
            remedy="write 3/90d: three in ninety days",
        )
    return MaxPer(int(parts[1]), read_length(parts[2], "max_per"))


def _max_per(given: MaxPer | tuple[int, timedelta] | str | None) -> MaxPer | None:
    match given:
        case None | MaxPer():
            return given
        case (count, length):
            return MaxPer(count, length)
        case _:
            return read_max_per(str(given))


def _at(at: datetime) -> datetime:
    return instant(at, "at")


@frozen(kw_only=True)
class RuleTest:
    """
    An example that stands beside its rule.

    Args:
        name: What it shows.

        known: What is known of the customer.

        at: The instant it is asked at.

        expect: The answer.
    """

    name: str
    known: Readings
    at: datetime = field(converter=_at)
    expect: Truth


def _tests(tests: Iterable[RuleTest]) -> tuple[RuleTest, ...]:
    return tuple(tests)


def _maybe(given: Condition | None) -> Condition | None:
    return None if given is None else condition(given)


def choice(kind: type[E], given: object, name: str) -> E:
    """
    The member of this value; inside this room only.

    Raises:
        InvalidInput: ``rules.choice``, with the one that was probably meant.
    """
    found = next((each for each in kind if each.value == given), None)
    if found is not None:
        return found
    raise InvalidInput(
        "There is no such choice",
        code="rules.choice",
        field=name,
        value=str(given),
        remedy=meant(str(given), [each.value for each in kind]),
    )


def read_priority(given: object) -> int:
    """
    A priority; inside this room only.

    Raises:
        InvalidInput: ``rules.form``.
    """
    if type(given) is int:
        return given
    raise InvalidInput(
        "A priority is a whole number",
        code="rules.form",
        field="priority",
        value=str(given),
        remedy="write a number; the highest comes first",
    )


def _priority(given: int) -> int:
    return read_priority(given)


def _status(given: str) -> RuleStatus:
    return choice(RuleStatus, given, "status")


def _once_per(given: str | None) -> OncePer | None:
    return None if given is None else choice(OncePer, given, "once_per")


def _for(length: timedelta | None) -> timedelta | None:
    return None if length is None else window(length, "for")


def _keep_for(length: timedelta | None) -> timedelta | None:
    return None if length is None else window(length, "keep_for")


def _cooldown(length: timedelta | None) -> timedelta | None:
    return None if length is None else window(length, "cooldown")


def _unknown_for(length: timedelta | None) -> timedelta | None:
    return None if length is None else window(length, "unknown_for")


def _from(at: datetime | None) -> datetime | None:
    return None if at is None else instant(at, "effective_from")


def _until(at: datetime | None) -> datetime | None:
    return None if at is None else instant(at, "effective_until")


@frozen(kw_only=True)
class Rule:
    """
    A condition with a name, and what makes of it an event that somebody acts on.

    For each customer it is idle, pending, active or recovering; what is unknown changes nothing.

    Args:
        id: The name; stable, as reasons and records speak of it.

        when: The condition.

        doc: What it is for, for people; it may change without the rule's version.

        group: Rules of which one should count for a customer, for whoever acts on them. All that
            are true fire: only the lint ``rules.lint.shadowed`` reads it.

        priority: Which of a group comes first: the highest; of equals, the one listed first.

        tests: Examples with their answers.

        for_: How long it must be true before it fires; in files ``for``. Time in which nobody
            knows does not count.

        keep_for: How long it must be over before its episode ends.

        clears_when: What else must be true before its episode ends: usually the same with another
            threshold, so that a value at the edge does not start and end it again and again. An
            episode never ends while ``when`` is true.

        cooldown: How long after the end of an episode it does not fire again.

        once_per: Within what it fires once.

        term: With ``once_per="term"``: the `Time` signal whose value names the term.

        max_per: How many times it fires in any window of a length, such as ``(3, days(90))``.

        unknown_for: How long it may be unknown before that is recorded as a finding about the
            data; None is for ever.

        status: Whether it counts.

        effective_from: From when on it counts; UTC.

        effective_until: Until when; then its episode ends.

    Raises:
        InvalidInput: ``rules.window``, ``rules.max_per``, ``rules.choice``; ``rules.form`` for a
            priority that is no whole number; ``rules.term`` for a term without its signal;
            ``rules.effective`` when it ends before it begins; ``time.naive``,
            ``time.out_of_range``; ``json.id_type``, ``json.text`` or ``json.id_length`` for an id
            that no store keeps.
    """

    id: str
    when: Condition = field(converter=condition)
    doc: str = ""
    group: str | None = None
    priority: int = field(default=0, converter=_priority)
    tests: tuple[RuleTest, ...] = field(default=(), converter=_tests)
    for_: timedelta | None = field(default=None, converter=_for)
    keep_for: timedelta | None = field(default=None, converter=_keep_for)
    clears_when: Condition | None = field(default=None, converter=_maybe)
    cooldown: timedelta | None = field(default=None, converter=_cooldown)
    once_per: OncePer | None = field(default=None, converter=_once_per)
    term: str | None = None
    max_per: MaxPer | None = field(default=None, converter=_max_per)
    unknown_for: timedelta | None = field(default=None, converter=_unknown_for)
    status: RuleStatus = field(default=RuleStatus.ACTIVE, converter=_status)
    effective_from: datetime | None = field(default=None, converter=_from)
    effective_until: datetime | None = field(default=None, converter=_until)

    def __attrs_post_init__(self) -> None:
        check_id(self.id, "id", most=LONGEST_NAME)
        if (self.once_per is OncePer.TERM) is (self.term is None):
            raise InvalidInput(
                "Once a term needs the signal that names the term, and nothing else does",
                code="rules.term",
                field="term",
                value=self.term,
                remedy='write once_per="term", term="renewal_at", or leave both out',
            )
        first, last = self.effective_from, self.effective_until
        if first is not None and last is not None and first >= last:
            raise InvalidInput(
                "The rule ends before it begins",
                code="rules.effective",
                field="effective_until",
                value=last.isoformat(),
                remedy="pass an effective_until after effective_from",
            )
