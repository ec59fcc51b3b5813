"""How the product sets up retainkit: the policy, who its customers are, and the parts it uses."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from attrs import field, frozen

from retainkit import DunningPolicy, Links, RetainKit, Stage
from retainkit.customers import Customer
from retainkit.ids import CustomerId, TenantId
from retainkit.messages import Branding
from retainkit.messages.smtp import SmtpMessenger
from retainkit.payments.stripe import StripePayments
from retainkit.stores.sql import SqlStore
from retainkit.timing import Clock

from .tables import customers
from .usage import HEALTH, RULES


DUNNING = DunningPolicy(
    collector="retainkit",  # Stripe's own retries are off for this account
    retries=(timedelta(days=1), timedelta(days=3), timedelta(days=7)),
    stages=(
        Stage(after=timedelta(0), message="payment_failed", tone="friendly", access="notice"),
        Stage(after=timedelta(days=7), message="payment_failed", tone="firm", access="limited"),
        Stage(after=timedelta(days=14), message="last_notice", tone="firm"),
        Stage(after=timedelta(days=21), end="cancel"),
    ),
    recovered_message="payment_recovered",
)


@frozen(kw_only=True)
class Settings:
    """What differs between this machine and production."""

    database: str
    url: str
    stripe_key: str = field(repr=False)
    stripe_url: str | None = None
    webhook_secret: str = field(repr=False)
    link_secret: str = field(repr=False)
    smtp_host: str
    smtp_port: int


def build_kit(settings: Settings, engine: sa.Engine, clock: Clock | None = None) -> RetainKit:
    """The one kit of the process; in production the clock is left out."""
    return RetainKit(
        store=SqlStore(settings.database),
        payments=StripePayments(
            settings.stripe_key,
            webhook_secrets=(settings.webhook_secret,),
            base_url=settings.stripe_url,
            clock=clock,
        ),
        messages=SmtpMessenger(
            host=settings.smtp_host,
            port=settings.smtp_port,
            sender="Notely <billing@notely.example>",
            tls="none",  # the mail server is on this machine
        ),
        dunning=DUNNING,
        rules=RULES,
        health=HEALTH,
        customers=Directory(engine),
        branding=Branding(
            product="Notely",
            footer="Notely, Example Street 1, 12345 Exampletown",
            support_email="help@notely.example",
            colour="#0f766e",
        ),
        links=Links(
            base_url=settings.url,
            secrets=[settings.link_secret],
            return_url=f"{settings.url}/thanks",
        ),
        clock=clock,
        lease=timedelta(minutes=3),
    )


@frozen
class Directory:
    """Our customers, read from our table whenever retainkit wants to know."""

    engine: sa.Engine

    def get(self, customer: CustomerId, *, tenant: TenantId) -> Customer | None:
        """By our id."""
        del tenant  # this product has one database for all its customers
        with self.engine.connect() as connection:
            row = connection.execute(
                sa.select(customers).where(customers.c.id == customer)
            ).one_or_none()
        if row is None:
            return None
        return Customer(
            id=customer,
            email=row.email,
            name=row.name,
            locale=row.locale,
            zone=row.zone,
            reference=row.stripe_customer,
        )

    def find(self, reference: str, *, tenant: TenantId) -> CustomerId | None:
        """By Stripe's id."""
        del tenant
        with self.engine.connect() as connection:
            found = connection.execute(
                sa.select(customers.c.id).where(customers.c.stripe_customer == reference)
            ).scalar_one_or_none()
        return None if found is None else CustomerId(found)
