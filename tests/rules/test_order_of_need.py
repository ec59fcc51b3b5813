"""Signals of a document that are computed of each other: in any order, but not in a circle."""

from __future__ import annotations

import pytest

from retainkit.errors import InvalidInput
from retainkit.rules import Mistake, Number, Place, Signals, read_rulebook


def share(of: str, whole: str) -> dict[str, object]:
    """One as a share of another."""
    return {"share": {"of": of, "whole": whole}}


def mistakes(**signals: object) -> list[Mistake]:
    """What is wrong in their declarations."""
    with pytest.raises(InvalidInput) as caught:
        read_rulebook({"signals": signals})
    assert caught.value.code == "rules.mistakes"
    assert isinstance(caught.value.value, tuple)
    return list(caught.value.value)


def told(found: list[Mistake]) -> list[tuple[Place, str, object, str]]:
    """Place, code, value and the way out."""
    return [(each.place, each.code, each.value, each.remedy) for each in found]


def test_a_signal_is_computed_of_those_that_stand_below_it() -> None:
    """The order of a file means nothing: both ways declare the same."""
    number: dict[str, object] = {"kind": "number"}
    below = {"rate": share("used", "paid"), "used": number, "paid": number}
    above = dict(reversed(below.items()))
    assert read_rulebook({"signals": below}).signals == read_rulebook({"signals": above}).signals


def test_signals_in_a_circle_are_one_mistake() -> None:
    """Where the circle closes, with its names; what leads into it adds none."""
    circle = mistakes(
        a=share("b", "paid"), b=share("a", "paid"), c=share("a", "paid"), paid={"kind": "number"}
    )
    assert told(circle) == [
        (
            ("signals", "b", "share", "of"),
            "rules.circular_signals",
            "a -> b -> a",
            "let the host set one of them",
        )
    ]


def test_what_is_computed_of_a_wrong_one_is_not_called_unknown() -> None:
    """It is declared: only its own mistake is told."""
    assert told(mistakes(rate=share("used", "paid"), used={"kind": "number"}, paid={})) == [
        (
            ("signals", "paid", "kind"),
            "rules.kind",
            None,
            "use one of number, amount, duration, time, text, flag",
        )
    ]


def test_a_signal_of_python_may_be_what_another_is_computed_of_and_is_declared_once() -> None:
    """Declared otherwise in the file, it is told there, and nowhere else."""

    class Customer(Signals):
        """Seats are a fact of the host."""

        paid = Number()

    used: dict[str, object] = {"kind": "number"}
    signals = {"rate": share("used", "paid"), "used": used}
    assert list(read_rulebook({"signals": signals}, Customer).signals) == ["paid", "used", "rate"]
    with pytest.raises(InvalidInput) as caught:
        read_rulebook({"signals": {**signals, "paid": used}}, Customer)
    assert isinstance(caught.value.value, tuple)
    assert told(list(caught.value.value)) == [
        (("signals", "paid"), "rules.signal_clash", "paid", "leave it out here, or there")
    ]
