"""The outside as it really is, and what must hold of it; knows nothing of retainkit, on purpose."""

from __future__ import annotations

from datetime import datetime, timedelta


REMEMBERS = timedelta(hours=24)


class Books:
    """Who ordered what, and what was delivered under which key; keys are forgotten after a day."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.orders: dict[str, str] = {}
        self.deliveries: list[tuple[str, str]] = []
        self._seen: dict[str, datetime] = {}

    def place(self, customer: str) -> str:
        """A new order of a customer."""
        order = f"order-{len(self.orders) + 1}"
        self.orders[order] = customer
        return order

    def deliver(self, key: str, order: str) -> None:
        """Deliver, unless this key did so and is remembered: then nothing leaves the house."""
        if key in self._seen and self.now - self._seen[key] < REMEMBERS:
            return
        self._seen[key] = self.now
        self.deliveries.append((key, order))

    def arrived(self, key: str) -> bool:
        """The books themselves never forget."""
        return any(known == key for known, _ in self.deliveries)

    def delivered(self) -> set[str]:
        """The orders of which a parcel left the house."""
        return {order for _, order in self.deliveries}

    def doubled(self) -> list[str]:
        """Keys under which more than one parcel left the house: there may be none, ever."""
        keys = [key for key, _ in self.deliveries]
        return [key for key in keys if keys.count(key) > 1]
