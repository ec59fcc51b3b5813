"""Health in a notebook: the score with its parts, as a table."""

from __future__ import annotations

from datetime import UTC, datetime

from retainkit.health import Band, Bands, Component, Direction, HealthModel, Linear, score
from retainkit.rules import Number, Signals, readings


NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Customer(Signals):
    """What is known of customers here."""

    use = Number()
    mood = Number()


def test_a_score_shows_what_it_is_made_of() -> None:
    """What is not known says why; a model's name is never markup."""
    model = HealthModel(
        id="<all>",
        components=[
            Component(
                signal=signal,
                direction=Direction.HIGHER_IS_BETTER,
                mapping=Linear(low=0, high=100),
                weight=50,
            )
            for signal in (Customer.use, Customer.mood)
        ],
        bands=Bands(bands=(Band("red", 0, 50), Band("green", 50, 100))),
    )
    shown = score(model, readings(Customer, {"use": 80}, at=NOW), NOW)._repr_html_()
    assert "<caption>&lt;all&gt;: 80.00, green; coverage 0.5000</caption>" in shown
    assert '<th scope="row">use</th><td>80</td><td>50.0%</td><td>80.00</td>' in shown
    assert '<th scope="row">mood</th><td>\u2013</td><td>missing</td><td>0.00</td>' in shown
    unknown = score(model, readings(Customer, {}, at=NOW), NOW)._repr_html_()
    assert "\u2013, unknown" in unknown
