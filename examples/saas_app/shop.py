"""What the product does by itself: signing up and signing in, in its own transactions."""

from __future__ import annotations

from datetime import datetime
from secrets import token_urlsafe
from typing import Any

import sqlalchemy as sa
import stripe
from attrs import frozen

from retainkit import CustomerId, Event, RetainKit
from retainkit.ids import EventId

from .tables import customers, sessions, subscriptions
from .usage import NOTE_WRITTEN


@frozen(kw_only=True)
class Shop:
    """The product's parts: its database, its kit, its Stripe client."""

    engine: sa.Engine
    kit: RetainKit
    stripe: stripe.StripeClient

    def sign_up(self, *, id: str, name: str, email: str, locale: str, zone: str) -> str:
        """
        A new customer; returns Stripe's id.

        Stripe is asked before our transaction begins. In it, our rows and retainkit's event are
        kept together or not at all.
        """
        known_as = self.stripe.v1.customers.create({"email": email, "preferred_locales": [locale]})
        row = {"id": id, "name": name, "email": email, "locale": locale, "zone": zone}
        with self.engine.begin() as connection:
            connection.execute(customers.insert().values(**row, stripe_customer=known_as.id))
            with self.kit.join(connection) as k:
                k.record(
                    Event(
                        id=EventId(f"signed_up:{id}"),
                        name="customer.signed_up",
                        customer=CustomerId(id),
                        occurred_at=self.kit.clock.now(),
                        actor="customer",
                    )
                )
        return str(known_as.id)

    def subscribe(self, customer: str, *, plan: str, cents: int, currency: str) -> None:
        """Let a customer who has a payment method pay every month from now on."""
        price: Any = {
            "currency": currency,
            "unit_amount": cents,
            "recurring": {"interval": "month"},
            "product_data": {"name": f"Notely {plan}"},
        }
        items: Any = [{"price": self.stripe.v1.prices.create(price).id}]
        with self.engine.connect() as connection:
            known_as = connection.execute(
                sa.select(customers.c.stripe_customer).where(customers.c.id == customer)
            ).scalar_one()
        made = self.stripe.v1.subscriptions.create({"customer": known_as, "items": items})
        with self.engine.begin() as connection:
            connection.execute(
                subscriptions.insert().values(
                    stripe_subscription=made.id, customer=customer, plan=plan
                )
            )
            with self.kit.join(connection) as k:
                k.record(
                    Event(
                        id=EventId(f"subscribed:{made.id}"),
                        name="subscription.started",
                        customer=CustomerId(customer),
                        occurred_at=self.kit.clock.now(),
                        data={"plan": plan, "subscription": made.id},
                        actor="customer",
                    )
                )

    def write_note(self, customer: CustomerId, *, at: datetime | None = None) -> None:
        """Somebody wrote a note, now or at an earlier time; its text is nobody else's business."""
        self.kit.record(
            Event(
                id=EventId(f"note:{token_urlsafe(16)}"),
                name=NOTE_WRITTEN,
                customer=customer,
                occurred_at=at or self.kit.clock.now(),
                actor="customer",
            )
        )

    def sign_in(self, customer: str) -> str:
        """A new session; this example asks for no password."""
        token = token_urlsafe(32)
        with self.engine.begin() as connection:
            connection.execute(sessions.insert().values(token=token, customer=customer))
        return token

    def signed_in(self, token: str) -> CustomerId | None:
        """Whose session it is."""
        with self.engine.connect() as connection:
            found = connection.execute(
                sa.select(sessions.c.customer).where(sessions.c.token == token)
            ).scalar_one_or_none()
        return None if found is None else CustomerId(found)

    def customers(self) -> list[CustomerId]:
        """Everybody, in the order of their ids."""
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(customers.c.id).order_by(customers.c.id)).scalars()
            return [CustomerId(row) for row in rows]
