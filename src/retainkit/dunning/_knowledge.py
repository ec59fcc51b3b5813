"""Which of two reports of an invoice knows more; webhooks come late, twice and in any order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import frozen

from retainkit.billing import Invoice, InvoiceState, Payment, PaymentState
from retainkit.dunning._case import CaseInvoice
from retainkit.ids import PaymentId


# A try only ever moves forward through these; money that had arrived can be taken back.
_ORDER = (
    PaymentState.PENDING,
    PaymentState.NEEDS_ACTION,
    PaymentState.SUCCEEDED,
    PaymentState.FAILED,
)


def rank(state: PaymentState) -> int:
    """How far a try has come."""
    return _ORDER.index(state)


@frozen
class Knowledge:
    """
    What somebody knows of an invoice.

    Args:
        payments: The state of each try.

        tries: How many tries the provider counted.

        settled: Whether nobody collects it any more.
    """

    payments: Mapping[PaymentId, PaymentState]
    tries: int
    settled: bool

    def covers(self, other: Knowledge) -> bool:
        """Whether everything the other knows is known here, or outdated here."""
        return self.tries >= other.tries and all(
            payment in self.payments and rank(self.payments[payment]) >= rank(state)
            for payment, state in other.payments.items()
        )

    def outdates(self, other: Knowledge) -> bool:
        """Whether a report must not change what is known here."""
        if other.settled:
            return any(
                self.payments.get(payment) is PaymentState.FAILED
                for payment, state in other.payments.items()
                if state is PaymentState.SUCCEEDED
            )
        return not other.covers(self) or (self.settled and self.covers(other))


def of_snapshot(invoice: Invoice) -> Knowledge:
    """What a snapshot says."""
    return Knowledge(_states(invoice.payments), invoice.tries, invoice.state.settled)


def of_case(invoice: CaseInvoice) -> Knowledge:
    """What a case remembers."""
    return Knowledge(dict(invoice.payments), invoice.tries, invoice.state.settled)


def of_closed(invoice: Mapping[str, object]) -> Knowledge:
    """What the event of a closed case remembers of one of its invoices."""
    payments, tries = invoice["payments"], invoice["tries"]
    known = payments if isinstance(payments, Mapping) else {}
    return Knowledge(
        {PaymentId(str(name)): PaymentState(state) for name, state in known.items()},
        tries if isinstance(tries, int) else 0,
        invoice["state"] != InvoiceState.OPEN,
    )


def merged(
    known: Iterable[tuple[PaymentId, PaymentState]], payments: Iterable[Payment]
) -> tuple[tuple[PaymentId, PaymentState], ...]:
    """All tries, each as far as it has come."""
    states = dict(known)
    for payment in payments:
        state = states.get(payment.id)
        if state is None or rank(payment.state) > rank(state):
            states[payment.id] = payment.state
    return tuple(sorted(states.items()))


def _states(payments: Iterable[Payment]) -> dict[PaymentId, PaymentState]:
    return dict(merged((), payments))
