"""Webhooks: endpoints, signatures, and a queue that is delivered when and how a test wants it."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from enum import StrEnum
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from attrs import frozen

from retainkit.testing.stripe_server._json import JsonObject, copied
from retainkit.testing.stripe_server._state import State
from retainkit.testing.stripe_server._versions import render


ANSWER_WITHIN = 20.0
"""Seconds a receiver has to answer."""


class SignedAt(StrEnum):
    """Whose time a signature bears; it must be fresh on the receiver's clock."""

    MACHINE = "machine"
    SERVER = "server"


@frozen(kw_only=True)
class Delivery:
    """
    One try to deliver one event.

    Args:
        event: The event's id.

        type: The event's name.

        url: The receiver.

        status: Its HTTP answer; `None` when there was none.
    """

    event: str
    type: str
    url: str
    status: int | None

    @property
    def accepted(self) -> bool:
        """Whether the receiver answered 2xx, so that the event is not sent again."""
        return self.status is not None and 200 <= self.status < 300


@frozen(kw_only=True)
class Parcel:
    """One delivery, signed when it is sent."""

    delivery: str
    event: str
    type: str
    url: str
    body: bytes
    secret: str


def register(
    state: State, url: str, *, secret: str, events: Iterable[str], api_version: str
) -> str:
    """Add an endpoint, or change the one with this URL; returns its id."""
    known = (endpoint["id"] for endpoint in state.all("_endpoint") if endpoint["url"] == url)
    endpoint = state.save(
        {
            "id": next(known, None) or state.new_id("we"),
            "object": "_endpoint",
            "url": url,
            "secret": secret,
            "events": list(events),
            "api_version": api_version,
        }
    )
    return str(endpoint["id"])


def waiting(
    state: State, *, older_than: int = 0, duplicate: float = 0.0, shuffle: int | None = None
) -> list[Parcel]:
    """What is to be sent now: in order, unless shuffled; some of it twice."""
    until = state.now - older_than
    parcels = []
    for delivery in state.all("_delivery"):
        event = state.get("event", delivery["event"])
        if event["created"] <= until:
            parcels.append(_parcel(state, delivery, event))
    # A seeded order is the point here; nothing secret hangs on it.
    chance = random.Random(0 if shuffle is None else shuffle)  # noqa: S311
    parcels = [
        copy
        for parcel in parcels
        for copy in ([parcel, parcel] if chance.random() < duplicate else [parcel])
    ]
    if shuffle is not None:
        chance.shuffle(parcels)
    return parcels


def send(parcel: Parcel, timestamp: int) -> Delivery:
    """Post one parcel; an answer that doesn't come is a `None` status."""
    address = urlsplit(parcel.url)
    connect = HTTPSConnection if address.scheme == "https" else HTTPConnection
    connection = connect(address.hostname or "", address.port, timeout=ANSWER_WITHIN)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signature(parcel.body, parcel.secret, timestamp),
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    target = address._replace(scheme="", netloc="").geturl() or "/"
    status: int | None
    with closing(connection):
        try:
            connection.request("POST", target, parcel.body, headers)
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, HTTPException):
            status = None
    return Delivery(event=parcel.event, type=parcel.type, url=parcel.url, status=status)


def note(state: State, parcel: Parcel, sent: Delivery) -> None:
    """Record the answer; what was accepted leaves the queue, the rest stays for the next time."""
    log = state.find("_sent", parcel.delivery) or {
        "id": parcel.delivery,
        "object": "_sent",
        "event": sent.event,
        "type": sent.type,
        "url": sent.url,
        "statuses": [],
    }
    log["statuses"].append(sent.status)
    state.save(log)
    delivery = state.find("_delivery", parcel.delivery)
    if delivery is None or not sent.accepted:
        return
    state.forget("_delivery", parcel.delivery)
    event = state.get("event", sent.event)
    state.change(event, pending_webhooks=max(event["pending_webhooks"] - 1, 0))


def sent(state: State) -> list[Delivery]:
    """Every try so far, in order of the events."""
    return [
        Delivery(event=log["event"], type=log["type"], url=log["url"], status=status)
        for log in state.all("_sent")
        for status in log["statuses"]
    ]


def signature(body: bytes, secret: str, timestamp: int) -> str:
    """
    The ``Stripe-Signature`` header of a body; `timestamp` in Unix seconds.

    https://docs.stripe.com/webhooks#verify-manually
    """
    digest = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def timestamp(state: State, signed_at: SignedAt) -> int:
    """The time a signature made now bears."""
    if signed_at is SignedAt.SERVER:
        return state.now
    return int(datetime.now(UTC).timestamp())


def _parcel(state: State, delivery: JsonObject, event: JsonObject) -> Parcel:
    endpoint = state.get("_endpoint", delivery["endpoint"])
    shown = copied(render(event, endpoint["api_version"]))
    return Parcel(
        delivery=delivery["id"],
        event=event["id"],
        type=event["type"],
        url=endpoint["url"],
        body=json.dumps(shown, indent=2).encode(),
        secret=endpoint["secret"],
    )
