"""The `/_test/` endpoints: what a test in another process may ask of the server; JSON both ways."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from attrs import asdict

from retainkit.testing.stripe_server._api import Request
from retainkit.testing.stripe_server._faults import Fault
from retainkit.testing.stripe_server._json import JsonObject


if TYPE_CHECKING:
    from retainkit.testing.stripe_server._server import StripeServer


Control = Callable[["StripeServer", JsonObject], JsonObject]


def control(server: StripeServer, request: Request) -> JsonObject:
    """Carry out one request; a wrong one is answered with an ``error``."""
    wanted = _CONTROLS.get(f"{request.method} {request.path.removeprefix('/_test/')}")
    if wanted is None:
        return {"error": f"no such control, use one of: {', '.join(sorted(_CONTROLS))}"}
    try:
        return wanted(server, json.loads(request.body or "{}"))
    except (KeyError, TypeError, ValueError) as error:
        return {"error": f"{type(error).__name__}: {error}"}


def _status(server: StripeServer, _: JsonObject) -> JsonObject:
    return {
        "url": server.url,
        "now": server.now.isoformat(),
        "api_key": server.api_key,
        "held": server.held,
    }


def _advance(server: StripeServer, sent: JsonObject) -> JsonObject:
    server.advance(timedelta(seconds=sent["seconds"]))
    return {"now": server.now.isoformat()}


def _faults(server: StripeServer, sent: JsonObject) -> JsonObject:
    server.fail_next(
        sent["path"],
        Fault(sent["fault"]),
        times=int(sent.get("times", 1)),
        method=sent.get("method"),
    )
    return {}


def _charges(server: StripeServer, _: JsonObject) -> JsonObject:
    charges = [{**asdict(charge), "at": charge.at.isoformat()} for charge in server.charges()]
    return {"charges": charges}


def _requests(server: StripeServer, _: JsonObject) -> JsonObject:
    return {"requests": [asdict(request) for request in server.requests()]}


def _webhooks(server: StripeServer, sent: JsonObject) -> JsonObject:
    return {
        "id": server.webhook(
            sent["url"],
            secret=sent["secret"],
            events=sent.get("events", ("*",)),
            api_version=sent.get("api_version"),
        )
    }


def _deliver(server: StripeServer, sent: JsonObject) -> JsonObject:
    deliveries = server.deliver(
        delay=timedelta(seconds=sent.get("delay", 0)),
        duplicate=float(sent.get("duplicate", 0)),
        shuffle=sent.get("shuffle"),
    )
    return {"deliveries": [asdict(delivery) for delivery in deliveries]}


def _resend(server: StripeServer, sent: JsonObject) -> JsonObject:
    server.resend(sent["event"])
    return {}


def _payment_method(server: StripeServer, sent: JsonObject) -> JsonObject:
    until = sent.pop("until", None)
    if until is not None:
        sent["until"] = datetime.fromisoformat(until)
    if "expires" in sent:
        sent["expires"] = tuple(sent["expires"])
    return {"id": server.payment_method(**sent)}


def _behave(server: StripeServer, sent: JsonObject) -> JsonObject:
    server.behave(**sent)
    return {}


def _authenticate(server: StripeServer, sent: JsonObject) -> JsonObject:
    return {"paid": server.authenticate(sent["invoice"])}


def _reset(server: StripeServer, _: JsonObject) -> JsonObject:
    server.reset()
    return {}


def _release(server: StripeServer, _: JsonObject) -> JsonObject:
    server.release()
    return {}


_CONTROLS: dict[str, Control] = {
    "GET status": _status,
    "GET charges": _charges,
    "GET requests": _requests,
    "POST advance": _advance,
    "POST authenticate": _authenticate,
    "POST behave": _behave,
    "POST deliver": _deliver,
    "POST faults": _faults,
    "POST payment_methods": _payment_method,
    "POST release": _release,
    "POST resend": _resend,
    "POST reset": _reset,
    "POST webhooks": _webhooks,
}
