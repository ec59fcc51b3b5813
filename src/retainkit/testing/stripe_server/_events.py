"""The log of events as the API shows it; delivery lives in `_webhooks`."""

from __future__ import annotations

from retainkit.testing.stripe_server._call import PAGING, Call, Page, page
from retainkit.testing.stripe_server._json import JsonObject


LISTED = PAGING | {"type", "types"}


def retrieve(call: Call) -> JsonObject:
    """GET /v1/events/{id}"""
    return call.state.get("event", call.path[0])


def list_all(call: Call) -> Page:
    """GET /v1/events: newest first; `type` may end in ``*``."""
    kind = call.params.text("type")
    wanted = [kind] if kind else call.params.texts("types")
    found = (event for event in call.state.latest("event") if _is_one_of(event["type"], wanted))
    return page(call, found, "/v1/events")


def _is_one_of(name: str, wanted: list[str]) -> bool:
    if not wanted:
        return True
    return any(
        name.startswith(kind[:-1]) if kind.endswith("*") else name == kind for kind in wanted
    )
