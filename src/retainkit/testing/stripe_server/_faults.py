"""Faults a test orders for coming requests: what may go wrong between a client and Stripe."""

from __future__ import annotations

import re
from enum import StrEnum

from retainkit.testing.stripe_server._json import JsonObject
from retainkit.testing.stripe_server._state import State


class Fault(StrEnum):
    """
    What goes wrong with a request.

    *Before* means that nothing happened, *after* that everything happened and only the answer
    is lost: the two look the same to the client. A 500 is kept for the idempotency key and
    replayed, as Stripe does; 409, 429 and a refused key leave the idempotency key free.
    """

    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    CONFLICT_409 = "conflict_409"
    RATE_LIMIT_429 = "rate_limit_429"
    SERVER_ERROR_500 = "server_error_500"
    SERVER_ERROR_500_AFTER = "server_error_500_after"
    KEY_EXPIRED = "key_expired"
    SLOW = "slow"
    """The request holds its idempotency key until `StripeServer.release` is called."""


def order(
    state: State, path: str, fault: Fault, *, times: int = 1, method: str | None = None
) -> None:
    """Queue a fault for the next `times` requests whose path matches; ``{id}`` is any id."""
    state.save(
        {
            "id": state.new_id("flt"),
            "object": "_fault",
            "path": path,
            "method": method,
            "fault": fault.value,
            "left": times,
        }
    )


def take(state: State, method: str, path: str) -> Fault | None:
    """The fault ordered for this request, used up by one."""
    for ordered in state.all("_fault"):
        if ordered["method"] not in {None, method} or not _matches(ordered["path"], path):
            continue
        ordered["left"] -= 1
        if ordered["left"] > 0:
            state.save(ordered)
        else:
            state.forget("_fault", ordered["id"])
        return Fault(ordered["fault"])
    return None


def pending(state: State) -> list[JsonObject]:
    """The faults that still wait for their request."""
    return list(state.all("_fault"))


def _matches(pattern: str, path: str) -> bool:
    wild = re.sub(r"\\\{[^/]*?\\\}", "[^/]+", re.escape(pattern))
    return re.fullmatch(wild, path) is not None
