"""What customers have in common: which metric of a signal is counted by parts."""

from __future__ import annotations

from datetime import datetime, timedelta

from retainkit.errors import InvalidInput
from retainkit.rules import Count, Distinct
from retainkit.signals import Measures


_DAY = timedelta(days=1)


def split_metric(measures: Measures, name: str, now: datetime) -> tuple[str, timedelta]:
    """
    The metric of a signal that is counted by a key of the data, and the signal's window.

    Raises:
        InvalidInput: ``rules.unknown_signal``, ``signals.not_split``.
    """
    always = measures.wanted(now, ()).metrics
    metrics = measures.wanted(now, (name,)).metrics - always
    made = measures.signals[name].derivation
    by_key = isinstance(made, Distinct) or (isinstance(made, Count) and made.same is not None)
    if not isinstance(made, Count | Distinct) or not by_key or made.within % _DAY:
        raise InvalidInput(
            "This signal counts by no key of the data, or not by days",
            code="signals.not_split",
            field="signal",
            value=name,
            remedy='declare event("ticket.opened").count(days(30), same="topic"), and name it',
        )
    (metric,) = metrics
    return metric, made.within


def days_of(over: timedelta) -> int:
    """
    How many days that is.

    Raises:
        InvalidInput: ``rules.window``.
    """
    if over < _DAY:
        raise InvalidInput(
            "A window is of one day or more",
            code="rules.window",
            field="over",
            value=str(over),
            remedy="pass days(30)",
        )
    return over // _DAY
