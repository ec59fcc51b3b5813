"""A person's word on a band, once its day has come."""

from __future__ import annotations

from tests.engine.test_health import ACME, MODELS, NOW, Customer

from retainkit import RetainKit
from retainkit.rules import days
from retainkit.stores.memory import MemoryStore
from retainkit.testing import ManualClock


def test_an_override_counts_until_its_end_whether_or_not_a_worker_came() -> None:
    """From its last instant on the band is that of the score; the worker records it later."""
    clock = ManualClock(NOW)
    kit = RetainKit(store=MemoryStore(), signals=Customer, health=MODELS, clock=clock)
    kit.signals.set(ACME, {"usage": 20, "plan": "team"})
    until = NOW + days(3)
    kit.health.override(ACME, "green", reason="promised", actor="eve", until=until)
    kit.run_due()
    said = kit.health.why(ACME)
    assert (said.band, said.override is not None) == ("green", True)
    clock.set(until)
    said = kit.health.why(ACME)
    assert (said.band, said.override) == ("red", None)
    assert said.because[0].key == "health.score.stands"
    kit.run_due()
    assert kit.health.why(ACME).band == "red"
    assert kit.health.history(ACME)[-1].band == "red"
