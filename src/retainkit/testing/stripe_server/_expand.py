"""How `expand` turns ids into objects, four levels deep at most, as Stripe does."""

from __future__ import annotations

from retainkit.testing.stripe_server._call import Page
from retainkit.testing.stripe_server._errors import bad_parameter
from retainkit.testing.stripe_server._json import JsonObject
from retainkit.testing.stripe_server._state import State
from retainkit.testing.stripe_server._versions import BASIL, render


_DEEPEST = 4
_KINDS = {
    "ch": "charge",
    "cus": "customer",
    "in": "invoice",
    "pi": "payment_intent",
    "pm": "payment_method",
    "price": "price",
    "prod": "product",
    "seti": "setup_intent",
    "sub": "subscription",
}


def answer(state: State, item: JsonObject, version: str, expand: list[str]) -> JsonObject:
    """The object in that version, with the asked properties expanded."""
    shown = render(item, version)
    for path in expand:
        _check_depth(path)
        _expand(state, shown, path.split("."), version, path)
    return shown


def listing(state: State, found: Page, version: str, expand: list[str]) -> JsonObject:
    """A list object; its expansions begin with ``data``."""
    page: JsonObject = {
        "object": "list",
        "data": [render(item, version) for item in found.items],
        "has_more": found.more,
        "url": found.url,
    }
    for path in expand:
        _check_depth(path)
        _expand(state, page, path.split("."), version, path)
    return page


def payments_of(state: State, invoice: str) -> list[JsonObject]:
    """The payments of an invoice, newest first."""
    return state.of("invoice_payment", invoice)[::-1]


def _check_depth(path: str) -> None:
    if path.count(".") + 1 > _DEEPEST:
        raise bad_parameter(
            f"You cannot expand more than {_DEEPEST} levels of a property. Property: {path}",
            param="expand",
        )


def _expand(state: State, inside: JsonObject, parts: list[str], version: str, path: str) -> None:
    first, rest = parts[0], parts[1:]
    if first == "payments" and inside.get("object") == "invoice" and version[:10] >= BASIL:
        inside.setdefault("payments", _payments(state, inside["id"], version))
    if first not in inside:
        raise bad_parameter(f"This property cannot be expanded ({path}).", param="expand")
    value = inside[first]
    if isinstance(value, str):
        value = inside[first] = _fetched(state, value, version, path)
    for each in value if isinstance(value, list) else [value]:
        if rest and isinstance(each, dict):
            _expand(state, each, rest, version, path)


def _payments(state: State, invoice: str, version: str) -> JsonObject:
    return {
        "object": "list",
        "data": [render(item, version) for item in payments_of(state, invoice)],
        "has_more": False,
        "url": f"/v1/invoice_payments?invoice={invoice}",
    }


def _fetched(state: State, ref: str, version: str, path: str) -> JsonObject:
    kind = _KINDS.get(ref.partition("_")[0])
    found = state.find(kind, ref) if kind else None
    if found is None:
        raise bad_parameter(f"This property cannot be expanded ({path}).", param="expand")
    return render(found, version)
