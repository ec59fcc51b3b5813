"""The product's own tables; retainkit's stand beside them in the same database."""

from __future__ import annotations

import sqlalchemy as sa


metadata = sa.MetaData()

customers = sa.Table(
    "customers",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("email", sa.String(320), nullable=False),
    sa.Column("locale", sa.String(20), nullable=False),
    sa.Column("zone", sa.String(60), nullable=False),
    sa.Column("stripe_customer", sa.String(60), nullable=False, unique=True),
)

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("stripe_subscription", sa.String(60), primary_key=True),
    sa.Column("customer", sa.ForeignKey("customers.id"), nullable=False),
    sa.Column("plan", sa.String(40), nullable=False),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("token", sa.String(60), primary_key=True),
    sa.Column("customer", sa.ForeignKey("customers.id"), nullable=False),
)
