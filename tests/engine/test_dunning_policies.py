"""A running dunning case keeps the policy it began under, whatever the kit is given later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

from retainkit import CustomerId, DunningPolicy, RetainKit, Stage
from retainkit.customers import Customer, StaticDirectory
from retainkit.messages.console import ConsoleMessenger
from retainkit.money import money
from retainkit.payments.simulated import Declines, SimulatedPayments
from retainkit.stores.memory import MemoryStore
from retainkit.testing import ManualClock


DAY = timedelta(days=1)
ADA = CustomerId("ada")


def policy(*days: int) -> DunningPolicy:
    """Tries on these days, and an end that leaves the subscription."""
    return DunningPolicy(
        collector="retainkit",
        retries=tuple(DAY * day for day in days),
        stages=(
            Stage(after=timedelta(0), message="payment_failed", tone="friendly"),
            Stage(after=20 * DAY, end="keep"),
        ),
    )


def test_a_new_policy_is_for_new_cases() -> None:
    """The try of day 1 is made under the old policy; a case that is moved follows the new one."""
    clock = ManualClock(datetime(2026, 3, 1, 9, tzinfo=UTC))
    payments, store = SimulatedPayments(clock=clock), MemoryStore()

    def kit(plan: DunningPolicy) -> RetainKit:
        return RetainKit(
            store=store,
            payments=payments,
            messages=ConsoleMessenger(sender="Acme <a@acme.example>", out=StringIO()),
            dunning=plan,
            clock=clock,
            customers=StaticDirectory({ADA: Customer(id=ADA, email="ada@shop.example")}),
        )

    payments.add_method(Declines(), reference=ADA)
    payments.open_invoice(reference=ADA, amount=money("12.34", "EUR"), subscription="sub_1")
    old, new = policy(1, 2), policy(5, 10)
    with kit(old).transaction() as k:
        for event in payments.take_events():
            k.receive_event(event)
    kit(old).run_due()

    clock.advance(DAY)
    kit(new).run_due()
    assert len(payments.charges) == 2

    (moved,) = kit(new).migrate_cases(dry_run=False)
    assert moved == kit(new).dunning.open_cases()[0].id
    clock.advance(DAY)
    kit(new).run_due()
    assert len(payments.charges) == 2
    clock.advance(8 * DAY)
    kit(new).run_due()
    assert len(payments.charges) == 3
